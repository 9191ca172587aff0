"""Bubbles: exactly one, or a stated reason."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.cells import BUBBLE_PX, BUBBLE_REACH
from pipeline.witnesses.bubbles import column_fills, read_column

BOX = (0.0, 0.0, 1.0, 1.0)


def drawn(
    filled: dict[int, int],
    *,
    paper: int = 215,
    fade: float = 0.0,
    noise: float = 3.0,
) -> np.ndarray:
    """Ten bubbles with printed numerals; ``filled`` maps a bubble to its ink's grey level."""
    rng = np.random.default_rng(1)
    pictures = []
    radius = BUBBLE_PX / BUBBLE_REACH / 2
    centre = (BUBBLE_PX // 2, BUBBLE_PX // 2)
    for value in range(10):
        fine = np.full((BUBBLE_PX, BUBBLE_PX), paper, np.uint8)
        cv2.circle(fine, centre, round(radius), 40, 1, cv2.LINE_AA)
        cv2.putText(fine, str(value), (9, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.28, 60, 1, cv2.LINE_AA)
        if value in filled:
            cv2.circle(fine, centre, round(radius - 1), filled[value], -1, cv2.LINE_AA)
        lit = fine * (1 - fade * value / 9) + rng.normal(0, noise, fine.shape)
        pictures.append(np.clip(lit, 0, 255).astype(np.uint8))
    return np.stack(pictures)


@pytest.mark.parametrize("value", range(10))
@pytest.mark.parametrize("ink", [25, 70, 110])
def test_one_filled_bubble_is_found_in_any_ink(value: int, ink: int) -> None:
    column = read_column(drawn({value: ink}), BOX)
    assert (column.state, column.value) == ("one", value)


@pytest.mark.parametrize("fade", [0.3, 0.5])
def test_a_shadow_along_the_column_changes_nothing(fade: float) -> None:
    assert read_column(drawn({7: 60}, fade=fade), BOX).value == 7
    assert read_column(drawn({}, fade=fade), BOX).state == "none"


def test_none_several_and_faint_are_told_apart() -> None:
    assert read_column(drawn({}), BOX).state == "none"
    assert read_column(drawn({2: 60, 6: 70}), BOX).state == "several"
    assert read_column(drawn({4: 172}), BOX).state == "faint"
    for state in (drawn({}), drawn({2: 60, 6: 70}), drawn({4: 172})):
        assert read_column(state, BOX).value is None


def test_fills_lie_between_nothing_and_solid() -> None:
    fills = column_fills(drawn({3: 20}))
    assert fills[3] > 0.9
    assert np.delete(fills, 3).max() < 0.16

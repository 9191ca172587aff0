"""A page that is placed by its print alone must not say that it is of another election."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.errors import WrongForm
from models.forms.draw import draw_page
from models.forms.template import load_form
from pipeline.intake import open_photos
from pipeline.place import place_page
from pipeline.states import OpenedPhoto
from pipeline.title import _other_model

FORM = load_form("c-hasil-salinan-ppwp-2024")
PX_PER_MM = 7.0


def _sheet(says: str, heading: str) -> OpenedPhoto:
    """Page 1 of the copy with another title."""
    page = FORM.page(1)
    texts = [
        text.model_copy(
            update={"text": text.text.replace("SALINAN-PPWP", says).replace("PRESIDEN", heading)}
        )
        for text in page.texts
    ]
    other = page.model_copy(update={"texts": tuple(texts)})
    pixels = np.pad(draw_page(FORM, other, PX_PER_MM), 60, constant_values=110)
    _, content = cv2.imencode(".png", pixels)
    return open_photos(content.tobytes(), "drawn")[0]


def test_a_copy_of_another_election_is_the_wrong_form() -> None:
    with pytest.raises(WrongForm, match="SALINAN-DPD"):
        place_page(_sheet("SALINAN-DPD", "DAERAH"), [FORM])


def test_a_title_that_is_not_there_is_no_objection() -> None:
    assert place_page(_sheet("", ""), [FORM]).page.number == 1


@pytest.mark.parametrize(
    ("text", "own", "other"),
    [
        ("MODEL C.HASIL\nSALINAN-PPWP", "PPWP", None),
        ("MODEL C.HASIL\nSALINAN-DPR", "PPWP", "SALINAN-DPR"),
        ("MODEL C.HASIL SALINAN - DPRD PROV", "PPWP", "SALINAN - DPRD"),
        ("MODEL C1-DPD", "PPWP", "C1-DPD"),
        ("C.HASIL-PPWP", "DPR", "HASIL-PPWP"),
        ("C.HASIL-DPR", "DPRD", None),
        ("DEWAN PERWAKILAN RAKYAT", "PPWP", "DEWAN PERWAKILAN"),
        ("DPR", "PPWP", None),
        ("SALINAN-DPR / PRESIDEN DAN WAKIL PRESIDEN", "PPWP", None),
        ("", "PPWP", None),
    ],
)
def test_only_a_title_that_surely_says_so_is_another_model(
    text: str, own: str, other: str | None
) -> None:
    assert _other_model(text, own) == other

"""The tally's witness: sums of independent cells, written totals beside them, and no invention."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fixtures.form import PageTruth, filled_form
from fixtures.handwriting import Hand, TallyStyle
from fixtures.pages import filled_page
from models.forms.template import load_form
from models.recognisers.recogniser import LABELS, NullRecogniser
from models.recognisers.row_totals import load_row_digit_recogniser
from models.recognisers.tally import TALLY_LABELS, NullTallyRecogniser, load_tally_recogniser
from models.records import Witness
from pipeline.cells import cut_cells
from pipeline.intake import open_photos
from pipeline.place import place_page
from pipeline.states import CutPage, GridCut
from pipeline.witnesses.tally import added_up, counts_of, read_grids, read_tally

FORM = load_form("c-hasil-ppwp-2024")
STYLES = [style for style in TallyStyle if style is not TallyStyle.JOINED]
Answers = NDArray[np.float32]


class Says:
    """An engine that says the same whatever it is shown: rows of probabilities, in order."""

    name = "says"
    digest = "0" * 12

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def probabilities(self, crops: NDArray[np.uint8]) -> Answers:
        assert len(crops) == len(self._answers)
        return self._answers


def some_grid(rows: int, columns: int) -> GridCut:
    corners = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]])
    steps = [[(12.0 * c, 12.0 * r) for c in range(columns)] for r in range(rows)]
    return GridCut(
        pictures=np.zeros((rows, columns, 48, 48), np.uint8),
        outlines=np.array(steps)[:, :, None, :] + corners,
    )


def one_hot(labels: list[str], known: tuple[str, ...], sure: float = 1.0) -> Answers:
    answers = np.full((len(labels), len(known)), (1 - sure) / (len(known) - 1), np.float32)
    for place, label in enumerate(labels):
        answers[place, known.index(label)] = sure
    return answers


def said(cells: list[list[str]], totals: list[str] | None = None, *, sure: float = 1.0) -> Witness:
    """The witness of a tally with these labels, and totals as ``24``, ``x3`` or ``b3``."""
    flat = [label for row in cells for label in row]
    boxes = some_grid(len(cells), 2) if totals is not None else None
    names = {"b": "blank", "-": "dash", "?": "other"}
    signs = [names.get(sign, sign) for total in totals or [] for sign in total]
    (witness,) = read_grids(
        {"field": (some_grid(len(cells), len(cells[0])), boxes)},
        Says(one_hot(flat, TALLY_LABELS, sure)),
        Says(one_hot(signs, LABELS)),
        certain=0.95,
    ).values()
    return witness


@settings(max_examples=40)
@given(
    seed=st.integers(min_value=0, max_value=2**32 - 1),
    rows=st.integers(min_value=1, max_value=5),
    columns=st.integers(min_value=1, max_value=12),
)
def test_mass_and_mean_of_the_sum_are_those_of_its_cells(
    seed: int, rows: int, columns: int
) -> None:
    answers = np.random.default_rng(seed).dirichlet(np.full(8, 0.3), (rows, columns))
    counts = counts_of(answers)
    assert counts.sum(axis=-1) == pytest.approx(1)
    total = added_up(counts.reshape(-1, 6))
    assert len(total) == 5 * rows * columns + 1
    assert total.sum() == pytest.approx(1)
    assert total.min() >= 0
    mean = (np.arange(len(total)) * total).sum()
    by_row = [added_up(row) for row in counts]
    assert mean == pytest.approx(sum((np.arange(len(row)) * row).sum() for row in by_row))
    together = np.ones(1)
    for row in by_row:
        together = np.convolve(together, row)
    assert together == pytest.approx(total)


@settings(max_examples=40)
@given(
    labels=st.lists(
        st.lists(st.sampled_from(["0", "1", "2", "3", "4", "5", "struck"]), min_size=4, max_size=4),
        min_size=1,
        max_size=5,
    )
)
def test_rows_add_up_to_the_number_where_all_is_certain(labels: list[list[str]]) -> None:
    witness = said(labels, sure=0.999)
    votes = sum(int(label) for row in labels for label in row if label != "struck")
    assert [row.strokes for row in witness.rows] == [
        sum(int(label) for label in row if label != "struck") for row in labels
    ]
    assert witness.value == (votes or None)
    assert all(row.uncertain == () for row in witness.rows)
    assert witness.confidence > 0.9
    likely = [probability for _, probability in witness.distribution]
    assert likely == sorted(likely, reverse=True)
    assert sum(likely) <= 1.0001


def test_a_four_among_fives_stays_a_four() -> None:
    witness = said([["5", "4", "5"], ["2", "0", "0"]], ["15", "b2"])
    assert witness.value == 16
    assert (witness.rows[0].strokes, witness.rows[0].written) == (14, 15)
    assert (witness.rows[1].strokes, witness.rows[1].written) == (2, 2)
    assert witness.box == (0.0, 0.0, 34.0, 22.0)


def test_an_empty_tally_is_not_zero() -> None:
    for label in ("0", "struck"):
        witness = said([[label] * 3] * 2, ["bb", "bb"], sure=0.9999)
        assert witness.value is None
        assert witness.confidence > 0.99
        assert 0 not in dict(witness.distribution) or dict(witness.distribution)[0] < 1e-3
        assert [row.written for row in witness.rows] == [None, None]


def test_a_row_total_of_zero_says_zero() -> None:
    assert said([["0"] * 3] * 2, ["x0", "bb"]).value == 0
    assert said([["0"] * 3] * 2, ["00", "bb"]).value == 0
    # Totals without strokes are no votes in the tally.
    assert said([["0"] * 3] * 2, ["12", "bb"]).value is None
    assert said([["0"] * 3] * 2, ["12", "b0"]).value is None


def test_struck_row_totals_are_no_number() -> None:
    witness = said([["5", "1"], ["0", "0"], ["0", "0"]], ["06", "xx", "-x"])
    assert [row.written for row in witness.rows] == [6, None, None]
    assert [row.written_confidence for row in witness.rows] == [1.0, 1.0, 1.0]


def test_what_cannot_be_counted_leaves_the_number_open() -> None:
    witness = said([["5", "other", "5"], ["1", "0", "0"]])
    assert witness.value is None
    assert witness.confidence == 1.0
    assert dict(witness.distribution) == {n: pytest.approx(1 / 6) for n in range(11, 17)}
    first, second = witness.rows
    assert (first.strokes, first.uncertain) == (None, (2,))
    assert (second.strokes, second.uncertain, second.written) == (1, (), None)
    assert second.digits == ()


def test_a_doubtful_cell_is_named_and_shared_out() -> None:
    answers = one_hot(["5", "4", "0"], TALLY_LABELS)
    answers[1] = [0, 0, 0, 0.1, 0.6, 0.3, 0, 0]
    (witness,) = read_grids(
        {"field": (some_grid(1, 3), None)}, Says(answers), NullRecogniser(), certain=0.9
    ).values()
    assert witness.rows[0].uncertain == (2,)
    assert [number for number, _ in witness.distribution] == [9, 10, 8]
    assert [p for _, p in witness.distribution] == pytest.approx([0.6, 0.3, 0.1])
    assert witness.confidence == pytest.approx(0.6)


def drawn(index: int) -> tuple[CutPage, PageTruth]:
    """Page 2 of a form whose writer lifts the pen between strokes."""
    rng = np.random.default_rng([5, index])
    hand = replace(Hand.random(rng), tally_style=STYLES[index % len(STYLES)])
    page = filled_page(filled_form(rng, hand=hand), 2, index, rng, "easy")
    placed = place_page(open_photos(page.content, "drawn")[0], [FORM])
    return cut_cells(placed), page.truth


def test_the_null_engine_knows_nothing() -> None:
    cut, _ = drawn(0)
    witnesses = read_tally(cut, NullTallyRecogniser(), NullRecogniser(), certain=0.9)
    assert set(witnesses) == {"suara_paslon_1", "suara_paslon_2", "suara_paslon_3"}
    for witness in witnesses.values():
        assert witness.value is None
        assert all(row.strokes is None and row.written is None for row in witness.rows)
        assert max(probability for _, probability in witness.distribution) < 0.05


def test_drawn_pages_are_counted_right() -> None:
    tallied = 0
    for index in range(len(STYLES)):
        cut, truth = drawn(index)
        witnesses = read_tally(cut, load_tally_recogniser(), load_row_digit_recogniser())
        for name, witness in witnesses.items():
            field = truth.fields[name]
            if not field.tally or field.tally_cells is None:
                continue
            tallied += 1
            assert witness.value == field.tally, (index, name)
            for row, labels in zip(witness.rows, field.tally_cells, strict=True):
                strokes = sum(int(label) for label in labels if label.isdigit())
                assert row.uncertain or row.strokes == strokes, (index, name, row.row)
    assert tallied >= 12


def test_klaten_is_counted_right(shared: Path) -> None:
    folder, name = shared / "photos/c-hasil-ppwp-2024", "klaten-cawas-baran-001-p2.png"
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))[name]
    placed = place_page(open_photos((folder / name).read_bytes(), name)[0], [FORM])
    witnesses = read_tally(cut_cells(placed), load_tally_recogniser(), load_row_digit_recogniser())
    for number, votes in ((1, 24), (2, 73), (3, 74)):
        witness = witnesses[f"suara_paslon_{number}"]
        assert witness.value == votes
        rows = truth["tally"][f"suara_sah_{number}"]
        for row, written in zip(witness.rows, rows, strict=False):
            assert [int(cell.label) for cell in row.cells[: len(written)]] == written
            total = truth["row_total_digits"][f"suara_sah_{number}-rowtotal{row.row}"]
            assert row.written == row.strokes == int(total)
        assert all(row.strokes == 0 and row.written is None for row in witness.rows[len(rows) :])

"""The tally (turus): strokes counted cell by cell, added up row by row, and the rows' own totals.

Every cell is read by itself: a 4 in the middle of fives stays a 4. A cell shut as unused holds
no vote. What can't be counted is any count for the sum, and leaves the number unread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.recognisers.recogniser import CROP_PX, DigitRecogniser
from models.recognisers.tally import TALLY_LABELS, TallyRecogniser, certain_from
from models.records import DigitBox, TallyCell, TallyRow, Witness
from pipeline.arrays import Grey
from pipeline.states import CutPage, GridCut
from pipeline.witnesses.digits import LEAST_NUMBER, around, digit_box, digits_answer
from pipeline.witnesses.distribution import likeliest, union

Counts = NDArray[np.float64]
"""(..., 6): probability of 0 to 5 strokes in a cell; sums to 1."""

MOST_STROKES = 5

_OTHER = TALLY_LABELS.index("other")

LEAST_WRITTEN = 0.5
"""A row total that is less likely than all else together is no reading."""


def read_tally(
    cut: CutPage,
    tally_recogniser: TallyRecogniser,
    row_digits_recogniser: DigitRecogniser,
    *,
    certain: float | None = None,
) -> dict[str, Witness]:
    """Read the tallies of a page in one go.

    The distribution comes from the strokes alone; written row totals stand beside them in
    ``rows``. A tally with no stroke in it says nothing, and its value is ``None``: only where a
    row's total is written as 0 (and none as more) does it say 0.

    Args:
        cut: The page.
        tally_recogniser: Reads the cells.
        row_digits_recogniser: Reads the boxes of the row totals.
        certain: Smallest probability of its count at which a cell is certain; from the
            recogniser's card where ``None``.

    Returns:
        Field to witness; absent where the field has no tally in view. ``value`` is ``None`` where
        nothing is tallied or a cell can't be counted, and ``confidence`` then its probability; and
        where all other counts together are likelier than the likeliest.

    """
    grids = {
        name: (cell.tally, cell.row_totals)
        for name, cell in cut.cells.items()
        if cell.tally is not None
    }
    return read_grids(grids, tally_recogniser, row_digits_recogniser, certain=certain)


def read_grids(
    grids: Mapping[str, tuple[GridCut, GridCut | None]],
    tally_recogniser: TallyRecogniser,
    row_digits_recogniser: DigitRecogniser,
    *,
    certain: float | None = None,
) -> dict[str, Witness]:
    """Read tallies, each with the boxes of its row totals, as ``read_tally`` does."""
    if not grids:
        return {}
    certain = certain_from() if certain is None else certain
    answers = tally_recogniser.probabilities(_together([tally for tally, _ in grids.values()]))
    boxes = _row_boxes(grids, row_digits_recogniser)
    witnesses, start = {}, 0
    for name, (tally, _) in grids.items():
        rows, columns = tally.pictures.shape[:2]
        part = answers[start : start + rows * columns].reshape(rows, columns, -1)
        start += rows * columns
        witnesses[name] = _witness(tally, part.astype(np.float64), boxes[name], certain)
    return witnesses


def _together(grids: Sequence[GridCut]) -> Grey:
    return np.concatenate([grid.pictures.reshape(-1, CROP_PX, CROP_PX) for grid in grids])


def _row_boxes(
    grids: Mapping[str, tuple[GridCut, GridCut | None]], recogniser: DigitRecogniser
) -> dict[str, list[tuple[DigitBox, ...]]]:
    """Field to the boxes of each row's written total; none where they are not in view."""
    read: dict[str, list[tuple[DigitBox, ...]]] = {
        name: [()] * len(tally.pictures) for name, (tally, _) in grids.items()
    }
    totals = {name: boxes for name, (_, boxes) in grids.items() if boxes is not None}
    if totals:
        answers = iter(recogniser.probabilities(_together(list(totals.values()))))
        for name, grid in totals.items():
            read[name] = [
                tuple(digit_box(next(answers), around(outline)) for outline in row)
                for row in grid.outlines
            ]
    return read


def counts_of(probabilities: NDArray[np.floating]) -> Counts:
    """Probabilities (..., 8) of labels as probabilities (..., 6) of strokes.

    Struck is 0, and what can't be counted may be any number.
    """
    answers = np.asarray(probabilities, dtype=np.float64)
    counts = answers[..., : MOST_STROKES + 1].copy()
    counts[..., 0] += answers[..., TALLY_LABELS.index("struck")]
    counts += answers[..., _OTHER, None] / (MOST_STROKES + 1)
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


def added_up(counts: Counts) -> NDArray[np.float64]:
    """Probabilities (5 n + 1,) of the sum of n independent cells, (n, 6)."""
    total = np.ones(1)
    for cell in counts:
        total = np.convolve(total, cell)
    return total


def _witness(
    grid: GridCut,
    answers: NDArray[np.float64],
    boxes: Sequence[tuple[DigitBox, ...]],
    certain: float,
) -> Witness:
    counts = counts_of(answers)
    rows = tuple(
        _row(number, grid, answers[number], counts[number], boxes[number], certain)
        for number in range(len(answers))
    )
    total = np.ones(1)
    for row in counts:
        total = np.convolve(total, added_up(row))
    nothing = float(total[0])
    total[0] = nothing * _zero_written(rows)
    nothing -= float(total[0])
    best = int(np.argmax(total))
    value: int | None = best
    confidence = float(total[best])
    if any(row.strokes is None for row in rows):
        value, confidence = None, _uncounted(answers)
    elif nothing >= confidence:
        value, confidence = None, nothing
    elif confidence < LEAST_NUMBER:
        value = None
    return Witness(
        value=value,
        confidence=_rounded(confidence),
        box=union([row.box for row in rows]),
        distribution=likeliest(total),
        rows=rows,
    )


def _row(
    number: int,
    grid: GridCut,
    answers: NDArray[np.float64],
    counts: Counts,
    boxes: tuple[DigitBox, ...],
    certain: float,
) -> TallyRow:
    """One row, number from 0."""
    labels = answers.argmax(axis=1)
    cells = tuple(
        TallyCell(
            label=TALLY_LABELS[label],
            confidence=_rounded(answers[column, label]),
            box=around(grid.outlines[number, column]),
        )
        for column, label in enumerate(labels)
    )
    unsure = (counts.max(axis=1) < certain) | (labels == _OTHER)
    total = added_up(counts)
    strokes: int | None = int(np.argmax(total))
    confidence = float(total.max())
    if (labels == _OTHER).any():
        strokes, confidence = None, _uncounted(answers)
    written, written_confidence = _written(boxes)
    return TallyRow(
        row=number + 1,
        strokes=strokes,
        strokes_confidence=_rounded(confidence),
        written=written,
        written_confidence=_rounded(written_confidence),
        uncertain=tuple(int(column) + 1 for column in np.flatnonzero(unsure)),
        cells=cells,
        digits=boxes,
        box=union([*(cell.box for cell in cells), *(box.box for box in boxes)]),
    )


def _uncounted(answers: NDArray[np.float64]) -> float:
    """Probability that at least one cell can't be counted."""
    return float(1 - np.prod(1 - answers[..., _OTHER]))


def _written(boxes: tuple[DigitBox, ...]) -> tuple[int | None, float]:
    """What a row's boxes say, and how surely; of their saying nothing where that is ``None``."""
    if not boxes:
        return None, 0.0
    numbers = digits_answer(boxes).distribution
    if numbers and numbers[0][1] >= LEAST_WRITTEN:
        return numbers[0]
    return None, 1 - sum(probability for _, probability in numbers)


def _zero_written(rows: Sequence[TallyRow]) -> float:
    """Probability that a row's total is written as 0 and none as more."""
    nothing_more, nothing_at_all = 1.0, 1.0
    for row in rows:
        if row.digits:
            numbers = dict(digits_answer(row.digits).distribution)
            zero = numbers.pop(0, 0.0)
            more = min(1.0, sum(numbers.values()))
            nothing_more *= 1 - more
            nothing_at_all *= max(0.0, 1 - more - zero)
    return max(0.0, nothing_more - nothing_at_all)


def _rounded(probability: float) -> float:
    return round(min(1.0, max(0.0, float(probability))), 6)

"""Bars for pages: where each piece of a bar begins and how long it is. Templates draw them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 1000
"""Units across a chart; the page scales it."""
LABEL = 350
"""Units for the labels on the left."""
FIGURE = 140
"""Units for the figure on the right."""
ROW = 40
BAR = 24
LEAST = 2.0
"""Units of the smallest piece: what is there must be seen."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a bar."""

    group: int
    """Which of the chart's groups, from 0: it says how the piece is filled."""
    value: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a chart."""

    label: str
    total: int
    pieces: tuple[Piece, ...]
    y: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars under each other, on one scale."""

    groups: tuple[str, ...]
    """Names of the groups, as keys of texts."""
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    """The figures themselves, for the table beside the picture."""
    bars: tuple[Bar, ...]
    width: int
    height: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(bar.total for bar in self.bars)


def bar_chart(
    groups: Sequence[str], rows: Sequence[tuple[str, Sequence[int]]], *, most: int | None = None
) -> Chart:
    """Lay out stacked bars.

    Args:
        groups: Names of the pieces, in the order they lie from left to right.
        rows: Label, and one figure a group (not negative).
        most: What the whole width stands for; the longest bar if not given.

    """
    room = WIDTH - LABEL - FIGURE
    scale = room / max(most or 0, *(sum(values) for _, values in rows), 1) if rows else 0.0
    bars = []
    for number, (label, values) in enumerate(rows):
        pieces, x = [], float(LABEL)
        for group, value in enumerate(values):
            if value <= 0:
                continue
            width = max(value * scale, LEAST)
            pieces.append(Piece(group, value, round(x, 1), round(width, 1)))
            x += width
        bars.append(Bar(label, sum(values), tuple(pieces), number * ROW))
    return Chart(
        tuple(groups),
        tuple((label, tuple(values)) for label, values in rows),
        tuple(bars),
        WIDTH,
        max(len(rows), 1) * ROW,
    )

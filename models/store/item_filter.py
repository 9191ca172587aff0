"""Which items: by region, form, field, kind, cause, status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_, true

from models.queue import SAMPLE, ItemStatus
from models.regions import Level
from models.store.room_queries import below
from models.store.room_tables import ItemRow


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which items. What is not given does not limit."""

    limits: tuple[str, ...] = ()
    """Regions the user is limited to; an item must lie in one of them."""
    region: str = ""
    """The first digits of a code."""
    form: str | None = None
    field: str | None = None
    kind: str | None = None
    cause: str | None = None
    statuses: tuple[ItemStatus, ...] = ()
    samples: bool = True
    """Whether fields of the sample are among them. A list that auditors see must not name them."""
    tps: str | None = None


def only_regions(wanted: ItemFilter) -> bool:
    """Whether a filter asks for whole desa: then their counts are at hand."""
    others = (wanted.form, wanted.field, wanted.kind, wanted.cause, wanted.tps)
    return (
        wanted.samples
        and all(one is None for one in others)
        and all(len(code) <= Level.DESA for code in (wanted.region, *wanted.limits))
    )


def conditions(wanted: ItemFilter, *, with_status: bool = True) -> list[ColumnElement[bool]]:
    """A filter as SQL; without its statuses where they are counted apart."""
    found: list[ColumnElement[bool]] = [_of_items_in(wanted.limits)]
    if wanted.region:
        found.append(_item_below(wanted.region))
    for column, value in (
        (ItemRow.form, wanted.form),
        (ItemRow.field, wanted.field),
        (ItemRow.kind, wanted.kind),
        (ItemRow.cause, wanted.cause),
        (ItemRow.tps, wanted.tps),
    ):
        if value is not None:
            found.append(column == value)
    if wanted.tps is not None:  # an index that leads to few rows in their order
        found.append(ItemRow.desa == wanted.tps[: Level.DESA])
    if not wanted.samples:
        found.append(ItemRow.kind != SAMPLE)
    if with_status and wanted.statuses:
        found.append(ItemRow.status.in_([status.value for status in wanted.statuses]))
    return found


def _of_items_in(limits: Sequence[str]) -> ColumnElement[bool]:
    return or_(*(_item_below(code) for code in limits)) if limits else true()


def _item_below(region: str) -> ColumnElement[bool]:
    """Whether an item lies below a region, by the shortest column that can tell."""
    for level, column in (
        (Level.KABUPATEN, ItemRow.kabupaten),
        (Level.KECAMATAN, ItemRow.kecamatan),
        (Level.DESA, ItemRow.desa),
    ):
        if len(region) == level:
            return column == region
        if len(region) < level:
            return below(column, region, level)
    return below(ItemRow.tps, region)


def in_limits(
    column: Any,  # noqa: ANN401 - any column that holds codes
    limits: Sequence[str],
    digits: int = Level.TPS,
) -> ColumnElement[bool]:
    """Whether a code lies in one of the regions; without regions always."""
    return or_(*(below(column, code, digits) for code in limits)) if limits else true()

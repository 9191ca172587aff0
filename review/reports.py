"""Items as rows of a table, for CSV and XLSX: reported first, audited second."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from models.queue import ItemStatus, QueueItem
from models.store.item_filter import ItemFilter
from models.store.overview import AT_ONCE
from models.store.store import Store
from models.trail import TrailRecord
from review.texts import WIB

COLUMNS = (
    "item",
    "tps",
    "kecamatan",
    "desa",
    "form",
    "field",
    "label",
    "reported",
    "audited",
    "audited_minus_reported",
    "machine",
    "confidence",
    "kind",
    "cause",
    "rule",
    "votes_affected",
    "status",
    "outcome",
    "last_editor",
    "last_edited_at",
    "reason",
    "reference",
    "photo_sha256",
    "pdf_page",
    "recipe",
    "evidence",
)
"""Names of the columns: the same in every language, so that programs can rely on them."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""What a spreadsheet may take for the beginning of a formula or a command (OWASP)."""

NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
"""Characters that no XML, and so no XLSX, can hold."""

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Names:
    """How codes become names and addresses; pages hand in their own."""

    region: Callable[[str], str]
    label: Callable[[str | None, str | None], str]
    base: str
    """Address of the room, for links to the evidence."""


def safe_text(text: str) -> str:
    """A text that no spreadsheet runs: an apostrophe before what could begin a formula."""
    text = NOT_IN_XML.sub("�", text)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def rows_of(
    store: Store,
    wanted: ItemFilter,
    names: Names,
    *,
    waiting: frozenset[tuple[str, str, str]] = frozenset(),
) -> Iterator[tuple[Cell, ...]]:
    """One row an item, by TPS and field; texts are safe for spreadsheets.

    Args:
        store: Where the items are.
        wanted: Which items, within the user's regions.
        names: Of regions and fields.
        waiting: TPS, form and field of numbers that are left out, whatever item is about them:
            whoever asks may have to answer them blind. Empty for those who answer nothing.

    """
    for some in _chunks(store.overview.items_by_place(wanted)):
        done = [item.id for item in some if item.status is ItemStatus.DONE]
        decisions = store.overview.last_decisions(done)
        recipes = store.history.recipes_of(some)
        for item in some:
            hidden = (item.tps, item.form, item.field) in waiting
            yield tuple(
                safe_text(value) if isinstance(value, str) else value
                for value in _row(
                    item,
                    decisions.get(item.id),
                    names,
                    recipe=recipes.get(item.id),
                    hidden=hidden,
                )
            )


def _row(
    item: QueueItem,
    decision: TrailRecord | None,
    names: Names,
    *,
    recipe: str | None,
    hidden: bool,
) -> tuple[Cell, ...]:
    tps = item.tps or ""
    finding = (decision.after or {}).get("finding", {}) if decision else {}
    audited = item.number if item.settles_number and not hidden else None
    return (
        item.id,
        tps,
        names.region(tps[:6]) if tps else "",
        names.region(tps[:10]) if tps else "",
        item.form or "",
        item.field or "",
        names.label(item.form, item.field),
        None if hidden else item.entry,
        audited,
        None if audited is None or item.entry is None else audited - item.entry,
        None if hidden else item.reading,
        None if hidden else item.confidence,
        "" if hidden else item.kind,
        "" if hidden else item.cause or "",
        "" if hidden else item.rule or "",
        None if hidden else item.votes,
        item.status.value,
        item.outcome.value if item.outcome and not hidden else "",
        item.decided_by or "",
        item.decided_at.astimezone(WIB).isoformat(timespec="seconds") if item.decided_at else "",
        "" if hidden else finding.get("reason", ""),
        "" if hidden else finding.get("reference", ""),
        item.sha256 or "",
        item.pdf_page,
        recipe or "",
        f"{names.base}/items/{item.id}",
    )


def csv_lines(rows: Iterable[tuple[Cell, ...]]) -> Iterator[bytes]:
    """A CSV with a header, in UTF-8 with a byte order mark, so that spreadsheets know it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    yield b"\xef\xbb\xbf"
    for number, row in enumerate(rows):
        writer.writerow(row)
        if number % 200 == 0:
            yield _taken(out)
    yield _taken(out)


def _taken(out: io.StringIO) -> bytes:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text.encode()


def xlsx_file(rows: Iterable[tuple[Cell, ...]]) -> IO[bytes]:
    """An XLSX with a header that stays in view; texts are texts, never formulas.

    Returns:
        A temporary file, at its beginning; it is gone when closed.

    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet("items")
    sheet.freeze_panes = "A2"
    sheet.append([_bold(sheet, name) for name in COLUMNS])
    for row in rows:
        sheet.append(row)  # ``safe_text`` left nothing that begins with "="
    out = tempfile.TemporaryFile()  # noqa: SIM115 - handed on open
    book.save(out)
    out.seek(0)
    return out


def _bold(sheet: object, text: str) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, text)
    cell.font = Font(bold=True)
    return cell


def _chunks(items: Iterator[QueueItem]) -> Iterator[list[QueueItem]]:
    some: list[QueueItem] = []
    for item in items:
        some.append(item)
        if len(some) == AT_ONCE:
            yield some
            some = []
    if some:
        yield some

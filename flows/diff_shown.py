"""A diff of two runs for people: on the terminal, as JSON, as a workbook, on Prefect's page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import IO, Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from flows.exports import printable
from flows.sheets import Row, plain, write_workbook
from models.forms.votes import VoteFields, template_of, votes_on
from models.records import Record
from pipeline.diff import (
    ConflictChange,
    ConflictFate,
    Diff,
    EntryChange,
    FieldChange,
    ItemChange,
    TotalChange,
)

ROWS_SHOWN = 20
"""Rows of each table on a terminal; the workbook has all."""


def write_diff_json(diff: Diff, out: TextIO) -> None:
    """Write the whole diff as one JSON object."""
    json.dump(diff.model_dump(mode="json"), out, ensure_ascii=False, indent=1)
    out.write("\n")


def write_diff_xlsx(diff: Diff, out: IO[bytes]) -> None:
    """Write a workbook with a sheet for each kind of change."""
    write_workbook(
        {
            "summary": (
                ("what", "how_many"),
                [{"what": name, "how_many": number} for name, number in summary_rows(diff)],
            ),
            "fields": _sheet(FieldChange, diff.fields),
            "entries": _sheet(EntryChange, diff.entries),
            "conflicts": _sheet(ConflictChange, diff.conflicts),
            "items": _sheet(ItemChange, diff.items),
            "totals": (_TOTAL_COLUMNS, [total_row(total) for total in diff.totals]),
        },
        out,
    )


def _sheet(kind: type[Record], rows: Iterable[Record]) -> tuple[Sequence[str], list[Row]]:
    return tuple(kind.model_fields), [row.model_dump() for row in rows]


_TOTAL_COLUMNS = (
    *("form", "field", "entry_before", "entry_after", "entry_tps_before", "entry_tps_after"),
    *("reading_before", "reading_after", "reading_tps_before", "reading_tps_after"),
)


def total_row(total: TotalChange) -> dict[str, Any]:
    """One field's sums, one value a column."""
    row: dict[str, Any] = {"form": total.form, "field": total.field}
    for name in ("entry", "reading"):
        for when in ("before", "after"):
            found = getattr(total, f"{name}_{when}")
            row[f"{name}_{when}"], row[f"{name}_tps_{when}"] = found.votes, found.tps
    return row


def summary_rows(diff: Diff) -> list[tuple[str, int | str]]:
    """What changed, in numbers."""
    rows: list[tuple[str, int | str]] = [
        ("runs", f"{diff.first} to {diff.last}"),
        ("recipe", _recipe(diff)),
        ("fields read differently", len(diff.fields)),
    ]
    whys = dict.fromkeys(_why(one) for one in diff.fields)
    rows += [(f"  {why}", sum(_why(one) == why for one in diff.fields)) for why in whys]
    rows += [
        ("fields with another confidence only", diff.only_confidence),
        ("reported numbers changed", len(diff.entries)),
    ]
    rows += [(f"conflicts {fate.value}", diff.count(fate)) for fate in ConflictFate]
    rows.append(("conflicts unchanged", diff.conflicts_unchanged))
    rows.append(("items reopened", len(diff.items_of("reopened"))))
    rows.append(("decisions that stand", len(diff.items_of("kept"))))
    rows.append(
        ("  corrected as decided", sum(one.why == "corrected_as_decided" for one in diff.items))
    )
    return rows


def _recipe(diff: Diff) -> str:
    if diff.first_recipe == diff.last_recipe:
        return f"{diff.last_recipe[:12]}, the same"
    what = f" ({', '.join(diff.recipe_parts)})" if diff.recipe_parts else ""
    return f"{diff.first_recipe[:12]} to {diff.last_recipe[:12]}{what}"


def _why(change: FieldChange) -> str:
    words = change.why.value.replace("_", " ")
    return f"{words}: {', '.join(change.parts)}" if change.parts else words


def diff_shown(diff: Diff) -> RenderableType:
    """Tables for a terminal; of long ones the first rows. Fields of several forms name theirs."""
    several = len(_forms_of(diff)) > 1

    def named(form: str | None, field: str | None) -> str:
        return f"{form}: {field}" if several and form and field else field or ""

    parts: list[RenderableType] = [
        _table(
            f"What is other in run {diff.last} than in run {diff.first}",
            ("", "how many"),
            [(name, f"{n:,}" if isinstance(n, int) else n) for name, n in summary_rows(diff)],
            right=(1,),
        )
    ]
    if diff.fields:
        parts.append(
            _table(
                "Fields read differently",
                ("TPS", "field", "old", "new", "status", "why"),
                [
                    (
                        one.tps,
                        named(one.form, one.field),
                        _number(one.old),
                        _number(one.new),
                        _status(one),
                        _why(one),
                    )
                    for one in diff.fields[:ROWS_SHOWN]
                ],
                right=(2, 3),
                more=len(diff.fields) - ROWS_SHOWN,
            )
        )
    if diff.entries:
        parts.append(
            _table(
                "Reported numbers changed",
                ("TPS", "field", "old", "new", "paper"),
                [
                    (
                        one.tps,
                        named(one.form, one.field),
                        _number(one.old),
                        _number(one.new),
                        _number(one.reading),
                    )
                    for one in diff.entries[:ROWS_SHOWN]
                ],
                right=(2, 3, 4),
                more=len(diff.entries) - ROWS_SHOWN,
            )
        )
    if diff.conflicts:
        parts.append(
            _table(
                "Conflicts",
                ("", "TPS", "conflict", "field", "entry", "paper"),
                [
                    (
                        one.fate.value,
                        one.tps or "unknown",
                        one.kind.replace("_", " "),
                        named(one.form, one.field),
                        _moved(one.old_entry, one.new_entry, one),
                        _moved(one.old_reading, one.new_reading, one),
                    )
                    for one in diff.conflicts[:ROWS_SHOWN]
                ],
                right=(4, 5),
                more=len(diff.conflicts) - ROWS_SHOWN,
            )
        )
    if diff.items:
        parts.append(
            _table(
                "Items somebody had worked on",
                ("item", "", "TPS", "field", "decided", "entry", "why"),
                [
                    (
                        str(one.item),
                        one.fate,
                        one.tps or "",
                        named(one.form, one.field),
                        " ".join(
                            part
                            for part in (
                                (one.outcome or "").replace("_", " "),
                                _number(one.number) if one.number is not None else "",
                            )
                            if part
                        ),
                        f"{_number(one.old_entry)} → {_number(one.new_entry)}",
                        one.why.replace("_", " "),
                    )
                    for one in diff.items[:ROWS_SHOWN]
                ],
                more=len(diff.items) - ROWS_SHOWN,
            )
        )
    votes = _votes_of(diff)
    shown = [
        total for total in diff.totals if not total.is_same or total.field in votes[total.form]
    ]
    if shown:
        parts.append(
            _table(
                "Totals (votes, and of how many TPS)",
                ("field", "entries before", "after", "readings before", "after"),
                [
                    (
                        named(one.form, one.field),
                        *(
                            f"{found.votes:,} ({found.tps:,})"
                            for found in (
                                one.entry_before,
                                one.entry_after,
                                one.reading_before,
                                one.reading_after,
                            )
                        ),
                    )
                    for one in shown
                ],
                right=(1, 2, 3, 4),
            )
        )
    return Group(*parts)


def _forms_of(diff: Diff) -> set[str]:
    said = (diff.fields, diff.entries, diff.conflicts, diff.totals)
    return {one.form for rows in said for one in rows if one.form}


def _votes_of(diff: Diff) -> dict[str, VoteFields]:
    """Form to the fields whose totals are shown even where they did not move."""
    known: dict[str, list[str]] = {}
    for total in diff.totals:
        known.setdefault(total.form, []).append(total.field)
    return {form: votes_on(template_of(form), fields) for form, fields in known.items()}


def diff_markdown(diff: Diff) -> str:
    """The numbers and the totals that moved, for Prefect's page of the run."""
    lines = ["| what | how many |", "|---|---:|"]
    lines += [f"| {name} | {number} |" for name, number in summary_rows(diff)]
    moved = [total_row(total) for total in diff.totals if not total.is_same]
    if moved:
        names = ["field", "entry_before", "entry_after", "reading_before", "reading_after"]
        if len({row["form"] for row in moved}) > 1:
            names.insert(0, "form")
        lines += ["", f"| {' | '.join(names)} |", f"|---|{'---:|' * (len(names) - 1)}"]
        lines += [f"| {' | '.join(str(row[name]) for name in names)} |" for row in moved]
    return "\n".join(lines)


def artifact_rows(diff: Diff, limit: int) -> list[dict[str, Any]]:
    """Fields and conflicts that changed, one row each, for a table on Prefect's page."""
    rows = [
        {
            "what": "reading",
            "tps": one.tps,
            "form": one.form,
            "field": one.field,
            "old": one.old,
            "new": one.new,
            "why": _why(one),
        }
        for one in diff.fields
    ]
    rows += [
        {
            "what": f"conflict {one.fate.value}",
            "tps": one.tps,
            "form": one.form,
            "field": one.field,
            "old": one.old_entry,
            "new": one.new_entry,
            "why": one.detail,
        }
        for one in diff.conflicts
    ]
    return [{name: plain(value) for name, value in row.items()} for row in rows[:limit]]


def print_diff(diff: Diff, console: Console) -> None:
    """Print the tables."""
    console.print(diff_shown(diff))


def _table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Sequence[int] = (),
    more: int = 0,
) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        caption=f"and {more:,} more: `--format xlsx` has all" if more > 0 else None,
        caption_justify="left",
    )
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if place in right else "left")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _status(change: FieldChange) -> str:
    old, new = (
        (status or "no photo").replace("_", " ")
        for status in (change.old_status, change.new_status)
    )
    return old if old == new else f"{old} → {new}"


def _moved(old: int | None, new: int | None, change: ConflictChange) -> str:
    if change.fate.value == "opened":
        return _number(new)
    if change.fate.value == "closed" or old == new:
        return _number(old)
    return f"{_number(old)} → {_number(new)}"

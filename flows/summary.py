"""What a run did, in numbers: to store, to print, and for Prefect's page of the run."""

from __future__ import annotations

from rich.table import Table

from flows.changes import Comparison
from flows.kept import rows_of
from models.records import ConflictKind, FieldStatus, Record


class EntryCounts(Record):
    """What became of the entries of a run."""

    new: int
    revised: int
    unchanged: int
    unusable: int = 0
    """Objects or rows that could not be used; each was named in a warning."""
    overtaken: int = 0
    """Revisions that do not count, see ``models.store.items.ImportCount``."""

    def plus(self, other: EntryCounts | None) -> EntryCounts:
        """Both together."""
        if other is None:
            return self
        return EntryCounts(
            new=self.new + other.new,
            revised=self.revised + other.revised,
            unchanged=self.unchanged + other.unchanged,
            unusable=self.unusable + other.unusable,
            overtaken=self.overtaken + other.overtaken,
        )


class Summary(Record):
    """One run of ``chasil process``."""

    batch: int
    """Number of the run in the store."""
    recipe: str
    photos: int
    """Files that came in."""
    photos_known: int
    """Of these, read by an earlier run or twice in this one."""
    pages_read: int
    """Pages that could be read, now or earlier."""
    rejected: dict[str, int]
    """Error code to photos (or pages of a PDF) that could not be read."""
    fields: dict[FieldStatus, int]
    """Fields of the pages read, by status."""
    entries: EntryCounts | None
    """``None`` where the run came without entries."""
    conflicts: dict[ConflictKind, int]
    """Over all that the store holds, not only this run's photos."""
    seconds: float
    """From the first file to the last conflict."""
    seconds_reading: float
    pages_read_now: int
    """Pages that were read in this run, rejected ones included."""
    comparison: Comparison | None = None
    """How many TPS were compared; the others are as the run before found them."""

    @property
    def pages_a_second(self) -> float | None:
        """Rate of this run's own reading; ``None`` where it had nothing to read."""
        if not self.pages_read_now or not self.seconds_reading:
            return None
        return self.pages_read_now / self.seconds_reading


def rows(summary: Summary) -> list[tuple[str, str, str]]:
    """Section, name and number, in the order in which they are shown."""
    rate = summary.pages_a_second
    shown = [
        ("photos", "came in", f"{summary.photos:,}"),
        ("photos", "read before", f"{summary.photos_known:,}"),
        ("photos", "pages read", f"{summary.pages_read:,}"),
    ]
    shown += [
        ("rejected", code.replace("_", " "), f"{count:,}")
        for code, count in sorted(summary.rejected.items())
    ]
    shown += [
        ("fields", status.value.replace("_", " "), f"{summary.fields.get(status, 0):,}")
        for status in FieldStatus
    ]
    if summary.entries:
        counts = summary.entries
        shown += [
            ("entries", "new", f"{counts.new:,}"),
            ("entries", "revised", f"{counts.revised:,}"),
            ("entries", "unchanged", f"{counts.unchanged:,}"),
        ]
        if counts.unusable:
            shown.append(("entries", "unusable", f"{counts.unusable:,}"))
        if counts.overtaken:
            shown.append(("entries", "older than one without a time", f"{counts.overtaken:,}"))
    shown += [
        ("conflicts", kind.value.replace("_", " "), f"{summary.conflicts[kind]:,}")
        for kind in ConflictKind
        if summary.conflicts.get(kind)
    ]
    shown.append(("conflicts", "in all", f"{sum(summary.conflicts.values()):,}"))
    if summary.comparison and summary.comparison.kept:
        shown += [("compared with", *row) for row in rows_of(summary.comparison.kept)]
    shown.append(("time", "seconds", f"{summary.seconds:,.1f}"))
    if rate is not None:
        shown.append(("time", "pages a second", f"{rate:,.1f}"))
    return shown


def summary_table(summary: Summary) -> Table:
    """The summary for a terminal."""
    table = Table(title=f"Run {summary.batch}", title_justify="left")
    table.add_column("")
    table.add_column("what")
    table.add_column("how many", justify="right")
    last = None
    for section, name, number in rows(summary):
        if last is not None and section != last:
            table.add_section()
        table.add_row("" if section == last else section, name, number)
        last = section
    return table


def summary_markdown(summary: Summary) -> str:
    """The summary for Prefect's page of the run."""
    lines = ["| | what | how many |", "|---|---|---:|"]
    lines += [f"| {section} | {name} | {number} |" for section, name, number in rows(summary)]
    return "\n".join(lines)

"""Totals of a region from what its TPS say, and how far apart they can still be. Arithmetic alone.

For each field of a TPS there are up to three numbers: the reported one (entry), the one on paper
(reading) and the one that auditors decided. *Audited* is the decided number, and the entry where
nothing was decided; it is what is summed.

The interval says what open conflicts leave, for each candidate by itself:

=============================================  ==========================================
the field of a TPS                             counts from … to …
=============================================  ==========================================
decided, and no conflict about it is open      the decided number
a conflict about it or its photos is open      the smallest and the largest of entry,
                                               reading and decided number; 0 where the
                                               paper is blank
the same, and neither entry nor decision is    0 to the ballots that a TPS can have (or to
there, nor a clear reading                     the reading, if it is larger)
no conflict is open                            the audited number, else what was read
nothing is known, or no number is decided to   0 to the ballots that a TPS can have: its
be there                                       DPT + 2 %, or 300
=============================================  ==========================================

It is no bound on every error that can be: where the system has the only number and no paper
confirms it, the interval has no width. Such TPS are counted as ``unverified``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from models.records import FieldStatus, Record, TpsCode
from models.rules.diterima_is_dpt_plus_2_percent import with_reserve
from models.rules.suara_total_at_most_300 import most_voters

BALLOTS = most_voters(())
"""Most ballots of a TPS whose DPT is unknown. Special TPS (prisons, factories) may have more: their
interval is too narrow until anything about them is known."""


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """One field of one TPS."""

    entry: int | None = None
    reading: int | None = None
    status: str | None = None
    """Of the reading, a ``FieldStatus``; ``None`` where no photo shows it."""
    is_decided: bool = False
    decided: int | None = None
    is_open: bool = False
    """A conflict about it, or about its TPS's photos, waits for an auditor."""

    @property
    def audited(self) -> int | None:
        """The decided number; the reported one where nothing was decided."""
        return self.decided if self.is_decided else self.entry

    @property
    def known(self) -> tuple[int, ...]:
        """All numbers that anybody or anything gives."""
        found = [self.entry, self.reading, self.decided if self.is_decided else None]
        if self.status == FieldStatus.BLANK:
            found.append(0)
        return tuple(number for number in found if number is not None)

    @property
    def is_known(self) -> bool:
        """Whether anybody or anything gives a number; a blank on paper is none."""
        return any(one is not None for one in (self.entry, self.reading, self.audited))

    @property
    def rests_on_doubt(self) -> bool:
        """Whether all there is of it is a reading that is not clear, or a blank."""
        decided = self.decided if self.is_decided else None
        return self.entry is None and decided is None and self.status != FieldStatus.CLEAR


def ballots(dpt: Iterable[int | None]) -> int:
    """Most ballots of a TPS: the largest number known for its DPT, and 2 % more.

    ``BALLOTS`` where none is known. A DPT that was misread or mistyped far too high makes the
    interval too wide, never too narrow.
    """
    known = [number for number in dpt if number is not None]
    return with_reserve((max(known),)) if known else BALLOTS


def bounds(facts: FieldFacts, most: int) -> tuple[int, int]:
    """The smallest and the largest number that a field can still count.

    Args:
        facts: The field.
        most: Ballots its TPS can have.

    """
    if facts.is_open:
        known = facts.known
        if facts.rests_on_doubt:
            return 0, max((most, *known))
    elif facts.is_decided:
        known = () if facts.decided is None else (facts.decided,)
    elif facts.entry is not None:
        known = (facts.entry,)
    else:
        known = () if facts.reading is None else (facts.reading,)
    if not known:
        return 0, most
    return min(known), max(known)


class RecapRow(Record):
    """Sums of one field over one region."""

    level: str
    """``desa``, ``kecamatan``, ``kabupaten``, ``dapil`` or ``provinsi``."""
    code: str
    """The region's digits; a dapil's name."""
    form: str
    field: str
    tps_expected: int
    """TPS that the table of regions has; those that have numbers, where it knows none there."""
    tps_known: int
    """TPS for which any number of the field is known."""
    entry: int
    entry_tps: int
    reading: int
    reading_tps: int
    audited: int
    audited_tps: int
    decided_tps: int
    low: int
    high: int
    open_tps: int
    """TPS with an open conflict that touches the field."""
    unverified_tps: int
    """TPS where the system's number is all there is."""

    @property
    def coverage(self) -> float | None:
        """Share of the expected TPS for which a number is known."""
        return self.tps_known / self.tps_expected if self.tps_expected else None


@dataclass(slots=True)
class _Sums:
    tps: set[TpsCode] = field(default_factory=set)
    entry: int = 0
    entry_tps: int = 0
    reading: int = 0
    reading_tps: int = 0
    audited: int = 0
    audited_tps: int = 0
    decided_tps: int = 0
    known_tps: int = 0
    low: int = 0
    high: int = 0
    open_tps: int = 0
    unverified_tps: int = 0

    def add(self, tps: TpsCode, facts: FieldFacts, most: int) -> None:
        self.tps.add(tps)
        if facts.entry is not None:
            self.entry += facts.entry
            self.entry_tps += 1
        if facts.reading is not None:
            self.reading += facts.reading
            self.reading_tps += 1
        if facts.audited is not None:
            self.audited += facts.audited
            self.audited_tps += 1
        low, high = bounds(facts, most)
        self.low += low
        self.high += high
        self.decided_tps += facts.is_decided
        self.known_tps += facts.is_known
        self.open_tps += facts.is_open
        self.unverified_tps += (
            facts.entry is not None and facts.reading is None and not facts.is_decided
        )


@dataclass(slots=True)
class Recapitulation:
    """Adds TPS up to their regions."""

    regions_of: Mapping[TpsCode, tuple[tuple[str, str], ...]]
    """TPS to its regions (level and code): all that the table of regions expects, and others."""
    expected: frozenset[TpsCode]
    """TPS that the table of regions has."""
    _sums: dict[tuple[str, str, str, str], _Sums] = field(default_factory=dict)

    def add(self, tps: TpsCode, form: str, name: str, facts: FieldFacts, most: int) -> None:
        """Add one field of one TPS to all its regions."""
        for level, code in self.regions_of.get(tps, ()):
            self._sums.setdefault((level, code, form, name), _Sums()).add(tps, facts, most)

    def rows(self) -> Iterator[RecapRow]:
        """All sums, by level, region, form and field, with the TPS nobody knows anything of."""
        members: dict[tuple[str, str], set[TpsCode]] = {}
        for tps, regions in self.regions_of.items():
            for region in regions:
                members.setdefault(region, set()).add(tps)
        for (level, code, form, name), sums in sorted(self._sums.items()):
            everybody = members[level, code]
            unknown = len(everybody) - len(sums.tps)
            expected = len(everybody & self.expected) or len(everybody)
            yield RecapRow(
                level=level,
                code=code,
                form=form,
                field=name,
                tps_expected=expected,
                tps_known=sums.known_tps,
                entry=sums.entry,
                entry_tps=sums.entry_tps,
                reading=sums.reading,
                reading_tps=sums.reading_tps,
                audited=sums.audited,
                audited_tps=sums.audited_tps,
                decided_tps=sums.decided_tps,
                low=sums.low,
                high=sums.high + unknown * BALLOTS,
                open_tps=sums.open_tps,
                unverified_tps=sums.unverified_tps,
            )

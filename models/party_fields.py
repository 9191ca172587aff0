"""Names of the fields that hold votes for parties and candidates.

========================================  ==========================================
``suara_partai_4``                        votes for party 4 alone
``suara_partai_4_calon_100123``           votes for one of its candidates
``suara_partai_4_total``                  both together, as the form and Sirekap have it
``suara_calon_310021``                    votes for a person (DPD)
``suara_partai``, ``suara_calon_1``, …    a page that is of one party only: no number of it
``suara_partai_total``
========================================  ==========================================

A candidate is called by Sirekap's id, which stays the same, or by the number on the ballot where
that is all a form has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

Row = Literal["alone", "candidate", "total"]

_FIELD = re.compile(
    r"suara_partai(?:_(?P<party>[1-9][0-9]?))?(?:_(?P<total>total)|_calon_(?P<of_party>[0-9]+))?"
    r"|suara_calon_(?P<person>[0-9]+)"
)


@dataclass(frozen=True, slots=True)
class PartyField:
    """What the name of a field says."""

    row: Row
    party: int | None = None
    """``None`` for a person of no party, and on a page that is of one party only."""
    candidate: str | None = None


@lru_cache(maxsize=65536)
def party_field(name: str) -> PartyField | None:
    """What a field's name says; ``None`` for a field that is no party's and no candidate's."""
    match = _FIELD.fullmatch(name)
    if match is None:
        return None
    if match["person"] is not None:
        return PartyField("candidate", None, match["person"])
    party = int(match["party"]) if match["party"] else None
    if match["total"]:
        return PartyField("total", party)
    if match["of_party"] is not None:
        return None if party is None else PartyField("candidate", party, match["of_party"])
    return PartyField("alone", party)


def alone(party: int) -> str:
    """Field of the votes for a party alone."""
    return f"suara_partai_{party}"


def total(party: int) -> str:
    """Field of all votes for a party and its candidates."""
    return f"suara_partai_{party}_total"


def candidate(party: int | None, of: str) -> str:
    """Field of the votes for a candidate; without a party for a person (DPD)."""
    return f"suara_calon_{of}" if party is None else f"suara_partai_{party}_calon_{of}"


@dataclass(slots=True)
class PartyRows:
    """The fields of one party, or of persons without one."""

    alone: str | None = None
    total: str | None = None
    candidates: list[str] = field(default_factory=list)
    """In the order of their numbers."""


def rows_by_party(names: Iterable[str]) -> Mapping[int | None, PartyRows]:
    """The fields of votes by party, parties in rising order; ``None`` is no party, and first."""
    found: dict[int | None, PartyRows] = {}
    numbered: dict[int | None, list[tuple[int, str]]] = {}
    for name in names:
        known = party_field(name)
        if known is None:
            continue
        rows = found.setdefault(known.party, PartyRows())
        if known.row == "alone":
            rows.alone = name
        elif known.row == "total":
            rows.total = name
        else:
            numbered.setdefault(known.party, []).append((int(known.candidate or 0), name))
    for party, candidates in numbered.items():
        found[party].candidates = [name for _, name in sorted(candidates)]
    return dict(sorted(found.items(), key=lambda one: one[0] or 0))


def in_printed_order(names: Iterable[str]) -> tuple[str, ...]:
    """Names of fields as a form has them: those of no party first, then party by party."""
    listed = list(names)
    others = [name for name in listed if party_field(name) is None]
    voted = [
        name
        for rows in rows_by_party(listed).values()
        for name in (rows.alone, *rows.candidates, rows.total)
        if name is not None
    ]
    return (*others, *voted)

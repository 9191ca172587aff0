"""Pages that are of one election at a time: which there are, which is shown, and its votes in rows.

A party election has some two hundred fields a TPS, so no page shows two of them side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from models.elections import Election, election_of, parties_standing
from models.party_fields import party_field, rows_by_party, total
from models.queue import Total
from review.web.parts import Room
from review.web.places import Names, form_of, party_name, row_label

FormName = Annotated[str, Query(max_length=64, pattern=r"^[a-z0-9_-]*$")]

PASLON_FIELDS = ("suara_paslon_1", "suara_paslon_2", "suara_paslon_3")
SUM_FIELDS = ("suara_sah", "suara_tidak_sah", "suara_total")

COLUMNS = 6
"""Parties or persons in the table of a kecamatan where nobody chose any: those with most votes."""

MOST_COLUMNS = 24
"""All parties of Aceh; a table with more columns helps nobody."""


@dataclass(frozen=True, slots=True)
class FormChoice:
    """One form that a page can show."""

    form: str
    election: Election | None
    title: str
    """For forms that belong to no election of 2024."""


@dataclass(frozen=True, slots=True)
class VoteRow:
    """One row of a table of sums."""

    field: str
    label: str
    total: Total


@dataclass(frozen=True, slots=True)
class PartyVotes:
    """A party's own votes and its candidates', beside its total."""

    number: int | None
    """``None``: persons without a party (DPD)."""
    name: str
    rows: tuple[VoteRow, ...]
    total: Total | None


@dataclass(frozen=True, slots=True)
class Votes:
    """The votes of one form over a region."""

    main: tuple[VoteRow, ...]
    """Paslon, or the totals of parties; and the sums of the form."""
    parties: tuple[PartyVotes, ...]
    """What can be opened below: candidates."""

    @property
    def known_for(self) -> int:
        """TPS of which any of these numbers is known."""
        counts = [(one.total.entry_known, one.total.reading_known) for one in self.main]
        return max((max(two) for two in counts), default=0)


def forms_known(room: Room, region: str) -> tuple[FormChoice, ...]:
    """Forms that anything is known of below a region: by election, then all others by name."""
    found = room.recent.get(("forms", region), lambda: room.store.overview.forms(region))
    return choices(found)


def choices(forms: Iterable[str]) -> tuple[FormChoice, ...]:
    """Forms in the order in which pages name them."""
    order = list(Election)
    known = [FormChoice(form, election_of(form), _title(form)) for form in set(forms)]
    return tuple(
        sorted(
            known,
            key=lambda one: (
                order.index(one.election) if one.election else len(order),
                one.form,
            ),
        )
    )


def chosen_form(forms: Sequence[FormChoice], asked: str) -> str:
    """The form that was asked for, if there is anything of it; or else the first; or none."""
    if any(one.form == asked for one in forms):
        return asked
    return forms[0].form if forms else ""


def votes_of(form: str, totals: Iterable[Total], names: Names) -> Votes:
    """Sums of one form in rows: what is compared at a glance, and what can be opened below."""
    by_field = {one.field: one for one in totals if one.form == form}
    rows = rows_by_party(by_field)

    def row(field: str) -> VoteRow:
        return VoteRow(field, row_label(form, field, names), by_field[field])

    shown = [field for field in PASLON_FIELDS if field in by_field]
    shown += [one.total for party, one in rows.items() if party is not None and one.total]
    sums = [field for field in SUM_FIELDS if field in by_field]
    found = []
    for party, one in rows.items():
        below = [field for field in (one.alone, *one.candidates) if field is not None]
        if below:
            found.append(
                PartyVotes(
                    party,
                    "" if party is None else party_name(party),
                    tuple(row(field) for field in below),
                    by_field[one.total] if one.total else None,
                )
            )
    return Votes(tuple(row(field) for field in (*shown, *sums)), tuple(found))


def columns_of(form: str, totals: Iterable[Total], asked: Sequence[str]) -> tuple[str, ...]:
    """Fields that the table of a kecamatan shows, each a column.

    Args:
        form: Id of the form.
        totals: Sums of the kecamatan, to know who has most votes.
        asked: Numbers of parties or ids of persons that somebody chose; none for those with most.

    """
    election = election_of(form)
    if election is None or election is Election.PPWP:
        return (*PASLON_FIELDS, *SUM_FIELDS)
    fields = candidates_for_columns(form, totals)
    by_field = {one.field: one.entry + one.reading for one in totals if one.form == form}
    wanted = [field for field in fields if column_number(field) in asked][:MOST_COLUMNS]
    if not wanted:
        most = sorted(fields, key=lambda field: -by_field.get(field, 0))[:COLUMNS]
        wanted = [field for field in fields if field in most]
    return (*wanted, *SUM_FIELDS)


def candidates_for_columns(form: str, totals: Iterable[Total]) -> tuple[str, ...]:
    """Every field that may be a column: totals of parties, or persons."""
    election = election_of(form)
    rows = rows_by_party(one.field for one in totals if one.form == form)
    if election is not None and election.has_parties:
        known = {party for party in rows if party is not None} | {*parties_standing(election)}
        return tuple(total(party) for party in sorted(known))
    return tuple(rows[None].candidates) if None in rows else ()


def column_number(field: str) -> str:
    """How a column is chosen: a party's number, or a person's id; empty for other fields."""
    row = party_field(field)
    if row is None:
        return ""
    return str(row.party) if row.party is not None else row.candidate or ""


def column_label(form: str, field: str, names: Names) -> str:
    """A column's head: the party alone where a column is its total."""
    row = party_field(field)
    if row is not None and row.row == "total" and row.party is not None:
        return party_name(row.party)
    return row_label(form, field, names)


def _title(form: str) -> str:
    known = form_of(form)
    return known.title if known else form

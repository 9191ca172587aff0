"""Pages that are of one election at a time: which there are, which is shown, and its votes in rows.

A party election has some two hundred fields a TPS, so no page shows two of them side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from models.elections import SHARED_FIELDS, Election, election_of, parties_standing
from models.forms.votes import VoteFields
from models.forms.votes import votes_on as votes_on_template
from models.party_fields import party_field, rows_by_party, total
from models.queue import Total
from review.web.parts import Room
from review.web.places import Names, form_of, party_name, row_label

FormName = Annotated[str, Query(max_length=64, pattern=r"^[a-z0-9_-]*$")]

COLUMNS = 6
"""Parties or persons in the table of a kecamatan where nobody chose any: those with most votes."""

MOST_COLUMNS = 24
"""All parties of Aceh; a table with more columns helps nobody."""

FEW = 12
"""Candidates that are all shown side by side: one seldom sees more on a ballot without parties."""


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
    """Paslon, a few candidates, or the totals of parties; and the sums of the form."""
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


def votes_on(form: str, fields: Iterable[str]) -> VoteFields:
    """Whom the votes of a form are for and what they add up to; of one without template by names.

    Args:
        form: Its id.
        fields: Names of its fields that anything is known of; a template knows its own.

    """
    return votes_on_template(form_of(form), tuple(fields))


def votes_of(form: str, totals: Iterable[Total], names: Names) -> Votes:
    """Sums of one form in rows: what is compared at a glance, and what can be opened below."""
    by_field = {one.field: one for one in totals if one.form == form}
    rows = rows_by_party(by_field)
    votes = votes_on(form, by_field)
    persons = rows[None].candidates if None in rows else []
    # Many persons are opened below; a few, like paslon and parties, are compared at a glance.
    choices = () if set(persons) & set(votes.choices) and len(persons) > FEW else votes.choices

    def row(field: str) -> VoteRow:
        return VoteRow(field, row_label(form, field, names), by_field[field])

    main = [field for field in (*choices, *votes.totals) if field in by_field]
    found = []
    for party, one in rows.items():
        below = [field for field in (one.alone, *one.candidates) if field and field not in main]
        if below:
            found.append(
                PartyVotes(
                    party,
                    "" if party is None else party_name(party),
                    tuple(row(field) for field in below),
                    by_field[one.total] if one.total else None,
                )
            )
    return Votes(tuple(row(field) for field in main), tuple(found))


def columns_of(form: str, totals: Iterable[Total], asked: Sequence[str]) -> tuple[str, ...]:
    """Fields that the table of a kecamatan shows, each a column.

    Args:
        form: Id of the form.
        totals: Sums of the kecamatan, to know who has most votes.
        asked: Numbers of parties or ids of persons that somebody chose; none for those with most.

    """
    votes = votes_on(form, [one.field for one in totals if one.form == form] or SHARED_FIELDS)
    fields = candidates_for_columns(form, totals)
    if not fields:
        return (*votes.choices[:MOST_COLUMNS], *votes.totals)
    by_field = {one.field: one.entry + one.reading for one in totals if one.form == form}
    wanted = [field for field in fields if column_number(field) in asked][:MOST_COLUMNS]
    if not wanted:
        most = sorted(fields, key=lambda field: -by_field.get(field, 0))[:COLUMNS]
        wanted = [field for field in fields if field in most]
    return (*wanted, *votes.totals)


def candidates_for_columns(form: str, totals: Iterable[Total]) -> tuple[str, ...]:
    """Every field that may be a column where not all are: totals of parties, or persons."""
    election = election_of(form)
    known = [one.field for one in totals if one.form == form]
    if election is not None and election.has_parties and form_of(form) is None:
        standing = {party for party in rows_by_party(known) if party} | {
            *parties_standing(election)
        }
        return tuple(total(party) for party in sorted(standing))
    choices = votes_on(form, known).choices
    few = len(choices) <= FEW and election is not Election.DPD
    return () if few or not all(map(column_number, choices)) else choices


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

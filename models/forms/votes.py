"""Which fields of a form hold votes: for whom they are, what they add up to, what could be swapped.

A form's data file says it (``votes``), or the names of its fields and its ``sums`` do. A form of
2024 without a template is known by the names alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from models.forms.template import (
    FormSum,
    FormTemplate,
    installed_forms,
    load_form,
    shipped_forms,
)
from models.party_fields import rows_by_party

BEGINNING = "suara_"
"""Of the names of fields that hold votes, unless the form's ``votes`` say other names."""

TOTALS = ("suara_sah", "suara_tidak_sah", "suara_total")
"""What the votes add up to on every form of 2024."""

_PASLON = re.compile(r"suara_paslon_[0-9]+")

_ROWS_OF_2024: tuple[tuple[str, ...], ...] = (
    ("suara_paslon_1", "suara_paslon_2", "suara_paslon_3"),
    *((f"pengguna_dpt_{who}", f"pengguna_dptb_{who}", f"pengguna_non_dpt_{who}") for who in "lpj"),
)
"""Rows that could be swapped on the forms that keep the rules of Pemilu 2024."""

SAME_COLUMN = 0.5
"""Fields stand in one column where their first boxes share so much of their width."""


@dataclass(frozen=True, slots=True)
class VoteFields:
    """The fields of a form that hold votes, in the order of the form."""

    choices: tuple[str, ...] = ()
    """Whom votes are for: paslon, candidates, or parties as a whole."""
    totals: tuple[str, ...] = ()
    """What they add up to: suara sah, suara tidak sah, all."""

    def __contains__(self, field: str) -> bool:
        return field in self.choices or field in self.totals


def template_of(form: str | None) -> FormTemplate | None:
    """The template of an installed form; ``None`` for any other.

    Raises:
        FormFileError: its file is broken.

    """
    if not form or (form not in shipped_forms() and form not in installed_forms()):
        return None
    return load_form(form)


def holds_votes(form: FormTemplate | None, field: str) -> bool:
    """Whether a field holds votes; other fields hold voters, ballot papers and the like."""
    return field.startswith(BEGINNING) or (form is not None and field in votes_on(form))


def votes_besides() -> tuple[str, ...]:
    """Names of fields that hold votes on any installed form and do not begin with ``suara_``."""
    return tuple(
        sorted(
            {
                name
                for form in map(load_form, installed_forms())
                for votes in (votes_on(form),)
                for name in (*votes.choices, *votes.totals)
                if not name.startswith(BEGINNING)
            }
        )
    )


def votes_on(form: FormTemplate | None, known: Collection[str] = ()) -> VoteFields:
    """The fields that hold votes.

    Args:
        form: The form; ``None`` for one without a template.
        known: Names of its fields, as far as anything is known of them; only for such a form.

    """
    if form is None:
        return _by_name(tuple(known))
    return _of_template(form.field_names, form.votes, form.sums or ())


@lru_cache(maxsize=256)
def _of_template(
    names: tuple[str, ...], votes: tuple[str, ...] | None, sums: tuple[FormSum, ...]
) -> VoteFields:
    if votes is None:
        return _by_name(names, sums)
    within = set(votes)
    more = True
    while more:
        more = False
        for line in sums:
            if len(line.parts) > 1 and within & set(line.parts):
                found = {line.total, *line.parts} - within
                within |= found
                more = more or bool(found)
    return VoteFields(
        tuple(name for name in names if name in votes),
        tuple(name for name in names if name in within and name not in votes),
    )


def _by_name(names: tuple[str, ...], sums: Sequence[FormSum] = ()) -> VoteFields:
    """What the names tell: paslon and parties; else persons; else the parts of a sum of votes."""
    parties = rows_by_party(names)
    choices = [name for name in names if _PASLON.fullmatch(name)]
    choices += [rows.total for party, rows in parties.items() if party is not None and rows.total]
    alone = parties.get(None)
    if not choices and alone is not None:
        # A page of one party, or persons without one.
        choices = [*([alone.alone] if alone.alone else []), *alone.candidates]
    if not choices:
        added = {line.total for line in sums}
        choices = next(
            (
                list(line.parts)
                for line in sums
                if line.total.startswith(BEGINNING) and not added & set(line.parts)
            ),
            [],
        )
    of_parties = {
        name
        for rows in parties.values()
        for name in (rows.alone, *rows.candidates)
        if name is not None
    }
    rest = [
        name
        for name in names
        if name.startswith(BEGINNING) and name not in choices and name not in of_parties
    ]
    order = {name: place for place, name in enumerate(TOTALS)}
    rest.sort(key=lambda name: order.get(name, -1))
    return VoteFields(tuple(choices), tuple(rest))


def swappable_rows(form: FormTemplate | None) -> tuple[tuple[str, ...], ...]:
    """Rows that stand above one another and are added up: swapping them keeps every sum.

    Of a form that names its own sums: the parts of each sum whose boxes stand in one column,
    without those that are a sum of rows in that column themselves. Of any other form: paslon, and
    the rows of those who voted. Parties and their candidates are not here; their names tell
    (``models.party_fields``).
    """
    if form is None or form.sums is None:
        return _ROWS_OF_2024
    return _in_columns(
        form.sums,
        tuple(
            (field.name, (page.number, field.boxes[0][0], field.boxes[0][2]))
            for page in form.pages
            for field in page.fields
        ),
    )


_Column = tuple[int, float, float]
"""Page, and the first box's left and right edge in mm."""


@lru_cache(maxsize=64)
def _in_columns(
    sums: tuple[FormSum, ...], places: tuple[tuple[str, _Column], ...]
) -> tuple[tuple[str, ...], ...]:
    column = dict(places)

    def beside(one: str, other: str) -> bool:
        (page, x0, x1), (other_page, u0, u1) = column[one], column[other]
        shared = min(x1, u1) - max(x0, u0)
        return page == other_page and shared >= SAME_COLUMN * min(x1 - x0, u1 - u0)

    above = {line.total for line in sums if all(beside(line.total, part) for part in line.parts)}
    groups = []
    for line in sums:
        left = [part for part in line.parts if part not in above]
        while left:
            rows = tuple(part for part in left if beside(left[0], part))
            left = [part for part in left if part not in rows]
            if len(rows) > 1 and rows not in groups:
                groups.append(rows)
    return tuple(groups)

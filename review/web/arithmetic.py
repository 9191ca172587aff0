"""The rules that touch a field, worked out for one TPS; and how its entry came to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from models.elections import Election, election_of
from models.people import User
from models.queue import DecidedCell, QueueItem
from models.rules import (
    RULES_ACROSS,
    Relation,
    RuleResult,
    Verdict,
    rules_for,
    salinan_is_plano,
)
from models.rules.across import at_election
from review.permissions import must_not_see_waiting
from review.web.parts import Room
from review.web.places import candidate_names, form_of, row_label, with_kin

TERMS_SPELT_OUT = 8
"""Fields of a line up to which every one is shown."""


@dataclass(frozen=True, slots=True)
class Column:
    """One set of numbers under one rule."""

    name: str
    """``entry``, ``reading`` or ``audited``."""
    numbers: tuple[int | None, ...]
    """As the lines: what the rule is about first; hidden ones are ``None`` too."""
    expected: int | None
    """What the rule makes of all but the first; ``None`` where one is missing or hidden."""
    result: RuleResult


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One line of arithmetic with the numbers of the system, the machine and the auditors."""

    rule: str
    relation: Relation
    right: str
    """The right-hand side in the names of fields."""
    fields: tuple[str, ...]
    labels: tuple[str, ...]
    hidden: tuple[bool, ...]
    """Which of the fields still wait for a blind answer; their numbers are kept back."""
    columns: tuple[Column, ...]

    @property
    def folded(self) -> frozenset[int]:
        """Places of terms that a long sum need not spell out: those that are 0 in every column.

        A number that is missing or kept back is not 0, and stays in sight; so does what the line
        is about, and each term of a short sum.
        """
        if len(self.fields) <= TERMS_SPELT_OUT:
            return frozenset()
        return frozenset(
            place
            for place in range(1, len(self.fields))
            if not self.hidden[place] and all(one.numbers[place] == 0 for one in self.columns)
        )

    @property
    def verdict(self) -> Verdict | None:
        """The worst of the sets of numbers; ``None`` where a number is hidden."""
        if any(self.hidden):
            return None
        verdicts = [one.result.verdict for one in self.columns]
        if Verdict.VIOLATED in verdicts:
            return Verdict.VIOLATED
        return Verdict.NOT_COMPUTABLE if Verdict.NOT_COMPUTABLE in verdicts else Verdict.OK


@dataclass(frozen=True, slots=True)
class EntryState:
    """What the system said at one time about one field."""

    revision: int
    reported_at: datetime | None
    imported_at: datetime
    number: int | None
    source: str


def rules_of(room: Room, user: User, item: QueueItem) -> tuple[RuleLine, ...]:
    """The rules with the item's field on either side; empty for items without a field.

    Whoever works on items does not see the numbers of other fields that still wait: they may be
    next, and must be answered blind.
    """
    if item.tps is None or item.field is None:
        return ()
    cells = room.store.queue.cells(item.tps, form=item.form)
    sets = _sets(cells)
    waiting: Waiting = frozenset()
    if must_not_see_waiting(user):
        waiting = _waiting_fields(room, item)
    names = candidate_names(room, item.form, [one.field for one in cells])
    lines = []
    for rule in rules_for(item.form):
        checks = rule.checks_for(sets["entry"], item.form)
        results = {name: rule.evaluate(numbers, item.form) for name, numbers in sets.items()}
        for place, check in enumerate(checks):
            fields = (check.field, *check.terms)
            if item.field not in fields:
                continue
            hidden = tuple((item.form, field) in waiting for field in fields)
            columns = tuple(_column(name, found[place], hidden) for name, found in results.items())
            labels = tuple(row_label(item.form, field, names) for field in fields)
            lines.append(
                RuleLine(rule.code, check.relation, check.right, fields, labels, hidden, columns)
            )
    copied = _against_the_original(room, item, waiting)
    return (*lines, *_across(room, item, waiting), *copied)


def _against_the_original(room: Room, item: QueueItem, waiting: Waiting) -> list[RuleLine]:
    """The number on the form that the item's form is a copy of; empty where there is none."""
    form, name = form_of(item.form), item.field
    if form is None or form.copy_of is None or name is None or item.tps is None:
        return []
    cells = {one.form: one for one in room.store.queue.cells(item.tps, fields=[name])}
    here, there = cells.get(form.id), cells.get(form.copy_of)
    original = form_of(form.copy_of)
    if here is None or there is None or original is None:
        return []
    sets = {"reading": (here.reading, there.reading)}
    if here.is_decided or there.is_decided:
        sets["audited"] = (here.audited, there.audited)
    hidden = (False, (original.id, name) in waiting)
    columns = tuple(
        _column(column, salinan_is_plano.of_field(name, *numbers), hidden)
        for column, numbers in sets.items()
    )
    labels = tuple(f"{row_label(one.id, name)} ({one.title})" for one in (form, original))
    fields = (name, f"{name}@{original.id}")
    code = salinan_is_plano.CODE
    return [RuleLine(code, Relation.EQUAL, labels[-1], fields, labels, hidden, columns)]


def _sets(cells: Iterable[DecidedCell]) -> dict[str, Mapping[str, int | None]]:
    """The numbers of one form: as reported; as read and as audited, where anything was."""
    cells = tuple(cells)
    sets: dict[str, Mapping[str, int | None]] = {"entry": {one.field: one.entry for one in cells}}
    if any(one.reading is not None or one.status is not None for one in cells):
        sets["reading"] = {one.field: one.reading for one in cells}
    if any(one.is_decided for one in cells):
        sets["audited"] = {one.field: one.audited for one in cells}
    return sets


def _across(room: Room, item: QueueItem, waiting: Waiting) -> list[RuleLine]:
    """The same field on the forms of the other elections, where a rule wants them equal."""
    field = item.field or ""
    rules = [rule for rule in RULES_ACROSS if field in rule.fields]
    if not rules or item.tps is None:
        return []
    cells = room.store.queue.cells(item.tps, fields=[field])
    by_form = {one.form: _sets([one]) for one in cells}
    lines = []
    for rule in rules:
        columns_of: dict[tuple[str, ...], list[tuple[str, RuleResult]]] = {}
        for name in ("entry", "reading", "audited"):
            if not any(name in sets for sets in by_form.values()):
                continue
            instead = "entry" if name == "audited" else name
            numbers = {
                form: sets.get(name, sets.get(instead, {})) for form, sets in by_form.items()
            }
            for form, result in rule.evaluate(numbers):
                forms = tuple(at_election(one)[1] or "" for one in result.inputs)
                if result.field == field and item.form in {*(_form(one) for one in forms), form}:
                    columns_of.setdefault(forms, []).append((name, result))
        for forms, results in columns_of.items():
            hidden = tuple((_form(one), field) in waiting for one in forms)
            labels = tuple(field_label_of(_form(one), field) for one in forms)
            fields = tuple(field if _form(one) == item.form else f"{field}@{one}" for one in forms)
            columns = tuple(_column(name, result, hidden) for name, result in results)
            lines.append(
                RuleLine(rule.code, Relation.EQUAL, labels[-1], fields, labels, hidden, columns)
            )
    return lines


def _form(election: str) -> str:
    return Election(election).form


def field_label_of(form: str, field: str) -> str:
    """A field's label with its election in front, the presidential one too."""
    election = election_of(form)
    return f"{election.label if election else form}: {row_label(form, field)}"


Waiting = frozenset[tuple[str | None, str]]
"""Form and field."""


def _waiting_fields(room: Room, item: QueueItem) -> Waiting:
    waiting = room.store.overview.waiting_fields(item.tps or "")
    own = (item.form, item.field)
    others = with_kin(one for one in waiting if one[1:] != own)
    return frozenset((form, field) for _, form, field in others if (form, field) != own)


def _column(name: str, result: RuleResult, hidden: tuple[bool, ...]) -> Column:
    given = zip(result.inputs.values(), hidden, strict=True)
    numbers = tuple(None if kept_back else number for number, kept_back in given)
    left, difference = numbers[0], result.difference
    if any(hidden) or left is None or difference is None:
        return Column(name, numbers, None, result)
    return Column(name, numbers, left - difference, result)


def entry_states(room: Room, item: QueueItem) -> tuple[EntryState, ...]:
    """What the system said about the item's field, the oldest first."""
    if item.tps is None or item.field is None:
        return ()
    return tuple(
        EntryState(
            one.revision,
            one.entry.reported_at,
            one.imported_at,
            one.entry.fields.get(item.field),
            one.entry.source,
        )
        for one in room.store.entry_revisions(item.tps)
        if one.entry.form == item.form
    )

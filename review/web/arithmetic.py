"""The rules that touch a field, worked out for one TPS; and how its entry came to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from models.people import User
from models.queue import DecidedCell, QueueItem
from models.rules import Relation, RuleResult, Verdict, rules_for, salinan_is_plano
from review.permissions import must_not_see_waiting
from review.web.parts import Room
from review.web.places import field_label, form_of


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
    of_tps = room.store.queue.cells(item.tps)
    cells = [one for one in of_tps if one.form == item.form]
    sets: dict[str, Mapping[str, int | None]] = {
        "entry": {one.field: one.entry for one in cells},
        "reading": {one.field: one.reading for one in cells},
    }
    if any(one.is_decided for one in cells):
        sets["audited"] = {one.field: one.audited for one in cells}
    waiting = _waiting_fields(room, item) if must_not_see_waiting(user) else frozenset()
    lines = []
    for rule in rules_for(item.form):
        results = {name: rule.evaluate(numbers) for name, numbers in sets.items()}
        for place, check in enumerate(rule.checks):
            fields = (check.field, *check.terms)
            if item.field not in fields:
                continue
            hidden = tuple(field in waiting for field in fields)
            columns = tuple(_column(name, found[place], hidden) for name, found in results.items())
            labels = tuple(field_label(item.form, field) for field in fields)
            lines.append(
                RuleLine(rule.code, check.relation, check.right, fields, labels, hidden, columns)
            )
    lines += _against_the_original(room, user, item, of_tps)
    return tuple(lines)


def _against_the_original(
    room: Room, user: User, item: QueueItem, of_tps: Sequence[DecidedCell]
) -> list[RuleLine]:
    """The number on the form that the item's form is a copy of; empty where there is none."""
    form, name = form_of(item.form), item.field
    if form is None or form.copy_of is None or name is None:
        return []
    here = next((one for one in of_tps if (one.form, one.field) == (form.id, name)), None)
    there = next((one for one in of_tps if (one.form, one.field) == (form.copy_of, name)), None)
    if here is None or there is None:
        return []
    waiting = room.store.overview.waiting_fields(item.tps or "")
    kept_back = must_not_see_waiting(user) and any(
        (other, field) == (form.copy_of, name) for _, other, field in waiting
    )
    sets = {"reading": (here.reading, there.reading)}
    if here.is_decided or there.is_decided:
        sets["audited"] = (here.audited, there.audited)
    hidden = (False, kept_back)
    columns = tuple(
        _column(column, salinan_is_plano.of_field(name, *numbers), hidden)
        for column, numbers in sets.items()
    )
    original = form_of(form.copy_of)
    labels = tuple(
        f"{field_label(one.id, name)} ({one.title})" for one in (form, original) if one is not None
    )
    right = f"{name} ({form.copy_of})"
    fields = (name, right)
    code = salinan_is_plano.CODE
    return [RuleLine(code, Relation.EQUAL, right, fields, labels, hidden, columns)]


def _waiting_fields(room: Room, item: QueueItem) -> frozenset[str]:
    waiting = room.store.overview.waiting_fields(item.tps or "")
    return frozenset(field for _, form, field in waiting if form == item.form) - {item.field}


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

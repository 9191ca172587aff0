"""What is other in one run than in an earlier one: fields, conflicts, totals. Arithmetic alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from pydantic import AwareDatetime

from models.conflict_identity import facts_digest, numbered_keys
from models.history import FieldState, changed_parts
from models.records import Conflict, Probability, Record, TpsCode

FieldKey = tuple[str, str, str]
"""TPS, form, field."""


class Why(StrEnum):
    """Why a field is read differently."""

    FIRST_PHOTO = "first_photo"
    """Nothing showed the field before."""
    NEW_PHOTO = "new_photo"
    """A photo that came in after the earlier run."""
    OTHER_PHOTO = "other_photo"
    """Another photo of the same page, which was there before, counts now."""
    PAGE_GONE = "page_gone"
    """No photo of this TPS shows the field any more."""
    NEW_RECIPE = "new_recipe"
    """The same photo, read by another recipe; ``parts`` says what is other about it."""
    OTHER_PAGES = "other_pages"
    """Same photo and recipe: other pages or photos of the form change what its sums say."""
    NOT_KEPT = "not_kept"
    """The store did not keep recipes yet when one of the two was read."""


class FieldChange(Record):
    """A field whose reading is another: its value or its status."""

    tps: TpsCode
    form: str
    field: str
    old: int | None
    new: int | None
    old_status: str | None
    """``None`` where no photo shows the field."""
    new_status: str | None
    old_confidence: Probability | None
    new_confidence: Probability | None
    why: Why
    parts: tuple[str, ...] = ()
    """For ``NEW_RECIPE``: which parts of the recipe are others, see ``models.history``."""
    old_sha256: str | None = None
    new_sha256: str | None = None


class EntryChange(Record):
    """A field whose reported number is another."""

    tps: TpsCode
    form: str
    field: str
    old: int | None
    new: int | None
    reading: int | None
    """What the later run reads on paper."""


class ConflictFate(StrEnum):
    """What became of a conflict."""

    OPENED = "opened"
    CLOSED = "closed"
    CHANGED = "changed"
    """It is still there, but reading, entry or photo are others."""


class ConflictChange(Record):
    """A conflict that is not as it was."""

    fate: ConflictFate
    tps: TpsCode | None
    form: str | None
    field: str | None
    kind: str
    rule: str | None
    old_entry: int | None = None
    new_entry: int | None = None
    old_reading: int | None = None
    new_reading: int | None = None
    detail: str
    """Of the newer of the two."""


class ItemChange(Record):
    """An item of the auditors' queue that somebody had worked on, and whose facts are others."""

    item: int
    fate: str
    """``reopened`` or ``kept``."""
    why: str
    """A ``models.reopening.Reason``."""
    tps: TpsCode | None
    form: str | None
    field: str | None
    outcome: str | None
    number: int | None
    """As it was decided."""
    old_entry: int | None
    new_entry: int | None
    old_reading: int | None
    new_reading: int | None


class Sum(Record):
    """A field's sum over all TPS, and over how many TPS it is."""

    votes: int
    tps: int


class TotalChange(Record):
    """The sums of a field before and after. Sums over other TPS can't be subtracted."""

    form: str
    field: str
    entry_before: Sum
    entry_after: Sum
    reading_before: Sum
    reading_after: Sum

    @property
    def is_same(self) -> bool:
        """Whether nothing moved."""
        return (self.entry_before, self.reading_before) == (self.entry_after, self.reading_after)


class Diff(Record):
    """What is other in run ``last`` than in run ``first``."""

    first: int
    last: int
    first_finished_at: AwareDatetime | None
    last_finished_at: AwareDatetime | None
    first_recipe: str
    last_recipe: str
    recipe_parts: tuple[str, ...]
    """Parts in which the two runs' recipes differ; empty also where they were not kept."""
    fields: tuple[FieldChange, ...]
    only_confidence: int
    """Fields whose confidence alone moved."""
    entries: tuple[EntryChange, ...]
    conflicts: tuple[ConflictChange, ...]
    conflicts_unchanged: int
    items: tuple[ItemChange, ...]
    totals: tuple[TotalChange, ...]

    def count(self, fate: ConflictFate) -> int:
        """How many conflicts had that fate."""
        return sum(one.fate is fate for one in self.conflicts)

    def items_of(self, fate: str) -> tuple[ItemChange, ...]:
        """Items of one fate."""
        return tuple(one for one in self.items if one.fate == fate)


def diff_fields(
    old: Mapping[FieldKey, FieldState],
    new: Mapping[FieldKey, FieldState],
    *,
    came_since: Callable[[str], bool],
    recipes: Mapping[str, Mapping[str, str]],
) -> tuple[tuple[FieldChange, ...], int]:
    """Fields whose reading is another, by TPS, form and field.

    Args:
        old: Fields as the earlier run saw them.
        new: As the later one did.
        came_since: Whether a photo (SHA-256) came in after the earlier run.
        recipes: Digest to parts, of those that are known.

    Returns:
        The changes, and of how many fields only the confidence moved.

    """
    changes: list[FieldChange] = []
    only_confidence = 0
    for key in sorted(old.keys() | new.keys()):
        nothing = FieldState(tps=key[0], form=key[1], field=key[2])
        before, after = old.get(key, nothing), new.get(key, nothing)
        if (before.reading, before.status) == (after.reading, after.status):
            only_confidence += before.confidence != after.confidence
            continue
        why, parts = _why(before, after, came_since, recipes)
        changes.append(
            FieldChange(
                tps=key[0],
                form=key[1],
                field=key[2],
                old=before.reading,
                new=after.reading,
                old_status=before.status,
                new_status=after.status,
                old_confidence=before.confidence,
                new_confidence=after.confidence,
                why=why,
                parts=parts,
                old_sha256=before.sha256,
                new_sha256=after.sha256,
            )
        )
    return tuple(changes), only_confidence


def _why(
    before: FieldState,
    after: FieldState,
    came_since: Callable[[str], bool],
    recipes: Mapping[str, Mapping[str, str]],
) -> tuple[Why, tuple[str, ...]]:
    why = Why.OTHER_PAGES
    parts: tuple[str, ...] = ()
    if before.status is None:
        why = Why.FIRST_PHOTO
    elif after.status is None:
        why = Why.PAGE_GONE
    elif (before.sha256, before.pdf_page) != (after.sha256, after.pdf_page):
        is_new = after.sha256 is not None and came_since(after.sha256)
        why = Why.NEW_PHOTO if is_new else Why.OTHER_PHOTO
    elif before.recipe is None or after.recipe is None:
        why = Why.NOT_KEPT
    elif before.recipe != after.recipe:
        why = Why.NEW_RECIPE
        parts = changed_parts(recipes.get(before.recipe, {}), recipes.get(after.recipe, {}))
    return why, parts


def diff_entries(
    old: Mapping[FieldKey, FieldState], new: Mapping[FieldKey, FieldState]
) -> tuple[EntryChange, ...]:
    """Fields whose reported number is another, by TPS, form and field."""
    return tuple(
        EntryChange(tps=key[0], form=key[1], field=key[2], old=before, new=after, reading=reading)
        for key in sorted(old.keys() | new.keys())
        for before in (old[key].entry if key in old else None,)
        for after, reading in ((new[key].entry, new[key].reading) if key in new else (None, None),)
        if before != after
    )


def diff_conflicts(
    old: Iterable[Conflict], new: Iterable[Conflict]
) -> tuple[tuple[ConflictChange, ...], int]:
    """What became of the conflicts, opened ones first, each group by TPS and field.

    Args:
        old: Of the earlier run, in its order.
        new: Of the later one.

    Returns:
        Those that are not as they were, and how many are.

    """
    before, after = dict(numbered_keys(old, {})), dict(numbered_keys(new, {}))
    changes = [
        _conflict_change(ConflictFate.OPENED, None, after[key])
        for key in after.keys() - before.keys()
    ]
    changes += [
        _conflict_change(ConflictFate.CLOSED, before[key], None)
        for key in before.keys() - after.keys()
    ]
    changed = [
        key
        for key in before.keys() & after.keys()
        if facts_digest(before[key]) != facts_digest(after[key])
    ]
    changes += [_conflict_change(ConflictFate.CHANGED, before[key], after[key]) for key in changed]
    fates = tuple(ConflictFate)
    changes.sort(
        key=lambda one: (
            fates.index(one.fate),
            one.tps or "",
            one.form or "",
            one.field or "",
            one.kind,
            one.rule or "",
            one.detail,
        )
    )
    return tuple(changes), len(before.keys() & after.keys()) - len(changed)


def _conflict_change(
    fate: ConflictFate, before: Conflict | None, after: Conflict | None
) -> ConflictChange:
    newest = after or before
    if newest is None:
        raise ValueError("a conflict that was never there can't change")
    return ConflictChange(
        fate=fate,
        tps=newest.tps,
        form=newest.form,
        field=newest.field,
        kind=newest.kind.value,
        rule=newest.rule,
        old_entry=before.entry if before else None,
        new_entry=after.entry if after else None,
        old_reading=before.reading if before else None,
        new_reading=after.reading if after else None,
        detail=newest.detail,
    )


def diff_totals(
    old: Mapping[tuple[str, str], tuple[int, int, int, int]],
    new: Mapping[tuple[str, str], tuple[int, int, int, int]],
) -> tuple[TotalChange, ...]:
    """Sums before and after, by form and field, also those that did not move.

    Args:
        old: Form and field to: entries' sum, TPS with one, readings' sum, TPS with one.
        new: The same, later.

    """
    nothing = (0, 0, 0, 0)
    return tuple(
        TotalChange(
            form=key[0],
            field=key[1],
            entry_before=Sum(votes=before[0], tps=before[1]),
            entry_after=Sum(votes=after[0], tps=after[1]),
            reading_before=Sum(votes=before[2], tps=before[3]),
            reading_after=Sum(votes=after[2], tps=after[3]),
        )
        for key in sorted(old.keys() | new.keys())
        for before, after in ((old.get(key, nothing), new.get(key, nothing)),)
    )

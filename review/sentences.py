"""What an item is about, as one sentence in the page's language, from what is known of it.

The stored English sentence (``Conflict.detail``) stays what exports hold. Only the number of a
page, a TPS that a header names, what other elections' forms say and the number on a copy's
original are taken from it: no other
part of an item holds them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from models.queue import SAMPLE, QueueItem
from models.records import ConflictKind, FieldStatus, PageReading
from models.rules import salinan_is_plano
from review.texts import Speaker

_PAGE = re.compile(r"\bpage (\d+)")
_PLANO = re.compile(r"\(plano\) (\d+)")
_ACROSS = re.compile(r" is (\d+) for (\w+) and (\d+) for ([a-z, ]+?) \(")
"""Of a rule over several elections: the number here, and the one on the other forms."""
_LOOKS_LIKE = re.compile(r"looks like .*\((\d{13})\)")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the item itself."""

    error: str | None = None
    """Code of the error with which its photo was turned away."""
    page: PageReading | None = None
    """What was read in its photo; ``None`` in lists, which would need hundreds."""
    tps_of_photo: tuple[str, ...] = ()
    """All TPS its photo came in for."""


NOTHING = Known()


def sentence(
    t: Speaker,
    item: QueueItem,
    known: Known = NOTHING,
    *,
    place: Callable[[str], str] = str,
    label: Callable[[str], str] = str,
) -> str:
    """What an item is about. It tells numbers: show it to nobody who must answer blind.

    Args:
        t: Speaks the language.
        item: The item.
        known: What else is known.
        place: Names a TPS.
        label: Names a field of the item's form.

    """
    if item.kind == SAMPLE:
        return t("sentence.sample")
    kind = ConflictKind(item.kind)
    if kind is ConflictKind.VALUE_MISMATCH:
        sure = item.field_status == FieldStatus.CLEAR
        key = "sentence.value_mismatch" if sure else "sentence.value_mismatch_unsure"
        reading, entry = t.number(item.reading), t.number(item.entry)
        return t(key, reading=reading, entry=entry, why=_why(t, item, known))
    if kind is ConflictKind.ENTRY_MISSING:
        return t("sentence.entry_missing", reading=t.number(item.reading))
    if kind in (ConflictKind.RULE_BROKEN_ON_PAPER, ConflictKind.RULE_BROKEN_IN_ENTRY):
        return _of_rule(t, item, kind)
    if kind is ConflictKind.UNREADABLE and item.field is not None:
        return _field_to_read(t, item, known)
    return _of_photo(t, item, kind, known, place, label)


def _of_rule(t: Speaker, item: QueueItem, kind: ConflictKind) -> str:
    if item.rule == salinan_is_plano.CODE and (found := _PLANO.search(item.detail)):
        copied, original = t.number(item.reading), t.number(int(found[1]))
        return t("sentence.copying_error", copied=copied, original=original)
    across = _ACROSS.search(item.detail)
    if across is None:
        rule = t.name("rule", item.rule or "")
        return t(f"sentence.{kind}", rule=rule, number=t.number(item.votes))
    here, election, there, others = across.groups()
    named = [t.name("election", one) for one in others.split(", ")]
    return t(
        "sentence.across",
        here=t.number(int(here)),
        election=t.name("election", election),
        there=t.number(int(there)),
        others=", ".join(named),
    )


def _field_to_read(t: Speaker, item: QueueItem, known: Known) -> str:
    if item.reading is None and item.field_status != FieldStatus.REVIEW:
        return t("sentence.blank", entry=t.number(item.entry))
    key = "sentence.to_read" if item.reading is not None else "sentence.to_read_none"
    told = [t(key, read=t.number(item.reading), why=_why(t, item, known))]
    if item.entry is not None:
        told.append(t("sentence.system", entry=t.number(item.entry)))
    return " ".join(told)


def _of_photo(
    t: Speaker,
    item: QueueItem,
    kind: ConflictKind,
    known: Known,
    place: Callable[[str], str],
    label: Callable[[str], str],
) -> str:
    """Of a photo or a page: why it was turned away, or what is missing."""
    if known.error and t.has(f"photo_error.{known.error}.what"):
        return f"{t(f'photo_error.{known.error}.what')} {t(f'photo_error.{known.error}.do')}"
    number = known.page.page if known.page else None
    if number is None and (found := _PAGE.search(item.detail)):
        number = int(found[1])
    if kind is ConflictKind.PAGE_MISSING:
        return _page_missing(t, item, known, number, label)
    if kind is ConflictKind.DUPLICATE_PHOTO and len(known.tps_of_photo) > 1:
        return t("sentence.duplicate_tps", tps=", ".join(map(place, known.tps_of_photo)))
    if kind is ConflictKind.WRONG_TPS and (found := _LOOKS_LIKE.search(item.detail)):
        return t("sentence.wrong_tps_like", place=place(item.tps or ""), other=place(found[1]))
    no_tps = kind is ConflictKind.UNREADABLE and number and item.tps is None
    return t("sentence.no_tps", page=number) if no_tps else t(f"sentence.{kind}")


def _page_missing(
    t: Speaker, item: QueueItem, known: Known, number: int | None, label: Callable[[str], str]
) -> str:
    if item.sha256 is None:
        if number:
            return t("sentence.page_missing", page=number)
        whole = item.detail.startswith("No photo of any page")
        return t("sentence.no_page" if whole else "sentence.page_missing_somewhere")
    unseen = [
        label(name)
        for name, field in (known.page.fields if known.page else {}).items()
        if field.status is FieldStatus.NOT_IN_VIEW
    ]
    told = t("sentence.page_partly", page=number or "?")
    return f"{told} {t('sentence.unseen', fields=', '.join(unseen))}" if unseen else told


def _why(t: Speaker, item: QueueItem, known: Known) -> str:
    """Why the machine is not sure, in brackets; empty where nobody told."""
    field = known.page.fields.get(item.field or "") if known.page else None
    reasons = [t.name("reason", reason) for reason in field.reasons] if field else []
    return f" ({', '.join(reasons)})" if reasons else ""

"""An item's acts as a person reads them: who, when, from what, to what, why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.trail import Act, TrailRecord
from review.texts import Speaker


@dataclass(frozen=True, slots=True)
class Line:
    """One act in words."""

    sequence: int
    at: datetime
    who: str
    act: str
    before: str
    after: str
    why: str


def in_words(t: Speaker, records: Iterable[TrailRecord]) -> list[Line]:
    """Each act in words, in the order given."""
    return [
        Line(
            record.sequence,
            record.at,
            record.who,
            t.name("act", record.act),
            *_from_to(t, record),
            record.why or _because(t, record),
        )
        for record in records
    ]


def _from_to(t: Speaker, record: TrailRecord) -> tuple[str, str]:
    before, after = record.before or {}, record.after or {}
    found = "", ""
    match record.act:
        case Act.DECIDED:
            found = _sirekap(t, before), _finding(t, after["finding"])
        case Act.UNDONE:
            found = _finding(t, before["finding"]), t("history.open_again")
        case Act.BLIND_ANSWERED:
            found = "", _paper(t, after["paper"])
        case Act.REVEALED:
            found = "", _numbers(t, after)
        case Act.ITEM_CHANGED | Act.ITEM_KEPT:
            found = _numbers(t, before), _numbers(t, after)
        case Act.ITEM_CLAIMED:
            until = t.moment(datetime.fromisoformat(after["until"]))
            found = before.get("by") or "", t("history.until", moment=until)
        case _:  # nothing goes from one thing to another
            pass
    return found


def _because(t: Speaker, record: TrailRecord) -> str:
    """Why a change of facts opened an item again, or left its decision alone."""
    reason = (record.after or {}).get("because")
    return t.name("because", reason) if reason else ""


def _finding(t: Speaker, finding: dict[str, Any]) -> str:
    text = t.name("outcome", finding["outcome"])
    if finding.get("number") is not None:
        text += f": {t.number(finding['number'])}"
    elif finding.get("empty"):
        text += f": {t('says.empty')}"
    return f"{text} ({finding['reference']})" if finding.get("reference") else text


def _paper(t: Speaker, paper: dict[str, Any]) -> str:
    if paper.get("number") is not None:
        return t.number(paper["number"])
    return t.name("says", paper["says"])


def _numbers(t: Speaker, facts: dict[str, Any]) -> str:
    if not {"entry", "reading"} & facts.keys():
        return ""
    reading = t("history.reading", number=t.number(facts.get("reading")))
    return f"{_sirekap(t, facts)}, {reading}"


def _sirekap(t: Speaker, facts: dict[str, Any]) -> str:
    if "entry" not in facts:
        return ""
    return t("history.entry", number=t.number(facts["entry"]))

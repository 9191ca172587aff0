"""What an auditor says stands on the paper, before anything else is shown."""

from __future__ import annotations

import re
from enum import StrEnum

from models.records import Record
from review.errors import AnswerMissing

MOST_DIGITS = 6
"""Votes of a TPS have three digits, sums over a desa six at most."""


class Says(StrEnum):
    """What kind of answer it is."""

    NUMBER = "number"
    EMPTY = "empty"
    """Nothing is written there. Not zero."""
    UNREADABLE = "unreadable"
    NOT_SHOWN = "not_shown"
    """The photo does not show it, or there is none."""


class PaperSays(Record):
    """A blind answer."""

    says: Says
    number: int | None = None
    """Votes; only where ``says`` is ``NUMBER``."""


def parse_number(text: str) -> int | None:
    """Digits as typed, spaces allowed around them; ``None`` for nothing typed.

    Raises:
        AnswerMissing: it is no whole number, or too long.

    """
    typed = text.strip()
    if not typed:
        return None
    if not re.fullmatch(rf"[0-9]{{1,{MOST_DIGITS}}}", typed):
        raise AnswerMissing(f"{typed[:20]!r} is no number of votes", typed=typed[:20])
    return int(typed)


def parse_answer(number: str, says: str) -> PaperSays:
    """A blind answer from a form: a number typed, or a reason why there is none, not both.

    Raises:
        AnswerMissing: neither, both, or not a number.

    """
    typed = parse_number(number)
    if says not in ("", *Says):
        raise AnswerMissing(f"{says[:20]!r} is no answer", typed=says[:20])
    reason = None if says in ("", Says.NUMBER) else Says(says)
    if (typed is None) == (reason is None):
        raise AnswerMissing("neither a number nor a reason, or both were given")
    if reason is not None:
        return PaperSays(says=reason)
    return PaperSays(says=Says.NUMBER, number=typed)

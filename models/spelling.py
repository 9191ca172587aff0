"""Numbers from 0 to 999 in Indonesian words: the closed grammar that the forms are written in.

``number_in_words`` gives the one proper spelling; ``spellings`` all that people write for it, each
with how common it is beside the proper one. Letters only: whether words stand apart is not part of
a spelling (DELAPANBELAS is as good as DELAPAN BELAS).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

HIGHEST = 999

ONES = ("NOL", "SATU", "DUA", "TIGA", "EMPAT", "LIMA", "ENAM", "TUJUH", "DELAPAN", "SEMBILAN")

ZEROS = ("NOL", "KOSONG", "NIHIL")
"""What a zero is called on forms."""

COMMON = 1.0
LESS_COMMON = 0.1
RARE = 0.01
"""How common a spelling is beside the proper one: estimates, as no count of them is at hand."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way of writing one number."""

    letters: str
    """Capitals, no spaces."""
    number: int
    share: float
    """How common it is beside the proper spelling, 0 to 1."""


def number_in_words(number: int) -> str:
    """0 to 999 in Indonesian capitals, as on the form.

    Raises:
        ValueError: outside that range.

    """
    if not 0 <= number <= HIGHEST:
        raise ValueError(f"0 to {HIGHEST} can be spelt, not {number}")
    if number == 0:
        return ONES[0]
    hundreds, rest = divmod(number, 100)
    words = ["SERATUS" if hundreds == 1 else f"{ONES[hundreds]} RATUS"] if hundreds else []
    if rest == 10:
        words.append("SEPULUH")
    elif rest == 11:
        words.append("SEBELAS")
    elif 11 < rest < 20:
        words.append(f"{ONES[rest - 10]} BELAS")
    else:
        tens, units = divmod(rest, 10)
        words += [f"{ONES[tens]} PULUH"] if tens else []
        words += [ONES[units]] if units else []
    return " ".join(words)


def letters_of(text: str) -> str:
    """A text as the recogniser can spell it: its capitals A-Z and digits, nothing else."""
    return "".join(sign for sign in text.upper() if sign.isascii() and sign.isalnum())


@cache
def spellings() -> tuple[Spelling, ...]:
    """All spellings of all numbers; no two have the same letters.

    Besides the proper one: a written-out one (SATU RATUS, SATU PULUH, SATU BELAS), other names of
    zero, and digits read out one by one with or without the zeros before them (NOL DUA EMPAT).
    """
    found: dict[str, Spelling] = {}
    for number in range(HIGHEST + 1):
        for text, share in _ways(number):
            letters = letters_of(text)
            known = found.get(letters)
            if known is None or known.share < share:
                found[letters] = Spelling(letters, number, share)
    return tuple(found.values())


def _ways(number: int) -> Iterator[tuple[str, float]]:
    yield number_in_words(number), COMMON
    if number == 0:
        for name in ZEROS:
            yield name, COMMON
            yield f"{name} {name}", LESS_COMMON
            yield f"{name} {name} {name}", LESS_COMMON
        return
    hundreds, rest = divmod(number, 100)
    above = [(f"{ONES[hundreds]} RATUS", COMMON)] if hundreds else [("", COMMON)]
    if hundreds == 1:
        above = [("SERATUS", COMMON), ("SATU RATUS", LESS_COMMON)]
    below = [(number_in_words(rest) if rest else "", COMMON)]
    if 10 <= rest < 20:
        units = rest - 10
        below += [(f"{ONES[1]} PULUH {ONES[units]}" if units else "SATU PULUH", RARE)]
        below += [("SATU BELAS", LESS_COMMON)] if units == 1 else []
    for start, common in above:
        for end, too in below:
            yield f"{start} {end}", common * too
    digits = str(number)
    if len(digits) > 1:
        yield _one_by_one(digits, "NOL"), RARE
        if "0" in digits:
            yield _one_by_one(digits, "KOSONG"), RARE
    for padded in {digits.zfill(2), digits.zfill(3)} - {digits}:
        for zero in ("NOL", "KOSONG"):
            yield _one_by_one(padded, zero), RARE


def _one_by_one(digits: str, zero: str) -> str:
    return " ".join(zero if digit == "0" else ONES[int(digit)] for digit in digits)

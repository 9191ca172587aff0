"""What the training lines say: numbers in words, names of nowhere, letters at random, digits.

Most of it is not numbers, so that the recogniser learns letters and not the grammar: it must read
a wrong word as it is written.
"""

from __future__ import annotations

import string

import numpy as np

from models.spelling import ONES, spellings

_NUMBER_WORDS = (
    *(word for word in ONES),
    *("PULUH", "BELAS", "RATUS", "SERATUS", "SEPULUH", "SEBELAS", "KOSONG", "NIHIL"),
)
_ONSETS = (
    *("", "", "B", "C", "D", "G", "H", "J", "K", "L", "M", "N", "P", "R", "S", "T", "W", "Y"),
    *("NG", "NY", "KR", "PR", "TR", "SR", "BR", "KL", "F", "V", "Z", "KH", "SY", "DH", "TH"),
)
_VOWELS = ("A", "A", "A", "E", "I", "I", "O", "U", "U", "AI", "AU")
_CODAS = ("", "", "", "", "N", "NG", "R", "S", "K", "T", "L", "M", "H", "P", "D", "B", "X", "Q")
_BEFORE_NAMES = ("KAMPUNG", "DESA", "KOTA", "KAB", "KEC", "SIMPANG", "H", "HJ", "DR", "TANJUNG")
_QUARTERS = ("UTARA", "SELATAN", "BARAT", "TIMUR", "TENGAH", "BARU", "LAMA", "JAYA", "INDAH", "I")

_KINDS = {
    "number": 0.40,
    "number words": 0.09,
    "name": 0.27,
    "letters": 0.13,
    "digits": 0.09,
    "mixed": 0.02,
}
"""Shares of the kinds of lines."""


def some_text(rng: np.random.Generator) -> str:
    """One line's text: capitals, digits and spaces, now and then a stop or a hyphen."""
    kinds = list(_KINDS)
    kind = kinds[int(rng.choice(len(kinds), p=list(_KINDS.values())))]
    if kind == "number":
        return number_text(rng)
    if kind == "number words":
        words = rng.choice(_NUMBER_WORDS, int(rng.integers(1, 6)))
        return " ".join(str(word) for word in words)
    if kind == "name":
        return name_text(rng)
    if kind == "letters":
        return letters_text(rng)
    digits = "".join(rng.choice(list(string.digits), int(rng.integers(1, 6))))
    if kind == "digits":
        return f"{int(rng.integers(1, 100)):03d}" if rng.random() < 0.5 else digits
    return f"{name_text(rng)} {digits}"


def number_text(rng: np.random.Generator) -> str:
    """A number in words; the proper spelling three times out of four, spaces where people put them.

    Small numbers come more often than their share: they are on every form.
    """
    number = int(rng.integers(0, 1000 if rng.random() < 0.75 else 40))
    ways = [way for way in spellings() if way.number == number]
    proper = max(ways, key=lambda way: way.share)
    chosen = proper if rng.random() < 0.75 else ways[int(rng.integers(len(ways)))]
    return spaced(chosen.letters, rng)


def spaced(letters: str, rng: np.random.Generator) -> str:
    """Number words with the spaces between them; some writers leave some out."""
    words = sorted((*_NUMBER_WORDS, "SE"), key=len, reverse=True)
    parts = []
    while letters:
        word = next((word for word in words if letters.startswith(word)), letters[0])
        parts.append(word)
        letters = letters[len(word) :]
    tight = rng.random() < 0.08
    return "".join(
        word + ("" if place == len(parts) - 1 or (tight and rng.random() < 0.6) else " ")
        for place, word in enumerate(parts)
    )


def name_text(rng: np.random.Generator) -> str:
    """A name that could be a place's or a person's."""
    words = [_word(rng) for _ in range(int(rng.choice((1, 2, 3), p=(0.45, 0.4, 0.15))))]
    if rng.random() < 0.12:
        words.insert(0, _BEFORE_NAMES[int(rng.integers(len(_BEFORE_NAMES)))])
    if rng.random() < 0.15:
        words.append(_QUARTERS[int(rng.integers(len(_QUARTERS)))])
    text = " ".join(words)
    if rng.random() < 0.06:
        text = text.replace(" ", ("-", ". ", ", ", "/")[int(rng.integers(4))], 1)
    return text


def _word(rng: np.random.Generator) -> str:
    syllables = int(rng.choice((1, 2, 3, 4), p=(0.1, 0.45, 0.33, 0.12)))
    return "".join(
        str(rng.choice(_ONSETS)) + str(rng.choice(_VOWELS)) + str(rng.choice(_CODAS))
        for _ in range(syllables)
    )


def letters_text(rng: np.random.Generator) -> str:
    """Letters, each as likely as the other, in groups."""
    groups = [
        "".join(rng.choice(list(string.ascii_uppercase), int(rng.integers(1, 9))))
        for _ in range(int(rng.integers(1, 4)))
    ]
    return " ".join(groups)

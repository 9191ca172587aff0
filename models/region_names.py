"""How people write the name of a region, and the number of a TPS, on a dotted line.

``ways_of_writing`` gives the table's own name and what else stands for it on forms: a title before
it, an abbreviated first or last word, the spelling of before 1972. Letters and digits only: whether
words stand apart is not part of a name (the tables do not agree with themselves on that). How
common each way is beside the name as it is are estimates; no count of them is at hand.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType

from models.regions import Level

TITLES: Mapping[Level, tuple[str, ...]] = MappingProxyType(
    {
        Level.PROVINSI: ("PROVINSI", "PROV"),
        Level.KABUPATEN: ("KABUPATEN", "KAB"),
        Level.KECAMATAN: ("KECAMATAN", "KEC"),
        Level.DESA: ("KELURAHAN", "KEL", "DESA", "DS"),
    }
)
"""What a writer may put before a name."""

TABLE_TITLES = ("KOTAADMINISTRASI", "KOTAADM", "KOTA", "KABUPATEN", "KAB")
"""What a table may have before a kabupaten's name; writers often leave it out, as the form prints
``Kabupaten / Kota`` before the line."""

SHORT_BEGINNINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "BANDAR": ("BDR",),
        "BATU": ("BT",),
        "BUKIT": ("BKT",),
        "GUNUNG": ("GN", "G"),
        "KAMPUNG": ("KP", "KAMP"),
        "KARANG": ("KR", "KRG"),
        "KEDUNG": ("KD",),
        "KOTA": ("KT",),
        "MUARA": ("MA", "MR"),
        "PULAU": ("P", "PL"),
        "SUNGAI": ("SEI", "S"),
        "TANJUNG": ("TJ", "TG"),
        "TELUK": ("TLK", "TL"),
        "UJUNG": ("UJ",),
    }
)
SHORT_ENDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "BARAT": ("BRT", "BAR"),
        "PUSAT": ("PST", "PUS"),
        "SELATAN": ("SEL", "SLT"),
        "TENGAH": ("TGH", "TENG"),
        "TIMUR": ("TIM", "TMR"),
        "UTARA": ("UTR", "UT"),
    }
)

OLD_SPELLING: Mapping[str, str] = MappingProxyType(
    {"NY": "NJ", "J": "DJ", "Y": "J", "C": "TJ", "U": "OE"}
)
"""New to old (Ejaan Yang Disempurnakan, 1972)."""

TITLED = 0.08
SHORTENED = 0.05
OLD = 0.02
"""How common a way is beside the name as it is."""

NUMBER_SHARES: Mapping[str, float] = MappingProxyType(
    {"{0:03}": 0.74, "{0:02}": 0.13, "{0}": 0.1, "TPS{0:03}": 0.015, "TPS{0:02}": 0.015}
)
"""How a TPS's number is written in digits; ways that come out alike are one."""

LEAST_REST = 3
"""A word is only a title, or shortened, where so many letters of the name are left beside it."""

_OLD = re.compile("|".join(OLD_SPELLING))
_NOT_PLAIN = re.compile(r"[^A-Z0-9]+")
_IN_BRACKETS = re.compile(r"\([^)]*\)")


def plain(name: str) -> str:
    """A name's letters and digits in capitals, accents and brackets taken off."""
    bare = unicodedata.normalize("NFKD", _IN_BRACKETS.sub(" ", name)).upper()
    return _NOT_PLAIN.sub("", bare)


@cache
def ways_of_writing(name: str, level: Level) -> Mapping[str, float]:
    """What stands for a region's name on a form, as plain letters, each with its share.

    The shares sum to 1. Empty where the name has no letter or digit.
    """
    full = plain(name)
    if not full:
        return MappingProxyType({})
    found: dict[str, float] = {}
    for text, share in _ways(full, level):
        found[text] = max(share, found.get(text, 0.0))
    total = sum(found.values())
    return MappingProxyType({text: share / total for text, share in found.items()})


def _ways(full: str, level: Level) -> Iterator[tuple[str, float]]:
    yield full, 1.0
    bare = _without_title(full) if level is Level.KABUPATEN else full
    yield bare, 1.0
    if not full.startswith("KOTA"):
        for title in TITLES.get(level, ()):
            yield title + bare, TITLED
    for long, shorts in SHORT_BEGINNINGS.items():
        if bare.startswith(long) and len(bare) >= len(long) + LEAST_REST:
            for short in shorts:
                yield short + bare.removeprefix(long), SHORTENED
    for long, shorts in SHORT_ENDINGS.items():
        if bare.endswith(long) and len(bare) >= len(long) + LEAST_REST:
            for short in shorts:
                yield bare.removesuffix(long) + short, SHORTENED
    yield _OLD.sub(lambda found: OLD_SPELLING[found[0]], bare), OLD


def _without_title(full: str) -> str:
    for title in TABLE_TITLES:
        if full.startswith(title) and len(full) >= len(title) + LEAST_REST:
            return full.removeprefix(title)
    return full


@cache
def ways_of_writing_number(number: int) -> Mapping[str, float]:
    """How the number of a TPS is written in digits, each way with its share; they sum to 1.

    Raises:
        ValueError: where it is not 0 to 999.

    """
    if not 0 <= number <= 999:
        raise ValueError(f"a TPS has a number from 0 to 999, not {number}")
    found: dict[str, float] = {}
    for form, share in NUMBER_SHARES.items():
        text = form.format(number)
        found[text] = found.get(text, 0.0) + share
    total = sum(found.values())
    return MappingProxyType({text: share / total for text, share in found.items()})

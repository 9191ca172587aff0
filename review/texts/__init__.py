"""What the room says, in Indonesian and English: one JSON file a language, text by key.

A text may hold ``{places}``. Both files have the same keys with the same places (a test checks
it). In templates: ``{{ t("queue.title") }}``, ``{{ t("queue.of", done=3, total=9) }}``.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib.resources import files

LANGUAGES = ("id", "en")
"""The first one is spoken to whoever has not chosen."""

SYSTEM_VARIABLE = "CHASIL_SYSTEM"
"""How the system is called that the reported numbers come from, where it is not Sirekap."""

SIREKAP = "Sirekap"
"""So the files of texts call it."""

WIB = timezone(timedelta(hours=7), "WIB")


@cache
def texts(language: str) -> dict[str, str]:
    """All texts of a language; ``KeyError`` for one there is none of.

    They name the reporting system as ``CHASIL_SYSTEM`` does, which is read once.
    """
    if language not in LANGUAGES:
        raise KeyError(language)
    content = (files("review.texts") / f"{language}.json").read_text(encoding="utf-8")
    system = os.environ.get(SYSTEM_VARIABLE, "").strip() or SIREKAP
    in_format = system.replace("{", "{{").replace("}", "}}")
    return {key: text.replace(SIREKAP, in_format) for key, text in json.loads(content).items()}


class Speaker:
    """Says things in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = texts(language)

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of a key; ``KeyError`` where there is none, so that no page hides a gap."""
        return self._texts[key].format(**values)

    def has(self, key: str) -> bool:
        """Whether there is a text of that key."""
        return key in self._texts

    def name(self, group: str, value: object) -> str:
        """The name of a value: ``name("kind", "value_mismatch")``; the value itself without one."""
        return self._texts.get(f"{group}.{value}", str(value))

    def number(self, value: float | None) -> str:
        """A number with its thousands set apart as the language does; a dash for none."""
        if value is None:
            return "–"
        grouped = f"{value:,}"
        return grouped.translate(str.maketrans(",.", ".,")) if self.language == "id" else grouped

    def signed(self, value: int | None) -> str:
        """A difference with its sign, also where it is more; 0 has none."""
        if value is None or value == 0:
            return self.number(value)
        return f"{'+' if value > 0 else '−'}{self.number(abs(value))}"

    def percent(self, share: float | None, digits: int = 1) -> str:
        """A share as a percentage; a dash for none."""
        if share is None:
            return "–"
        text = f"{share * 100:.{digits}f}"
        return f"{text.replace('.', ',') if self.language == 'id' else text} %"

    def moment(self, at: datetime | None) -> str:
        """Date and time of day in WIB; a dash for none."""
        return "–" if at is None else f"{at.astimezone(WIB):%d-%m-%Y %H:%M} WIB"

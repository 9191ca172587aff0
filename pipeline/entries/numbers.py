"""A reported number as JSON has it."""

from __future__ import annotations

from models.errors import EntriesFileError


def whole_number(value: object, place: str) -> int | None:
    """The number itself; null stays ``None``.

    Raises:
        EntriesFileError: it is neither null nor a whole number from 0.

    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**18:
        raise EntriesFileError(
            f"{place}: a whole number from 0, or null, is expected, not {value!r:.40}", place=place
        )
    return value

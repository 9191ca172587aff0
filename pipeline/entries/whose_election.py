"""Which election a file of reported numbers, or an object in it, is of. Nothing is guessed.

What tells it, the first that says something; whatever else speaks must not contradict it:

1. the user (``--election``),
2. Sirekap's folder in the path (``…/pdpr/32/3216/…``),
3. a key of the object (``pemilu`` or ``election``),
4. the shape of the chart: paslon of 2024 are ppwp. Rows by party may be of three elections, and
   persons by id could be anything: these say only what they are not. An object whose chart is
   empty is taken for what the others in its file are, where all of them are one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from models.elections import PARTY_ELECTIONS, Election, election_called
from models.errors import EntriesFileError
from pipeline.entries.charts import CHART_KEYS

ELECTION_KEYS = ("pemilu", "election")

FOLDERS = {election.folder: election for election in Election}
"""Folders of Sirekap's tree."""


class WhichElection(EntriesFileError):
    """Nothing says which election the numbers are of."""

    code = "which_election"
    remedy = (
        "Say it with `--election ppwp` (or dpr, dpd, dprdp, dprdk), or keep the file in a folder "
        "called as Sirekap has it: ppwp, pdpr, pdpd, pdprdp or pdprdk."
    )


class OtherElection(EntriesFileError):
    """The numbers look like those of another election than the one that is named."""

    code = "other_election"
    remedy = "Put the file where it belongs, or name its election with `--election`."


def election_of_path(path: Path, told: Election | None = None) -> Election | None:
    """The election that the user or a folder in the path names; ``None`` where neither does.

    Raises:
        OtherElection: two of them are named.

    """
    named = {FOLDERS[part.lower()] for part in path.parts if part.lower() in FOLDERS}
    if told is not None:
        named.add(told)
    if len(named) > 1:
        raise OtherElection(f"{path}: named as {_either(named)} at once", source=str(path))
    return next(iter(named), None)


def election_of_file(items: Iterable[object]) -> Election | None:
    """The one election that objects of a file say they are of; ``None`` for none, or several."""
    found = {
        one
        for item in items
        if isinstance(item, dict)
        for one in (key_of(item) or (_shapes(item) if len(_shapes(item)) == 1 else ()))
    }
    return next(iter(found)) if len(found) == 1 else None


def election_of_object(
    item: Mapping[str, object], place: str, *, told: Election | None, of_file: Election | None
) -> Election:
    """The election an object is of.

    Args:
        item: The object.
        place: For errors.
        told: What user or path say.
        of_file: What all other objects of the file are.

    Raises:
        OtherElection: what is told, its own key and its shape contradict each other.
        WhichElection: nothing tells it.

    """
    named = key_of(item)
    if told is not None:
        named = named | {told}
    if len(named) > 1:
        raise OtherElection(f"{place}: named as {_either(named)} at once", place=place)
    shapes = _shapes(item)
    if named:
        (election,) = named
        if shapes and election not in shapes:
            raise OtherElection(
                f"{place}: said to be of {election}, but its chart is one of {_either(shapes)}",
                place=place,
            )
        return election
    if len(shapes) == 1:
        return next(iter(shapes))
    if of_file is not None and (not shapes or of_file in shapes):
        return of_file
    may_be = _either(shapes) if shapes else "any election: its chart is empty"
    raise WhichElection(f"{place}: it may be of {may_be}", place=place)


def key_of(item: Mapping[str, object]) -> frozenset[Election]:
    """The elections that an object's own keys name."""
    said = (item.get(key) for key in ELECTION_KEYS)
    found = (election_called(one) for one in said if isinstance(one, str))
    return frozenset(one for one in found if one is not None)


def _shapes(item: Mapping[str, object]) -> frozenset[Election]:
    """Elections whose chart looks like this; empty where the chart says nothing."""
    chart = item.get("chart")
    if not isinstance(chart, dict):
        return frozenset()
    keys = {key for key, value in chart.items() if key != "null" or value is not None}
    if any(isinstance(chart[key], dict) for key in keys):
        return PARTY_ELECTIONS
    numbered = {key for key in keys if chart[key] is not None}
    if keys & CHART_KEYS.keys() or (keys and not all(key.isdigit() for key in keys)):
        return frozenset({Election.PPWP})  # where it holds more than paslon, reading it says so
    if numbered:
        return frozenset({Election.PPWP, Election.DPD})
    return frozenset()


def _either(elections: Iterable[Election]) -> str:
    return " or ".join(one for one in Election if one in set(elections))

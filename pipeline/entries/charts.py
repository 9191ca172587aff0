"""The votes in an object of Sirekap's: ``chart``, and the names that may stand in ``caleg``.

==================  ===================================================================
ppwp                ``{"100025": 89, "100026": 89, "100027": 23, "null": null}``
pdpr, pdprdp,       ``{"1": {"jml_suara_total": 12, "jml_suara_partai": 3, "100123": 4, …}, …}``
pdprdk              party by party, its candidates by Sirekap's id
pdpd                ``{"310021": 14, …}``, persons by Sirekap's id
==================  ===================================================================

The keys of ppwp stand in its form's data file (``sirekap``), and so may those of a form of the
user's own. Everything may be null, and a key may be called ``null``. A party that stands there and
is not in the chart, and a candidate who is in ``caleg`` and not in the chart, have no number: not
0.

``caleg`` gives a candidate's name by the id, party by party or not, as a text or as an object with
``nama``; ids without a name count as well. Numbers in it would be votes that chasil does not know
how to read, so they are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from models.elections import Election, parties, parties_standing
from models.errors import EntriesFileError
from models.forms.template import SirekapKeys, load_form
from models.party_fields import alone, candidate, total
from pipeline.entries.numbers import whole_number


class NoSirekapKeys(EntriesFileError):
    """A form's data file does not say how Sirekap calls its numbers."""

    code = "no_sirekap_keys"
    remedy = (
        "Name the keys under `sirekap` in the form's data file (docs/forms.md), or give the "
        "numbers as a CSV with the form's fields as columns."
    )


def keys_of(form: str) -> SirekapKeys:
    """How Sirekap calls the numbers of an installed form.

    Raises:
        NoSirekapKeys: its data file does not say so.
        FormFileError: there is no such form.

    """
    keys = load_form(form).sirekap
    if keys is None:
        raise NoSirekapKeys(f"the data file of {form} does not say how Sirekap calls its numbers")
    return keys


CHART_KEYS: Mapping[str, str] = keys_of(Election.PPWP.form).chart
"""Sirekap's number for each paslon of 2024 to our field."""

TOTAL_KEY, ALONE_KEY = "jml_suara_total", "jml_suara_partai"

_NULL = "null"
_ID = re.compile("[0-9]{1,15}")

Votes = dict[str, int | None]
Names = dict[str, str]


def read_chart(
    election: Election, chart: object, caleg: object, tps: str, place: str
) -> tuple[Votes, Names]:
    """Votes by field, and candidates' names by field.

    Args:
        election: Whose chart it is.
        chart: As it stands in the object; ``None`` where it has none.
        caleg: The object's list of candidates, or ``None``.
        tps: Code of the TPS: in Aceh there are more parties.
        place: For errors.

    Raises:
        EntriesFileError: a key or a number that can't be of this election.

    """
    if not isinstance(chart, dict | None):
        raise EntriesFileError(f"{place}, chart: an object is expected", place=place)
    if election is Election.PPWP:
        return chart_of_form(election.form, chart, place), {}
    chart = chart or {}
    listed = dict(_listed(caleg, f"{place}, caleg"))
    if election is Election.DPD:
        return _of_persons(chart, listed, place)
    return _of_parties(election, chart, listed, tps, place)


def chart_of_form(form: str, chart: object, place: str) -> Votes:
    """Votes by field, of a form whose data file names the chart's keys.

    Raises:
        EntriesFileError: a key or a number that can't be of this form; or it names no keys.

    """
    if not isinstance(chart, dict | None):
        raise EntriesFileError(f"{place}, chart: an object is expected", place=place)
    keys, chart = keys_of(form).chart, chart or {}
    for key, value in chart.items():
        if key not in keys and not (key == _NULL and value is None):
            raise EntriesFileError(
                f"{place}, chart: {key!r} is no paslon or candidate of {form} ({', '.join(keys)})",
                place=place,
            )
    return {
        field: whole_number(chart.get(key), f"{place}, chart.{key}") for key, field in keys.items()
    }


def _of_persons(
    chart: Mapping[str, object], listed: Mapping[tuple[int | None, str], str | None], place: str
) -> tuple[Votes, Names]:
    votes: Votes = {candidate(None, of): None for _, of in listed}
    for key, value in chart.items():
        if key == _NULL and value is None:
            continue
        if not _ID.fullmatch(key):
            raise EntriesFileError(f"{place}, chart: {key!r} is no candidate's id", place=place)
        votes[candidate(None, key)] = whole_number(value, f"{place}, chart.{key}")
    names = {candidate(None, of): name for (_, of), name in listed.items() if name}
    return votes, names


def _of_parties(
    election: Election,
    chart: Mapping[str, object],
    listed: Mapping[tuple[int | None, str], str | None],
    tps: str,
    place: str,
) -> tuple[Votes, Names]:
    standing = parties_standing(election, tps)
    party_of = {of: party for party, of in listed if party is not None}
    votes: Votes = {}
    for key in chart:
        if key == _NULL and not _holds_a_number(chart[key]):
            continue
        if not _ID.fullmatch(key) or str(int(key)) != key or int(key) not in standing:
            known = " but stands in Aceh only, for DPRD" if _is_local(key) else ""
            raise EntriesFileError(
                f"{place}, chart: {key!r} is no party that stands for {election} there{known}",
                place=place,
            )
    for party in standing:
        rows = chart.get(str(party))
        here = f"{place}, chart.{party}"
        if rows is not None and not isinstance(rows, dict):
            raise EntriesFileError(
                f"{here}: an object of a party's rows is expected, not {rows!r:.40}", place=place
            )
        votes |= _of_party(party, rows or {}, here)
        for of in (of for of, its_party in party_of.items() if its_party == party):
            votes.setdefault(candidate(party, of), None)
    for its, of in listed:
        if its is not None and its not in standing:
            raise EntriesFileError(
                f"{place}, caleg: {of} is of party {its}, which does not stand there", place=place
            )
    names: Names = {}
    for (its, of), name in listed.items():
        fields = [candidate(one, of) for one in ((its,) if its is not None else standing)]
        names |= {field: name for field in fields if name and field in votes}
    return votes, names


def _of_party(party: int, rows: Mapping[str, object], place: str) -> Votes:
    votes: Votes = {
        alone(party): whole_number(rows.get(ALONE_KEY), f"{place}.{ALONE_KEY}"),
        total(party): whole_number(rows.get(TOTAL_KEY), f"{place}.{TOTAL_KEY}"),
    }
    for key, value in rows.items():
        if key in (ALONE_KEY, TOTAL_KEY) or (key == _NULL and value is None):
            continue
        if not _ID.fullmatch(key):
            raise EntriesFileError(
                f"{place}: {key!r} is neither {TOTAL_KEY}, {ALONE_KEY} nor a candidate's id",
                place=place,
            )
        votes[candidate(party, key)] = whole_number(value, f"{place}.{key}")
    return votes


def _is_local(key: str) -> bool:
    return key.isdigit() and int(key) in parties()


def _holds_a_number(value: object) -> bool:
    if isinstance(value, dict):
        return any(one is not None for one in value.values())
    return value is not None


def _listed(caleg: object, place: str) -> Iterator[tuple[tuple[int | None, str], str | None]]:
    """Party (where it says so) and id of each candidate in ``caleg``, with the name."""
    if caleg is None or caleg == []:
        return
    if not isinstance(caleg, dict):
        raise EntriesFileError(f"{place}: an object is expected, not {caleg!r:.40}", place=place)
    for key, value in caleg.items():
        if key == _NULL:
            continue
        by_party = (
            key.isdigit()
            and int(key) in parties()
            and isinstance(value, dict)
            and "nama" not in value
        )
        if by_party:
            for of, one in value.items():
                if of != _NULL:
                    yield (int(key), _id(of, place)), _name(one, f"{place}.{key}.{of}")
        else:
            yield (None, _id(key, place)), _name(value, f"{place}.{key}")


def _id(key: str, place: str) -> str:
    if not _ID.fullmatch(key):
        raise EntriesFileError(f"{place}: {key!r} is no candidate's id", place=place)
    return key


def _name(value: object, place: str) -> str | None:
    said = value.get("nama") if isinstance(value, dict) else value
    if said is None:
        return None
    if not isinstance(said, str):
        raise EntriesFileError(
            f"{place}: a candidate's name is expected, not {said!r:.40}; chasil reads votes from "
            "chart alone",
            place=place,
        )
    return " ".join(said.split())[:MOST_LETTERS] or None


MOST_LETTERS = 200
"""Letters of a name that are kept."""

"""Sirekap's public JSON of 2024: one object a TPS, or a file of many. Null stays null.

All five elections, and forms of the user's own that name its keys; ``chart`` differs, see
``pipeline.entries.charts``. Which election an object is of is told by its file's path or by the
caller, by a key of its own, or by the shape of its chart; see ``pipeline.entries.whose_election``.

One object (``…/{2}/{4}/{6}/{10}/{13}.json``)::

    {"psu": "Reguler", "ts": "2024-02-15 00:41:44", "status_suara": true, "status_adm": true,
     "chart": {"100025": 89, "100026": 89, "100027": 23, "null": null},
     "administrasi": {"suara_sah": 201, …}, "images": ["https://…jpg", …]}

``chart``, ``administrasi`` and every number in them may be null. A file of many is a list of such
objects, each with its ``kode``, or one object from code to object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from models.elections import Election
from models.errors import EntriesFileError
from models.records import Entry
from pipeline.entries.charts import CHART_KEYS, chart_of_form, keys_of, read_chart
from pipeline.entries.numbers import whole_number
from pipeline.entries.problems import OnProblem, raise_problem
from pipeline.entries.whose_election import (
    OtherElection,
    election_of_file,
    election_of_object,
    key_of,
)

PPWP_FORM = Election.PPWP.form

ADMINISTRASI_FIELDS = keys_of(PPWP_FORM).administrasi
"""What Sirekap publishes of every election of 2024 beside the votes."""

SIREKAP_FIELDS = (*CHART_KEYS.values(), *ADMINISTRASI_FIELDS)
"""What Sirekap publishes of C.HASIL-PPWP: no ballot papers (II), no disability (III)."""

_TPS_KEYS = ("kode", "tps")
_OWN_KEYS = ("chart", "administrasi")
_AGGREGATE_KEY = "table"


def read_sirekap(
    content: bytes,
    source: str,
    *,
    tps: str | None = None,
    election: Election | None = None,
    form: str | None = None,
    on_problem: OnProblem = raise_problem,
) -> Iterator[Entry]:
    """Read the objects of one JSON file, in the file's order.

    Args:
        content: The JSON.
        source: File or address, for the entries and for errors.
        tps: The TPS of a file with one object, where the file's name gives it.
        election: The election they are of, where the path or the user says so.
        form: Id of a form that is of no election of 2024 and whose data file names Sirekap's keys
            (``sirekap``), where they are of that one.
        on_problem: Called with an ``EntriesFileError`` for each object that can't be used.

    """
    try:
        data: object = json.loads(content, object_pairs_hook=_each_key_once)
    except (ValueError, RecursionError) as error:
        on_problem(EntriesFileError(f"{source}: no usable JSON: {error}", source=source))
        return
    if data == []:
        on_problem(EntriesFileError(f"{source}: the list is empty", source=source))
    items = tuple(_items(data, source, tps))
    of_file = election or election_of_file(item for _, _, item in items)
    said = _Said(form, election, of_file)
    for place, code, item in items:
        try:
            yield _entry(item, code, place, source, said)
        except EntriesFileError as problem:
            on_problem(problem)


def _each_key_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


def is_aggregate(content: bytes) -> bool:
    """Whether a file holds Sirekap's sums over a region instead of numbers of TPS."""
    try:
        data: object = json.loads(content)
    except (ValueError, RecursionError):
        return False  # reading it will say what is wrong
    return isinstance(data, dict) and _AGGREGATE_KEY in data


def _items(data: object, source: str, tps: str | None) -> Iterator[tuple[str, str | None, object]]:
    """Place, TPS code outside the object, object."""
    if isinstance(data, list):
        for number, item in enumerate(data, start=1):
            yield f"{source}, item {number}", None, item
    elif isinstance(data, dict) and data and all(re.fullmatch(r"\d{13}", key) for key in data):
        for code, item in data.items():
            yield f"{source}, {code}", code, item
    else:
        yield source, tps, data


@dataclass(frozen=True, slots=True)
class _Said:
    """What is known of a file's objects before they are looked at."""

    form: str | None
    told: Election | None
    of_file: Election | None


def _entry(item: object, outer: str | None, place: str, source: str, said: _Said) -> Entry:
    if not isinstance(item, dict):
        raise EntriesFileError(f"{place}: an object is expected, not {item!r:.80}", place=place)
    if _AGGREGATE_KEY in item:
        raise EntriesFileError(
            f"{place}: an aggregate of many TPS, not the numbers of one", place=place
        )
    if not any(key in item for key in _OWN_KEYS):
        raise EntriesFileError(
            f"{place}: neither chart nor administrasi: this is no object of one TPS", place=place
        )
    tps = _tps(item, outer, place)
    place = f"{place} (TPS {tps})" if tps not in place else place
    if not isinstance(item.get("chart"), dict | None):
        raise EntriesFileError(f"{place}, chart: an object is expected", place=place)
    names: dict[str, str] = {}
    if said.form is not None:
        if key_of(item):
            named = ", ".join(sorted(key_of(item)))
            raise OtherElection(f"{place}: said to be of {said.form}, but named as {named}")
        form, published = said.form, keys_of(said.form).administrasi
        votes = chart_of_form(form, item.get("chart"), place)
    else:
        election = election_of_object(item, place, told=said.told, of_file=said.of_file)
        form, published = election.form, ADMINISTRASI_FIELDS
        votes, names = read_chart(election, item.get("chart"), item.get("caleg"), tps, place)
    return Entry(
        tps=tps,
        form=form,
        fields=votes | _administrasi(item.get("administrasi"), published, place),
        source=source,
        reported_at=parse_time(item.get("ts"), f"{place}, ts"),
        psu=_text(item.get("psu"), f"{place}, psu"),
        status_suara=_flag(item.get("status_suara"), f"{place}, status_suara"),
        status_adm=_flag(item.get("status_adm"), f"{place}, status_adm"),
        images=_images(item.get("images"), f"{place}, images"),
        dapil=_code(item.get("kode_dapil"), f"{place}, kode_dapil"),
        names=names,
    )


def _tps(item: dict[str, object], outer: str | None, place: str) -> str:
    codes = {str(item[key]) for key in _TPS_KEYS if item.get(key) is not None}
    if outer is not None:
        codes.add(outer)
    if not codes:
        raise EntriesFileError(f"{place}: nothing says which TPS this is of (kode)", place=place)
    if len(codes) > 1:
        raise EntriesFileError(
            f"{place}: two TPS codes for one object: {' and '.join(sorted(codes))}", place=place
        )
    (code,) = codes
    return check_tps(code, place)


def check_tps(code: str, place: str) -> str:
    """The code itself where it has 13 digits; raises ``EntriesFileError`` where not."""
    if not re.fullmatch(r"[0-9]{13}", code):
        raise EntriesFileError(f"{place}: a TPS code has 13 digits, not {code!r}", place=place)
    return code


def _administrasi(numbers: object, published: Sequence[str], place: str) -> dict[str, int | None]:
    if numbers is None:
        return dict.fromkeys(published)
    if not isinstance(numbers, dict):
        raise EntriesFileError(f"{place}, administrasi: an object is expected", place=place)
    unknown = sorted(set(numbers) - set(published))
    if unknown:
        raise EntriesFileError(f"{place}, administrasi: unknown {', '.join(unknown)}", place=place)
    return {
        field: whole_number(numbers.get(field), f"{place}, administrasi.{field}")
        for field in published
    }


def parse_time(value: object, place: str) -> datetime | None:
    """A time as published: ISO 8601, no zone; raises ``EntriesFileError`` for anything else."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        raise EntriesFileError(
            f"{place}: a time like 2024-02-15 00:41:44 is expected, not {value!r:.40}", place=place
        )
    return moment


def _text(value: object, place: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise EntriesFileError(f"{place}: a text is expected, not {value!r:.40}", place=place)


def _code(value: object, place: str) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _text(value, place)


def _flag(value: object, place: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise EntriesFileError(f"{place}: true or false is expected, not {value!r:.40}", place=place)


def _images(value: object, place: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str | None) for one in value):
        raise EntriesFileError(f"{place}: a list of addresses is expected", place=place)
    return tuple(one for one in value if one is not None)

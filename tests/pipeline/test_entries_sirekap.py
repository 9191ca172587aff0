from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import EntriesFileError
from models.forms.template import load_form
from models.records import Entry
from pipeline.entries import SIREKAP_FIELDS, read_entries, read_sirekap
from pipeline.entries.charts import CHART_KEYS
from pipeline.entries.sirekap import ADMINISTRASI_FIELDS

TPS = "3216012001001"

OBJECT: dict[str, object] = {
    "mode": "hhcw",
    "psu": "Reguler",
    "ts": "2024-02-15 00:41:44",
    "status_suara": True,
    "status_adm": False,
    "chart": {"100025": 89, "100026": 0, "100027": None, "null": None},
    "images": [f"https://example.org/{TPS}-20240214-191234--a.jpg", None],
    "administrasi": None,
}


def read(data: object, tps: str | None = None) -> list[Entry]:
    return list(read_sirekap(json.dumps(data).encode(), "file.json", tps=tps))


def test_one_object() -> None:
    (entry,) = read(OBJECT, TPS)
    assert entry.tps == TPS
    assert entry.form == "c-hasil-ppwp-2024"
    assert set(entry.fields) == set(SIREKAP_FIELDS)
    assert entry.fields["suara_paslon_1"] == 89
    assert entry.fields["suara_paslon_2"] == 0
    assert entry.fields["suara_paslon_3"] is None
    assert all(entry.fields[name] is None for name in ADMINISTRASI_FIELDS)
    assert entry.reported_at == datetime(2024, 2, 15, 0, 41, 44)
    assert (entry.psu, entry.status_suara, entry.status_adm) == ("Reguler", True, False)
    assert entry.images == (f"https://example.org/{TPS}-20240214-191234--a.jpg",)
    assert entry.source == "file.json"


def test_fields_are_the_forms_own() -> None:
    assert len(SIREKAP_FIELDS) == 21
    unreported = set(load_form("c-hasil-ppwp-2024").field_names) - set(SIREKAP_FIELDS)
    assert {name.rpartition("_")[0] for name in unreported} == {
        "surat_suara",
        "surat_suara_tidak",
        "disabilitas",
    }


def test_list_and_object_by_code() -> None:
    by_code = read({TPS: OBJECT, "3216012001002": OBJECT | {"chart": None}})
    listed = read([OBJECT | {"kode": TPS}, OBJECT | {"tps": "3216012001002", "chart": None}])
    assert by_code == listed
    assert by_code[1].fields["suara_paslon_2"] is None


def test_the_published_sample(shared: Path) -> None:
    entries = list(read_entries(shared / "entries" / "bekasi-2024-ppwp-sample.json"))
    assert len(entries) == 17
    by_tps = {entry.tps: entry for entry in entries}
    whole = by_tps["3216012001001"].fields
    assert whole["suara_paslon_2"] == 82
    assert whole["pengguna_non_dpt_l"] == 1
    only_votes = by_tps["3216011007001"].fields
    assert only_votes["suara_paslon_2"] == 204
    assert only_votes["suara_total"] is None
    only_administrasi = by_tps["3216012001003"].fields
    assert only_administrasi["suara_paslon_1"] is None
    assert only_administrasi["suara_total"] == 171
    nothing = by_tps["3216012001002"].fields
    assert set(nothing.values()) == {None}


@given(
    st.fixed_dictionaries({key: st.one_of(st.none(), st.integers(0, 10**6)) for key in CHART_KEYS}),
    st.one_of(
        st.none(),
        st.dictionaries(
            st.sampled_from(ADMINISTRASI_FIELDS), st.one_of(st.none(), st.integers(0, 10**6))
        ),
    ),
)
def test_numbers_come_through_and_null_stays_null(
    chart: dict[str, int | None], administrasi: dict[str, int | None] | None
) -> None:
    (entry,) = read(OBJECT | {"chart": chart, "administrasi": administrasi}, TPS)
    assert {name: entry.fields[name] for name in CHART_KEYS.values()} == {
        CHART_KEYS[key]: value for key, value in chart.items()
    }
    for name in ADMINISTRASI_FIELDS:
        assert entry.fields[name] == (administrasi or {}).get(name)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"chart": {"100025": -1}}, r"chart\.100025.*-1"),
        ({"chart": {"100025": 1.0}}, r"chart\.100025.*1\.0"),
        ({"chart": {"100025": True}}, r"chart\.100025.*True"),
        ({"chart": {"100025": "12"}}, r"chart\.100025.*'12'"),
        ({"chart": {"100025": 10**18}}, r"chart\.100025"),
        ({"chart": {"100025": 1, "100028": 1}}, "'100028' is no paslon"),
        ({"chart": {"100028": 1}}, "may be of ppwp or dpd"),
        ({"chart": {"null": 4}}, "'null' is no paslon"),
        ({"chart": [1, 2, 3]}, "chart: an object"),
        ({"administrasi": {"suara_sah": -3}}, r"administrasi\.suara_sah.*-3"),
        ({"administrasi": {"suara_saah": 3}}, "unknown suara_saah"),
        ({"administrasi": 3}, "administrasi: an object"),
        ({"ts": "yesterday"}, "ts: a time"),
        ({"ts": 1707957704}, "ts: a time"),
        ({"ts": "2024-02-15T00:41:44+07:00"}, "ts: a time"),
        ({"psu": 1}, "psu: a text"),
        ({"status_suara": "yes"}, "status_suara"),
        ({"images": "a.jpg"}, "images: a list"),
        ({"images": [3]}, "images: a list"),
        ({"kode": "3216012001002"}, "two TPS codes"),
    ],
)
def test_a_broken_object_names_its_place(change: dict[str, object], place: str) -> None:
    with pytest.raises(EntriesFileError, match=place) as caught:
        read(OBJECT | change, TPS)
    assert "file.json" in caught.value.message
    assert TPS in caught.value.message


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ([OBJECT], "item 1: nothing says which TPS"),
        ([OBJECT | {"kode": "321601200100"}], "item 1: a TPS code has 13 digits"),
        ([3], "item 1: an object"),
        ([], "empty"),
        ({}, "neither chart nor administrasi"),
        ({TPS: {"images": []}}, f"{TPS}: neither chart nor administrasi"),
        (OBJECT | {"table": {}}, "aggregate"),
    ],
)
def test_what_is_no_file_of_tps(data: object, place: str) -> None:
    with pytest.raises(EntriesFileError, match=place):
        read(data)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b'{"chart": {"100025": 1' + b"0" * 5000]
)
def test_what_is_no_json(content: bytes) -> None:
    with pytest.raises(EntriesFileError, match=r"file\.json: no usable JSON"):
        list(read_sirekap(content, "file.json"))


def test_a_key_that_stands_twice_is_not_swallowed() -> None:
    content = b'{"chart": {"100025": 1, "100025": 2}, "administrasi": null}'
    with pytest.raises(EntriesFileError, match="'100025' stands twice"):
        list(read_sirekap(content, "file.json", tps=TPS))


def test_one_broken_object_loses_only_itself() -> None:
    problems: list[EntriesFileError] = []
    data = [
        OBJECT | {"kode": TPS},
        OBJECT | {"kode": "3216012001002", "chart": {"100025": -1}},
        "x",
        OBJECT | {"kode": "3216012001003"},
    ]
    entries = list(read_sirekap(json.dumps(data).encode(), "file.json", on_problem=problems.append))
    assert [entry.tps for entry in entries] == [TPS, "3216012001003"]
    assert ["item 2" in problems[0].message, "item 3" in problems[1].message] == [True, True]
    assert len(problems) == 2

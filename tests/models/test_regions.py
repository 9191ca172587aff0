from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import RegionsFileError
from models.regions import (
    Level,
    Region,
    RegionTable,
    installed_regions,
    level_of,
    load_regions,
    parent_code,
    read_regions,
)

HIERARCHY = {
    "0.json": [("32", "JAWA BARAT", 1)],
    "32.json": [("3216", "BEKASI", 2)],
    "32/3216.json": [("321601", "TARUMAJAYA", 3)],
    "32/3216/321601.json": [("3216012001", "SAGARA MAKMUR", 4)],
    "32/3216/321601/3216012001.json": [
        ("3216012001001", "TPS 001", 5),
        ("3216012001002", "TPS 002", 5),
    ],
}


def write_hierarchy(folder: Path) -> None:
    for name, rows in HIERARCHY.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        items = [
            {"id": number, "kode": code, "nama": nama, "tingkat": tingkat}
            for number, (code, nama, tingkat) in enumerate(rows)
        ]
        file.write_text(json.dumps(items))


def test_bekasi_ships_with_the_project() -> None:
    table = load_regions()
    assert installed_regions() == ("3216-kabupaten-bekasi",)
    assert [len(table.at(level)) for level in Level] == [1, 1, 23, 187, 8_417]
    assert [region.name for region in table.path("3216202006904")] == [
        "JAWA BARAT",
        "BEKASI",
        "CIKARANG PUSAT",
        "PASIRTANJUNG",
        "TPS 904",
    ]


def test_bekasi_is_what_was_published(shared: Path) -> None:
    table = load_regions()
    with (shared / "entries" / "bekasi-2024-tps.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert table.tps() == tuple(row["kode_tps"] for row in rows)
    for row in rows:
        *_, kecamatan, desa, tps = table.path(row["kode_tps"])
        assert (kecamatan.name, desa.name) == (row["kecamatan"], row["kelurahan"])
        assert tps.name == f"TPS {int(row['no_tps']):03}"


def test_the_published_table_can_be_read_itself(shared: Path) -> None:
    table = read_regions(shared / "entries" / "bekasi-2024-tps.csv")
    assert table.tps() == load_regions().tps()
    assert table.region("321601").name == "TARUMAJAYA"
    assert table.region("3216").name == "3216"  # it gives no name, so none is made up


def test_tps_below_any_prefix() -> None:
    table = load_regions()
    assert len(table.tps("3216012001")) == 43
    assert table.tps("3216012001")[0] == "3216012001001"
    assert sum(len(table.tps(kecamatan.code)) for kecamatan in table.children("3216")) == 8_417
    assert table.tps("3217") == ()
    assert table.tps("321620200690") == tuple(f"321620200690{digit}" for digit in range(1, 5))


@given(st.integers(0, 13).flatmap(lambda size: st.text("0123456789", min_size=size, max_size=size)))
def test_tps_are_exactly_those_that_begin_with_the_prefix(prefix: str) -> None:
    table = load_regions()
    assert table.tps(prefix) == tuple(code for code in table.tps() if code.startswith(prefix))


def test_tree_and_children() -> None:
    table = load_regions()
    (jawa_barat,) = table.tree()
    (bekasi,) = jawa_barat.children
    assert bekasi.region == Region(code="3216", name="BEKASI", level=Level.KABUPATEN)
    assert len(bekasi.children) == 23
    assert tuple(child.region for child in bekasi.children) == table.children("3216")
    assert len(list(table)) == len(table) == 1 + 1 + 23 + 187 + 8_417
    assert "3216" in table
    assert "3217" not in table


@pytest.mark.parametrize("call", ["region", "children", "path"])
def test_unknown_codes_are_key_errors(call: str) -> None:
    with pytest.raises(KeyError):
        getattr(load_regions(), call)("9999")


def test_levels_and_parents() -> None:
    assert [level.tingkat for level in Level] == [1, 2, 3, 4, 5]
    assert level_of("3216012001001") is Level.TPS
    assert parent_code("3216012001001") == "3216012001"
    assert parent_code("32") == ""
    with pytest.raises(RegionsFileError):
        level_of("321")


def test_sirekap_hierarchy_folder(tmp_path: Path) -> None:
    write_hierarchy(tmp_path)
    table = read_regions(tmp_path)
    assert table.tps() == ("3216012001001", "3216012001002")
    assert [region.name for region in table.path("3216012001002")] == [
        "JAWA BARAT",
        "BEKASI",
        "TARUMAJAYA",
        "SAGARA MAKMUR",
        "TPS 002",
    ]


def test_sirekap_hierarchy_single_file(tmp_path: Path) -> None:
    write_hierarchy(tmp_path)
    table = read_regions(tmp_path / "32" / "3216" / "321601" / "3216012001.json")
    assert table.tps("3216") == ("3216012001001", "3216012001002")
    assert table.region("3216012001").name == "3216012001"


def test_csv_with_tps_lists_and_semicolons(tmp_path: Path) -> None:
    file = tmp_path / "regions.csv"
    file.write_text("\ufeffkode;nama;tps\n3216012001;SAGARA MAKMUR;1-3 901\n", encoding="utf-8")
    assert read_regions(file).tps() == (
        "3216012001001",
        "3216012001002",
        "3216012001003",
        "3216012001901",
    )


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("kode,nama\n321,X\n", "line 2"),
        ("kode,nama\n32,A\n32,B\n", "line 3"),
        ("kode,nama,tps\n3216012001,A,1-2 2\n", "3216012001002 stands twice"),
        ("kode,nama,tps\n3216012001,A,2-1\n", "'2-1'"),
        ("kode,nama,tps\n3216012001,A,x\n", "'x'"),
        ("kode,nama,tps\n321601,A,1-2\n", "only a desa"),
        ("kode,nama\n32\n", "line 2"),
        ("kode,nama\n32,A,B\n", "line 2"),
        ("code,name\n32,A\n", "header"),
        ("", "header"),
        ("kode,nama\n", "no region"),
        ('kode,nama\n32,"A\n', "line"),
        ("kode_tps,kecamatan,kelurahan\n3216012001,A,B\n", "13 digits"),
        ("kode_tps,kecamatan,kelurahan,no_tps\n3216012001001,A,B,2\n", "not TPS 2"),
        (
            "kode_tps,kecamatan,kelurahan\n3216012001001,A,B\n3216012001002,A,C\n",
            "line 3: 3216012001 is 'C' here",
        ),
    ],
)
def test_broken_csv_names_the_place(tmp_path: Path, content: str, place: str) -> None:
    file = tmp_path / "regions.csv"
    file.write_text(content)
    with pytest.raises(RegionsFileError, match=place) as caught:
        read_regions(file)
    assert "regions.csv" in caught.value.message


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("[", "no JSON"),
        ("{}", "a list"),
        ("[3]", "item 1"),
        ('[{"kode": 32, "nama": "A"}]', "item 1"),
        ('[{"kode": "32", "nama": "A", "tingkat": 2}]', "tingkat 1"),
        ('[{"kode": "32", "nama": "A"}, {"kode": "32", "nama": "A"}]', "item 2.*item 1"),
        ("[]", "no region"),
    ],
)
def test_broken_json_names_the_place(tmp_path: Path, content: str, place: str) -> None:
    file = tmp_path / "0.json"
    file.write_text(content)
    with pytest.raises(RegionsFileError, match=place):
        read_regions(file)


def test_missing_files_are_said_so(tmp_path: Path) -> None:
    with pytest.raises(RegionsFileError, match="No such file"):
        read_regions(tmp_path / "none.csv")
    with pytest.raises(RegionsFileError, match=r"no \.json"):
        read_regions(tmp_path)
    with pytest.raises(RegionsFileError, match="there are: 3216-kabupaten-bekasi"):
        load_regions("9999")


def test_not_utf8(tmp_path: Path) -> None:
    file = tmp_path / "regions.csv"
    file.write_bytes(b"kode,nama\n32,\xff\n")
    with pytest.raises(RegionsFileError, match="UTF-8"):
        read_regions(file)


def test_table_refuses_what_is_no_code() -> None:
    with pytest.raises(RegionsFileError, match="'32a'"):
        RegionTable({"32a": "X"})

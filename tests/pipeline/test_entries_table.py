from __future__ import annotations

from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import EntriesFileError
from models.forms.template import load_form
from models.records import Entry
from pipeline.entries import TableLayout, read_entries, read_table

TPS = "3216012001001"
PPWP = "c-hasil-ppwp-2024"
FIELDS = load_form(PPWP).field_names


def read(text: str, layout: TableLayout | None = None) -> list[Entry]:
    return list(read_table(text.encode(), "file.csv", layout=layout, form=PPWP))


def test_own_layout() -> None:
    (entry,) = read(f"tps,suara_paslon_1,suara_paslon_2,ts,psu\n{TPS},24,,2024-02-15 00:41:44,\n")
    assert entry.tps == TPS
    assert entry.fields == {"suara_paslon_1": 24, "suara_paslon_2": None}
    assert entry.reported_at == datetime(2024, 2, 15, 0, 41, 44)
    assert entry.psu is None
    assert entry.source == "file.csv"


def test_semicolons_a_byte_order_mark_and_empty_lines() -> None:
    (entry,) = read(f"\ufefftps;suara_sah\r\n\r\n{TPS}; 24 \r\n;\r\n")
    assert entry.fields == {"suara_sah": 24}


def test_fields_that_no_column_holds_are_absent_not_null() -> None:
    (entry,) = read(f"tps,suara_sah\n{TPS},\n")
    assert entry.fields == {"suara_sah": None}


def test_folders_layout(shared: Path) -> None:
    entries = list(read_entries(shared / "entries" / "dki-jakarta-2024-ppwp.csv.gz"))
    assert len({entry.tps for entry in entries}) == len(entries) == 30_712
    first = entries[0]
    assert first.tps == "3101011001001"
    assert first.fields["suara_paslon_3"] == 38
    assert first.fields["pengguna_non_dpt_j"] == 0
    unpublished = [entry for entry in entries if set(entry.fields.values()) == {None}]
    assert any(entry.tps == "3172011005070" for entry in unpublished)  # its code cell is empty


FOLDERS = "kode_tps,prov,kab,kec,kel,tps,paslon_01,pengguna_dpk_j,n_images\n"


def test_folder_names_give_an_empty_code() -> None:
    (entry,) = read(FOLDERS + ",32-jawa_barat,16-bekasi,01-x,2001-y,001-tps,,4,0\n")
    assert entry.tps == TPS
    assert entry.fields == {"suara_paslon_1": None, "pengguna_non_dpt_j": 4}


def test_code_and_folder_names_must_agree() -> None:
    with pytest.raises(EntriesFileError, match=r"line 2: kode_tps is '3216012001002', but"):
        read(FOLDERS + "3216012001002,32-j,16-b,01-x,2001-y,001-tps,,4,0\n")


def test_a_layout_of_ones_own() -> None:
    layout = TableLayout(
        name="mine",
        tps="Kode",
        fields=MappingProxyType({"Sah": "suara_sah"}),
        ignored=frozenset({"Catatan"}),
    )
    (entry,) = read(f"Kode,Sah,Catatan\n{TPS},7,hujan\n", layout)
    assert entry.fields == {"suara_sah": 7}


@given(
    st.lists(
        st.dictionaries(st.sampled_from(FIELDS), st.one_of(st.none(), st.integers(0, 10**9))),
        min_size=1,
        max_size=5,
    )
)
def test_what_is_written_is_read(rows: list[dict[str, int | None]]) -> None:
    columns = sorted({name for row in rows for name in row}) or ["suara_sah"]
    lines = [",".join(["tps", *columns])]
    for number, row in enumerate(rows):
        cells = ["" if (value := row.get(name)) is None else str(value) for name in columns]
        lines.append(",".join([f"3216012001{number:03}", *cells]))
    entries = read("\n".join(lines) + "\n")
    assert [entry.fields for entry in entries] == [
        {name: row.get(name) for name in columns} for row in rows
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"tps,suara_sah\n{TPS},-1\n", "line 2, column suara_sah"),
        (f"tps,suara_sah\n{TPS},1.5\n", "line 2, column suara_sah"),
        (f"tps,suara_sah\n{TPS},1e3\n", "line 2, column suara_sah"),
        (f"tps,suara_sah\n{TPS},x\n", "line 2, column suara_sah"),
        (f"tps,suara_sah\n{TPS},٣\n", "line 2, column suara_sah"),
        ("tps,suara_sah\n3.21601E+12,1\n", "line 2: a TPS code has 13 digits"),
        (f"tps,suara_sah\n{TPS}\n", "line 2: 2 cells"),
        (f"tps,suara_sah\n{TPS},1,2\n", "line 2: 2 cells"),
        (f"tps,suara_sah,ts\n{TPS},1,noon\n", "line 2, column ts"),
        (
            f"tps,suara_saah\n{TPS},1\n",
            "header: unknown columns: suara_saah .did you mean suara_sah..",
        ),
        (
            f"tps,suara_sah,suara_tidaksah\n{TPS},1,2\n",
            "columns: suara_tidaksah .did you mean suara_tidak_sah..",
        ),
        (f"tps,suara_sah,suara_sah\n{TPS},1,1\n", "header: columns stand once"),
        (f"tps\n{TPS}\n", "header: no layout fits"),
        ("a,b\n1,2\n", "header: no layout fits"),
        ("", "header: no layout fits"),
        ("tps,suara_sah\n", "no row below the header"),
        (f'tps,suara_sah\n{TPS},"1\n', "no usable CSV"),
    ],
)
def test_broken_tables_name_the_place(text: str, place: str) -> None:
    with pytest.raises(EntriesFileError, match=place) as caught:
        read(text)
    assert caught.value.message.startswith("file.csv")


def test_a_column_written_wrong_is_told_among_those_of_another_form() -> None:
    form = load_form("netgrit-2022-dpr-10")
    *right, last = form.field_names[:4]
    with pytest.raises(EntriesFileError) as caught:
        list(read_table(f"tps,{','.join(right)},{last}x\n".encode(), "file.csv"))
    told = caught.value.message
    assert f"unknown columns: {last}x (did you mean {last}?); others are of {form.id}" in told


def test_not_utf8() -> None:
    with pytest.raises(EntriesFileError, match="UTF-8"):
        list(read_table(b"tps,suara_sah\n\xff,1\n", "file.csv"))


def test_one_broken_row_loses_only_itself() -> None:
    problems: list[EntriesFileError] = []
    text = f"tps,suara_sah\n{TPS},1\n3216012001002,x\n3216012001003,3\n"
    entries = list(read_table(text.encode(), "file.csv", form=PPWP, on_problem=problems.append))
    assert [entry.fields["suara_sah"] for entry in entries] == [1, 3]
    assert ["line 3" in problem.message for problem in problems] == [True]

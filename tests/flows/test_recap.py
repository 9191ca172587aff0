"""``chasil recap``: the same sums as the dashboard's, intervals, dapil, exports."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from fixtures.review_store import FORM, cell, fill, item_facts, progress_of
from flows.cli import app
from flows.recap import UnknownLevel, recapitulate
from models.dapil import DapilFileError, read_dapil
from models.recap import RecapRow
from models.regions import load_regions
from models.store.store import Store

FIRST, SECOND = "3216032003001", "3216032003002"
ELSEWHERE = "3216022001001"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("CHASIL_HOME", str(tmp_path / "home"))
    with Store.open(tmp_path / "home") as opened:
        cells = [
            cell(FIRST, "suara_paslon_1", 831, 31),
            cell(FIRST, "suara_paslon_2", 41, 41),
            cell(FIRST, "pemilih_dpt_j", 200, 200),
            cell(SECOND, "suara_paslon_1", None, None),
            cell(ELSEWHERE, "suara_paslon_1", 12, None),
        ]
        opened.queue.save_cells(cells, [progress_of(FIRST), progress_of(SECOND)])
        fill(opened, [item_facts(FIRST, "suara_paslon_1", entry=831, reading=31)])
        yield opened


def rows(store: Store, **options: object) -> dict[tuple[str, str, str], RecapRow]:
    found = recapitulate(store, load_regions(), **options)  # type: ignore[arg-type]
    return {(row.level, row.code, row.field): row for row in found}


def test_sums_are_those_of_the_dashboard(store: Store) -> None:
    found = rows(store)
    totals = {total.field: total for total in store.queue.totals("3216") if total.form == FORM}
    for field in ("suara_paslon_1", "suara_paslon_2"):
        row, total = found["kabupaten", "3216", field], totals[field]
        assert (row.entry, row.entry_tps) == (total.entry, total.entry_known)
        assert (row.reading, row.reading_tps) == (total.reading, total.reading_known)
        assert (row.audited, row.audited_tps) == (total.audited, total.audited_known)


def test_intervals_and_coverage(store: Store) -> None:
    found = rows(store, region="3216032003")
    row = found["desa", "3216032003", "suara_paslon_1"]
    expected = len(load_regions().tps("3216032003"))
    assert (row.tps_expected, row.tps_known, row.open_tps) == (expected, 1, 1)
    # 31 or 831; nothing about the second one; and all the others of the desa.
    assert (row.low, row.high) == (31, 831 + 300 + (expected - 2) * 300)
    assert found["desa", "3216032003", "suara_paslon_2"].tps_known == 1
    elsewhere = rows(store, region=ELSEWHERE)["kecamatan", "321602", "suara_paslon_1"]
    assert (elsewhere.low, elsewhere.high, elsewhere.unverified_tps) == (12, 12, 1)
    assert ("kabupaten", "3216", "pemilih_dpt_j") not in found


def test_dapil_are_the_users(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "dapil.csv"
    path.write_text("code;dapil\n3216;BEKASI 1\n321603;BEKASI 2\n")
    dapil = read_dapil(path)
    assert dapil.of(FIRST) == "BEKASI 2"
    assert dapil.of(ELSEWHERE) == "BEKASI 1"
    assert dapil.of("3171010001001") is None
    found = rows(store, dapil=dapil)
    assert found["dapil", "BEKASI 2", "suara_paslon_1"].entry == 831
    assert found["dapil", "BEKASI 1", "suara_paslon_1"].entry == 12
    with pytest.raises(UnknownLevel):
        rows(store, levels=("dapil",))
    with pytest.raises(UnknownLevel):
        rows(store, levels=("rw",))


@pytest.mark.parametrize(
    "text", ["code,name\n3216,A\n", "code,dapil\n", "code,dapil\nx,A\n", "code,dapil\n32,A\n32,B\n"]
)
def test_a_broken_table_of_dapil_says_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "dapil.csv").write_text(text)
    with pytest.raises(DapilFileError) as raised:
        read_dapil(tmp_path / "dapil.csv")
    assert "dapil.csv" in raised.value.message


def test_on_the_command_line(store: Store, tmp_path: Path) -> None:
    assert store.queue.totals("3216")

    def chasil(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["recap", *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert "31 to" not in chasil("--level", "provinsi", "--region", ELSEWHERE)
    told = json.loads(chasil("--format", "json", "--region", "3216032003"))
    assert {row["level"] for row in told} == {"desa", "kecamatan", "kabupaten", "provinsi"}
    assert {row["name"] for row in told if row["level"] == "kecamatan"} == {"SUKAWANGI"}
    written = chasil("--format", "csv")
    assert len(list(csv.DictReader(io.StringIO(written)))) > len(told)
    out = tmp_path / "recap.xlsx"
    chasil("--out", str(out))
    assert load_workbook(out).sheetnames == ["desa", "kecamatan", "kabupaten", "provinsi"]
    assert CliRunner().invoke(app, ["recap", "--level", "rw"]).exit_code == 1

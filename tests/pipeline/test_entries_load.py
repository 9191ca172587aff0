from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from models.errors import EntriesFileError
from models.records import Entry
from pipeline.entries import latest_revisions, read_entries

DESA = "3216012001"


def sirekap_object(votes: int | None, ts: str | None = "2024-02-15 00:41:44") -> dict[str, object]:
    return {
        "chart": {"100025": votes, "100026": 0, "100027": 0},
        "administrasi": None,
        "ts": ts,
    }


def put(folder: Path, tps: str, data: object) -> Path:
    path = folder / tps[:2] / tps[:4] / tps[:6] / tps[:10] / f"{tps}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
    return path


def votes(entries: list[Entry]) -> list[tuple[str, int | None]]:
    return [(entry.tps[-3:], entry.fields["suara_paslon_1"]) for entry in entries]


def test_tree_with_aggregates(tmp_path: Path) -> None:
    file = put(tmp_path, f"{DESA}002", sirekap_object(2))
    put(tmp_path, f"{DESA}001", sirekap_object(1))
    aggregate = {"chart": {"100025": 3, "persen": 100}, "table": {DESA: {"100025": 3}}}
    (tmp_path / "32.json").write_text(json.dumps(aggregate))
    (file.parent.parent / f"{DESA}.json").write_text(json.dumps(aggregate))
    (tmp_path / "README.md").write_text("not ours")
    entries = list(read_entries(tmp_path))
    assert votes(entries) == [("001", 1), ("002", 2)]
    assert entries[1].source == str(file)


def test_one_file_of_a_tree(tmp_path: Path) -> None:
    assert votes(list(read_entries(put(tmp_path, f"{DESA}002", sirekap_object(2))))) == [("002", 2)]


def test_an_aggregate_alone_is_no_import(tmp_path: Path) -> None:
    file = tmp_path / f"{DESA}.json"
    file.write_text(json.dumps({"chart": {"100025": 3}, "table": {}}))
    with pytest.raises(EntriesFileError, match="aggregate"):
        list(read_entries(file))
    with pytest.raises(EntriesFileError, match="no numbers of any TPS"):
        list(read_entries(tmp_path))


def test_a_file_of_many_may_be_called_by_a_region(tmp_path: Path) -> None:
    (tmp_path / "3216.json").write_text(json.dumps({f"{DESA}001": sirekap_object(1)}))
    assert votes(list(read_entries(tmp_path))) == [("001", 1)]


def test_folder_of_all_kinds_in_order_of_tps_and_time(tmp_path: Path) -> None:
    put(tmp_path / "later", f"{DESA}001", sirekap_object(12, "2024-02-16 00:00:00"))
    put(tmp_path / "first", f"{DESA}001", sirekap_object(11, "2024-02-14 22:00:00"))
    put(tmp_path / "first", f"{DESA}003", sirekap_object(None))
    (tmp_path / "many.json").write_text(
        json.dumps(
            [
                sirekap_object(22, "2024-02-15 00:00:00") | {"kode": f"{DESA}002"},
                sirekap_object(13, "2024-02-15 00:00:00") | {"kode": f"{DESA}001"},
            ]
        )
    )
    (tmp_path / "table.csv").write_text(f"tps,suara_paslon_1\n{DESA}001,10\n{DESA}002,20\n")
    assert votes(list(read_entries(tmp_path))) == [
        ("001", 10),
        ("001", 11),
        ("001", 13),
        ("001", 12),
        ("002", 20),
        ("002", 22),
        ("003", None),
    ]


def test_revisions_in_one_file_are_all_kept_in_order_of_time(tmp_path: Path) -> None:
    file = tmp_path / "many.json"
    objects = [
        sirekap_object(3, "2024-02-16 00:00:00") | {"kode": f"{DESA}001"},
        sirekap_object(1, None) | {"kode": f"{DESA}001"},
        sirekap_object(2, "2024-02-15 00:00:00") | {"kode": f"{DESA}001"},
    ]
    file.write_text(json.dumps(objects))
    entries = list(read_entries(file))
    assert votes(entries) == [("001", 1), ("001", 2), ("001", 3)]
    (newest,) = latest_revisions(reversed(entries)).values()
    assert newest.fields["suara_paslon_1"] == 3


def test_of_equally_new_revisions_the_last_counts(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text(f"tps,suara_paslon_1\n{DESA}001,1\n{DESA}001,2\n")
    (newest,) = latest_revisions(read_entries(file)).values()
    assert newest.fields["suara_paslon_1"] == 2


def test_gzip(tmp_path: Path) -> None:
    file = tmp_path / "many.json.gz"
    file.write_bytes(gzip.compress(json.dumps({f"{DESA}001": sirekap_object(1)}).encode()))
    assert votes(list(read_entries(file))) == [("001", 1)]
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(EntriesFileError, match="can't be read"):
        list(read_entries(file))
    file.write_bytes(b"no gzip")
    with pytest.raises(EntriesFileError, match="can't be read"):
        list(read_entries(file))


def test_one_broken_file_loses_only_itself(tmp_path: Path) -> None:
    put(tmp_path, f"{DESA}001", sirekap_object(1))
    put(tmp_path, f"{DESA}002", sirekap_object(2)).write_text("{")
    put(tmp_path, f"{DESA}0033", sirekap_object(2))
    put(tmp_path, f"{DESA}004", sirekap_object(4))
    problems: list[EntriesFileError] = []
    assert votes(list(read_entries(tmp_path, on_problem=problems.append))) == [
        ("001", 1),
        ("004", 4),
    ]
    assert [f"{DESA}0{number}.json" in str(problems) for number in ("02", "033")] == [True, True]
    assert len(problems) == 2


def test_paths_that_hold_no_entries_fail_at_once(tmp_path: Path) -> None:
    with pytest.raises(EntriesFileError, match="no such file"):
        read_entries(tmp_path / "none.json")
    (tmp_path / "table.xlsx").write_bytes(b"")
    with pytest.raises(EntriesFileError, match=r"ending in \.json, \.csv"):
        read_entries(tmp_path / "table.xlsx")
    with pytest.raises(EntriesFileError, match="no numbers of any TPS"):
        list(read_entries(tmp_path))

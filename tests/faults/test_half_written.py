"""A photo that is still being copied when the run comes by."""

from __future__ import annotations

import os
import time
from pathlib import Path

from fault_bench import TPS, Bench, NoPool

from flows.progress import LineReporter
from flows.run import Run
from models.records import ConflictKind


def test_a_half_written_photo_is_told_and_gone_once_it_is_whole(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    half, empty = (bench.photos / f"{tps}-2.jpg" for tps in TPS[3:5])
    whole = {path: path.read_bytes() for path in (half, empty)}
    half.write_bytes(whole[half][:40])
    empty.write_bytes(b"")
    with bench.store() as store:
        summary = bench.run_here(store)
        assert summary.rejected == {"truncated": 2}
        told = {one.photo for one in store.latest_conflicts(kinds=[ConflictKind.UNREADABLE])}
        assert told == {half.name, empty.name}
        for path, content in whole.items():
            path.write_bytes(content)
        assert bench.check_whole(store).pages_read_now == 2


def test_other_bytes_of_one_name_both_count_where_both_were_read(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    photo = bench.photos / f"{TPS[3]}-2.jpg"
    with bench.store() as store:
        bench.run_here(store)
        photo.write_text(photo.read_text().replace('"suara_paslon_1": 24', '"suara_paslon_1": 29'))
        bench.run_here(store)
        told = [
            one.field
            for one in store.latest_conflicts(kinds=[ConflictKind.UNREADABLE])
            if one.tps == TPS[3]
        ]
        assert told == ["suara_paslon_1"]


def test_a_half_written_copy_of_a_killed_run_is_removed_after_a_day(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    old, young = (bench.home / "photos" / f".arriving-{name}" for name in ("old", "young"))
    for copy in (old, young):
        copy.write_bytes(b"half of a pho")
    yesterday = time.time() - 25 * 3600
    os.utime(old, (yesterday, yesterday))
    said: list[str] = []
    with bench.store() as store:
        Run(store, NoPool(), LineReporter(said.append))
    assert said == ["removed 1 half-written copies of killed runs"]
    assert not old.exists()
    assert list((bench.home / "photos").glob(".*")) == [young]  # a run beside may write it

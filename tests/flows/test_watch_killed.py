"""A watcher in a process of its own, killed while others write to its folder."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from fixtures.fake_reading import write_photo

HOUSE = Path(__file__).parents[2]
TPS = "3216012001001"
PATIENCE = 240.0

WATCHER = """
if __name__ == "__main__":  # the reading processes, which run this again, need nothing of it
    import sys
    from contextlib import nullcontext
    from pathlib import Path

    import flows.batch
    from fixtures import fake_reading
    from flows import watch
    from flows.pool import Engine

    flows.batch.ENGINE = Engine(load=fake_reading.load, read=fake_reading.read)
    watch.find_server = lambda: None
    flows.batch.read_batch = flows.batch.read_batch.fn  # the steps alone: without Prefect
    flows.batch.Link = lambda say: type("NoLink", (), {
        "turn_to_write": lambda self: nullcontext(),
        "__getattr__": lambda self, name: lambda *_: None,
    })()
    flows.batch.end_in_time = lambda: None
    watch.flow = lambda **_: lambda function: function

    with watch.Watcher(Path(sys.argv[1]), workers=1, batch_size=3) as watcher:
        watch.keep_watching(watcher, 0.5, lambda said: print(said, flush=True))
"""

WRITER = """
import sys
import time
from pathlib import Path

from fixtures.fake_reading import write_photo

folder = Path(sys.argv[1])
for number in range(12):
    whole = write_photo(folder.parent / "aside" / "one.jpg", salt=f"{number}" * 300, seconds=0.1)
    content = whole.read_bytes()
    named = folder / f"3216012001001-{number}.jpg"
    if number % 2:
        (folder / f"{number}.part").write_bytes(content)
        (folder / f"{number}.part").rename(named)
        continue
    with named.open("wb") as slow:
        for start in range(0, len(content), 100):
            slow.write(content[start : start + 100])
            slow.flush()
            time.sleep(0.05)
"""


def start(tmp_path: Path, text: str) -> subprocess.Popen[bytes]:
    """Start a script with the folder it works on."""
    script = tmp_path / f"{abs(hash(text))}.py"
    script.write_text(text)
    return subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "masuk")],
        env=os.environ | {"CHASIL_HOME": str(tmp_path / "home"), "PYTHONPATH": str(HOUSE)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    """As the power cut does."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def rows(tmp_path: Path, query: str) -> list[tuple[object, ...]]:
    """Ask the store, once it is there."""
    database = tmp_path / "home" / "chasil.sqlite"
    if not database.exists():
        return []
    store = sqlite3.connect(database, timeout=60)
    try:
        if not store.execute("SELECT 1 FROM sqlite_master WHERE name = 'readings'").fetchone():
            return []
        return store.execute(query).fetchall()
    finally:
        store.close()


def wait_for_readings(tmp_path: Path, count: int) -> None:
    ends = time.monotonic() + PATIENCE
    while len(rows(tmp_path, "SELECT id FROM readings WHERE status = 'read'")) < count:
        assert time.monotonic() < ends, f"no {count} readings"
        time.sleep(0.1)


@pytest.mark.slow
def test_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    (tmp_path / "masuk").mkdir()
    write_photo(tmp_path / "masuk" / f"{TPS}-first.jpg")
    watcher = start(tmp_path, WATCHER)
    writer = None
    try:
        wait_for_readings(tmp_path, 1)
        writer = start(tmp_path, WRITER)
        for count in (3, 7):
            wait_for_readings(tmp_path, count)
            kill(watcher)
            watcher = start(tmp_path, WATCHER)
        assert writer.wait(PATIENCE) == 0
        wait_for_readings(tmp_path, 13)
    finally:
        kill(watcher)
        if writer is not None:
            kill(writer)
    readings = rows(tmp_path, "SELECT sha256 FROM readings WHERE status = 'read'")
    assert max(Counter(readings).values()) == 1
    read = "SELECT name, sha256 FROM uploads WHERE sha256 IN (SELECT sha256 FROM readings)"
    whole = {name for name, _ in rows(tmp_path, read)}
    assert whole == {f"{TPS}-first.jpg"} | {f"{TPS}-{number}.jpg" for number in range(12)}

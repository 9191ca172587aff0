"""kill -9: of a reading process, of the run itself, of the auditors' room."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from fault_bench import Bench, wait_for

RUNNING = "0123456789"


def children(pid: int) -> list[int]:
    """Processes whose parent is ``pid``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue  # it ended meanwhile
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.name))
    return found


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def readers(pid: int) -> list[int]:
    return [child for child in children(pid) if "spawn_main" in command(child)]


def is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_a_reading_process_killed_in_mid_batch(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    run = bench.start()
    with bench.store() as store:
        bench.wait_until_read(store, 6)
        os.kill(readers(run.pid)[0], signal.SIGKILL)
        said, errors = run.communicate(timeout=60)
        assert run.returncode == 0, errors
        summary = json.loads(said)
        assert summary["rejected"] == {}
        assert summary["pages_read_now"] == 18
        assert bench.check_whole(store).pages_read_now == 0


def test_the_run_itself_killed_leaves_nobody_behind(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    run = bench.start()
    with bench.store() as store:
        bench.wait_until_read(store, 6)
        left = children(run.pid)
        assert len(readers(run.pid)) == 2
        run.kill()
        run.communicate(timeout=60)
        wait_for(lambda: not any(map(is_alive, left)), f"processes still there: {left}", 10)
        assert 0 < bench.check_whole(store).pages_read_now <= 12

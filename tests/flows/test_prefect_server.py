"""A real Prefect server and worker: deployed by ``prefect.yaml``, run, and killed in between."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest

from fixtures.fake_reading import write_photo
from flows.settings import SERVER_DEFAULTS
from models.store.store import Store

HOUSE = Path(__file__).parents[2]
TPS = "3216012001001"
PATIENCE = 240.0
"""Seconds to wait for what takes five on an idle machine."""

MAIN = """
if __name__ == "__main__":  # the reading processes, which run this again, need nothing of it
    import sys
    from pathlib import Path
    import flows.batch
    from fixtures import fake_reading
    from flows.pool import Engine

    flows.batch.ENGINE = Engine(load=fake_reading.load, read=fake_reading.read)
    summary = flows.batch.run_process([Path(sys.argv[1])], workers=1, batch_size=5)
    print(summary.model_dump_json())
"""

PART = """
import flows.batch
from fixtures import fake_reading
from flows.pool import Engine

flows.batch.ENGINE = Engine(load=fake_reading.load, read=fake_reading.read)
process = flows.batch.process
"""

ALL = """
import sys
from pathlib import Path
import flows.country
from flows.automations import SILENT_PARTS, crash_silent_parts
from flows.quiet_prefect import Automation
from part import process

flows.country.ENGINE = flows.batch.ENGINE
folder = Path(__file__).parent
if __name__ == "__main__":
    process.from_source(str(folder), "part.py:process").deploy(
        "part", work_pool_name="parts", print_next_steps=False
    )
    summary = flows.country.process_all(
        [folder / "photos"], workers=1, batch_size=5, dead_after=60, deployment="process/part"
    )
    made = Automation.read(name=SILENT_PARTS).id
    crash_silent_parts(60)
    assert Automation.read(name=SILENT_PARTS).id == made, "it may be waiting for a heartbeat"
    print(summary.model_dump_json())
"""

pytestmark = pytest.mark.slow


@dataclass
class Server:
    """A Prefect server with files of its own."""

    folder: Path
    variables: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: str | Path) -> str:
        """Run a program that knows the server, and give what it printed."""
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=HOUSE,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """Start a program that knows the server."""
        return subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            cwd=HOUSE,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a program and all it started, at once."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something."""
    ends = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < ends, what
        time.sleep(0.2)


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, prefect_home: Callable[[Path], None]
) -> Iterator[Server]:
    """One for all: the last test kills it."""
    tmp_path = tmp_path_factory.mktemp("server")
    prefect_home(tmp_path / "prefect")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    address = f"http://127.0.0.1:{port}/api"
    known = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT", "CHASIL", "DO_NOT_TRACK"))
    }
    own = {
        "CHASIL_HOME": str(tmp_path / "home"),
        "HOME": str(tmp_path),
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_API_URL": address,
        "PREFECT_CLIENT_MAX_RETRIES": "1",
        "PYTHONPATH": str(HOUSE),
    }
    with ExitStack() as stack:
        started = Server(tmp_path, known | SERVER_DEFAULTS | own)
        process = started.start(
            *("-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
        )
        stack.callback(kill, process)

        def healthy() -> bool:
            assert process.poll() is None, "the server ended"
            try:
                return httpx.get(f"{address}/health", timeout=5).is_success
            except httpx.TransportError:
                return False

        until(healthy, "the server does not come up")
        started.process = process
        yield started


def test_deployed_run_by_a_worker_and_in_the_store(server: Server) -> None:
    tmp_path = server.folder
    photos = tmp_path / "photos"
    for number in range(6):
        write_photo(photos / f"{TPS}-{number}.jpg", salt=str(number))
    server.run("-m", "prefect", "work-pool", "create", "chasil", "--type", "process")
    server.run("-m", "prefect", "--no-prompt", "deploy", "--name", "batch")
    api = server.variables["PREFECT_API_URL"]
    deployment = httpx.get(f"{api}/deployments/name/process/batch").json()["id"]
    for folder in (photos, tmp_path / "nowhere"):
        asked = {"parameters": {"photos": [str(folder)]}, "state": {"type": "SCHEDULED"}}
        httpx.post(f"{api}/deployments/{deployment}/create_flow_run", json=asked).raise_for_status()
    worker = server.start(
        *("-m", "prefect", "worker", "start", "--pool", "chasil", "--type", "process"),
        *("--run-once",),
    )
    try:
        worker.communicate(timeout=PATIENCE)
    finally:
        kill(worker)
    with Store.open(tmp_path / "home") as store:
        batch = store.latest_batch()
    assert batch is not None
    assert batch.summary is not None
    assert batch.summary["photos"] == 6
    assert batch.summary["rejected"] == {"not_an_image": 6}
    prefect = sqlite3.connect(tmp_path / "prefect" / "prefect.db")
    runs = dict(prefect.execute("SELECT state_type, name FROM flow_run").fetchall())
    (refused,) = prefect.execute(
        "SELECT message FROM flow_run_state WHERE type = 'FAILED'"
    ).fetchone()
    keys = {key for (key,) in prefect.execute("SELECT key FROM artifact")}
    prefect.close()
    assert runs["COMPLETED"].startswith("process 6 photos of 3216012001 ")
    assert "Check the name" in refused
    assert {"progress", "summary", "conflicts"} <= keys


def test_a_part_whose_machine_died_is_read_by_another(server: Server, tmp_path: Path) -> None:
    """The worker and the run it started are killed in mid-part: nobody can say that it ended."""
    server.variables["CHASIL_HOME"] = str(tmp_path / "home")
    for number in range(40):
        write_photo(tmp_path / "photos" / f"{TPS}-{number}.jpg", salt=str(number), seconds=0.2)
    (tmp_path / "part.py").write_text(PART)
    (tmp_path / "all.py").write_text(ALL)
    begin = ("-m", "prefect", "worker", "start", "--pool", "parts", "--type", "process")
    with ExitStack() as stack:

        def start(*arguments: str | Path) -> subprocess.Popen[bytes]:
            started = server.start(*arguments)
            stack.callback(kill_with_children, started)
            return started

        first = start(*begin)
        pool = f"{server.variables['PREFECT_API_URL']}/work_pools/parts"
        until(lambda: httpx.get(pool).is_success, "no worker")
        all_parts = start(tmp_path / "all.py")
        until(partial(some_are_read, tmp_path / "home", all_parts), "nothing is read")
        kill_with_children(first)
        read = count_readings(tmp_path / "home")
        start(*begin)
        out, err = all_parts.communicate(timeout=PATIENCE)
    assert all_parts.returncode == 0, err.decode()
    assert "The process that read 321601 died" in " ".join(err.decode().split())
    assert json.loads(out.splitlines()[-1])["conflicts"]["page_missing"] == 2
    assert 0 < read < 40
    assert count_readings(tmp_path / "home") == 40
    with closing(sqlite3.connect(server.folder / "prefect" / "prefect.db")) as prefect:
        query = (
            "SELECT flow_run_state.message FROM flow_run JOIN flow_run_state "
            "ON flow_run.state_id = flow_run_state.id WHERE flow_run.state_type = 'CRASHED'"
        )
        ((said,),) = prefect.execute(query).fetchall()
    assert said == "No sign of life for 60 s: its process or its machine died."


def some_are_read(home: Path, run: subprocess.Popen[bytes]) -> bool:
    """Whether readings are in the store, while a program is at work."""
    assert run.poll() is None, run.communicate()[1].decode()
    return count_readings(home) > 0


def count_readings(home: Path) -> int:
    """Readings in the store; each photo has at most one."""
    database = home / "chasil.sqlite"
    if not database.exists():
        return 0
    with closing(sqlite3.connect(database)) as store:
        if not store.execute("SELECT 1 FROM sqlite_master WHERE name = 'readings'").fetchone():
            return 0
        count, photos = store.execute(
            "SELECT count(*), count(DISTINCT sha256) FROM readings"
        ).fetchone()
    assert count == photos
    return int(count)


def kill_with_children(process: subprocess.Popen[bytes]) -> None:
    """End a program and all that came of it, as if their machine had failed."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    doomed = [process.pid]
    for one in doomed:
        doomed += [child for child, parent in parents.items() if parent == one]
    for one in doomed:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    process.communicate()


def test_a_run_outlives_a_server_that_is_killed(server: Server, tmp_path: Path) -> None:
    assert server.process is not None
    server.variables["CHASIL_HOME"] = str(tmp_path / "home")
    for number in range(40):
        write_photo(tmp_path / "photos" / f"{TPS}-{number}.jpg", salt=str(number), seconds=0.2)
    (tmp_path / "main.py").write_text(MAIN)
    run = server.start(tmp_path / "main.py", tmp_path / "photos")
    try:
        until(partial(some_are_read, tmp_path / "home", run), "nothing is read")
        kill(server.process)
        out, err = run.communicate(timeout=PATIENCE)
    finally:
        kill(run)
    assert run.returncode == 0, err.decode()
    summary = json.loads(out)
    assert (summary["photos"], summary["pages_read"]) == (40, 40)
    said = " ".join(err.decode().split())
    assert said.count("Prefect's server does not answer any more. The run goes on") == 1
    assert said.count("Unable to connect to") <= 1
    assert "Traceback" not in said
    assert count_readings(tmp_path / "home") == 40

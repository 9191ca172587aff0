"""kill -9: of a reading process, of the run itself, of the auditors' room."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import pytest
from fault_bench import AUDITORS, Bench, tell, wait_for

from models.store.store import Store
from models.trail import Act
from review.passwords import csrf_token, new_token, token_hash
from review.web.parts import SESSION_COOKIE


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
    run = bench.start(FAKE_LONGER_SECONDS="0.1")
    with bench.store() as store:
        bench.wait_until_read(store, 6)
        os.kill(readers(run.pid)[0], signal.SIGKILL)
        out, errors = run.communicate(timeout=120)
        assert run.returncode == 0, errors
        summary = json.loads(out)
        assert summary["rejected"] == {}
        assert summary["pages_read_now"] == 18
        assert bench.check_whole(store).pages_read_now == 0


def test_the_run_itself_killed_leaves_nobody_behind(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    run = bench.start(FAKE_LONGER_SECONDS="0.1")
    with bench.store() as store:
        bench.wait_until_read(store, 6)
        left = children(run.pid)
        assert len(readers(run.pid)) == 2
        run.kill()
        run.communicate(timeout=120)
        gone = wait_for(lambda: not any(map(is_alive, left)), f"processes still there: {left}")
        again = bench.check_whole(store).pages_read_now
        assert 0 < again <= 12
        tell("run killed", seconds_until_readers_end=gone, pages_read_again=again)


@pytest.mark.slow
def test_prefect_s_temporary_server_ends_with_a_killed_run(
    tmp_path: Path, prefect_home: Callable[[Path], None]
) -> None:
    bench = Bench(tmp_path)
    prefect_home(bench.home / "prefect")
    run = bench.start_flow(FAKE_LONGER_SECONDS="0.1")
    with bench.store() as store:
        bench.wait_until_read(store, 6)
        left = children(run.pid)
        assert any("prefect.server.api.server" in command(child) for child in left)
        run.kill()
        run.wait()
        gone = wait_for(lambda: not any(map(is_alive, left)), f"processes still there: {left}")
        tell("run killed under Prefect", seconds_until_its_server_ends=gone)
        run.communicate(timeout=120)
        bench.check_whole(store)


def test_the_auditors_room_killed_while_they_decide(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with bench.store() as store:
        bench.run_here(store)
        at_work = [Auditor(name, session_of(store, name)) for name in AUDITORS]
        for _ in range(2):
            before = sum(len(one.told) for one in at_work)
            port = free_port()
            room = open_room(bench, port)
            try:
                threads = [
                    threading.Thread(target=auditor.work, args=(port,)) for auditor in at_work
                ]
                for thread in threads:
                    thread.start()
                enough = before + 5
                wait_for(partial(have_decided, at_work, enough), "decisions")
            finally:
                room.kill()
                room.wait()
            for thread in threads:
                thread.join(30)
        decided = Counter(
            (record.who, record.subject)
            for record in store.trail.walk()
            if record.act == Act.DECIDED
        )
        asked = {(one.name, f"item/{number}") for one in at_work for number in one.asked}
        for one in at_work:
            assert one.trouble == []
            for number in one.told:
                assert decided[one.name, f"item/{number}"] == 1
        # Beside those told there is at most the one that each had sent off when the room died.
        new = {key for key in decided if key in asked}
        known = {(one.name, f"item/{number}") for one in at_work for number in one.told}
        assert len(new - known) <= 2 * len(at_work)
        bench.check_whole(store)


def have_decided(at_work: list[Auditor], enough: int) -> bool:
    return sum(len(one.told) for one in at_work) >= enough


class Auditor:
    """Somebody who decides one item after the other over HTTP until nobody answers."""

    def __init__(self, name: str, token: str) -> None:
        self.name = name
        self._token = token
        self.asked: list[int] = []
        """Items whose decision was sent off."""
        self.told: list[int] = []
        """Those of which the room said that they are decided."""
        self.trouble: list[str] = []

    def work(self, port: int) -> None:
        """Work until the connection breaks."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            while self._decide_one(connection):
                pass
        except (OSError, http.client.HTTPException):
            return  # the room was killed
        finally:
            connection.close()

    def _decide_one(self, connection: http.client.HTTPConnection) -> bool:
        wanted = self._ask(connection, "/queue/next", {})[1].partition("?")[0]
        if not wanted.startswith("/items/"):
            return False
        page = self._ask(connection, wanted)[0]
        if 'name="paper"' in page:
            self._ask(
                connection, f"{wanted}/answer", {"version": value(page, "version"), "paper": "1"}
            )
            page = self._ask(connection, wanted)[0]
        number = int(wanted.rpartition("/")[2])
        self.asked.append(number)
        form = {name: value(page, name) for name in ("version", "attempt")}
        form |= {"outcome": "unreadable", "reason": "test"}
        answer, _, status = self._ask(connection, f"{wanted}/decide", form)
        if status != 303:
            self.trouble.append(f"{status}: {answer[:2000]}")
            return False
        self.told.append(number)
        return True

    def _ask(
        self, connection: http.client.HTTPConnection, path: str, form: dict[str, str] | None = None
    ) -> tuple[str, str, int]:
        """The page, where it leads, and its status."""
        headers = {"cookie": f"{SESSION_COOKIE}={self._token}"}
        body = None
        if form is not None:
            body = urlencode({"csrf": csrf_token(self._token), **form})
            headers["content-type"] = "application/x-www-form-urlencoded"
        connection.request("GET" if form is None else "POST", path, body, headers)
        answer = connection.getresponse()
        content = answer.read().decode()
        return content, answer.headers.get("location", ""), answer.status


def value(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, f"the page has no {name}: {page[:300]}"
    return found[1]


def session_of(store: Store, name: str) -> str:
    token = new_token()
    ends = datetime.now(UTC) + timedelta(hours=1)
    store.accounts.begin_session(name, token_hash(token), ends, how="link")
    return token


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def open_room(bench: Bench, port: int) -> subprocess.Popen[bytes]:
    """Start ``chasil review`` and wait until it answers."""
    room = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "review", "--port", str(port)],
        env=bench.environment(),
        stdout=subprocess.DEVNULL,
    )

    def answers() -> bool:
        assert room.poll() is None, "the room did not open"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/sign-in")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    wait_for(answers, "the room", 120)
    return room

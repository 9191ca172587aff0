"""How fast the auditors' room answers while twenty people work in it, and whether it loses a thing.

``python -m benchmarks.review_load`` makes a store of the size of Kabupaten Bekasi (8,417 TPS × 25
fields, 60,000 items; half a minute, kept with ``--home``), serves it in a process of its own, and
lets auditors work over HTTP: take the next item, answer blind, decide, look at the other pages now
and then. It prints the server's own time a page (from the request's arrival to the answer's
beginning, waiting for a turn included) and the time a client sees; then it compares every decision
that a client was told of with the trail and the queue: none lost, none doubled.

All auditors press "next item" for the first time in the same instant, which no office does: that
has a line of its own. Onlookers (``--onlookers``) go round all pages, so that each has 20 looks or
more within 40 s; what a page keeps for 5 s is mostly older when they come again.

``--decisions 10000`` goes on until so many are made; ``--repeat`` is the share of decisions that
are sent twice, as after a slow network. ``--think 0`` has nobody think: it measures how much the
machine can take, not how an office works.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fixtures.review_store import fill_kabupaten
from models.people import Role
from models.queue import ItemStatus
from models.regions import Level
from models.store.item_filter import ItemFilter
from models.store.store import Store
from models.trail import Act
from review.app import create_app
from review.passwords import csrf_token, new_token, token_hash
from review.replay import mismatches

PAGE_MS, NEXT_MS = 100.0, 50.0
"""What 95 of 100 answers must be within."""

LOOKS = (
    "/queue",
    "/queue?cause=rows_swapped",
    "/regions/3216",
    "/regions/321606",
    "/kecamatan/321604",
    "/kecamatan/321606",
    "/tps/3216042001001",
    "/reports",
)
"""Pages that people look at beside their work."""

LOOK_SECONDS = 0.5
"""Mean pause of an onlooker."""

TIME = "x-server-ms"


class Timed:
    """Tells in a header how long the app took to begin its answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        begun = time.perf_counter()

        async def timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                took = (time.perf_counter() - begun) * 1000
                MutableHeaders(scope=message)[TIME] = f"{took:.2f}"
            await send(message)

        await self._app(scope, receive, timed)


@dataclass
class Seen:
    """What all clients saw."""

    server_ms: dict[str, list[float]] = field(default_factory=dict)
    client_ms: dict[str, list[float]] = field(default_factory=dict)
    decided: Counter[int] = field(default_factory=Counter)
    """Items by number, and how many clients were told that they decided it."""
    repeated: int = 0
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, name: str, server_ms: float, client_ms: float) -> None:
        """Keep one request's times."""
        with self.lock:
            self.server_ms.setdefault(name, []).append(server_ms)
            self.client_ms.setdefault(name, []).append(client_ms)


class Auditor:
    """One person at work, over one connection that stays open."""

    def __init__(self, port: int, token: str, seen: Seen, *, think: float, repeat: float) -> None:
        self._connection = http.client.HTTPConnection("localhost", port, timeout=60)
        self._token = token
        self._seen = seen
        self._think = think
        self._repeat = repeat
        self._random = random.Random(token)  # noqa: S311 - whom to imitate

    def ask(self, name: str, path: str, form: dict[str, str] | None = None) -> tuple[str, str, int]:
        """One request; gives the page, where it leads, and its status."""
        headers = {"cookie": f"chasil_session={self._token}"}
        body = None
        if form is not None:
            body = urlencode({"csrf": csrf_token(self._token), **form})
            headers["content-type"] = "application/x-www-form-urlencoded"
        begun = time.perf_counter()
        self._connection.request("POST" if form is not None else "GET", path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read().decode(errors="replace")
        took = (time.perf_counter() - begun) * 1000
        self._seen.note(name, float(answer.headers[TIME]), took)
        if answer.status >= 400:
            with self._seen.lock:
                self._seen.faults.append(f"{answer.status} {name} {path}")
        time.sleep(self._random.random() * 2 * self._think)
        return content, answer.headers.get("location", ""), answer.status

    def work(self, until: float, enough: int) -> None:
        """Work until a moment, or until so many decisions are made by all."""
        _, wanted, _ = self.ask("next item, all at once", "/queue/next", {})
        while time.monotonic() < until and self._seen.decided.total() < enough:
            path = wanted.partition("?")[0]
            if not path.startswith("/items/"):
                return
            content, _, _ = self.ask("item", path)
            version = _value(content, "version")
            self.ask("answer", f"{path}/answer", {"version": version, "paper": "1"})
            content, _, _ = self.ask("item, revealed", path)
            form = {
                "version": _value(content, "version"),
                "attempt": _value(content, "attempt"),
                "outcome": "unreadable",
                "reason": "load",
            }
            _, wanted, status = self.ask("decide + next", f"{path}/decide", form)
            if status == 303:
                with self._seen.lock:
                    self._seen.decided[int(path.rpartition("/")[2])] += 1
            if self._random.random() < self._repeat:
                self.ask("decide, sent again", f"{path}/decide", form)
                self._seen.repeated += 1
            if self._random.random() < 0.2:
                self.ask("/queue", "/queue")
                _, wanted, _ = self.ask("next item", "/queue/next", {})

    def look(self, until: float, enough: int, kecamatan: list[str]) -> None:
        """Look at one page after the other for as long as others work."""
        self._think = LOOK_SECONDS
        while time.monotonic() < until and self._seen.decided.total() < enough:
            for page in LOOKS:
                self.ask(page, page)
            for name in ("/kecamatan/", "/regions/"):
                self.ask(f"{name}…", name + self._random.choice(kecamatan))


def _value(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    if found is None:
        raise ValueError(f"the page has no {name}: {page[:300]}")
    return found[1]


def make_auditors(store: Store, many: int) -> list[str]:
    """Accounts with a session each; returns their tokens."""
    tokens = []
    for _ in range(many):
        name, token = f"load{new_token()[:8].lower().strip('-_')}", new_token()
        store.accounts.add(name, Role.AUDITOR, by="load")
        ends = datetime.now(UTC) + timedelta(hours=6)
        store.accounts.begin_session(name, token_hash(token), ends, how="link")
        tokens.append(token)
    return tokens


def check(store: Store, seen: Seen, first: int) -> list[str]:
    """What was lost, doubled or broken; empty where all is well.

    Args:
        store: The store, which no one writes to any more.
        seen: What the clients were told.
        first: Number of the newest act before the load began.

    """
    made: Counter[int] = Counter()
    for record in store.trail.walk():
        if record.sequence > first and record.act == Act.DECIDED:
            made[int(record.subject.removeprefix("item/"))] += 1
    wrong = [
        f"item {number}: told {n}, in the trail {made[number]}"
        for number, n in seen.decided.items()
        if made[number] != n
    ]
    wrong += [
        f"item {number}: in the trail {n}, told none"
        for number, n in made.items()
        if number not in seen.decided
    ]
    items = store.overview.items(set(seen.decided)) if len(seen.decided) < 30_000 else {}
    wrong += [
        f"item {number} is {item.status}"
        for number, item in items.items()
        if item.status is ItemStatus.OPEN
    ]
    wrong += [str(one) for one in mismatches(store)]
    broken = store.trail.verify()
    if broken is not None:
        wrong.append(f"the chain: {broken.message}")
    return wrong


def main() -> None:
    """Make, serve, load, print, check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="Store to use; made there if it is not.")
    parser.add_argument("--auditors", type=int, default=20)
    parser.add_argument("--onlookers", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--decisions", type=int, default=0, help="Until so many, however long.")
    parser.add_argument("--think", type=float, default=2.0, help="Mean seconds between requests.")
    parser.add_argument("--repeat", type=float, default=0.1, help="Share of forms sent twice.")
    parser.add_argument("--port", type=int, default=8362)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = given.home or Path(folder)
        if given.serve:
            with Store.open(home) as store:
                app = Timed(create_app(store))
                uvicorn.run(app, port=given.port, log_level="warning", access_log=False)
            return
        run(home, given)


def run(home: Path, given: argparse.Namespace) -> None:
    """The load itself."""
    with Store.open(home) as store:
        if not store.queue.counts(ItemFilter()).total:
            print("Making the store …", flush=True)
            fill_kabupaten(store)
        tokens = make_auditors(store, given.auditors + given.onlookers)
        kecamatan = [one.code for one in store.queue.progress("", Level.KECAMATAN)]
        head = store.trail.head()
    command = [sys.executable, "-m", "benchmarks.review_load", "--serve", "--home", str(home)]
    server = subprocess.Popen([*command, "--port", str(given.port)], env=os.environ.copy())  # noqa: S603
    try:
        _wait_for(given.port)
        seen = Seen()
        begun = time.monotonic()
        until = begun + (given.seconds if not given.decisions else 24 * 3600)
        people = [
            Auditor(given.port, token, seen, think=given.think, repeat=given.repeat)
            for token in tokens
        ]
        enough = given.decisions or 10**9
        threads = [
            threading.Thread(target=one.work, args=(until, enough))
            for one in people[: given.auditors]
        ]
        threads += [
            threading.Thread(target=one.look, args=(until, enough, kecamatan))
            for one in people[given.auditors :]
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - begun
    finally:
        server.terminate()
        server.wait()
    _print(seen, took, given)
    with Store.open(home) as store:
        wrong = check(store, seen, head.sequence if head else 0)
    print(f"{seen.decided.total()} decisions, {seen.repeated} forms sent twice: ", end="")
    print("none lost, none doubled, the chain holds" if not wrong else f"WRONG {wrong[:5]}")
    if seen.faults:
        print(f"{len(seen.faults)} refused: {Counter(seen.faults).most_common(5)}")
    sys.exit(1 if wrong else 0)


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            connection = http.client.HTTPConnection("localhost", port, timeout=5)
            connection.request("GET", "/sign-in")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the server does not answer")


def _print(seen: Seen, took: float, given: argparse.Namespace) -> None:
    load = os.getloadavg()[0]
    requests = sum(map(len, seen.server_ms.values()))
    print(
        f"{given.auditors} auditors, {requests / took:.0f} requests/s, load {load:.1f} "
        f"on {os.cpu_count()} processors"
    )
    print(f"{'':26}{'n':>7}{'server p50':>12}{'p95':>8}{'client p50':>12}{'p95':>8}  ms")
    for name in sorted(seen.server_ms):
        server, client = sorted(seen.server_ms[name]), sorted(seen.client_ms[name])
        limit = NEXT_MS if "next" in name else PAGE_MS
        late = "" if _at(server, 0.95) <= limit else f"  over {limit:.0f}"
        print(
            f"{name:26}{len(server):7}{_at(server, 0.5):12.1f}{_at(server, 0.95):8.1f}"
            f"{_at(client, 0.5):12.1f}{_at(client, 0.95):8.1f}{late}"
        )


def _at(values: list[float], share: float) -> float:
    return values[min(int(len(values) * share), len(values) - 1)]


if __name__ == "__main__":
    main()

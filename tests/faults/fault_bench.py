"""What every fault is tried on, and what must hold after each of them.

A store with entries, readings and auditors' decisions from an earlier run; a folder with more
photos than that run had; entries of which one has changed since. ``Bench.check_whole`` runs once
more, plainly, and compares everything with a store to which nothing ever happened.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import func, select

from fixtures import fake_reading
from fixtures.fake_reading import RECIPE, write_photo
from flows.arrivals import find_arrivals
from flows.pool import Outcome as Read
from flows.pool import PhotoJob
from flows.progress import LineReporter
from flows.run import Run
from flows.summary import Summary
from models.people import Role, User
from models.queue import ItemStatus, Outcome, QueueItem
from models.records import PageStatus
from models.store.item_filter import ItemFilter
from models.store.store import Store
from models.store.tables import ReadingRow
from models.trail import Anchor
from review.answers import PaperSays, Says
from review.desk import Desk
from review.outcomes import Finding
from review.replay import mismatches

PROGRAM = Path(__file__).with_name("fake_chasil.py")

DESA = "3216012001"
TPS = tuple(f"{DESA}{number:03}" for number in range(1, 9))
EARLIER = TPS[:2]
"""TPS whose photos the earlier run had."""

SECONDS_A_PHOTO = 0.06
PAPER = {
    1: {"pemilih_dpt_j": 200, "pemilih_dpt_l": 100, "pemilih_dpt_p": 100, "pengguna_dpt_j": 171},
    2: {"suara_paslon_1": 24, "suara_paslon_2": 73, "suara_paslon_3": 74},
    3: {"suara_sah": 171, "suara_tidak_sah": 0, "suara_total": 171},
}
REPORTED = PAPER[2] | {"suara_sah": 171}
WRONG = {
    TPS[0]: {"suara_paslon_1": 824},
    TPS[1]: {"suara_paslon_2": 71},
    TPS[4]: {"suara_paslon_3": 774},
}
"""Numbers of the system that are not those on paper."""

CORRECTED = TPS[6]
"""The TPS whose entry changed since the earlier run."""

AUDITORS = ("budi", "sari")

WAIT_SECONDS = 240.0
"""For what takes some seconds on an idle machine."""


def wait_for(condition: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> float:
    """Wait until something holds; returns the seconds it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(0.05)
    return time.monotonic() - began


def stops_of(run: subprocess.Popen[str], folder: Path) -> Iterator[Path]:
    """Each stop of a run with ``FAKE_PAUSES``: a file; the run goes on once it is removed."""
    while True:
        wait_for(lambda: any(folder.iterdir()) or run.poll() is not None, "the next stop")
        if run.poll() is not None:
            return
        yield next(folder.iterdir())


def tell(fault: str, **figures: float) -> None:
    """Print what a fault cost, for docs/faults.md (`pytest -s tests/faults`)."""
    told = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in figures.items())
    sys.stdout.write(f"\n{fault}: {told}\n")


def said(errors: str) -> str:
    """What the operator sees of an error; it has a remedy and no traceback."""
    assert "Traceback" not in errors
    shown = errors[errors.index("Error: ") :]
    assert "What to do: " in shown
    sys.stdout.write(f"\n{shown}")
    return shown


@dataclass(frozen=True)
class Before:
    """What lay in the store before the fault."""

    anchor: Anchor | None
    done: dict[int, tuple[Outcome | None, int | None, str | None]]
    revisions: dict[str, list[str]]


class Bench:
    """A folder of photos, a store, and programs that work on them."""

    def __init__(self, folder: Path, *, database: str | None = None) -> None:
        """Lay everything out.

        Args:
            folder: An empty one.
            database: URL of a PostgreSQL database that ``fill_database`` filled, or a copy of it;
                SQLite if not given.

        """
        self.folder, self.database = folder, database
        self.home, self.photos = folder / "home", folder / "photos"
        self.entries = folder / "entries.csv"
        shutil.copytree(_base(), folder, dirs_exist_ok=True)
        with self.store() as store:
            self.before = _look(store)

    def store(self) -> Store:
        """Open the store in this process."""
        return Store.open(self.home, url=self.database)

    def environment(self, **variables: str) -> dict[str, str]:
        """Of a program: this store, nothing else that is set on the machine."""
        known = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PREFECT", "CHASIL", "DO_NOT_TRACK"))
        }
        own = {"CHASIL_HOME": str(self.home), "HOME": str(self.folder), "PYTHONUNBUFFERED": "1"}
        if self.database:
            own["CHASIL_DATABASE"] = self.database
        return known | own | variables

    def program(self, *arguments: str | Path) -> tuple[str | Path, ...]:
        """The program with its arguments; without arguments a run without Prefect."""
        return PROGRAM, *(arguments or ("plain", self.photos, self.entries))

    def auditors(self, store: Store) -> tuple[User, ...]:
        """The two auditors."""
        return tuple(user for user in store.accounts.users() if user.name in AUDITORS)

    def start(self, *arguments: str | Path, **variables: str) -> subprocess.Popen[str]:
        """Start ``program``."""
        return subprocess.Popen(
            [sys.executable, *self.program(*arguments)],
            env=self.environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start_flow(self, **variables: str) -> subprocess.Popen[str]:
        """Start ``chasil process`` under Prefect."""
        options = ("--entries", self.entries, "--workers", "2", "--batch-size", "6")
        return self.start("process", self.photos, *options, **variables)

    def wait_until_read(self, store: Store, photos: int) -> None:
        """Wait until a program has written so many new readings."""
        earlier = 3 * len(EARLIER)
        wait_for(lambda: count_readings(store) >= earlier + photos, "readings in the store")

    def run_here(self, store: Store) -> Summary:
        """A plain run in this process."""
        return run_once(store, self.photos, self.entries)

    def check_whole(self, store: Store | None = None) -> Summary:
        """A plain re-run completes, and nothing is lost, doubled, or contradicts itself."""
        if store is None:
            with self.store() as opened:
                return self.check_whole(opened)
        summary = self.run_here(store)
        self._check_photos(store)
        self._check_entries(store)
        self._check_room(store)
        return summary

    def _check_photos(self, store: Store) -> None:
        """Every photo has exactly one current reading, of the present recipe, from whole bytes."""
        wanted = Counter(_digest(path) for path in self.photos.glob("*.jpg"))
        pages = list(store.current_readings(RECIPE))
        assert Counter(page.sha256 for page in pages) == wanted
        assert {(page.status, page.recipe) for page in pages} == {(PageStatus.READ, RECIPE)}
        for sha256 in wanted:
            with store.shelf.opened(sha256) as kept:
                assert kept is not None
                assert _digest(kept) == sha256

    def _check_entries(self, store: Store) -> None:
        """What was there is there, and the one correction came in once."""
        after = _revisions(store)
        for tps, contents in self.before.revisions.items():
            news = 1 if tps == CORRECTED else 0
            assert after[tps][: len(contents)] == contents, tps
            assert len(after[tps]) == len(contents) + news, tps

    def _check_room(self, store: Store) -> None:
        """The chain holds, every decision stands, and the queue is what the last run found."""
        anchors = [self.before.anchor] if self.before.anchor else []
        assert store.trail.verify(*anchors) is None
        assert list(mismatches(store)) == []
        done = _done(store)
        assert {number: done[number] for number in self.before.done} == self.before.done
        batch = store.latest_batch()
        assert batch is not None
        assert store.queue.refreshed_batch() == batch.id
        conflicts = sorted(one.model_dump_json() for one in store.latest_conflicts())
        assert conflicts == undisturbed()
        waiting = [item for item in items(store) if item.kind != "sample"]
        assert len(waiting) == len(conflicts)
        assert len({item.key for item in waiting}) == len(waiting)


class NoPool:
    """Reads in this process, when it is asked for: a run that no process of its own can disturb."""

    workers = 1

    def __init__(self) -> None:
        self._reader = fake_reading.load()

    def recipe(self) -> str:
        return self._reader.recipe

    def recipe_parts(self) -> dict[str, str]:
        return dict(self._reader.recipe_parts)

    def submit(self, jobs: Iterable[PhotoJob]) -> None:
        pass

    def collect(self, jobs: Iterable[PhotoJob]) -> Iterator[tuple[PhotoJob, Read]]:
        for job in jobs:
            assert job.path is not None
            yield job, fake_reading.read(job.path, self._reader, name=job.name)


def fill_database(url: str) -> None:
    """Put into an empty PostgreSQL database what lies in the SQLite one of every bench."""
    with Store.open(_base() / "home", url=url) as store:
        _fill(store, _base())


def run_once(store: Store, photos: Path, entries: Path) -> Summary:
    """One run, in this process."""
    run = Run(store, NoPool(), LineReporter(lambda _: None))
    run.import_entries(entries)
    run.read_all(find_arrivals([photos]), 100, run.read)
    run.compare()
    return run.finish()


def count_readings(store: Store) -> int:
    """Readings of the present recipe in the store."""
    query = select(func.count()).select_from(ReadingRow).where(ReadingRow.recipe == RECIPE)
    with store.connections.reading() as connection:
        return connection.scalars(query).one()


def items(store: Store) -> list[QueueItem]:
    """All items that are not gone."""
    page = store.queue.items(ItemFilter(), limit=10_000)
    return [item for item in page.items if item.status is not ItemStatus.GONE]


def decide(store: Store, user: User, item: QueueItem, number: int | None = None) -> QueueItem:
    """Answer blind and decide: the entry is wrong, the paper says ``number`` (or the reading)."""
    desk = Desk(store)
    paper = item.reading if number is None else number
    answered = desk.answer(user, item.id, item.version, PaperSays(says=Says.NUMBER, number=paper))
    finding = Finding(outcome=Outcome.ENTRY_WRONG, number=paper)
    return desk.decide(user, item.id, answered.version, finding, attempt=f"{user.name}-{item.id}")


@cache
def _base() -> Path:
    """The photos, the entries, and a store with an earlier run and decisions; made once."""
    folder = Path(tempfile.mkdtemp(prefix="chasil-faults-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for tps in TPS:
        for page, numbers in PAPER.items():
            path = folder / "photos" / f"{tps}-{page}.jpg"
            write_photo(path, page, numbers, seconds=SECONDS_A_PHOTO, salt=tps)
    earlier = folder / "earlier" / "photos"
    earlier.mkdir(parents=True)
    for path in (folder / "photos").iterdir():
        if path.name.startswith(EARLIER):
            shutil.copy(path, earlier)
    _report(folder / "earlier" / "entries.csv", {CORRECTED: {"suara_paslon_1": 124}})
    _report(folder / "entries.csv", {})
    with Store.open(folder / "home") as store:
        _fill(store, folder)
    return folder


@cache
def undisturbed() -> list[str]:
    """The conflicts of a store to which nothing ever happened."""
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        run_once(store, _base() / "photos", _base() / "entries.csv")
        return sorted(one.model_dump_json() for one in store.latest_conflicts())


def _fill(store: Store, folder: Path) -> None:
    """The earlier run, and what two auditors made of it."""
    run_once(store, folder / "earlier" / "photos", folder / "earlier" / "entries.csv")
    budi, sari = (store.accounts.add(name, Role.AUDITOR, by="test") for name in AUDITORS)
    by_field = {(item.tps, item.field, item.kind): item for item in items(store)}
    large = by_field[TPS[0], "suara_paslon_1", "value_mismatch"]
    small = by_field[TPS[1], "suara_paslon_2", "value_mismatch"]
    assert decide(store, budi, large).status is ItemStatus.SECOND
    again = store.queue.item(large.id)
    assert again is not None
    assert decide(store, sari, again).status is ItemStatus.DONE
    assert decide(store, budi, small).status is ItemStatus.DONE


def _report(path: Path, changes: dict[str, dict[str, int]]) -> None:
    names = list(REPORTED)
    lines = [",".join(["tps", "ts", *names])]
    for tps in TPS:
        numbers = REPORTED | WRONG.get(tps, {}) | changes.get(tps, {})
        hour = 10 if tps in changes else 11
        told = f"2024-02-15 {hour}:00:00" if tps == CORRECTED else "2024-02-15 09:00:00"
        lines.append(",".join([tps, told, *(str(numbers[name]) for name in names)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _look(store: Store) -> Before:
    return Before(store.trail.head(), _done(store), _revisions(store))


def _done(store: Store) -> dict[int, tuple[Outcome | None, int | None, str | None]]:
    return {
        item.id: (item.outcome, item.number, item.decided_by)
        for item in items(store)
        if item.status is ItemStatus.DONE
    }


def _revisions(store: Store) -> dict[str, list[str]]:
    """What was ever imported for each TPS, in the order of import."""
    return {
        tps: [
            json.dumps(known.entry.model_dump(mode="json", exclude={"source"}), sort_keys=True)
            for known in store.entry_revisions(tps)
        ]
        for tps in TPS
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

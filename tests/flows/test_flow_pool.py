"""Photos are read in several processes, and whatever a photo does to one, none is lost."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures import fake_reading
from fixtures.fake_reading import Fate, write_photo
from flows.pool import Engine, Outcome, PhotoJob, PoolError, ReadingPool
from models.errors import ErrorRecord, RecogniserError

ENGINE = Engine(load=fake_reading.load, read=fake_reading.read)


@pytest.fixture
def pool() -> Iterator[ReadingPool]:
    with ReadingPool(ENGINE, 2, seconds_a_file=20.0) as opened:
        yield opened


def job(path: Path) -> PhotoJob:
    return PhotoJob(hashlib.sha256(path.read_bytes()).hexdigest(), path, path.name)


def photos(folder: Path, fates: dict[str, Fate]) -> list[PhotoJob]:
    return [job(write_photo(folder / name, fate=fate, salt=name)) for name, fate in fates.items()]


def result(outcome: Outcome) -> str:
    if isinstance(outcome, ErrorRecord):
        return outcome.code
    return " ".join(page.status.value for page in outcome)


def read_all(pool: ReadingPool, jobs: list[PhotoJob]) -> dict[str, str]:
    pool.submit(jobs)
    return {done.name: result(outcome) for done, outcome in pool.collect(jobs)}


def test_every_photo_gets_its_outcome_whatever_some_do_to_their_worker(
    pool: ReadingPool, tmp_path: Path
) -> None:
    fates = {f"{number:02}.jpg": Fate.READ for number in range(30)}
    fates |= {
        "03.jpg": Fate.REJECTED,
        "05.jpg": Fate.DIES,
        "06.jpg": Fate.RAISES,
        "07.jpg": Fate.GIVES_NOTHING,
        "20.jpg": Fate.DIES,
    }
    expected = dict.fromkeys(fates, "read") | {
        "03.jpg": "rejected",
        "05.jpg": "reading_failed",
        "06.jpg": "reading_failed",
        "07.jpg": "",
        "20.jpg": "reading_failed",
    }
    assert read_all(pool, photos(tmp_path, fates)) == expected


def test_a_fault_of_the_reader_is_told_with_its_place(pool: ReadingPool, tmp_path: Path) -> None:
    jobs = photos(tmp_path, {"a.jpg": Fate.RAISES})
    pool.submit(jobs)
    ((_, outcome),) = pool.collect(jobs)
    assert isinstance(outcome, ErrorRecord)
    assert "ZeroDivisionError: the reader has a fault" in outcome.message
    assert "fake_reading.py" in str(outcome.data["where"])


def test_a_photo_that_hangs_is_given_up(tmp_path: Path) -> None:
    fates = {"a.jpg": Fate.READ, "b.jpg": Fate.HANGS, "c.jpg": Fate.READ}
    with ReadingPool(ENGINE, 1, seconds_a_file=0.5) as pool:
        assert read_all(pool, photos(tmp_path, fates)) == {
            "a.jpg": "read",
            "b.jpg": "reading_failed",
            "c.jpg": "read",
        }


def test_a_worker_killed_from_outside_costs_no_photo(pool: ReadingPool, tmp_path: Path) -> None:
    jobs = [
        job(write_photo(tmp_path / f"{number}.jpg", salt=str(number), seconds=0.05))
        for number in range(20)
    ]
    pool.submit(jobs)
    outcomes = {}
    for done, outcome in pool.collect(jobs):
        outcomes[done.name] = result(outcome)
        if len(outcomes) == 4:
            os.kill(next(iter(pool.worker_ids())), signal.SIGKILL)
    assert outcomes == {waiting.name: "read" for waiting in jobs}


def test_two_batches_in_hand_are_told_apart(pool: ReadingPool, tmp_path: Path) -> None:
    first = photos(tmp_path / "1", {f"{number}.jpg": Fate.READ for number in range(5)})
    second = photos(tmp_path / "2", {f"{number + 5}.jpg": Fate.READ for number in range(5)})
    pool.submit(first)
    pool.submit(second)
    assert {done.name for done, _ in pool.collect(first)} == {known.name for known in first}
    assert {done.name for done, _ in pool.collect(second)} == {known.name for known in second}


def test_the_recipe_comes_from_the_workers(pool: ReadingPool) -> None:
    assert pool.recipe() == fake_reading.RECIPE


def die_while_loading() -> fake_reading.FakeReader:
    os._exit(1)


def load_broken() -> fake_reading.FakeReader:
    raise RecogniserError("weights.onnx is missing", file="weights.onnx")


def test_workers_that_cannot_start_are_an_error_and_not_a_pile_of_failures() -> None:
    with (
        ReadingPool(Engine(load=die_while_loading, read=fake_reading.read), 1) as pool,
        pytest.raises(PoolError) as caught,
    ):
        pool.recipe()
    assert "fewer workers" in caught.value.record().remedy


def test_a_broken_recogniser_is_told_as_it_is() -> None:
    with (
        ReadingPool(Engine(load=load_broken, read=fake_reading.read), 1) as pool,
        pytest.raises(RecogniserError, match="is missing"),
    ):
        pool.recipe()


def test_no_worker_is_no_pool() -> None:
    with pytest.raises(ValueError, match="at least one worker"):
        ReadingPool(ENGINE, 0)

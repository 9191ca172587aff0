"""The trail: any change to any record is found, and writers at one moment keep one chain."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError, IntegrityError

from fixtures.databases import Databases
from fixtures.review_store import fill, item_facts
from models.people import Role
from models.store.store import Store
from models.trail import (
    BEFORE_THE_FIRST,
    Act,
    Anchor,
    BadAnchor,
    TrailRecord,
    first_break,
    hash_of,
    parse_anchor,
)

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def chain(length: int) -> list[TrailRecord]:
    records: list[TrailRecord] = []
    previous = BEFORE_THE_FIRST
    for number in range(1, length + 1):
        facts: dict[str, Any] = {
            "sequence": number,
            "at": BEGINNING + timedelta(seconds=number),
            "who": "budi",
            "act": Act.DECIDED.value,
            "subject": f"item/{number}",
            "before": {"status": "open"},
            "after": {"number": number},
            "why": None,
            "previous": previous,
        }
        records.append(TrailRecord(**facts, hash=hash_of(**facts)))
        previous = records[-1].hash
    return records


def head_of(records: list[TrailRecord]) -> Anchor:
    return Anchor(sequence=records[-1].sequence, hash=records[-1].hash)


WHOLE = chain(12)
HEAD = head_of(WHOLE)

CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "sequence": st.integers(-5, 40),
    "at": st.datetimes().map(lambda at: at.replace(tzinfo=UTC)),
    "who": st.text(max_size=20),
    "act": st.text(max_size=20),
    "subject": st.text(max_size=20),
    "before": st.none() | st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
    "after": st.none() | st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    "why": st.none() | st.text(max_size=20),
    "previous": st.text("0123456789abcdef", min_size=64, max_size=64),
    "hash": st.text("0123456789abcdef", min_size=64, max_size=64),
}


def test_a_whole_chain_holds() -> None:
    assert first_break(WHOLE, head=HEAD) is None
    assert first_break([], head=None) is None


@given(st.data())
def test_any_change_of_any_part_of_any_record_is_found_at_its_place(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(WHOLE) - 1))
    part = data.draw(st.sampled_from(sorted(CHANGES)))
    changed = WHOLE[at].model_copy(update={part: data.draw(CHANGES[part])})
    found = first_break([*WHOLE[:at], changed, *WHOLE[at + 1 :]], head=HEAD)
    if changed == WHOLE[at]:
        assert found is None
    else:
        assert found is not None
        # What a record was changed to may show at the record itself, or where the next one follows.
        assert min(changed.sequence, at + 1) <= found.sequence <= at + 2


@given(st.integers(0, len(WHOLE) - 1), st.data())
def test_any_part_changed_and_hashed_anew_is_found_by_the_next_record(
    at: int, data: st.DataObject
) -> None:
    """An attacker who knows how hashes are made must make all that follows anew as well."""
    why = data.draw(st.text(min_size=1, max_size=20))
    facts = WHOLE[at].model_dump(exclude={"hash"}) | {"why": why}
    forged = TrailRecord(**facts, hash=hash_of(**facts))
    found = first_break([*WHOLE[:at], forged, *WHOLE[at + 1 :]], head=HEAD)
    assert found is not None
    assert found.kind == "not_linked"
    assert found.sequence == (at + 2 if at + 1 < len(WHOLE) else at + 1)


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, len(WHOLE) - 1))
def test_removed_moved_and_doubled_records_are_found(one: int, other: int) -> None:
    removed = WHOLE[:one] + WHOLE[one + 1 :]
    found = first_break(removed, head=HEAD)
    assert found is not None
    assert found.sequence == (one if one == len(WHOLE) - 1 else one + 1)
    doubled = [*WHOLE[: one + 1], WHOLE[one], *WHOLE[one + 1 :]]
    assert first_break(doubled, head=HEAD) is not None
    if one != other:
        moved = list(WHOLE)
        moved[one], moved[other] = moved[other], moved[one]
        broken = first_break(moved, head=HEAD)
        assert broken is not None
        assert broken.sequence == min(one, other) + 1


@given(st.integers(0, len(WHOLE) - 1))
def test_a_chain_that_was_cut_off_is_found_by_head_or_anchor(length: int) -> None:
    short = WHOLE[:length]
    found = first_break(short, head=HEAD)
    assert found is not None
    assert (found.kind, found.sequence) == ("cut_off", length)
    with_own_head = first_break(short, head=head_of(short) if short else None)
    assert with_own_head is None  # whoever moves the head as well is found by an anchor alone
    anchored = first_break(short, head=head_of(short) if short else None, anchors=[HEAD])
    assert anchored is not None
    assert anchored.kind == "cut_off"


def test_a_chain_made_anew_is_found_by_an_anchor() -> None:
    other = chain(12)
    facts = other[2].model_dump(exclude={"hash"}) | {"who": "mallory"}
    remade = other[:2]
    for record in other[2:]:
        facts = record.model_dump(exclude={"hash"}) | {
            "who": "mallory",
            "previous": remade[-1].hash,
        }
        remade.append(TrailRecord(**facts, hash=hash_of(**facts)))
    assert first_break(remade, head=head_of(remade)) is None
    found = first_break(remade, head=head_of(remade), anchors=[HEAD])
    assert found is not None
    assert (found.kind, found.sequence) == ("not_anchored", 12)


def test_an_anchor_is_read_as_it_is_printed() -> None:
    assert parse_anchor(f" {HEAD}\n") == HEAD
    with pytest.raises(BadAnchor):
        parse_anchor("12:abc")


# In the store


def act(store: Store, number: int, who: str = "budi") -> None:
    with store.queue.acting() as acting:
        acting.append(
            who=who, act=Act.SKIPPED, subject=f"item/{number}", after={"n": number, "a": "é"}
        )


@pytest.fixture
def home(databases: Databases, tmp_path: Path) -> Path:
    with databases.open(tmp_path) as store:
        for number in range(8):
            act(store, number)
        assert store.trail.verify() is None
    return tmp_path


def tamper(databases: Databases, home: Path, *statements: str) -> None:
    """What the database's owner can do: drop the locks, then change what they like."""
    with databases.connected(home) as connection:
        databases.unlock(connection)
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("statement", "sequence"),
    [
        ("UPDATE trail SET who = 'mallory' WHERE sequence = 3", 3),
        ("UPDATE trail SET why = 'because' WHERE sequence = 3", 3),
        ("UPDATE trail SET at = '2020-01-01T00:00:00.000000+00:00' WHERE sequence = 3", 3),
        ("UPDATE trail SET at = 'yesterday' WHERE sequence = 3", 3),
        ("UPDATE trail SET after = '{\"n\": 2}' WHERE sequence = 3", 3),
        ("UPDATE trail SET after = 'no json' WHERE sequence = 3", 3),
        ("UPDATE trail SET after = after || ' ' WHERE sequence = 3", 3),
        ("DELETE FROM trail WHERE sequence = 3", 3),
        ("DELETE FROM trail WHERE sequence = 1", 1),
        ("DELETE FROM trail WHERE sequence = 8", 7),
        ("DELETE FROM trail", 0),
        ("UPDATE trail SET sequence = 99 WHERE sequence = 3", 3),
        ("UPDATE trail_head SET sequence = 5", 5),
        ("DELETE FROM trail_head", 8),
        (
            "INSERT INTO trail SELECT 9, at, who, act, subject, before, after, why, hash, "
            "'ab' || substr(hash, 3) FROM trail WHERE sequence = 8",
            9,
        ),
    ],
)
def test_tampering_with_the_database_is_found(
    databases: Databases, home: Path, statement: str, sequence: int
) -> None:
    tamper(databases, home, statement)
    with databases.open(home) as store:
        found = store.trail.verify()
    assert found is not None
    assert found.sequence == sequence


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trail SET who = 'mallory'",
        "DELETE FROM trail",
        "UPDATE trail_head SET sequence = 2",
        "DELETE FROM trail_head",
        "DELETE FROM users",
        "DELETE FROM queue_items",
    ],
)
def test_the_database_itself_refuses(databases: Databases, home: Path, statement: str) -> None:
    with databases.open(home) as store:
        store.accounts.add("budi", Role.AUDITOR, by="test")
        fill(store, [item_facts("3216032003001")])
    with (
        databases.connected(home) as connection,
        pytest.raises(DBAPIError, match=r"append-only|rows of .* are kept|moves one record"),
    ):
        connection.exec_driver_sql(statement)


def test_two_records_cannot_follow_the_same_one(databases: Databases, home: Path) -> None:
    with databases.connected(home) as connection, pytest.raises(IntegrityError, match="previous"):
        connection.exec_driver_sql(
            "INSERT INTO trail SELECT 9, at, who, act, subject, before, after, why, previous, "
            "'ab' || substr(hash, 3) FROM trail WHERE sequence = 8"
        )


def test_threads_write_one_chain(databases: Databases, tmp_path: Path) -> None:
    with databases.open(tmp_path) as store:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda number: act(store, number), range(120)))
        assert store.trail.verify() is None
        records = list(store.trail.walk())
    assert [record.sequence for record in records] == list(range(1, 121))
    assert sorted(int(record.subject[5:]) for record in records) == list(range(120))


def write_many(home: Path, url: str, who: str) -> None:
    with Store.open(home, url=url) as store:
        for number in range(40):
            act(store, number, who)


def test_processes_write_one_chain(databases: Databases, tmp_path: Path) -> None:
    databases.open(tmp_path).close()
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=write_many, args=(tmp_path, databases.url(tmp_path), f"user{n}"))
        for n in (1, 2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    with databases.open(tmp_path) as store:
        assert store.trail.verify() is None
        records = list(store.trail.walk())
    assert len(records) == 80
    assert [record.subject for record in records if record.who == "user1"] == [
        f"item/{number}" for number in range(40)
    ]


def test_an_act_that_fails_half_way_leaves_no_record(databases: Databases, home: Path) -> None:
    with databases.open(home) as store:

        def fail() -> None:
            with store.queue.acting() as acting:
                acting.append(who="budi", act=Act.SKIPPED, subject="item/1")
                raise RuntimeError("the power went out")

        with pytest.raises(RuntimeError):
            fail()
        assert len(list(store.trail.walk())) == 8
        assert store.trail.verify() is None

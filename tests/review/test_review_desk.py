"""The desk: blind first, two people, claims, undo, skip, regions, and nothing lost or doubled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from fixtures.databases import Databases
from fixtures.review_store import FORM, cell, fill, item_facts, progress_of
from models.people import Role, User
from models.queue import SAMPLE, ItemFacts, ItemStatus, Outcome, QueueItem
from models.regions import Level
from models.store.item_filter import ItemFilter
from models.store.room_tables import ItemRow
from models.store.store import Store
from models.trail import Act
from review.answers import PaperSays, Says
from review.desk import Desk
from review.errors import (
    AnsweredAlready,
    BadSetting,
    BlindFirst,
    ForSupervisor,
    HeldByOther,
    NoSuchItem,
    NotAllowed,
    NothingToUndo,
    OutsideRegion,
    Refused,
    SamePerson,
    Stale,
)
from review.outcomes import Finding
from review.replay import mismatches
from review.settings import change_setting, current_settings

TPS = "3216032003001"
OTHER = "3216042001001"
EVERYTHING = ItemFilter()
SMALL = item_facts(TPS, "suara_paslon_1", entry=30, reading=24, priority=50)
LARGE = item_facts(TPS, "suara_paslon_2", entry=824, reading=24, priority=800)
ELSEWHERE = item_facts(OTHER, "suara_paslon_1", entry=31, reading=24, priority=40)
PHOTO = item_facts(TPS, None, kind="page_missing", entry=None, reading=None, priority=9e5)


@pytest.fixture
def store(databases: Databases, tmp_path: Path) -> Iterator[Store]:
    with databases.open(tmp_path) as opened:
        for name, role, regions in (
            ("budi", Role.AUDITOR, ()),
            ("sari", Role.AUDITOR, ()),
            ("citra", Role.SUPERVISOR, ()),
            ("dewi", Role.SUPERVISOR, ()),
            ("vera", Role.VIEWER, ()),
            ("lim", Role.AUDITOR, ("321604",)),
        ):
            opened.accounts.add(name, role, by="test", regions=regions)
        opened.queue.save_cells(
            [
                cell(TPS, "suara_paslon_1", 30, 24),
                cell(TPS, "suara_paslon_2", 824, 24),
                cell(OTHER, "suara_paslon_1", 31, 24),
            ],
            [progress_of(TPS), progress_of(OTHER)],
        )
        fill(opened, [SMALL, LARGE, ELSEWHERE])
        yield opened


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def who(store: Store, name: str) -> User:
    user = store.accounts.find(name)
    assert user is not None
    return user


def find(store: Store, facts: ItemFacts) -> QueueItem:
    found = [item for item in store.queue.items(EVERYTHING).items if item.key == facts.key]
    assert len(found) == 1
    return found[0]


def says(number: int) -> PaperSays:
    return PaperSays(says=Says.NUMBER, number=number)


def entry_wrong(number: int) -> Finding:
    return Finding(outcome=Outcome.ENTRY_WRONG, number=number)


def settle(
    store: Store, desk: Desk, name: str, facts: ItemFacts, finding: Finding, attempt: str = ""
) -> QueueItem:
    user, item = who(store, name), find(store, facts)
    if item.field:
        desk.answer(user, item.id, item.version, says(24))
    return desk.decide(user, item.id, item.version, finding, attempt=attempt)


def acts(store: Store, facts: ItemFacts) -> list[str]:
    return [record.act for record in store.trail.of(f"item/{find(store, facts).id}")]


# The way of one item


def test_take_answer_decide(store: Store, desk: Desk) -> None:
    budi = who(store, "budi")
    item = desk.next_item(budi, EVERYTHING)
    assert item is not None
    assert item.key == LARGE.key  # the most urgent
    assert not desk.view(budi, item.id).revealed
    assert desk.view(budi, item.id).history == ()
    desk.answer(budi, item.id, item.version, says(24))
    view = desk.view(budi, item.id)
    assert view.revealed
    assert view.own_answer == says(24)
    small = settle(store, desk, "budi", SMALL, entry_wrong(24))
    assert small.status is ItemStatus.DONE
    assert (small.outcome, small.number, small.decided_by) == (Outcome.ENTRY_WRONG, 24, "budi")
    assert acts(store, SMALL) == [
        Act.ITEM_CLAIMED,
        Act.BLIND_ANSWERED,
        Act.REVEALED,
        Act.DECIDED,
    ]
    assert find(store, SMALL) == small
    assert store.trail.verify() is None
    assert list(mismatches(store)) == []


def test_no_decision_before_a_blind_answer(store: Store, desk: Desk) -> None:
    item = find(store, SMALL)
    with pytest.raises(BlindFirst):
        desk.decide(who(store, "budi"), item.id, item.version, entry_wrong(24), attempt="")
    assert find(store, SMALL).status is ItemStatus.OPEN
    assert acts(store, SMALL) == []


def test_the_first_blind_answer_counts(store: Store, desk: Desk) -> None:
    budi, item = who(store, "budi"), find(store, SMALL)
    desk.answer(budi, item.id, item.version, says(24))
    with pytest.raises(AnsweredAlready):
        desk.answer(budi, item.id, item.version, says(30))
    assert desk.view(budi, item.id).own_answer == says(24)


def test_an_item_about_a_photo_is_decided_without_a_number(store: Store, desk: Desk) -> None:
    fill(store, [SMALL, PHOTO])
    item = find(store, PHOTO)
    assert desk.view(who(store, "budi"), item.id).revealed
    done = settle(store, desk, "budi", PHOTO, Finding(outcome=Outcome.WRONG_PHOTO))
    assert done.status is ItemStatus.DONE


def test_a_stale_page_decides_nothing(store: Store, desk: Desk) -> None:
    budi, sari, item = who(store, "budi"), who(store, "sari"), find(store, SMALL)
    desk.answer(sari, item.id, item.version, says(24))
    with pytest.raises(HeldByOther):
        desk.answer(budi, item.id, item.version, says(24))
    desk.decide(sari, item.id, item.version, entry_wrong(24), attempt="")
    with pytest.raises(Stale):
        desk.decide(budi, item.id, item.version, entry_wrong(25), attempt="")
    assert find(store, SMALL).number == 24


def test_the_same_form_sent_twice_decides_once(store: Store, desk: Desk) -> None:
    budi, item = who(store, "budi"), find(store, SMALL)
    desk.answer(budi, item.id, item.version, says(24))
    first = desk.decide(budi, item.id, item.version, entry_wrong(24), attempt="form-1")
    again = desk.decide(budi, item.id, item.version, entry_wrong(24), attempt="form-1")
    assert again == first
    with pytest.raises(Refused):
        desk.decide(budi, item.id, item.version, entry_wrong(24), attempt="form-2")
    assert acts(store, SMALL).count(Act.DECIDED) == 1


# Two people


def test_a_second_auditor_agrees(store: Store, desk: Desk) -> None:
    first = settle(store, desk, "budi", LARGE, entry_wrong(24))
    assert first.status is ItemStatus.SECOND
    assert (first.outcome, first.number, first.first_by) == (None, None, "budi")
    item = find(store, LARGE)
    with pytest.raises(SamePerson):
        desk.claim(who(store, "budi"), item.id)
    sari = who(store, "sari")
    desk.answer(sari, item.id, item.version, says(24))
    view = desk.view(sari, item.id)
    assert view.decisions == ()  # the first answer stays hidden
    assert {record.who for record in view.history} == {"sari"}
    supervisor = desk.view(who(store, "citra"), item.id)
    assert supervisor.decisions == ()
    done = desk.decide(sari, item.id, item.version, entry_wrong(24), attempt="")
    assert done.status is ItemStatus.DONE
    assert (done.first_by, done.second_by, done.number) == ("budi", "sari", 24)
    assert len(desk.view(sari, item.id).decisions) == 2
    assert list(mismatches(store)) == []


def test_two_who_disagree_go_to_a_supervisor(store: Store, desk: Desk) -> None:
    settle(store, desk, "budi", LARGE, entry_wrong(24))
    apart = settle(store, desk, "sari", LARGE, entry_wrong(34))
    assert apart.status is ItemStatus.SUPERVISOR
    lim_free = who(store, "budi")
    with pytest.raises(SamePerson):
        desk.claim(lim_free, apart.id)
    store.accounts.add("eka", Role.AUDITOR, by="test")
    with pytest.raises(ForSupervisor):
        desk.claim(who(store, "eka"), apart.id)
    citra = who(store, "citra")
    assert desk.view(citra, apart.id).decisions == ()  # blind first, for supervisors too
    desk.answer(citra, apart.id, apart.version, says(24))
    assert [one.who for one in desk.view(citra, apart.id).decisions] == ["budi", "sari"]
    done = desk.decide(citra, apart.id, apart.version, entry_wrong(24), attempt="")
    assert (done.status, done.decided_by, done.number) == (ItemStatus.DONE, "citra", 24)
    assert list(mismatches(store)) == []


def test_machine_wrong_on_a_clear_field_needs_a_second(store: Store, desk: Desk) -> None:
    found = Finding(outcome=Outcome.MACHINE_WRONG, number=30)
    assert settle(store, desk, "budi", SMALL, found).status is ItemStatus.SECOND


def test_what_waits_for_a_second_person_is_not_given_to_the_first(store: Store, desk: Desk) -> None:
    settle(store, desk, "budi", LARGE, entry_wrong(24))
    mine = desk.next_item(who(store, "budi"), EVERYTHING)
    assert mine is not None
    assert mine.key == SMALL.key
    other = desk.next_item(who(store, "sari"), EVERYTHING)
    assert other is not None
    assert other.key == LARGE.key


# Claims


def test_two_auditors_never_get_one_item(store: Store, desk: Desk) -> None:
    taken = {
        name: item.key
        for name in ("budi", "sari", "citra")
        if (item := desk.next_item(who(store, name), EVERYTHING))
    }
    assert len(set(taken.values())) == 3
    assert desk.next_item(who(store, "dewi"), EVERYTHING) is None
    item = find(store, LARGE)
    assert desk.view(who(store, "sari"), item.id).held_by == "budi"
    with pytest.raises(HeldByOther) as refused:
        desk.claim(who(store, "sari"), item.id)
    assert refused.value.data["by"] == "budi"


def test_a_claim_runs_out(store: Store, desk: Desk) -> None:
    budi, sari = who(store, "budi"), who(store, "sari")
    item = desk.claim(budi, find(store, SMALL).id)
    with store.connections.writing() as connection:
        past = datetime.now(UTC) - timedelta(seconds=1)
        connection.execute(update(ItemRow).where(ItemRow.id == item.id).values(claimed_until=past))
    assert desk.claim(sari, item.id).claimed_by == "sari"
    with pytest.raises(HeldByOther):
        desk.answer(budi, item.id, item.version, says(24))
    last = store.trail.of(f"item/{item.id}")[-1]
    assert (last.act, last.before) == (Act.ITEM_CLAIMED, {"by": "budi"})


def test_peeking_takes_nothing(store: Store, desk: Desk) -> None:
    budi = who(store, "budi")
    item = desk.next_item(budi, EVERYTHING)
    assert item is not None
    following = desk.peek(budi, EVERYTHING, after=item.id)
    assert following is not None
    assert following.key == SMALL.key
    assert following.claimed_by is None


# Undo and skip


def test_undo_reverses_by_a_new_record(store: Store, desk: Desk) -> None:
    done = settle(store, desk, "budi", SMALL, entry_wrong(24))
    with pytest.raises(NothingToUndo):
        desk.undo(who(store, "sari"), done.id, done.version)
    with pytest.raises(Stale):
        desk.undo(who(store, "budi"), done.id, done.version - 1)
    back = desk.undo(who(store, "budi"), done.id, done.version, "typed too fast")
    assert (back.status, back.outcome, back.number) == (ItemStatus.OPEN, None, None)
    assert acts(store, SMALL)[-2:] == [Act.DECIDED, Act.UNDONE]
    assert store.trail.of(f"item/{done.id}")[-1].why == "typed too fast"
    again = desk.decide(who(store, "budi"), back.id, back.version, entry_wrong(25), attempt="")
    assert again.number == 25
    assert list(mismatches(store)) == []


def test_after_two_people_only_a_supervisor_undoes(store: Store, desk: Desk) -> None:
    settle(store, desk, "budi", LARGE, entry_wrong(24))
    done = settle(store, desk, "sari", LARGE, entry_wrong(24))
    for name in ("budi", "sari"):
        with pytest.raises(NothingToUndo):
            desk.undo(who(store, name), done.id, done.version)
    back = desk.undo(who(store, "citra"), done.id, done.version)
    assert (back.status, back.first_by, back.second_by) == (ItemStatus.SECOND, "budi", None)


def test_a_skipped_item_comes_back_last(store: Store, desk: Desk) -> None:
    budi = who(store, "budi")
    seen = []
    for _ in range(4):
        item = desk.next_item(budi, EVERYTHING)
        assert item is not None
        seen.append(item.key)
        desk.skip(budi, item.id)
    assert seen == [LARGE.key, SMALL.key, ELSEWHERE.key, LARGE.key]
    assert acts(store, LARGE).count(Act.SKIPPED) == 2
    assert desk.next_item(who(store, "sari"), EVERYTHING) is not None


# Roles and regions


def test_viewers_change_nothing(store: Store, desk: Desk) -> None:
    vera, item = who(store, "vera"), find(store, SMALL)
    assert desk.view(vera, item.id).revealed
    attempts: tuple[Callable[[], object], ...] = (
        lambda: desk.next_item(vera, EVERYTHING),
        lambda: desk.claim(vera, item.id),
        lambda: desk.answer(vera, item.id, item.version, says(24)),
        lambda: desk.decide(vera, item.id, item.version, entry_wrong(24), attempt=""),
        lambda: desk.undo(vera, item.id, item.version),
        lambda: desk.skip(vera, item.id),
    )
    for attempt in attempts:
        with pytest.raises(NotAllowed):
            attempt()
    assert acts(store, SMALL) == []


def test_nobody_acts_outside_their_region(store: Store, desk: Desk) -> None:
    lim, item = who(store, "lim"), find(store, SMALL)
    attempts: tuple[Callable[[], object], ...] = (
        lambda: desk.view(lim, item.id),
        lambda: desk.claim(lim, item.id),
        lambda: desk.answer(lim, item.id, item.version, says(24)),
        lambda: desk.decide(lim, item.id, item.version, entry_wrong(24), attempt=""),
        lambda: desk.undo(lim, item.id, item.version),
        lambda: desk.skip(lim, item.id),
    )
    for attempt in attempts:
        with pytest.raises(OutsideRegion):
            attempt()
    own = desk.next_item(lim, EVERYTHING)
    assert own is not None
    assert own.key == ELSEWHERE.key
    assert desk.next_item(lim, ItemFilter(region="321603")) is None
    listed = store.queue.items(ItemFilter(limits=lim.regions)).items
    assert [one.key for one in listed] == [ELSEWHERE.key]
    assert store.queue.counts(ItemFilter(limits=lim.regions)).total == 1


def test_there_is_no_such_item(store: Store, desk: Desk) -> None:
    with pytest.raises(NoSuchItem):
        desk.view(who(store, "budi"), 4711)


# The queue from run to run


def test_a_refresh_loses_no_decision(store: Store, desk: Desk) -> None:
    done = settle(store, desk, "budi", SMALL, entry_wrong(24))
    fill(store, [SMALL, LARGE])
    assert find(store, SMALL) == done
    gone = [item for item in store.queue.items(EVERYTHING).items if item.key == ELSEWHERE.key]
    assert [item.status for item in gone] == [ItemStatus.GONE]
    assert store.queue.counts(EVERYTHING).total == 2
    fill(store, [SMALL, LARGE, ELSEWHERE])
    assert find(store, ELSEWHERE).status is ItemStatus.OPEN


def test_changed_facts_open_an_item_again(store: Store, desk: Desk) -> None:
    settle(store, desk, "budi", SMALL, entry_wrong(24))
    fill(store, [item_facts(TPS, "suara_paslon_1", entry=25, reading=24, priority=50), LARGE])
    again = find(store, SMALL)
    assert (again.status, again.changed, again.entry) == (ItemStatus.OPEN, True, 25)
    assert (again.outcome, again.number) == (None, None)
    assert acts(store, SMALL)[-1] == Act.ITEM_CHANGED
    budi = who(store, "budi")
    assert not desk.view(budi, again.id).revealed  # a new round: blind first
    assert list(mismatches(store)) == []
    untouched = find(store, LARGE)
    assert not untouched.changed


def test_a_page_from_before_the_change_is_stale(store: Store, desk: Desk) -> None:
    old = find(store, SMALL)
    fill(store, [item_facts(TPS, "suara_paslon_1", entry=25, reading=24, priority=50)])
    with pytest.raises(Stale):
        desk.answer(who(store, "budi"), old.id, old.version, says(24))


# Sums


def totals(store: Store) -> tuple[int, int, int, int]:
    (found,) = [one for one in store.queue.totals("3216") if one.field == "suara_paslon_1"]
    return found.entry, found.reading, found.audited, found.decided_known


def test_sums_follow_decisions_and_undo(store: Store, desk: Desk) -> None:
    assert totals(store) == (61, 48, 61, 0)
    done = settle(store, desk, "budi", SMALL, entry_wrong(24))
    assert totals(store) == (61, 48, 55, 1)
    desk.undo(who(store, "budi"), done.id, done.version)
    assert totals(store) == (61, 48, 61, 0)


def test_empty_paper_takes_its_number_out_of_the_sum(store: Store, desk: Desk) -> None:
    change_setting(store, who(store, "citra"), "second_person_votes", 1000)
    settle(store, desk, "budi", SMALL, Finding(outcome=Outcome.ENTRY_WRONG, empty=True))
    (found,) = [one for one in store.queue.totals("3216") if one.field == "suara_paslon_1"]
    assert (found.audited, found.audited_known, found.decided_known) == (31, 1, 1)
    (decided,) = store.queue.cells(TPS, fields=["suara_paslon_1"])
    assert (decided.is_decided, decided.decided, decided.audited) == (True, None, None)


def test_progress_of_regions(store: Store, desk: Desk) -> None:
    def at(code: str) -> tuple[int, int, int, int]:
        found = {one.code: one for one in store.queue.progress("", Level.KECAMATAN)}[code]
        return found.in_conflict, found.decided, found.items_waiting, found.items_done

    assert at("321603") == (1, 0, 2, 0)
    assert at("321604") == (1, 0, 1, 0)
    settle(store, desk, "budi", ELSEWHERE, entry_wrong(24))
    assert at("321604") == (0, 1, 0, 1)


# The sample


def test_the_sample_measures_and_is_no_conflict(store: Store, desk: Desk) -> None:
    drawn = item_facts(OTHER, "suara_paslon_3", kind=SAMPLE, entry=7, reading=7, priority=60)
    fill(store, [SMALL, LARGE, ELSEWHERE, drawn])
    hidden = store.queue.items(ItemFilter(samples=False)).items
    assert drawn.key not in {item.key for item in hidden}
    assert store.queue.counts(EVERYTHING).total == 4
    (progress,) = store.queue.progress("321604", Level.KECAMATAN)
    assert progress.items_waiting == 1
    item = find(store, drawn)
    desk.answer(who(store, "budi"), item.id, item.version, says(9))
    desk.decide(who(store, "budi"), item.id, item.version, entry_wrong(9), attempt="")
    assert store.queue.sample_counts() == {(Outcome.ENTRY_WRONG, True): 1}


# Settings


def test_settings_change_with_a_record(store: Store) -> None:
    citra = who(store, "citra")
    change_setting(store, citra, "second_person_votes", "25")
    change_setting(store, citra, "sample_share", "0.05")
    assert current_settings(store).second_person_votes == 25
    (record,) = store.trail.of("setting/second_person_votes")
    assert (record.who, record.before, record.after) == ("citra", {"value": 10}, {"value": 25})
    assert store.trail.of("setting/sample_share")[0].after == {"value": "0.05"}
    assert store.trail.verify() is None
    for name, value in (("sample_share", "2"), ("claim_minutes", "x"), ("nothing", "1")):
        with pytest.raises(BadSetting):
            change_setting(store, citra, name, value)
    with pytest.raises(NotAllowed):
        change_setting(store, who(store, "budi"), "claim_minutes", 5)


# Many at once


def test_nothing_is_lost_or_doubled_among_many(store: Store, desk: Desk) -> None:
    many = [
        item_facts(f"32160320{number // 100:02}{number % 100:03}", entry=30, reading=24)
        for number in range(100, 220)
    ]
    fill(store, many)
    names = [f"auditor{number}" for number in range(6)]
    for name in names:
        store.accounts.add(name, Role.AUDITOR, by="test")
    decided: list[int] = []
    lock = threading.Lock()

    def work(name: str) -> None:
        user = who(store, name)
        while (item := desk.next_item(user, EVERYTHING)) is not None:
            desk.answer(user, item.id, item.version, says(24))
            desk.decide(user, item.id, item.version, entry_wrong(24), attempt=f"{item.id}")
            with lock:
                decided.append(item.id)

    with ThreadPoolExecutor(len(names)) as threads:
        list(threads.map(work, names))
    assert sorted(decided) == sorted(set(decided))
    assert len(decided) == len(many)
    counts = store.queue.counts(EVERYTHING)
    assert (counts.done, counts.waiting) == (len(many), 0)
    assert store.trail.verify() is None
    assert list(mismatches(store)) == []


def test_a_changed_row_is_told_apart_from_the_trail(store: Store, desk: Desk) -> None:
    done = settle(store, desk, "budi", SMALL, entry_wrong(24))
    with store.connections.writing() as connection:
        connection.execute(update(ItemRow).where(ItemRow.id == done.id).values(number=99))
    (found,) = mismatches(store)
    assert (found.item, found.column, found.stored, found.told) == (done.id, "number", 99, 24)


def test_forms_are_named(store: Store) -> None:
    assert {item.form for item in store.queue.items(EVERYTHING).items} == {FORM}

"""Running again: only what is stale is read, conflicts carry over exactly, a diff tells all."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from rich.console import Console

from fixtures import fake_reading
from fixtures.fake_reading import Fate, write_photo
from flows import comparing, comparing_at_once
from flows.arrivals import find_arrivals
from flows.changes import comparison_of
from flows.choosing import NoTpsInFile, tps_of_export, tps_of_list
from flows.diff_shown import artifact_rows, diff_markdown, diff_shown, write_diff_xlsx
from flows.diffing import NoSuchRun, diff_runs, finished_run, short_line
from flows.exports import write_csv, write_json, write_xlsx
from flows.planning import plan, plan_table
from flows.pool import Engine, ReadingPool
from flows.progress import LineReporter
from flows.reprocess import Reprocessed, UnknownStatus, chosen_photos, finish_again
from flows.run import Run
from models.people import Role, User
from models.queue import ItemStatus, Outcome, QueueItem
from models.records import Conflict, ConflictKind, Entry
from models.store.item_filter import ItemFilter
from models.store.selection import Choice
from models.store.store import Store
from pipeline.diff import ConflictFate, Why
from review.answers import PaperSays, Says
from review.desk import Desk
from review.outcomes import Finding
from review.replay import mismatches

OLD = Engine(load=fake_reading.load, read=fake_reading.read)
NEW = Engine(load=fake_reading.load_newer, read=fake_reading.read)

FORM = "c-hasil-ppwp-2024"
DESA = "3216012001"
FIRST, SECOND, THIRD = (f"{DESA}{number:03}" for number in (1, 2, 3))
VOTES = {"suara_paslon_1": 24, "suara_paslon_2": 73, "suara_paslon_3": 74}


@pytest.fixture(scope="module")
def pools() -> Iterator[dict[str, ReadingPool]]:
    with ReadingPool(OLD, 1) as old, ReadingPool(NEW, 1) as new:
        yield {"old": old, "new": new}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "home") as opened:
        yield opened


def photograph(
    folder: Path, tps: str, *, newer: Mapping[str, int | None] | None = None, **changes: int | None
) -> Path:
    """Page 2 of a TPS."""
    return write_photo(folder / f"{tps}-2.jpg", 2, VOTES | changes, salt=tps, newer=newer)


def report(store: Store, tps: str, at: datetime | None = None, **changes: int | None) -> None:
    store.add_entries(
        [Entry(tps=tps, form=FORM, fields=VOTES | changes, source="test", reported_at=at)]
    )


def process(
    store: Store,
    pool: ReadingPool,
    *photos: Path,
    everything: bool = False,
    manifest: Mapping[str, str] | None = None,
) -> int:
    run = Run(store, pool, LineReporter(lambda _: None))
    run.read_all(find_arrivals(photos, manifest), 4, run.read)
    run.compare(everything=everything)
    run.finish()
    return run.batch


def again(store: Store, pool: ReadingPool, choice: Choice | None = None) -> Reprocessed:
    """What the flow does, without Prefect."""
    run = Run(store, pool, LineReporter(lambda _: None))
    run.read_again(chosen_photos(store, choice or Choice(), run.recipe), 2, run.read)
    return finish_again(store, run)


# Reading again


def test_a_newer_recipe_reads_from_the_shelf_and_the_diff_says_why(
    store: Store, tmp_path: Path, pools: dict[str, ReadingPool]
) -> None:
    photos = tmp_path / "photos"
    photograph(photos, FIRST, newer={"suara_paslon_1": 824})
    photograph(photos, SECOND, suara_paslon_2=None, newer={"suara_paslon_2": 73})
    for tps in (FIRST, SECOND):
        report(store, tps)
    process(store, pools["old"], photos)
    shutil.rmtree(photos)
    done = again(store, pools["new"])
    assert (done.summary.photos, done.summary.photos_known, done.summary.pages_read_now) == (
        2,
        0,
        2,
    )
    diff = done.diff
    assert diff is not None
    assert {(one.tps, one.field, one.old, one.new) for one in diff.fields} == {
        (FIRST, "suara_paslon_1", 24, 824),
        (SECOND, "suara_paslon_2", None, 73),
    }
    assert {one.why for one in diff.fields} == {Why.NEW_RECIPE}
    assert {one.parts for one in diff.fields} == {("recognisers",)} == {diff.recipe_parts}
    opened = {one.tps: one.kind for one in diff.conflicts if one.fate is ConflictFate.OPENED}
    assert opened[FIRST] == ConflictKind.VALUE_MISMATCH
    closed = [one for one in diff.conflicts if one.fate is ConflictFate.CLOSED]
    assert [(one.tps, one.kind) for one in closed] == [(SECOND, ConflictKind.UNREADABLE)]
    (total,) = (one for one in diff.totals if one.field == "suara_paslon_1")
    assert (total.reading_before.votes, total.reading_after.votes) == (48, 848)
    assert total.entry_before == total.entry_after

    once_more = again(store, pools["new"])
    assert once_more.summary.pages_read_now == 0
    assert once_more.diff is not None
    assert once_more.diff.fields == ()
    assert once_more.diff.conflicts == ()
    assert once_more.summary.comparison is not None
    assert once_more.summary.comparison.compared == 0


def test_a_photo_whose_kept_copy_is_gone_is_a_failure_and_no_end(
    store: Store, tmp_path: Path, pools: dict[str, ReadingPool]
) -> None:
    photograph(tmp_path / "photos", FIRST)
    photograph(tmp_path / "photos", SECOND)
    process(store, pools["old"], tmp_path / "photos")
    victim = next(page for page in store.current_readings(fake_reading.RECIPE) if page.tps == FIRST)
    with store.shelf.opened(victim.sha256 or "") as kept:
        assert kept is not None
        kept.unlink()
    done = again(store, pools["new"])
    assert (done.summary.pages_read, done.summary.pages_read_now) == (1, 2)
    # Its last reading counts on.
    assert {page.tps for page in store.current_readings(fake_reading.NEWER_RECIPE)} == {
        FIRST,
        SECOND,
    }


def test_what_can_be_chosen(store: Store, tmp_path: Path, pools: dict[str, ReadingPool]) -> None:
    photos = tmp_path / "photos"
    photograph(photos, FIRST)
    photograph(photos, SECOND, suara_paslon_1=None)
    write_photo(photos / "3216022001001-2.jpg", fate=Fate.REJECTED)
    write_photo(photos / "3216022001002-2.jpg", fate=Fate.RAISES)
    write_photo(photos / "unnamed.jpg", salt="unnamed")
    before = datetime.now(UTC)
    process(store, pools["old"], photos)
    after = datetime.now(UTC)

    def chosen(**values: object) -> set[str | None]:
        found = store.selection.photos(Choice.model_validate(values), fake_reading.NEWER_RECIPE)
        assert all(photo.is_stale for photo in found)
        return {photo.tps for photo in found}

    everything = {FIRST, SECOND, "3216022001001", "3216022001002", None}
    assert chosen() == everything
    assert chosen(region="321601") == {FIRST, SECOND}
    assert chosen(tps=(SECOND, THIRD)) == {SECOND}
    assert chosen(tps=()) == set()
    assert chosen(form=FORM) == {FIRST, SECOND, None}
    assert chosen(form="another") == set()
    assert chosen(statuses=("rejected",)) == {"3216022001001"}
    assert chosen(statuses=("failed",)) == {"3216022001002"}
    assert chosen(statuses=("review", "failed")) == {SECOND, "3216022001002"}
    assert chosen(uploaded_since=before, uploaded_until=after) == everything
    assert chosen(uploaded_since=after) == chosen(uploaded_until=before) == set()
    # What was never read has no reading that could be younger.
    assert chosen(read_before=before) == {"3216022001002"}
    assert chosen(read_before=after + timedelta(seconds=1)) == everything
    assert chosen(statuses=("review",), region="321602") == set()
    with pytest.raises(UnknownStatus):
        chosen_photos(store, Choice(statuses=("nonsense",)), fake_reading.RECIPE)
    fresh = store.selection.photos(Choice(), fake_reading.RECIPE)
    assert {photo.tps for photo in fresh if photo.is_stale} == {"3216022001002"}


def test_a_plan_writes_nothing_and_says_what_would_run(
    store: Store, tmp_path: Path, pools: dict[str, ReadingPool]
) -> None:
    photos = tmp_path / "photos"
    for number in range(1, 13):
        photograph(photos, f"{DESA}{number:03}")
    report(store, FIRST)
    process(store, pools["old"], photos)
    changed = tmp_path / "entries.csv"
    rows = [f"{FIRST},24,73,75", f"{SECOND},24,73,74"]
    header = "tps,suara_paslon_1,suara_paslon_2,suara_paslon_3"
    changed.write_text("\n".join((header, *rows)))
    before = _rows(store)
    photos_chosen = store.selection.photos(Choice(region=DESA), fake_reading.NEWER_RECIPE)
    planned = plan(store, photos_chosen, fake_reading.NEWER_RECIPE, changed)
    assert _rows(store) == before
    assert (planned.photos, planned.stale, planned.tps) == (12, 12, 12)
    assert planned.entries is not None
    assert (planned.entries.new, planned.entries.revised) == (1, 1)
    assert planned.changed_tps == (FIRST, SECOND)
    assert planned.changed_fields == 1 + 3
    assert planned.pages_a_second is not None
    assert planned.seconds is not None
    assert planned.seconds >= 12 / planned.pages_a_second
    out = io.StringIO()
    Console(file=out, width=100).print(plan_table(planned))
    assert "to read again" in out.getvalue()
    fresh = store.selection.photos(Choice(), fake_reading.RECIPE)
    assert plan(store, fresh, fake_reading.RECIPE).stale == 0


def _rows(store: Store) -> dict[str, int]:
    tables = ("batches", "uploads", "photos", "readings", "entries", "conflicts", "trail")
    with store.connections.reading() as connection:
        return {
            table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608
            for table in tables
        }


# Only what changed is compared


def conflicts_of(store: Store, batch: int) -> list[str]:
    return sorted(one.model_dump_json() for one in store.conflicts_of(batch))


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("entry"), st.integers(1, 4), st.integers(20, 26)),
        st.tuples(st.just("photo"), st.integers(1, 4), st.integers(20, 26)),
        st.tuples(st.just("copy"), st.integers(1, 4), st.integers(1, 4)),
        st.tuples(st.just("unnamed"), st.integers(1, 4), st.integers(20, 26)),
        st.tuples(st.just("cut off"), st.integers(1, 4), st.integers(20, 26)),
        st.tuples(st.just("newer"), st.integers(1, 4), st.integers(1, 1)),
    ),
    min_size=1,
    max_size=3,
)


@settings(
    max_examples=5,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(changes=CHANGES)
def test_carried_over_conflicts_are_those_of_a_full_comparison(
    changes: list[tuple[str, int, int]],
    tmp_path_factory: pytest.TempPathFactory,
    pools: dict[str, ReadingPool],
) -> None:
    home = tmp_path_factory.mktemp("carried")
    photos = home / "photos"
    for number in (1, 2, 3):
        photograph(photos, f"{DESA}{number:03}", newer={"suara_paslon_1": 99})
    pool = pools["old"]
    with Store.open(home / "home") as store:
        report(store, FIRST, suara_paslon_1=824)
        process(store, pool, photos)
        for step, (what, number, value) in enumerate(changes):
            tps = f"{DESA}{number:03}"
            at = datetime(2024, 2, 15, tzinfo=UTC) + timedelta(hours=step)
            if what == "entry":
                report(store, tps, at, suara_paslon_1=value)
            elif what == "photo":
                photograph(photos, tps, suara_paslon_1=value)
            elif what == "copy":
                source = photos / f"{tps}-2.jpg"
                if source.exists():
                    shutil.copy(source, photos / f"{DESA}{value:03}-copy.jpg")
            elif what == "unnamed":
                write_photo(photos / "unnamed.jpg", salt=str(value))
            elif what == "newer":
                pool = pools["new"]
            else:  # a run that takes something in, compares, and never ends
                photograph(photos, tps, suara_paslon_1=value)
                report(store, tps, at, suara_paslon_1=value + 1)
                run = Run(store, pool, LineReporter(lambda _: None))
                run.read_all(find_arrivals([photos]), 4, run.read)
                run.compare()
                photograph(photos, tps, suara_paslon_1=value)
                continue
            carried = process(store, pool, photos)
            full = process(store, pool, photos, everything=True)
            assert conflicts_of(store, carried) == conflicts_of(store, full)
            after_full = process(store, pool, photos)
            assert conflicts_of(store, after_full) == conflicts_of(store, full)
            said = comparison_of(store.history.batch(after_full))
            assert said is not None
            assert said.compared == 0


def test_only_the_tps_that_changed_are_compared(
    store: Store, tmp_path: Path, pools: dict[str, ReadingPool]
) -> None:
    photos = tmp_path / "photos"
    for number in range(1, 6):
        photograph(photos, f"{DESA}{number:03}")
        report(store, f"{DESA}{number:03}")
    process(store, pools["old"], photos)
    report(store, SECOND, suara_paslon_1=31)
    batch = process(store, pools["old"], photos)
    said = comparison_of(store.history.batch(batch))
    assert said is not None
    assert (said.tps, said.compared, said.carried_from) == (5, 1, batch - 1)


@pytest.mark.parametrize("everything", [False, True])
def test_a_tps_whose_photo_is_filed_elsewhere_keeps_no_numbers(
    store: Store, tmp_path: Path, pools: dict[str, ReadingPool], everything: bool
) -> None:
    photo = write_photo(tmp_path / "photos" / "1.jpg", 2, VOTES)
    process(store, pools["old"], photo.parent, manifest={"1.jpg": FIRST})
    assert {cell.tps for cell in store.queue.walk_cells("", "suara_", ()) if cell.status} == {FIRST}
    batch = process(
        store, pools["old"], photo.parent, manifest={"1.jpg": SECOND}, everything=everything
    )
    assert {cell.tps for cell in store.queue.walk_cells("", "suara_", ()) if cell.status} == {
        SECOND
    }
    assert all(state.is_gone for state in store.history.fields_at(batch, [FIRST]).values())


def test_processes_find_what_one_finds(
    store: Store, tmp_path: Path, pools: dict[str, ReadingPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = tmp_path / "photos"
    for number in range(1, 8):
        photograph(photos, f"{DESA}{number:03}", suara_paslon_1=number or None)
        report(store, f"{DESA}{number:03}")
    alone = process(store, pools["old"], photos)
    monkeypatch.setattr(comparing_at_once, "TPS_FOR_PROCESSES", 1)
    monkeypatch.setattr(comparing, "TPS_AT_ONCE", 2)
    monkeypatch.setattr(pools["old"], "workers", 2)
    shared = process(store, pools["old"], photos, everything=True)
    assert conflicts_of(store, shared) == conflicts_of(store, alone) != []


# Decisions


@pytest.fixture
def people(store: Store) -> tuple[User, User]:
    return (
        store.accounts.add("ani", Role.AUDITOR, by="test"),
        store.accounts.add("citra", Role.SUPERVISOR, by="test"),
    )


def settle(store: Store, user: User, item: QueueItem, outcome: Outcome, number: int) -> None:
    desk = Desk(store)
    held = desk.claim(user, item.id)
    held = desk.answer(user, held.id, held.version, PaperSays(says=Says.NUMBER, number=number))
    desk.decide(
        user, held.id, held.version, Finding(outcome=outcome, number=number), attempt="once"
    )


def mismatch(store: Store) -> QueueItem:
    (item,) = store.queue.items(ItemFilter(kind="value_mismatch")).items
    return item


def moment(hour: int) -> datetime:
    return datetime(2024, 2, 15, hour, tzinfo=UTC)


def test_a_decision_is_held_against_what_kpu_does_next(
    store: Store, tmp_path: Path, pools: dict[str, ReadingPool], people: tuple[User, User]
) -> None:
    """824 for 24: decided; put right; made wrong again; made another wrong one."""
    ani, _ = people
    photograph(tmp_path / "photos", FIRST)
    report(store, FIRST, moment(1), suara_paslon_1=29)
    process(store, pools["old"], tmp_path / "photos")
    settle(store, ani, mismatch(store), Outcome.ENTRY_WRONG, 24)
    assert mismatch(store).status is ItemStatus.DONE

    report(store, FIRST, moment(2), suara_paslon_1=24)
    corrected = again(store, pools["old"]).diff
    assert corrected is not None
    assert [(one.fate, one.why) for one in corrected.items] == [("kept", "corrected_as_decided")]
    assert mismatch(store).status is ItemStatus.DONE
    assert "1 corrected as decided" in short_line(corrected)

    report(store, FIRST, moment(3), suara_paslon_1=29)
    worse = again(store, pools["old"]).diff
    assert worse is not None
    assert [(one.fate, one.why) for one in worse.items] == [("reopened", "entry_not_as_decided")]
    assert (mismatch(store).status, mismatch(store).changed) == (ItemStatus.OPEN, True)
    assert list(mismatches(store)) == []
    assert store.trail.verify() is None


def test_the_machine_agreeing_with_another_wrong_number_closes_nothing(
    store: Store, tmp_path: Path, pools: dict[str, ReadingPool], people: tuple[User, User]
) -> None:
    """The machine read 24, a person saw 21, and then the system is set to the machine's 24."""
    ani, citra = people
    photograph(tmp_path / "photos", FIRST)
    report(store, FIRST, moment(1), suara_paslon_1=29)
    process(store, pools["old"], tmp_path / "photos")
    settle(store, ani, mismatch(store), Outcome.ENTRY_WRONG, 21)
    item = mismatch(store)
    if item.status is not ItemStatus.DONE:  # against a clear reading two are asked
        settle(store, citra, item, Outcome.ENTRY_WRONG, 21)
    report(store, FIRST, moment(2), suara_paslon_1=24)
    done = again(store, pools["old"])
    assert not list(store.latest_conflicts(kinds=[ConflictKind.VALUE_MISMATCH]))
    item = mismatch(store)
    assert (item.status, item.changed, item.entry) == (ItemStatus.OPEN, True, 24)
    assert done.diff is not None
    assert [one.why for one in done.diff.items] == ["entry_not_as_decided"]
    again(store, pools["old"])
    assert mismatch(store).status is ItemStatus.OPEN  # also in the runs after it
    report(store, FIRST, moment(3), suara_paslon_1=21)
    again(store, pools["old"])
    assert mismatch(store).entry == 21 or mismatch(store).status is ItemStatus.GONE
    assert list(mismatches(store)) == []


def test_what_a_person_settled_is_not_asked_again_under_another_name(
    store: Store, tmp_path: Path, pools: dict[str, ReadingPool], people: tuple[User, User]
) -> None:
    """A field for review: its mismatch becomes "unreadable" once the entry is put right."""
    ani, _ = people
    photograph(tmp_path / "photos", FIRST, suara_paslon_1=None)
    report(store, FIRST, moment(1), suara_paslon_1=29)
    process(store, pools["old"], tmp_path / "photos")
    (item,) = (
        one
        for one in store.queue.items(ItemFilter(kind="unreadable")).items
        if one.field == "suara_paslon_1"
    )
    settle(store, ani, item, Outcome.ENTRY_WRONG, 24)
    report(store, FIRST, moment(2), suara_paslon_1=24)
    done = again(store, pools["old"])
    assert done.diff is not None
    assert [(one.fate, one.why) for one in done.diff.items] == [("kept", "corrected_as_decided")]
    waiting = store.queue.items(ItemFilter(statuses=(ItemStatus.OPEN,))).items
    assert not [one for one in waiting if one.field == "suara_paslon_1"]


# The diff shown


def test_a_diff_goes_out_in_every_form(
    store: Store, tmp_path: Path, pools: dict[str, ReadingPool]
) -> None:
    photograph(tmp_path / "photos", FIRST, newer={"suara_paslon_1": 25})
    report(store, FIRST, moment(1))
    process(store, pools["old"], tmp_path / "photos")
    report(store, FIRST, moment(2), suara_paslon_2=7)
    diff = again(store, pools["new"]).diff
    assert diff is not None
    out = io.StringIO()
    Console(file=out, width=140).print(diff_shown(diff))
    for text in ("new recipe: recognisers", "24", "25", "opened", "suara_paslon_2"):
        assert text in out.getvalue()
    book = io.BytesIO()
    write_diff_xlsx(diff, book)
    sheets = load_workbook(book)
    assert sheets.sheetnames == ["summary", "fields", "entries", "conflicts", "items", "totals"]
    header, row = sheets["fields"].iter_rows(values_only=True)
    told = dict(zip(header, row, strict=True))
    assert (told["tps"], told["old"], told["new"], told["why"]) == (FIRST, 24, 25, "new_recipe")
    assert "| fields read differently | 1 |" in diff_markdown(diff)
    assert json.dumps(artifact_rows(diff, 10))
    assert diff.model_validate_json(diff.model_dump_json()) == diff
    (entry,) = diff.entries
    assert (entry.field, entry.old, entry.new, entry.reading) == ("suara_paslon_2", 73, 7, 73)


def test_other_photos_are_told_apart_from_other_recipes(
    store: Store, tmp_path: Path, pools: dict[str, ReadingPool]
) -> None:
    photos = tmp_path / "photos"
    photograph(photos, FIRST)
    process(store, pools["old"], photos)
    photograph(photos, SECOND)
    second = process(store, pools["old"], photos)
    photograph(photos, FIRST, suara_paslon_1=None)  # the same name, other bytes
    third = process(store, pools["old"], photos)
    diffs = {
        (a, b): diff_runs(store, finished_run(store, a), finished_run(store, b))
        for a, b in ((1, second), (second, third))
    }
    assert {(one.tps, one.why) for one in diffs[1, second].fields} == {(SECOND, Why.FIRST_PHOTO)}
    assert {one.tps for one in diffs[second, third].fields} <= {FIRST}
    with pytest.raises(NoSuchRun):
        finished_run(store, 99)
    cut_off = store.begin_batch(fake_reading.RECIPE)
    with pytest.raises(NoSuchRun):
        finished_run(store, cut_off)


# Lists of TPS


def test_exports_name_their_tps(tmp_path: Path) -> None:
    found = [
        Conflict(tps=tps, form=FORM, field="suara_paslon_1", kind=kind, priority=1.0, detail="=1")
        for tps in (FIRST, SECOND, None)
        for kind in (ConflictKind.VALUE_MISMATCH, ConflictKind.UNREADABLE)
    ]
    with (tmp_path / "conflicts.csv").open("w", newline="") as out:
        write_csv(found, out)
    with (tmp_path / "conflicts.json").open("w") as out:
        write_json(found, out)
    with (tmp_path / "conflicts.xlsx").open("wb") as book:
        write_xlsx(found, book)
    for ending in ("csv", "json", "xlsx"):
        assert tps_of_export(tmp_path / f"conflicts.{ending}") == (FIRST, SECOND)
    (tmp_path / "list.txt").write_text(f"# ours\n{FIRST}\n\n {SECOND} \n{FIRST}\n")
    assert tps_of_list(tmp_path / "list.txt") == (FIRST, SECOND)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("other.csv", b"code,field\n3216012001001,x\n"),
        ("broken.json", b"{"),
        ("object.json", b"{}"),
        ("text.xlsx", b"no workbook"),
        ("empty.csv", b"tps\n"),
        ("short.csv", b"tps\n321601\n"),
        ("latin.csv", b"tps\n\xff\n"),
    ],
)
def test_a_file_that_names_no_tps_says_so(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NoTpsInFile) as raised:
        tps_of_export(tmp_path / name)
    assert name in raised.value.message

"""What an operator gave to one run is not forgotten by the next, and nothing closes in silence."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fixtures.databases import Databases
from fixtures.fake_header import EVIDENCE, fake_header
from flows import worked_out
from flows.changes import kept_by
from flows.checking import check_entries
from flows.cli import app
from flows.given import given_now, regions_now, settled_now
from flows.kept import NOTHING_GIVEN, settle
from flows.parameters import UnknownRegion
from flows.queueing import catch_up, refresh_queue
from flows.recording import compare_and_record
from flows.reprocess import finish_again
from flows.run import Run
from models.forms.template import load_form
from models.queue import ItemStatus
from models.records import (
    ConflictKind,
    Entry,
    FieldReading,
    FieldStatus,
    PageReading,
    PageStatus,
)
from models.store.given import GivenTextLost
from models.store.item_filter import ItemFilter
from models.store.items import Upload
from models.store.shelf import KeptPhoto
from models.store.store import Store
from pipeline import wrong_headers

FORM = "c-hasil-ppwp-2024"
OTHER_FORM = "c1-ppwp-2019"
DESA = "9901012003"
TPS, FILED_WRONG = f"{DESA}015", f"{DESA}016"
RECIPE = "a" * 64
TABLE = f"kode,nama,tps\n99,ANTAH,\n9901,BERANTAH,\n990101,SUKAWANGI,\n{DESA},SUKADAYA,1-16\n"
HEADER = {"kecamatan": "SUKAWANGI", "kelurahan": "SUKADAYA", "tps": "015", "tps_words": "LIMABELAS"}


class NoPool:
    """Everything is read."""

    workers = 1

    def recipe(self) -> str:
        return RECIPE

    def recipe_parts(self) -> dict[str, str]:
        return {}

    submit = collect = None


class Silent:
    """A reporter that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def tell(self, line: str) -> None:
        self.told.append(line)

    def say(self, what: str) -> None: ...

    begin = advance = say


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """One TPS with an entry, and page 1 of TPS 015 filed under TPS 016."""
    monkeypatch.delenv("CHASIL_FORM", raising=False)
    for module in (worked_out, wrong_headers):
        monkeypatch.setattr(module, "load_header_evidence", lambda: EVIDENCE)
    with Store.open(tmp_path / "home") as opened:
        sha256 = "b" * 64
        page = PageReading(
            photo=f"{FILED_WRONG}-1.jpg",
            sha256=sha256,
            tps=FILED_WRONG,
            form=FORM,
            page=1,
            status=PageStatus.READ,
            recipe=RECIPE,
            header=fake_header(HEADER),
            fields={
                one.name: FieldReading(value=1, confidence=0.999, status=FieldStatus.CLEAR)
                for one in load_form(FORM).page(1).fields
            },
        )
        photo = KeptPhoto(sha256, 1, tmp_path / "no.jpg")
        upload = Upload(page.photo, photo, FILED_WRONG, "photos")
        opened.add_uploads(opened.begin_batch(RECIPE), [upload])
        opened.add_readings(RECIPE, [[page]])
        opened.add_entries([Entry(tps=TPS, form=FORM, fields={"suara_sah": 3}, source="test")])
        yield opened


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Regions of the operator's own, where chasil knows none."""
    (tmp_path / "own.csv").write_text(TABLE)
    return tmp_path / "own.csv"


def process(store: Store, *, expect: str | None = None, regions: Path | None = None) -> list[str]:
    """What ``chasil process`` does when all is read; returns what it told."""
    reporter = Silent()
    given = given_now(store, expect=expect, regions=regions)
    run = Run(store, NoPool(), reporter, given=given)  # type: ignore[arg-type]
    run.compare()
    run.finish()
    return reporter.told


def reprocess(store: Store) -> None:
    finish_again(store, Run(store, NoPool(), Silent()))  # type: ignore[arg-type]


def check(store: Store) -> None:
    check_entries(store)


def news_and_check(store: Store) -> None:
    """Another number makes its TPS be compared again, and nothing be carried over."""
    store.add_entries([Entry(tps=TPS, form=FORM, fields={"suara_sah": 4}, source="test")])
    check_entries(store)


def without_photo(store: Store, form: str = FORM) -> set[str]:
    found = store.latest_conflicts(kinds=[ConflictKind.PAGE_MISSING], form=form)
    return {one.tps for one in found if one.tps and one.page is None}


def still_open(store: Store) -> set[int]:
    items = store.queue.items(ItemFilter()).items
    return {one.id for one in items if one.status is ItemStatus.OPEN}


def wrongly_filed(store: Store) -> list[str | None]:
    return [one.tps for one in store.latest_conflicts(kinds=[ConflictKind.WRONG_TPS])]


def test_what_one_run_was_given_is_not_forgotten(store: Store, table: Path) -> None:
    process(store, expect=DESA, regions=table)
    assert len(without_photo(store)) == 15
    assert wrongly_filed(store) == [FILED_WRONG]
    opened = still_open(store)
    table.unlink()
    for command in (reprocess, check, news_and_check, process, check):
        command(store)
        assert len(without_photo(store)) == 15, command
        assert wrongly_filed(store) == [FILED_WRONG], command
        assert still_open(store) >= opened, command


def test_the_owed_form_counts_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    given = given_now(store, form=OTHER_FORM)
    check_entries(store, given)
    assert {one.form for one in store.latest_conflicts(kinds=[ConflictKind.PAGE_MISSING])} == {
        FORM,  # two more pages of a form of which one came
        OTHER_FORM,
    }
    before = {one.model_dump_json() for one in store.latest_conflicts()}
    reprocess(store)
    assert {one.model_dump_json() for one in store.latest_conflicts()} == before
    monkeypatch.setenv("CHASIL_FORM", FORM)
    told: list[str] = []
    check_entries(store, tell=told.append)
    assert told == [f"The form that every TPS owes is {FORM} now; it was {OTHER_FORM}."]
    assert OTHER_FORM not in {one.form for one in store.latest_conflicts()}
    monkeypatch.delenv("CHASIL_FORM")
    assert settled_now(store, NOTHING_GIVEN).owed == FORM


def test_regions_add_up_until_they_are_dropped(store: Store, table: Path) -> None:
    assert process(store, expect=f"{DESA}001", regions=table) == []
    (kept, added) = process(store, expect=f"{DESA}002,{DESA}003")
    assert kept.startswith("As in the last run: regions of own.csv (20 regions; given ")
    assert added.startswith(f"Expected TPS: 3, those of {DESA}002, {DESA}003 and 1 ({DESA}001; ")
    assert without_photo(store) == {f"{DESA}00{number}" for number in (1, 2, 3)}
    (line,) = process(store)
    assert f"expected TPS 3 ({DESA}001, {DESA}002, {DESA}003; given " in line
    assert "`--expect none`" in line
    (_, alone) = process(store, expect=f"none,{DESA}004")
    assert alone.startswith(f"Expected TPS: 1 ({DESA}004) instead of 3 (")
    assert without_photo(store) == {f"{DESA}004"}
    told = process(store, expect="none", regions=Path("none"))
    assert [line.partition(":")[0] for line in told] == ["Expected TPS", "Regions"]
    assert without_photo(store) == set()
    assert wrongly_filed(store) == []
    assert process(store) == []
    with pytest.raises(UnknownRegion):
        given_now(store, expect=DESA)


def test_names_are_of_the_table_that_was_given(
    store: Store, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHASIL_HOME", str(tmp_path / "home"))
    exports = (
        ("conflicts", "--format", "csv"),
        ("recap", "--format", "csv"),
        ("entries", "changes", "--from", "2024-01-01", "--format", "csv"),
    )
    news_and_check(store)
    for regions, are_named in ((None, False), (table, True), (Path("none"), False)):
        process(store, regions=regions)
        for arguments in exports:
            done = CliRunner().invoke(app, arguments, catch_exceptions=False)
            assert TPS in done.stdout or DESA in done.stdout
            assert ("SUKADAYA" in done.stdout) == are_named, arguments
    assert regions_now(store, table).region(DESA).name == "SUKADAYA"


def test_a_second_table_takes_nothing_from_the_first(
    store: Store, table: Path, tmp_path: Path
) -> None:
    process(store, regions=table)
    (tmp_path / "more.csv").write_text("kode,nama,tps\n9902,LAIN,\n990201,X,\n9902012001,Y,1\n")
    (line,) = process(store, regions=tmp_path / "more.csv", expect="9902")
    assert "more.csv is added to own.csv" in line
    assert wrongly_filed(store) == [FILED_WRONG]
    assert without_photo(store) == {"9902012001001"}
    assert process(store, regions=table)[0].startswith("As in the last run: ")  # nothing new in it


def test_the_queue_catches_up_with_what_the_run_was_given(store: Store, table: Path) -> None:
    check_entries(store, given_now(store, expect=DESA, regions=table, form=OTHER_FORM))
    progress, opened = store.queue.tps_progress("99"), still_open(store)
    batch = store.begin_batch(RECIPE)
    comparison = compare_and_record(store, batch, RECIPE)
    store.finish_batch(batch, {"comparison": comparison.model_dump(mode="json")})  # and cut off
    assert catch_up(store) is not None
    assert store.queue.tps_progress("99") == progress
    assert still_open(store) == opened


def test_a_run_of_an_older_chasil_is_told(store: Store) -> None:
    store.finish_batch(store.begin_batch(RECIPE), {})
    refresh_queue(store)
    (line,) = process(store)
    assert "older chasil" in line
    assert "--expect" in line
    assert process(store) == []


def test_a_list_is_kept_once_and_a_lost_one_is_no_empty_one(
    databases: Databases, tmp_path: Path
) -> None:
    text = "\n".join(f"{DESA}{number:03}" for number in range(1, 1000))
    with databases.open(tmp_path) as store:
        digest = store.given.keep(text)
        assert store.given.keep(text) == digest
        assert store.given.text(digest) == text
        with databases.connected(tmp_path) as connection:
            databases.unlock(connection)
            connection.exec_driver_sql("DELETE FROM given_texts")
        with pytest.raises(GivenTextLost, match=f"no text {digest}"):
            store.given.text(digest)


def test_what_was_given_and_is_lost_stops_the_run(store: Store, table: Path) -> None:
    process(store, expect=DESA, regions=table)
    kept = kept_by(store.latest_batch())
    assert kept is not None
    assert kept.expected is not None
    gone = kept.model_copy(
        update={"expected": kept.expected.model_copy(update={"digest": "0" * 64})}
    )
    with pytest.raises(GivenTextLost):
        settle(store, gone, NOTHING_GIVEN)
    # What the error says to do.
    with sqlite3.connect(store.url.database or "") as connection:
        connection.execute("DROP TRIGGER given_texts_no_delete")
        connection.execute("DELETE FROM given_texts")
    with pytest.raises(GivenTextLost):
        process(store)
    process(store, expect="none", regions=Path("none"))
    process(store, expect=f"none,{DESA}", regions=table)
    again = kept_by(store.latest_batch())
    assert again is not None
    assert again.expected is not None
    assert again.expected.digest == kept.expected.digest

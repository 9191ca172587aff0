"""What each run saw goes by the runs' ends: who began first may end last."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flows.recording import compare_and_record
from models.history import FieldState
from models.records import PageReading, PageStatus
from models.store.items import Upload
from models.store.shelf import KeptPhoto
from models.store.store import Store

TPS, FORM, FIELD = "3216032003001", "c-hasil-ppwp-2024", "suara_paslon_1"


def state(entry: int) -> FieldState:
    return FieldState(tps=TPS, form=FORM, field=FIELD, entry=entry)


def save(store: Store, batch: int, entry: int) -> int:
    """How many fields a run sees otherwise than the one before."""
    found = store.findings(batch, [TPS], (), [state(entry)], ())
    store.save_findings(batch, found)
    return len(found.fields)


def test_a_long_run_that_ends_last_has_the_last_word(tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store:
        history = store.history
        first, long, short = (store.begin_batch("r" * 64) for _ in range(3))
        for batch, entry in ((first, 24), (short, 29), (long, 24)):
            assert save(store, batch, entry) == 1
            store.finish_batch(batch, {})
        assert [one.id for one in history.finished()] == [long, short, first]
        assert [one.id for one in history.finished(before=long, limit=1)] == [short]
        for batch, entry in ((first, 24), (short, 29), (long, 24)):
            assert history.fields_at(batch, [TPS])[TPS, FORM, FIELD].entry == entry
            assert history.totals_at(batch)[FORM, FIELD][0] == entry
        assert history.fields_changed(short, long) == (TPS,)
        assert history.fields_changed(long, short) == ()
        after = store.begin_batch("r" * 64)
        assert save(store, after, 24) == 0


def test_photos_since_a_run_are_those_that_it_did_not_see(tmp_path: Path) -> None:
    """Run 1 begins, run 2 begins and ends, run 1 reads a photo more and ends."""
    with Store.open(tmp_path / "home") as store:
        long, short = (store.begin_batch("r" * 64) for _ in range(2))
        bring(store, long, "early")
        bring(store, long, "late", is_read=False)  # taken in, still to be read
        bring(store, short, "of the short one")
        finish(store, short)
        read(store, "late")
        bring(store, short, "early")  # again, under another run: it is not new
        finish(store, long)
        bring(store, store.begin_batch("r" * 64), "new")
        assert store.history.photos_since(short) == {sha256_of("late"), sha256_of("new")}
        assert store.history.photos_since(long) == {sha256_of("new")}


def test_a_run_of_an_earlier_chasil_did_not_write_what_it_saw(tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store:
        long, short = (store.begin_batch("r" * 64) for _ in range(2))
        bring(store, short, "early")
        store.finish_batch(short, {})
        bring(store, long, "late")
        assert store.history.photos_since(short) == {sha256_of("late")}


def bring(store: Store, batch: int, name: str, *, is_read: bool = True) -> None:
    photo = KeptPhoto(sha256_of(name), 5, None)
    store.add_uploads(batch, [Upload(f"{name}.jpg", photo, TPS)])
    if is_read:
        read(store, name)


def read(store: Store, name: str) -> None:
    page = PageReading(
        photo=name, sha256=sha256_of(name), tps=TPS, form=FORM, page=2, status=PageStatus.READ
    )
    store.add_readings("r" * 64, [(page,)])


def finish(store: Store, batch: int) -> None:
    with store.one_comparison():
        seen = compare_and_record(store, batch, "r" * 64)
        store.finish_batch(batch, {"comparison": seen.model_dump(mode="json")})


def sha256_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()

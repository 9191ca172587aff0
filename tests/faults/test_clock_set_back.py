"""The machine's clock is set back, by a second or by a day: what came last stays the last."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fault_bench import Bench, decide, items
from starlette.testclient import TestClient

from flows.importing import import_entries
from models.people import Role
from models.queue import ItemStatus
from models.store import accounts as store_accounts
from models.store import store as store_module
from models.store.item_filter import ItemFilter
from models.store.store import Store
from review import desk as review_desk
from review.app import create_app
from review.desk import Desk
from review.errors import HeldByOther
from review.passwords import new_token, token_hash
from review.web.parts import SESSION_COOKIE

LIBRARY = "faketime"
BACK = timedelta(days=1)


def set_clocks(monkeypatch: pytest.MonkeyPatch, ahead: timedelta) -> None:
    """Let the store, the accounts and the desk see another time."""
    for module in (store_module, store_accounts, review_desk):
        monkeypatch.setattr(module, "_now", lambda: datetime.now(UTC) + ahead)


def test_a_run_with_the_clock_a_day_back(tmp_path: Path) -> None:
    """The whole program sees yesterday, by libfaketime."""
    if shutil.which(LIBRARY) is None:
        pytest.skip("faketime is not on this machine: apt-get install -y faketime")
    bench = Bench(tmp_path)
    done = subprocess.run(
        ["faketime", "-m", "-f", "-1d", sys.executable, *bench.program()],
        env=bench.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with bench.store() as store:
        newest = store.latest_batch()
        assert newest is not None
        assert newest.id == 2
        assert newest.started_at < datetime.now(UTC) - BACK / 2  # it did see yesterday
        assert newest.finished_at is not None
        assert newest.finished_at > newest.started_at + BACK / 2
        assert bench.check_whole(store).pages_read_now == 0


def test_numbers_without_a_time_of_their_own_count_in_the_order_of_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    untimed = "3216012001099"
    with Store.open(tmp_path / "home") as store:
        for number, votes in enumerate((24, 25, 24, 26)):
            path = tmp_path / f"{number}.csv"
            path.write_text(f"tps,suara_paslon_1\n{untimed},{votes}\n", encoding="utf-8")
            set_clocks(monkeypatch, -BACK * number)
            import_entries(store, path)
            (entry,) = store.latest_entries([untimed])
            assert entry.fields["suara_paslon_1"] == votes
        assert len(store.entry_revisions(untimed)) == 4


def test_nobody_is_held_up_for_as_long_as_the_clock_went_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path)
    with bench.store() as store:
        desk = Desk(store)
        budi, sari = bench.auditors(store)
        item = next(one for one in items(store) if one.status is ItemStatus.OPEN)
        desk.claim(budi, item.id)
        with pytest.raises(HeldByOther):
            desk.claim(sari, item.id)
        for _ in range(10):
            store.accounts.add_failure("sari", "here", forget_before=datetime.now(UTC) - BACK)
        set_clocks(monkeypatch, -timedelta(hours=1))
        assert desk.view(sari, item.id).held_by is None
        assert desk.peek(sari, ItemFilter(), after=0) is not None
        since = datetime.now(UTC) - timedelta(hours=2)
        assert store.accounts.failures(since, name="sari", address=None) == 0
        held = desk.claim(sari, item.id)
        assert decide(store, sari, held).id == item.id
        assert bench.check_whole(store).pages_read_now == 18


def test_a_session_that_was_seen_in_the_future_is_idle_from_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(tmp_path / "home") as store:
        token = new_token()
        store.accounts.add("budi", Role.AUDITOR, by="test")
        set_clocks(monkeypatch, timedelta(hours=6))
        ends = datetime.now(UTC) + timedelta(hours=12)
        store.accounts.begin_session("budi", token_hash(token), ends, how="link")
        set_clocks(monkeypatch, timedelta())
        client = TestClient(create_app(store), cookies={SESSION_COOKIE: token})
        assert client.get("/queue").status_code == 200
        session = store.accounts.session(token_hash(token))
        assert session is not None
        assert abs(session.seen_at - datetime.now(UTC)) < timedelta(minutes=1)

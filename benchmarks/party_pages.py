"""How long the auditors' room takes for pages of party elections, and how large its store is.

``python -m benchmarks.party_pages --region 321601``: invents entries of all five elections for
every TPS of a region (see ``fixtures.party_entries``), imports and checks them, and asks each page
some times in this process, without a network. Times are wall clock of the whole answer; figures
that are kept for some seconds are counted anew each time.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text
from starlette.testclient import TestClient

from fixtures.party_entries import some_defects, write_tree
from flows.checking import check_entries
from flows.importing import import_entries
from models.elections import Election
from models.people import Role
from models.regions import load_regions
from models.store.item_filter import ItemFilter
from models.store.refresh import recount_all
from models.store.room_tables import CellRow, TotalRow, TpsProgressRow
from models.store.store import Store
from review.app import create_app
from review.passwords import new_token, token_hash
from review.web.parts import SESSION_COOKIE


def main() -> None:
    """Build, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--region", default="321601")
    parser.add_argument("--limit", type=int, default=None, help="At most so many TPS.")
    parser.add_argument("--times", type=int, default=5, help="How often each page is asked.")
    parser.add_argument(
        "--whole",
        action="store_true",
        help="Copy the cells to every other TPS of the table of regions: a store of full size.",
    )
    parser.add_argument(
        "--home", type=Path, default=None, help="Keep the store, or use a kept one."
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = asked.home or Path(folder) / "home"
        built = (home / "chasil.sqlite").exists()
        with Store.open(home) as store:
            if not built:
                _build(store, Path(folder), load_regions().tps(asked.region)[: asked.limit])
            if asked.whole:
                _copy_to_all(store)
            _sizes(store, home)
            _pages(store, asked.region, asked.times)


def _build(store: Store, folder: Path, codes: tuple[str, ...]) -> None:
    root = write_tree(folder, codes, defects=some_defects(codes))
    for name, work in (
        ("import", lambda: import_entries(store, root)),
        ("check", lambda: check_entries(store)),
    ):
        began, processor = time.perf_counter(), time.process_time()
        work()
        print(
            f"{name:<8}{time.perf_counter() - began:8.1f} s"
            f"{time.process_time() - processor:8.1f} s of a processor"
        )


def _copy_to_all(store: Store) -> None:
    """Give every TPS of the table the numbers of one that has some; items are not copied."""
    began, processor = time.perf_counter(), time.process_time()
    with store.connections.writing() as connection:
        known = connection.scalars(select(CellRow.tps).distinct()).all()
        others = sorted(set(load_regions().tps()) - set(known))
        for table in (CellRow, TpsProgressRow):
            columns = [column.name for column in table.__table__.columns if column.name != "tps"]
            listed = ", ".join(columns)
            copy = text(
                f"INSERT INTO {table.__tablename__} (tps, {listed}) "  # noqa: S608 - own names
                f"SELECT :new, {listed} FROM {table.__tablename__} WHERE tps = :old"
            )
            pairs = [
                {"new": new, "old": known[place % len(known)]} for place, new in enumerate(others)
            ]
            if pairs:
                connection.execute(copy, pairs)
        print(f"copied  {time.perf_counter() - began:8.1f} s")
        recounted, used = time.perf_counter(), time.process_time()
        recount_all(connection)
        print(
            f"recount {time.perf_counter() - recounted:8.1f} s"
            f"{time.process_time() - used:8.1f} s of a processor"
        )
    print(f"in all  {time.process_time() - processor:8.1f} s of a processor")


def _sizes(store: Store, home: Path) -> None:
    with store.connections.reading() as connection:
        cells = connection.scalars(select(func.count()).select_from(CellRow)).one()
        totals = connection.scalars(select(func.count()).select_from(TotalRow)).one()
        tps = connection.scalars(select(func.count(CellRow.tps.distinct()))).one()
    size = (home / "chasil.sqlite").stat().st_size / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"{tps:,} TPS, {cells:,} cells, {totals:,} sums, {size:,.0f} MB on disk")
    print(f"{peak:,.0f} MB of memory at most")


def _pages(store: Store, region: str, times: int) -> None:
    if store.accounts.find("citra") is None:
        store.accounts.add("citra", Role.SUPERVISOR, by="benchmark")
    token = new_token()
    store.accounts.begin_session(
        "citra", token_hash(token), datetime.now(UTC) + timedelta(hours=1), how="link"
    )
    client = TestClient(create_app(store, fresh_seconds=0), base_url="https://testserver")
    client.cookies.set(SESSION_COOKIE, token)
    tps = next(store.latest_entries()).tps
    rule = "party_total_is_its_rows"
    items = store.queue.items(ItemFilter(form=Election.DPR.form), limit=500).items
    item = next((one for one in items if one.rule == rule), None)
    paths = {
        f"{what} {election}": f"{path}?form={election.form}"
        for what, path in (
            ("kabupaten", f"/regions/{region[:4]}"),
            ("dashboard", f"/regions/{region}"),
            ("kecamatan", f"/kecamatan/{region[:6]}"),
            ("TPS", f"/tps/{tps}"),
            ("queue", "/queue"),
        )
        for election in (Election.PPWP, Election.DPR, Election.DPD, Election.DPRDK)
    }
    if item is not None:
        paths["item, a party's sum"] = f"/items/{item.id}"
    print(f"{'page':<24}{'median ms':>10}{'worst ms':>10}{'processor':>10}{'kB':>8}")
    for name, path in paths.items():
        taken, processor, size = [], [], 0
        client.get(path)  # templates and connections are made once
        for _ in range(times):
            began, used = time.perf_counter(), time.process_time()
            answer = client.get(path)
            taken.append(time.perf_counter() - began)
            processor.append(time.process_time() - used)
            answer.raise_for_status()
            size = len(answer.content)
        print(
            f"{name:<24}{statistics.median(taken) * 1e3:>10.0f}{max(taken) * 1e3:>10.0f}"
            f"{statistics.median(processor) * 1e3:>10.0f}{size / 1e3:>8.0f}"
        )


if __name__ == "__main__":
    main()

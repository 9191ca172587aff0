"""The item's page over HTTP: what it shows before and after the answer, sums, history, next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from fixtures.databases import Databases
from fixtures.review_site import FIRST, SECOND, SIZE, digits_box, fill_desk, without_tokens
from models.queue import QueueItem
from models.records import PageReading, PageStatus, Placement
from models.store.item_filter import ItemFilter
from models.store.store import Store
from models.trail import Act, Facts, TrailRecord
from review.app import create_app
from review.passwords import new_token, token_hash
from review.texts import Speaker
from review.web.evidence import quarter_turns, row_of
from review.web.history import in_words
from review.web.places import regions_to_choose


@pytest.fixture(scope="module")
def store(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with databases.open(tmp_path_factory.mktemp("item")) as opened:
        fill_desk(opened)
        yield opened


def browser(store: Store, name: str) -> TestClient:
    token = new_token()
    later = datetime(2200, 1, 1, tzinfo=UTC)
    store.accounts.begin_session(name, token_hash(token), later, how="link")
    client = TestClient(create_app(store), base_url="http://testserver")
    client.cookies.set("chasil_session", token, domain="testserver.local")
    return client


def item_of(store: Store, field: str | None, tps: str = FIRST) -> QueueItem:
    return next(one for one in store.queue.items(ItemFilter(tps=tps)).items if one.field == field)


def send(client: TestClient, html: str, action: str, **fields: str) -> str:
    names = ("csrf", "version", "seen")
    hidden = {name: re.search(rf'name="{name}" value="([^"]*)"', html) for name in names}
    data = {name: found[1] for name, found in hidden.items() if found} | fields
    return client.post(action, data=data).text


def test_crops_come_first_and_numbers_after_the_answer(store: Store) -> None:
    item = item_of(store, "suara_paslon_2")
    vera, budi = browser(store, "vera"), browser(store, "budi")
    blind = budi.get(f"/items/{item.id}").text
    crops = re.findall(r'src="(/photos/[^"]*/crop[^"]*)"', blind)
    assert len(crops) == 3  # the row, digits, bubbles
    for address in crops:
        assert budi.get(address.replace("&amp;", "&")).headers["content-type"] == "image/jpeg"
    for hidden in ("131", "Sirekap: ", "satu angka berbeda", "details"):
        assert hidden not in without_tokens(blind)
    assert f'data-box="{1100.0} {650.0}' in blind
    assert "131" in vera.get(f"/items/{item.id}").text  # a viewer answers nothing

    shown = send(budi, blind, f"/items/{item.id}/answer", paper="137")
    assert "131" in shown
    assert "Jumlah suara semua paslon = suara sah" in shown
    assert "menunggu dijawab" in shown  # paslon 1 still waits: its numbers are kept back
    assert "824" not in without_tokens(shown)
    supervisor = browser(store, "citra").get(f"/items/{item.id}").text
    assert "131" not in without_tokens(supervisor)  # has not answered either


def test_what_happened_meanwhile_is_told(store: Store) -> None:
    item = item_of(store, "suara_paslon_3", SECOND)
    citra = browser(store, "citra")
    page = send(citra, citra.get(f"/items/{item.id}").text, f"/items/{item.id}/answer", paper="24")
    decided = send(citra, page, f"/items/{item.id}/decide", outcome="agrees", attempt="a")
    assert "Keputusan" in decided
    late = send(citra, page, f"/items/{item.id}/decide", outcome="agrees", attempt="b")
    assert "Yang terjadi sementara itu" in late
    assert "diputuskan: Cocok: 24" in late


def test_enter_alone_is_refused_by_the_server_too(store: Store) -> None:
    item = item_of(store, None, SECOND)
    sari = browser(store, "sari")
    page = sari.get(f"/items/{item.id}").text
    first = re.search(r'<form[^>]*id="decide".*?<button ([^>]*)>', page, re.DOTALL)
    assert first is not None
    assert 'name="enter"' in first[1]  # what a browser presses when Enter is typed in a field
    refused = send(sari, page, f"/items/{item.id}/decide", outcome="wrong_photo", enter="alone")
    assert "Enter saja tidak memutuskan" in refused
    assert 'value="wrong_photo" checked' in refused
    assert item_of(store, None, SECOND).outcome is None


def test_the_next_item_is_looked_up_without_taking_it(store: Store) -> None:
    first, sari = item_of(store, "suara_paslon_1"), browser(store, "sari")
    before = store.trail.head()
    found = sari.get(f"/items/{first.id}/next").json()["pictures"]
    assert found
    assert all(address.startswith("/photos/") for address in found)
    assert store.trail.head() == before
    assert browser(store, "vera").get(f"/items/{first.id}/next").status_code == 403


def test_a_photo_without_a_field_is_shown_whole(store: Store) -> None:
    item = item_of(store, None, SECOND)
    html = browser(store, "sari").get(f"/items/{item.id}").text
    assert f'data-wide="{SIZE[0]}" data-high="{SIZE[1]}"' in html
    assert "data-box" not in html


def test_nothing_in_a_page_is_inline(store: Store) -> None:
    client = browser(store, "budi")
    for path in ("/queue", f"/items/{item_of(store, 'suara_paslon_1').id}"):
        html = client.get(path).text
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|<script(?![^>]*src=)", html)


@pytest.mark.parametrize(
    ("degrees", "turns"), [(0.4, 0), (-88.0, 1), (91.0, 3), (179.0, 2), (-179.5, 2)]
)
def test_a_page_that_lies_sideways_is_set_upright(degrees: float, turns: int) -> None:
    page = PageReading(
        photo="x.jpg",
        sha256=None,
        status=PageStatus.READ,
        placement=Placement(
            method="tag",
            error_mm=0.1,
            worst_mm=0.2,
            px_per_mm=3.0,
            rotation_degrees=degrees,
            in_view=1.0,
            outline=((10, 20), (1700, 20), (1700, 2300), (10, 2300)),
        ),
    )
    assert quarter_turns(page) == turns
    row = row_of(digits_box(0), page, turns)
    assert row is not None
    if turns % 2:
        assert (row[1], row[3]) == (20, 2300)
    else:
        assert (row[0], row[2]) == (10, 1700)
    assert quarter_turns(None) == 0
    assert row_of(None, page, turns) is None


def test_acts_in_words() -> None:
    def words(act: Act, before: Facts | None, after: Facts | None) -> tuple[str, str]:
        record = TrailRecord(
            sequence=1,
            at=datetime(2024, 3, 1, tzinfo=UTC),
            who="budi",
            act=act,
            before=before,
            after=after,
            why=None,
            subject="item/1",
            previous="0" * 64,
            hash="0" * 64,
        )
        (line,) = in_words(Speaker("en"), [record])
        return line.before, line.after

    old: Facts = {"entry": None, "reading": 3}
    new: Facts = {"entry": 4, "reading": 3}
    assert words(Act.ITEM_CHANGED, old, new) == (
        "Sirekap: –, machine: 3",
        "Sirekap: 4, machine: 3",
    )
    paper = {"paper": {"says": "unreadable", "number": None}}
    assert words(Act.BLIND_ANSWERED, None, paper) == ("", "can't be read")
    finding = {"outcome": "corrected_at_plenary", "number": 7, "reference": "p. 3"}
    assert words(Act.DECIDED, {"entry": 9}, {"finding": finding}) == (
        "Sirekap: 9",
        "Corrected at plenary: 7 (p. 3)",
    )
    empty = {"outcome": "entry_wrong", "number": None, "empty": True}
    assert words(Act.UNDONE, {"finding": empty}, {"undoes": 1}) == (
        "Entry wrong: empty (not zero)",
        "waits again",
    )
    assert words(Act.SKIPPED, None, None) == ("", "")


def test_regions_to_choose_stay_within_limits() -> None:
    everything = regions_to_choose(())
    assert len(everything) == 23
    ((kecamatan, desa),) = regions_to_choose(("3216032003",))
    assert kecamatan.code == "321603"
    assert [one.code for one in desa] == ["3216032003"]

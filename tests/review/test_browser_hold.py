"""Long work on one item in a real browser: the hold, what is told when it is lost; fingers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from fixtures.review_site import FIRST, SECOND, THIRD, Site, fill_desk, serve
from models.people import User
from models.queue import QueueItem
from models.store.item_filter import ItemFilter
from models.store.room_tables import ItemRow
from models.store.store import Store
from review.desk import Desk
from review.settings import Settings
from review.web.items import KEPT_TIMES
from review.web.parts import SESSION_COOKIE

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]

EVERY_MS = Settings().claim_minutes * 60_000 // KEPT_TIMES


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One room for all tests here; each works on an item of its own."""
    with Store.open(tmp_path_factory.mktemp("hold") / "home") as store:
        fill_desk(store, more=True)
        with serve(store) as site:
            yield site


def item_of(desk: Site, field: str, tps: str) -> QueueItem:
    items = desk.store.queue.items(ItemFilter(tps=tps)).items
    return next(one for one in items if one.field == field)


def user(desk: Site, name: str) -> User:
    found = desk.store.accounts.find(name)
    assert found is not None
    return found


def set_hold(desk: Site, number: int, until: datetime) -> None:
    with desk.store.connections.writing() as connection:
        connection.execute(update(ItemRow).where(ItemRow.id == number).values(claimed_until=until))


def test_the_hold_lasts_while_somebody_types(desk: Site, open_as: Open) -> None:
    item = Desk(desk.store).claim(user(desk, "budi"), item_of(desk, "suara_paslon_1", FIRST).id)
    soon = datetime.now(UTC) + timedelta(seconds=90)
    set_hold(desk, item.id, soon)
    page = open_as("budi")
    page.clock.install()
    page.goto(f"/items/{item.id}")
    expect(page.locator("#item[data-ready=yes]")).to_be_visible()
    page.clock.run_for(EVERY_MS)  # nothing is done: nothing is asked
    page.keyboard.type("2")
    with page.expect_response(f"**/items/{item.id}/keep") as answer:
        page.clock.run_for(EVERY_MS)
    assert answer.value.ok
    kept = desk.store.queue.item(item.id)
    assert kept is not None
    assert kept.claimed_until is not None
    assert kept.claimed_until > soon + timedelta(minutes=5)
    expect(page.locator("#lost")).to_be_hidden()
    expect(page.locator("#paper")).to_have_value("2")


def test_who_lost_the_item_is_told_and_keeps_the_text(
    desk: Site, open_as: Open, shoot: Shoot
) -> None:
    item = item_of(desk, "suara_paslon_2", FIRST)
    budi = open_as("budi")
    budi.clock.install()
    Desk(desk.store).claim(user(desk, "budi"), item.id)
    budi.goto(f"/items/{item.id}")
    budi.keyboard.type("13")
    set_hold(desk, item.id, datetime.now(UTC) - timedelta(seconds=1))
    Desk(desk.store).claim(user(desk, "sari"), item.id)  # budi went for lunch
    budi.keyboard.type("7")
    budi.clock.run_for(EVERY_MS)
    expect(budi.locator("#lost")).to_contain_text("sari sedang mengerjakan")
    expect(budi.locator("#paper")).to_have_value("137")
    shoot(budi, "60-hold-lost")
    budi.reload()
    expect(budi.locator(".problem").first).to_contain_text("sari sedang mengerjakan")
    set_hold(desk, item.id, datetime.now(UTC) - timedelta(seconds=1))  # sari went home
    budi.reload()
    expect(budi.locator("#paper")).to_have_value("137")
    expect(budi.locator("#live")).to_contain_text("kembali")


def test_a_signed_out_page_says_so(desk: Site, open_as: Open) -> None:
    page = open_as("sari")
    page.clock.install()
    page.goto(f"/items/{item_of(desk, 'suara_paslon_3', SECOND).id}")
    page.keyboard.type("21")
    page.context.clear_cookies()
    page.clock.run_for(EVERY_MS)
    expect(page.locator("#lost")).to_be_visible()
    expect(page.locator("#paper")).to_have_value("21")


def test_where_no_witness_looked_the_form_shows_the_place(
    desk: Site, open_as: Open, shoot: Shoot
) -> None:
    page = open_as("budi")
    page.goto(f"/items/{item_of(desk, 'suara_paslon_2', THIRD).id}")
    outline = page.locator("polygon.outline").bounding_box()
    stage = page.locator("#stage").bounding_box()
    assert outline is not None
    assert stage is not None
    assert stage["x"] < outline["x"]
    assert outline["x"] + outline["width"] < stage["x"] + stage["width"]
    shoot(page, "61-place-by-the-form")


def test_every_witness_stands_with_its_number(desk: Site, open_as: Open, shoot: Shoot) -> None:
    page = open_as("vera")
    page.goto(f"/items/{item_of(desk, 'suara_paslon_1', THIRD).id}")
    for name in ("angka", "bulatan", "turus", "huruf"):
        expect(page.locator(".crops .hint", has_text=name).first).to_contain_text("24")
    page.locator("summary", has_text="Turus baris demi baris").click()
    expect(page.locator(".crops .hint", has_text="Baris 1")).to_contain_text("20 turus")
    for picture in page.locator(".crops img").all():
        picture.scroll_into_view_if_needed()
        handle = picture.element_handle()
        page.wait_for_function("e => e.complete && e.naturalWidth > 0", arg=handle)
    shoot(page, "62-all-witnesses")


def test_two_fingers_pinch_and_one_drags(chromium: Browser, desk: Site) -> None:
    context = chromium.new_context(
        base_url=desk.address, viewport={"width": 800, "height": 1100}, has_touch=True
    )
    token = desk.session_of("vera")
    context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": desk.address}])
    page = context.new_page()
    page.goto(f"/items/{item_of(desk, 'suara_paslon_1', THIRD).id}")
    viewer, stage = page.locator("#viewer"), page.locator("#stage")
    page.keyboard.press("f")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    fingers = context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x + dx, "y": y + dy, "id": n} for n, (dx, dy) in enumerate(points)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def scale() -> float:
        return float(viewer.get_attribute("data-scale") or 0)

    whole = scale()
    assert viewer.get_attribute("data-at") == "900 1200"
    touch("touchStart", (-40, 0), (40, 0))
    for far in (60, 80, 120):
        touch("touchMove", (-far, 0), (far, 0))
    touch("touchEnd")
    assert scale() == pytest.approx(3 * whole, rel=0.1)  # three times as far apart
    middle = [int(one) for one in (viewer.get_attribute("data-at") or "").split()]
    assert middle == pytest.approx([900, 1200], abs=6)  # what lay between the fingers stays there
    at = viewer.get_attribute("data-at")
    touch("touchStart", (0, 0))
    touch("touchMove", (30, 20))
    touch("touchMove", (60, 40))
    touch("touchEnd")
    assert viewer.get_attribute("data-at") != at
    assert scale() == pytest.approx(3 * whole, rel=0.1)
    assert page.evaluate("visualViewport.scale") == 1  # the photo grew, not the page
    context.close()

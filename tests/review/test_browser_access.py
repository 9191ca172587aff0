"""axe-core finds nothing serious on any page, in either language: filled, empty, refused.

axe-core comes from npm and stays outside the project: name its ``axe.min.js`` in CHASIL_AXE.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from fixtures.review_site import FIRST, SECOND, THIRD, Site, fill_desk, serve
from models.people import Role
from models.store.item_filter import ItemFilter
from models.store.store import Store
from review.desk import Desk
from review.texts import LANGUAGES
from review.web.parts import LANGUAGE_COOKIE, SESSION_COOKIE

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def axe() -> str:
    path = os.environ.get("CHASIL_AXE")
    if path is None or not Path(path).is_file():
        pytest.skip("axe-core is not here: npm install axe-core, and name axe.min.js in CHASIL_AXE")
    return Path(path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One room for all tests here."""
    with Store.open(tmp_path_factory.mktemp("access") / "home") as store:
        fill_desk(store, more=True)
        with serve(store) as site:
            yield site


def speak(page: Page, site: Site, language: str) -> None:
    page.context.add_cookies([{"name": LANGUAGE_COOKIE, "value": language, "url": site.address}])


def serious(page: Page, axe: str) -> list[str]:
    """What axe calls serious or critical, with the elements."""
    page.evaluate(axe)  # through the debugger: the page's own policy stays as it is
    found = page.evaluate("axe.run(document, {resultTypes: ['violations'], preload: false})")
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {[node['html'] for node in one['nodes']]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


def test_no_serious_violation_on_any_page(desk: Site, open_as: Open, axe: str) -> None:
    visitor = open_as(None)
    visitor.goto("/sign-in")
    assert serious(visitor, axe) == []
    page = open_as("budi")
    for path in ("/queue", "/queue?kind=page_missing&status=done", "/password", "/items/99999"):
        page.goto(path)
        assert serious(page, axe) == [], path
    first, *_, last = desk.store.queue.items(ItemFilter()).items
    field = desk.store.queue.items(ItemFilter(tps=FIRST)).items[1]
    for item in (first, last, field):
        page.goto(f"/items/{item.id}")
        assert serious(page, axe) == [], item
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    assert serious(page, axe) == []
    page.keyboard.press("Escape")
    page.locator("#paper").fill("137")
    page.keyboard.press("Enter")
    expect(page.locator("#item[data-ready] #decide")).to_be_visible()
    for key in ("a", "h", "i", "5"):
        page.keyboard.press(key)
    assert serious(page, axe) == []
    page.evaluate("document.querySelector('.crops img').removeAttribute('alt')")
    assert any("image-alt" in one for one in serious(page, axe))  # axe does look
    page.keyboard.press("Control+Enter")  # the reference is missing
    expect(page.locator("#problem")).to_be_visible()
    assert serious(page, axe) == []


KECAMATAN, DESA = FIRST[:6], FIRST[:10]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_serious_violation_where_people_look(
    desk: Site, open_as: Open, axe: str, language: str
) -> None:
    page = open_as("citra")
    speak(page, desk, language)
    items = desk.store.queue.items(ItemFilter(tps=THIRD)).items
    for path in (
        *("/regions/3216", f"/regions/{KECAMATAN}", f"/regions/{DESA}", f"/tps/{FIRST}"),
        *(f"/kecamatan/{KECAMATAN}", f"/kecamatan/{KECAMATAN}?only=differs", f"/tps/{SECOND}"),
        *("/reports", "/trail", "/users", "/settings", "/password", "/queue", "/regions/99"),
        *(f"/items/{item.id}" for item in items),
    ):
        page.goto(path)
        for details in page.locator("details").all():
            details.evaluate("e => { e.open = true; }")
        assert serious(page, axe) == [], path
    looker = open_as("budi")
    speak(looker, desk, language)
    for path in (f"/kecamatan/{KECAMATAN}", f"/tps/{FIRST}", "/users"):  # hidden numbers; refused
        looker.goto(path)
        assert serious(looker, axe) == [], path


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_serious_violation_after_a_press(
    desk: Site, open_as: Open, axe: str, language: str
) -> None:
    page = open_as("citra")
    speak(page, desk, language)

    def submitted(path: str, press: str, fill: tuple[str, str] | None = None) -> None:
        page.goto(path)
        if fill:
            page.locator(fill[0]).fill(fill[1])
        page.locator(press).first.click()
        page.wait_for_load_state()
        assert serious(page, axe) == [], (path, press)

    submitted("/trail", "form[action^='/trail/verify'] button")
    submitted("/trail?who=nobody", "form[action='/trail'] button")
    submitted("/users", "form[action='/users'] button", ("#name", "x!"))  # refused
    submitted("/users", "form[action$='/link'] button")  # a link is shown
    submitted("/settings", "form.setting button", ("#second_person_votes", "-1"))  # refused
    submitted("/settings", "form.setting button", ("#second_person_votes", "10"))
    sari = desk.store.accounts.find("sari")
    assert sari is not None
    held = desk.store.queue.items(ItemFilter(tps=SECOND)).items[0]
    Desk(desk.store).claim(sari, held.id)
    page.goto(f"/items/{held.id}")  # held by somebody else
    assert serious(page, axe) == []
    visitor = open_as(None)
    speak(visitor, desk, language)
    visitor.goto("/sign-in")
    visitor.locator("#name").fill("budi")
    visitor.locator("#password").fill("salah sama sekali")
    visitor.keyboard.press("Enter")
    expect(visitor.locator(".problem")).to_be_visible()
    assert serious(visitor, axe) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_serious_violation_where_nothing_is_yet(
    chromium: Browser, axe: str, language: str, tmp_path: Path
) -> None:
    with Store.open(tmp_path / "home") as store:
        store.accounts.add("citra", Role.SUPERVISOR, by="test")
        with serve(store) as site:
            context = chromium.new_context(base_url=site.address)
            token = site.session_of("citra")
            context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": site.address}])
            page = context.new_page()
            speak(page, site, language)
            for path in (
                *("/queue", "/regions", f"/kecamatan/{KECAMATAN}", f"/tps/{FIRST}"),
                *("/reports", "/trail", "/users"),
            ):
                page.goto(path)
                assert serious(page, axe) == [], path
            context.close()

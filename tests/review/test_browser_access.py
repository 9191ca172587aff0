"""axe-core finds nothing serious on the pages an auditor works on.

axe-core comes from npm and stays outside the project: name its ``axe.min.js`` in CHASIL_AXE.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from fixtures.review_site import FIRST, Site
from models.store.item_filter import ItemFilter

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def axe() -> str:
    path = os.environ.get("CHASIL_AXE")
    if path is None or not Path(path).is_file():
        pytest.skip("axe-core is not here: npm install axe-core, and name axe.min.js in CHASIL_AXE")
    return Path(path).read_text(encoding="utf-8")


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

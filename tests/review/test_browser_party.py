"""axe-core and a phone's width on the pages of party elections: folds, choices, wide tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from fixtures.party_entries import PartyDefect, write_tree
from fixtures.review_site import serve
from flows.checking import check_entries
from flows.importing import import_entries
from models.elections import Election
from models.people import Role
from models.store.store import Store

TPS = "3216032001001"
DPR = Election.DPR.form


@pytest.fixture
def page(tmp_path: Path, chromium: Browser) -> Iterator[Page]:
    """A supervisor's browser in a room with five elections of two TPS."""
    defects = {(TPS, Election.DPR): PartyDefect.TOTAL_WRONG}
    root = write_tree(tmp_path, [TPS, "3216032001002"], defects=defects)
    with Store.open(tmp_path / "home") as store:
        import_entries(store, root)
        check_entries(store)
        store.accounts.add("citra", Role.SUPERVISOR, by="test")
        with serve(store) as site:
            context = chromium.new_context(base_url=site.address)
            context.set_default_timeout(10_000)
            opened = context.new_page()
            opened.goto(site.link_for("citra"))
            yield opened
            context.close()


def test_party_pages_in_a_browser(page: Page, shoot: Callable[[Page, str], None]) -> None:
    page.goto("/regions/321603")
    page.get_by_role("link", name="DPR", exact=True).click()
    expect(page.locator(".elections [aria-current]")).to_have_text("DPR")
    golkar = page.locator("details.party").nth(3)
    expect(golkar.locator("table")).to_be_hidden()
    golkar.locator("summary").click()
    expect(golkar.locator("table")).to_be_visible()
    expect(golkar).to_contain_text("4 Golkar, suara partai")
    shoot(page, "party-01-dashboard")
    page.goto(f"/kecamatan/321603?form={DPR}")
    page.locator("details.columns summary").click()
    checked = page.locator("details.columns input:checked")
    expect(checked).to_have_count(6)
    for _ in range(6):
        checked.first.uncheck()
    page.get_by_label("4 Golkar").check()
    page.locator("details.columns button").click()
    expect(page.locator("thead")).to_contain_text("4 Golkar")
    expect(page.locator("thead")).not_to_contain_text("1 PKB")
    shoot(page, "party-02-kecamatan")
    page.set_viewport_size({"width": 390, "height": 800})  # a phone: tables scroll, pages don't
    for path in (f"/regions/321603?form={DPR}", f"/kecamatan/321603?form={DPR}", f"/tps/{TPS}"):
        page.goto(path)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, path


def test_no_serious_violation_on_party_pages(page: Page) -> None:
    place = os.environ.get("CHASIL_AXE", "")
    if not Path(place).is_file():
        pytest.skip("axe-core is not here: npm install axe-core, and name axe.min.js in CHASIL_AXE")
    axe = Path(place).read_text(encoding="utf-8")
    for path in (
        *(f"/regions/321603?form={DPR}", f"/kecamatan/321603?form={DPR}"),
        *(f"/tps/{TPS}?form={DPR}", f"/queue?form={DPR}", f"/tps/{TPS}?form={Election.DPD.form}"),
    ):
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations'], preload: false})")
        serious = [
            f"{one['id']}: {[node['html'] for node in one['nodes']][:3]}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == [], path

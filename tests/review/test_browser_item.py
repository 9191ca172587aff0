"""Real auditors' work in a real browser: keyboard only, blind first, two people, drafts, photo."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from fixtures.review_site import FIRST, PASSWORD, Site
from models.queue import ItemStatus
from models.store.item_filter import ItemFilter

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]


def number_of(desk: Site, field: str, tps: str = FIRST) -> int:
    items = desk.store.queue.items(ItemFilter(tps=tps)).items
    return next(item.id for item in items if item.field == field)


def status_of(desk: Site, number: int) -> ItemStatus:
    item = desk.store.queue.item(number)
    assert item is not None
    return item.status


def ready(page: Page, part: str) -> None:
    """Wait until a page with this part is there and its scripts have run."""
    expect(page.locator(f"#item[data-ready=yes] {part}")).to_be_visible()


def say_and_decide(page: Page, number: str, outcome: str) -> None:
    """Keys only: number, Enter, outcome, Ctrl + Enter."""
    ready(page, "#answer")
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    ready(page, "#decide")
    page.keyboard.press(outcome)
    page.keyboard.press("Control+Enter")


def test_sign_in_and_decide_by_keyboard_alone(desk: Site, open_as: Open, shoot: Shoot) -> None:
    page = open_as(None)
    page.goto("/queue")
    shoot(page, "01-sign-in")
    for text, key in (("budi", "Tab"), (PASSWORD, "Enter")):
        if text == "budi":
            page.locator("#name").focus()
        page.keyboard.type(text)
        page.keyboard.press(key)
    page.wait_for_url("**/queue")
    shoot(page, "02-queue")

    page.keyboard.press("l")
    page.wait_for_url("**/items/*")
    first = int(re.findall(r"/items/(\d+)", page.url)[0])
    assert first == number_of(desk, "suara_paslon_1")
    expect(page.locator("#paper")).to_be_focused()
    expect(page.locator("#item")).to_have_attribute("data-fetched", re.compile("[1-9]"))
    text = page.locator("body").inner_text()
    assert "824" not in text
    assert "angka berbeda" not in text
    shoot(page, "03-blind")

    page.keyboard.press("Enter")  # nothing typed
    expect(page.locator("#live")).to_contain_text("Ketik angka")
    page.keyboard.type("24")
    page.keyboard.press("Enter")
    ready(page, "#decide")
    expect(page.locator(".sides")).to_contain_text("824")
    shoot(page, "05-revealed")
    page.keyboard.press("c")
    page.keyboard.press("Enter")  # Enter alone
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")  # no outcome chosen
    expect(page.locator("#live")).to_contain_text("Pilih apa yang Anda temukan")
    assert page.url.endswith(f"/items/{first}")
    assert status_of(desk, first) is ItemStatus.OPEN
    page.keyboard.press("2")
    page.keyboard.press("Enter")  # chosen, but Enter alone
    page.wait_for_timeout(150)
    assert status_of(desk, first) is ItemStatus.OPEN
    shoot(page, "06-chosen")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/items/*notice=decided_second*")
    expect(page.locator(".notice")).to_contain_text("auditor kedua")
    assert status_of(desk, first) is ItemStatus.SECOND
    shoot(page, "07-next-item")


def test_a_queue_to_its_end_by_keyboard_alone(desk: Site, open_as: Open, shoot: Shoot) -> None:
    page = open_as(None)
    page.goto(desk.link_for("budi"))  # the one-time link
    page.wait_for_url("**/queue")
    page.keyboard.press("l")
    page.wait_for_url("**/items/*")
    say_and_decide(page, "24", "2")
    page.wait_for_url("**/items/*notice=decided_second*")
    say_and_decide(page, "137", "2")
    page.wait_for_url("**/items/*notice=decided*last=2*")
    assert status_of(desk, number_of(desk, "suara_paslon_2")) is ItemStatus.DONE

    say_and_decide(page, "24", "3")  # Sirekap is right, the machine wrong: on a clear field
    page.wait_for_url("**/items/*notice=decided_second*")
    ready(page, "#decide")  # a rejected photo: nothing to type blind
    expect(page.locator("h1")).to_have_text("Perlu dibaca orang")
    shoot(page, "08-rejected-photo")
    page.keyboard.press("3")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/items/*notice=decided*last=4*")
    shoot(page, "09-no-photo")
    ready(page, "#answer")
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    ready(page, "#decide")
    page.keyboard.press("6")
    expect(page.locator("#reason")).to_be_focused()
    page.keyboard.type("tidak ada foto")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/queue?*notice=nothing_left*")
    expect(page.locator("main")).to_contain_text("3 dari 5 selesai")
    shoot(page, "10-nothing-left")


def test_undo_is_one_key_away_and_is_recorded(desk: Site, open_as: Open, shoot: Shoot) -> None:
    page = open_as("budi")
    number = number_of(desk, "suara_paslon_2")
    page.goto(f"/items/{number}")
    say_and_decide(page, "137", "2")
    page.wait_for_url("**/items/*last=*")
    assert status_of(desk, number) is ItemStatus.DONE
    page.keyboard.press("u")
    page.wait_for_url(f"**/items/{number}?notice=undone")
    expect(page.locator(".notice")).to_contain_text("dibatalkan")
    assert status_of(desk, number) is ItemStatus.OPEN
    page.keyboard.press("h")
    expect(page.locator("details[open]").last).to_contain_text("Sirekap: 131")
    page.keyboard.press("a")
    page.keyboard.press("i")
    shoot(page, "11-undone")


def test_two_auditors_on_one_item(desk: Site, open_as: Open, shoot: Shoot) -> None:
    budi, sari = open_as("budi"), open_as("sari")
    number = number_of(desk, "suara_paslon_2")
    sari.goto(f"/items/{number}")  # opened before budi answered
    budi.goto(f"/items/{number}")
    budi.keyboard.type("137")
    budi.keyboard.press("Enter")
    ready(budi, "#decide")
    sari.keyboard.type("137")
    sari.keyboard.press("Enter")
    expect(sari.locator(".problem")).to_contain_text("budi sedang mengerjakan")
    assert "131" not in sari.locator("body").inner_text()
    shoot(sari, "12-held-by-other")
    budi.keyboard.press("2")
    budi.keyboard.press("Control+Enter")
    budi.wait_for_url("**/items/*last=*")
    sari.go_back()
    expect(sari.locator("#paper")).to_have_count(0)  # done meanwhile: there is nothing to type
    expect(sari.locator(".work")).to_contain_text("Entri salah")
    shoot(sari, "13-done-meanwhile")


def test_a_stale_decision_is_refused_with_what_happened(
    desk: Site, open_as: Open, shoot: Shoot
) -> None:
    budi, again = open_as("budi"), open_as("budi")
    number = number_of(desk, "suara_paslon_2")
    for page in (budi, again):
        page.goto(f"/items/{number}")
    budi.keyboard.type("137")
    budi.keyboard.press("Enter")
    ready(budi, "#decide")
    again.goto(f"/items/{number}")
    for page in (budi, again):
        page.keyboard.press("2")
        page.keyboard.press("Control+Enter")
        if page is budi:
            page.wait_for_url("**/items/*last=*")
    expect(again.locator("#problem")).to_contain_text("Entri salah: 137")
    shoot(again, "14-stale")
    decided = [one for one in desk.store.trail.newest(who="budi", limit=50) if one.act == "decided"]
    assert len(decided) == 1


def test_a_second_person_decides_blind(desk: Site, open_as: Open, shoot: Shoot) -> None:
    number = number_of(desk, "suara_paslon_1")
    budi, sari = open_as("budi"), open_as("sari")
    budi.goto(f"/items/{number}")
    say_and_decide(budi, "24", "2")
    budi.wait_for_url("**/items/*notice=decided_second*")
    budi.goto(f"/items/{number}")
    expect(budi.locator("#decide")).to_have_count(0)
    expect(budi.locator(".work")).to_contain_text("menunggu auditor lain")
    shoot(budi, "15-waits-for-second")
    sari.goto(f"/items/{number}")
    text = sari.locator("main").inner_text()
    assert "824" not in text
    assert "budi" not in text
    say_and_decide(sari, "29", "2")
    sari.wait_for_url("**/items/*notice=decided_supervisor*")
    assert status_of(desk, number) is ItemStatus.SUPERVISOR
    citra = open_as("citra")
    citra.goto(f"/items/{number}")
    citra.keyboard.type("24")
    citra.keyboard.press("Enter")
    ready(citra, "#decide")
    expect(citra.locator("#decisions-title")).to_be_visible()
    shoot(citra, "16-supervisor")
    citra.keyboard.press("2")
    citra.keyboard.press("Control+Enter")
    citra.wait_for_url("**/*last=*")
    item = desk.store.queue.item(number)
    assert item is not None
    assert (item.status, item.number) == (ItemStatus.DONE, 24)


def test_a_draft_survives_a_closed_tab(desk: Site, open_as: Open, shoot: Shoot) -> None:
    page = open_as("budi")
    number = number_of(desk, "suara_paslon_2")
    page.goto(f"/items/{number}")
    page.keyboard.type("13")
    tab = page.context.new_page()
    page.close()
    tab.goto(f"/items/{number}")
    expect(tab.locator("#paper")).to_have_value("13")
    expect(tab.locator("#live")).not_to_be_empty()
    tab.keyboard.press("End")
    tab.keyboard.type("7")
    tab.keyboard.press("Enter")
    ready(tab, "#decide")
    tab.keyboard.press("5")
    expect(tab.locator("#reference")).to_be_focused()
    tab.keyboard.type("Sukakarya, 2024-03-02")
    tab.keyboard.press("Escape")
    tab.goto("/queue")
    tab.go_back()
    expect(tab.locator("#reference")).to_have_value("Sukakarya, 2024-03-02")
    expect(tab.locator("[value=corrected_at_plenary]")).to_be_checked()
    shoot(tab, "17-draft")
    tab.keyboard.press("Control+Enter")
    tab.wait_for_url("**/items/*last=*")
    left = tab.evaluate("Object.keys(localStorage).filter(k => k.startsWith('chasil-draft/'))")
    assert left == []
    item = desk.store.queue.item(number)
    assert item is not None
    assert (item.outcome, item.number) == ("corrected_at_plenary", 137)


def test_the_photo_zooms_pans_and_turns(desk: Site, open_as: Open, shoot: Shoot) -> None:
    page = open_as("budi")
    viewer = page.locator("#viewer")

    def scale() -> float:
        return float(viewer.get_attribute("data-scale") or 0)

    def at() -> list[int]:
        return [int(one) for one in (viewer.get_attribute("data-at") or "").split()]

    page.goto(f"/items/{number_of(desk, 'suara_paslon_2')}")
    outline = page.locator("rect.outline").bounding_box()
    stage = page.locator("#stage").bounding_box()
    assert outline is not None
    assert stage is not None
    for start, length in (("x", "width"), ("y", "height")):  # the whole field is in sight
        assert outline[start] > stage[start]  # type: ignore[literal-required]
        end = outline[start] + outline[length]  # type: ignore[literal-required]
        assert end < stage[start] + stage[length]  # type: ignore[literal-required]
    page.keyboard.press("?")  # help, from within the number's field
    expect(page.locator("#help")).to_be_visible()
    shoot(page, "04-keys")
    page.keyboard.press("Escape")
    expect(page.locator("#paper")).to_be_focused()
    assert page.locator("rect.outline").count() == 1
    before = scale()
    page.keyboard.press("+")  # from within the number's field
    assert scale() > before
    page.keyboard.press("f")
    assert at() == [900, 1200]
    page.keyboard.press("r")
    expect(viewer).to_have_attribute("data-turned", "1")
    page.keyboard.press("b")
    page.keyboard.press("v")
    expect(page.locator("#stage")).to_be_focused()
    here = at()
    page.keyboard.press("ArrowRight")
    assert at() != here
    shoot(page, "18-turned")

    rejected = desk.store.queue.items(ItemFilter(kind="unreadable")).items[0]
    page.goto(f"/items/{rejected.id}")
    assert page.locator("rect.outline").count() == 0
    assert at() == [900, 1200]
    whole = scale()
    middle = page.locator("#stage").bounding_box()
    assert middle is not None
    page.mouse.move(middle["x"] + 100, middle["y"] + 100)
    page.mouse.wheel(0, -300)
    page.wait_for_function("s => document.getElementById('viewer').dataset.scale > s", arg=whole)
    page.mouse.down()
    here = at()
    page.mouse.move(middle["x"] + 160, middle["y"] + 160)
    page.mouse.up()
    assert at() != here


def test_the_whole_way_without_scripts(desk: Site, open_as: Open, shoot: Shoot) -> None:
    page = open_as("budi", scripts=False)
    number = number_of(desk, "suara_paslon_2")
    page.goto(f"/items/{number}")
    expect(page.locator("#stage svg")).to_be_visible()
    page.locator("#paper").fill("137")
    page.keyboard.press("Enter")
    shoot(page, "19-without-scripts")
    page.locator("[value=entry_wrong]").check()
    page.keyboard.press("Enter")  # Enter alone, also here
    expect(page.locator("#problem")).to_contain_text("Enter saja tidak memutuskan")
    expect(page.locator("[value=entry_wrong]")).to_be_checked()
    assert status_of(desk, number) is ItemStatus.OPEN
    page.locator("[data-confirm]").click()
    page.wait_for_url("**/items/*last=*")
    assert status_of(desk, number) is ItemStatus.DONE


def test_english_and_a_small_window(desk: Site, open_as: Open, shoot: Shoot) -> None:
    page = open_as("budi", width=640)  # 1280 px at 200 %
    number = number_of(desk, "suara_paslon_1")
    page.goto(f"/items/{number}")
    page.get_by_role("link", name="English").click()
    page.wait_for_url(f"**/items/{number}")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#blind-title")).to_have_text("What does the paper say?")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 640
    shoot(page, "20-english-200-percent")
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    page.wait_for_url("**/items/*notice=skipped")
    page.goto("/queue?kind=page_missing&status=done")
    shoot(page, "21-queue-empty")
    assert page.evaluate("document.documentElement.scrollWidth") <= 640


def test_the_queue_filters_by_region(open_as: Open, shoot: Shoot) -> None:
    page = open_as("vera")
    page.goto("/queue")
    page.locator("#region").select_option("321603")
    page.get_by_role("button", name="Saring").click()
    page.wait_for_url("**region=321603*")
    expect(page.locator("tbody tr")).to_have_count(5)
    shoot(page, "22-queue-filtered")
    page.locator("#region").select_option("321601")
    page.get_by_role("button", name="Saring").click()
    page.wait_for_url("**region=321601*")
    expect(page.locator(".empty")).to_contain_text("Tidak ada butir")

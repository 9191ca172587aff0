"""Dashboard, kecamatan, TPS, reports, trail, users and settings in a real browser."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pypdfium2
import pytest
from openpyxl import load_workbook
from playwright.sync_api import Download, Page, expect

from fixtures.review_site import FIRST, Site, fill_desk, serve
from models.people import Role
from models.store.item_filter import ItemFilter
from models.store.store import Store
from review.answers import PaperSays, Says
from review.desk import Desk
from review.outcomes import parse_finding

Open = Callable[..., Page]
Shoot = Callable[[Page, str], None]

KECAMATAN, DESA = FIRST[:6], FIRST[:10]
NARROW = 640
"""A window of 1280 px at 200 %."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One room for all tests here: seven items, one of them decided, one by one person."""
    with Store.open(tmp_path_factory.mktemp("overview") / "home") as store:
        fill_desk(store, more=True)
        for field, number in (("suara_paslon_1", 24), ("suara_paslon_2", 137)):
            decide(store, field, number)
        with serve(store) as site:
            yield site


def decide(store: Store, field: str, number: int) -> None:
    """Budi says that the entry is wrong."""
    budi = store.accounts.find("budi")
    assert budi is not None
    items = store.queue.items(ItemFilter(tps=FIRST)).items
    item = next(one for one in items if one.field == field)
    paper = PaperSays(says=Says.NUMBER, number=number)
    item = Desk(store).answer(budi, item.id, item.version, paper)
    finding = parse_finding(
        item, outcome="entry_wrong", number=number, empty=False, reason="", reference=""
    )
    Desk(store).decide(budi, item.id, item.version, finding, attempt="")


def fits(page: Page) -> bool:
    """Whether nothing but tables that scroll by themselves is wider than the window."""
    page.wait_for_load_state()  # without its style sheet a page is as wide as its tables
    wide: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return wide <= 0


def saved(page: Page, press: Callable[[], None]) -> tuple[str, bytes]:
    """Name and content of the file that a press downloads."""
    with page.expect_download() as waiting:
        press()
    download: Download = waiting.value
    return download.suggested_filename, Path(download.path()).read_bytes()


def test_down_the_tree_from_the_kabupaten_to_a_tps(open_as: Open, shoot: Shoot) -> None:
    page = open_as("vera")
    page.goto("/")
    page.wait_for_url("**/regions/3216*")  # who looks on begins at the dashboard
    page.goto("/regions/3216")
    expect(page.locator("h1")).to_have_text("BEKASI")
    expect(page.locator("figure.chart")).to_have_count(4)
    for chart in page.locator("figure.chart svg.bars").all():
        assert chart.locator("rect.bar").count() > 0
        box = chart.bounding_box()
        assert box is not None
        assert box["height"] > 20
    shoot(page, "30-dashboard-kabupaten")
    page.locator("figure.chart summary").first.click()
    expect(page.locator("figure.chart details[open] table")).to_be_visible()
    page.get_by_role("link", name="SUKAWANGI", exact=True).click()
    page.wait_for_url(f"**/regions/{KECAMATAN}")
    expect(page.locator(".path [aria-current]")).to_have_text("SUKAWANGI")
    shoot(page, "31-dashboard-kecamatan")
    page.locator("tbody").first.get_by_role("link", name="SUKADAYA").click()
    page.wait_for_url(f"**/regions/{DESA}")
    row = page.get_by_role("row", name="TPS 001")
    expect(row).to_contain_text("1 / 2")
    shoot(page, "32-dashboard-desa")
    row.get_by_role("link").click()
    page.wait_for_url(f"**/tps/{FIRST}")
    expect(page.locator("main")).to_contain_text("824")
    expect(page.locator("tr.differs")).not_to_have_count(0)
    photo = page.locator(".photos img").first
    photo.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('.photos img').naturalWidth > 0")
    shoot(page, "33-tps")


def test_the_kecamatan_for_projector_and_paper(open_as: Open, shoot: Shoot, tmp_path: Path) -> None:
    page = open_as("citra")
    page.goto(f"/kecamatan/{KECAMATAN}")
    size = page.locator("table.projector").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    assert size >= 18  # read from the last row
    every = page.locator("table.projector tbody tr:not(.desa)").count()
    expect(page.locator("td.differs")).not_to_have_count(0)
    expect(page.locator("td.decided")).to_have_count(1)
    shoot(page, "34-kecamatan")
    page.locator(".lead a").click()
    page.wait_for_url("**only=differs")
    some = page.locator("table.projector tbody tr:not(.desa)").count()
    assert 0 < some < every
    expect(page.locator("table.projector")).to_contain_text("824")
    shoot(page, "35-kecamatan-only-what-differs")
    page.emulate_media(media="print")
    for gone in ("header.top", "footer", ".screen-only", ".path"):
        expect(page.locator(gone).first).to_be_hidden()
    expect(page.locator("td.differs").first).to_be_visible()
    shoot(page, "36-kecamatan-print")
    page.goto(f"/kecamatan/{KECAMATAN}")
    page.emulate_media(media="print")
    content = page.pdf(path=tmp_path / "kecamatan.pdf", prefer_css_page_size=True)
    with pypdfium2.PdfDocument(content) as document:
        wide, high = document[0].get_size()
        assert wide > high  # across
        last = document[len(document) - 1].get_textpage().get_text_range()
        assert "Suara sah" in last  # the head stands on every page
        assert len(document) < 60


def test_every_report_is_a_whole_file(
    desk: Site, open_as: Open, shoot: Shoot, tmp_path: Path
) -> None:
    page = open_as("citra")
    page.goto("/reports")
    shoot(page, "37-reports")
    page.locator("#region").fill(KECAMATAN)
    name, content = saved(page, page.get_by_role("button", name="CSV").click)
    assert name.endswith(".csv")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert len(rows) == desk.store.overview.count(ItemFilter(region=KECAMATAN)) == 7
    decided = next(row for row in rows if row["status"] == "done")
    assert (decided["reported"], decided["audited"]) == ("131", "137")
    name, content = saved(page, page.get_by_role("button", name="XLSX").click)
    assert name.endswith(".xlsx")
    sheet = load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    assert sheet.max_row == 8
    row = page.get_by_role("row", name="SUKAWANGI")
    name, content = saved(page, row.get_by_role("button", name="PDF").click)
    assert name.endswith(".pdf")
    with pypdfium2.PdfDocument(content) as document:
        text = document[0].get_textpage().get_text_range()
        assert "SUKAWANGI" in text
        assert "137" in text
    name, content = saved(page, row.get_by_role("button", name="HTML").click)
    assert name.endswith(".html")
    html = content.decode()
    assert "data:image/jpeg;base64," in html
    assert "Di kertas tertulis 24, di Sirekap 824." in html
    record = tmp_path / name
    record.write_bytes(content)
    alone = page.context.new_page()  # as who got the file by mail
    alone.goto(record.as_uri())
    assert alone.locator("img").first.evaluate("e => e.naturalWidth") > 0
    page = alone
    shoot(page, "38-record")


def test_the_trail_is_filtered_and_verified(open_as: Open, shoot: Shoot) -> None:
    page = open_as("citra")
    page.goto("/trail")
    shoot(page, "39-trail")
    page.locator("#who").fill("budi")
    page.locator("#act").select_option("decided")
    page.get_by_role("button", name="Saring").click()
    page.wait_for_url("**act=decided*")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("button", name="Periksa").click()
    expect(page.locator(".notice")).to_contain_text("setiap butir sesuai")
    expect(page.locator(".notice code")).to_contain_text(":")
    shoot(page, "40-trail-verified")


def test_a_supervisor_keeps_the_accounts(desk: Site, open_as: Open, shoot: Shoot) -> None:
    page = open_as("citra")
    page.goto("/users")
    page.locator("#name").fill("Tono!")
    page.get_by_role("button", name="Tambah").click()
    expect(page.locator(".problem")).to_contain_text("Nama ini tidak dapat dipakai")
    expect(page.locator("#name")).to_have_value("tono!")
    shoot(page, "41-users-refused")
    page.locator("#name").fill("tono")
    page.locator("#regions").fill(KECAMATAN)
    page.get_by_role("button", name="Tambah").click()
    link = page.locator("#link").input_value()
    shoot(page, "42-users-link")
    tono = open_as(None)
    tono.goto(link)
    tono.wait_for_url("**/queue")
    tono.goto(link)
    expect(tono.locator("h1")).to_contain_text("")  # used up
    assert "sudah dipakai" in tono.locator("main").inner_text()
    shoot(tono, "43-link-used-up")

    row = page.get_by_role("row", name="tono")
    row.get_by_label("Peran tono", exact=True).select_option("viewer")
    row.get_by_label("Simpan peran tono").click()
    page.wait_for_url("**notice=user_changed")
    page.get_by_label("Wilayah tono", exact=True).fill("3216, 3217")
    page.get_by_label("Simpan wilayah tono").click()
    page.wait_for_load_state()
    changed = desk.store.accounts.find("tono")
    assert changed is not None
    assert (changed.role, changed.regions) == (Role.VIEWER, ("3216", "3217"))
    shoot(page, "44-users-changed")
    page.get_by_label("Setel ulang kata sandi budi").click()
    expect(page.locator(".notice")).to_contain_text("budi")
    assert desk.store.accounts.password_hash("budi") is None
    page.get_by_label("Tutup akun tono").click()
    page.wait_for_url("**notice=user_changed")
    expect(page.get_by_label("Buka lagi akun tono")).to_be_visible()
    tono.goto("/queue")
    tono.wait_for_url("**/sign-in*")


def test_settings_are_changed_and_refused(open_as: Open, shoot: Shoot) -> None:
    page = open_as("citra")
    page.goto("/settings")
    field = page.locator("#second_person_votes")
    field.fill("-3")
    field.press("Enter")
    expect(page.locator(".problem")).to_contain_text("tidak bisa dipakai")
    expect(field).to_have_value("-3")
    shoot(page, "45-settings-refused")
    field.fill("25")
    field.press("Enter")
    expect(page.locator(".notice")).to_be_visible()
    expect(field).to_have_value("25")
    shoot(page, "46-settings")


PATHS = (
    *("/queue", "/regions/3216", f"/regions/{KECAMATAN}", f"/regions/{DESA}", f"/tps/{FIRST}"),
    *(f"/kecamatan/{KECAMATAN}", "/reports", "/trail", "/users", "/settings", "/password"),
)


def test_every_page_in_both_languages_at_200_percent(open_as: Open, shoot: Shoot) -> None:
    page = open_as("citra", width=NARROW)
    texts: dict[str, tuple[str, str]] = {"id": ("English", "en"), "en": ("Bahasa Indonesia", "id")}
    now = "id"
    for path in PATHS:
        page.goto(path)
        before = page.locator("header nav").inner_text()
        assert fits(page), (path, now)
        link, now = texts[now]
        page.get_by_role("link", name=link).click()
        expect(page.locator("html")).to_have_attribute("lang", now)
        assert page.url.endswith(path)
        assert page.locator("header nav").inner_text() != before
        assert fits(page), (path, now)
        shoot(page, f"50-200-percent{path.replace('/', '-')}-{now}")


def test_a_word_longer_than_the_window_is_broken(open_as: Open, shoot: Shoot) -> None:
    """The name of a photo, a hash, a name that somebody chose: wherever it may stand."""
    page = open_as("citra", width=NARROW)
    for path in ("/trail", f"/tps/{FIRST}", "/users"):
        page.goto(path)
        lengthened = page.evaluate(
            """() => {
                const places = document.querySelectorAll(
                    "h1, h2, main p, main li, dd, td, label, nav a, .who span, .brand a, footer p");
                places.forEach((place) => place.append("w".repeat(150)));
                return places.length;
            }"""
        )
        assert lengthened > 20
        shoot(page, f"51-long-words{path.replace('/', '-')}")
        assert fits(page), path

"""The app over HTTP: one whole way without JavaScript, and everything that must be refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from fixtures.databases import Databases
from fixtures.review_site import without_tokens
from fixtures.review_store import FIELD_BOX, SIZE, cell, fill, item_facts, keep_photo, progress_of
from models.people import Role
from models.queue import SAMPLE, ItemStatus
from models.store.item_filter import ItemFilter
from models.store.room_tables import SessionRow
from models.store.store import Store
from models.trail import Act
from review.app import create_app
from review.passwords import hash_password, new_token, token_hash
from review.pictures import VIEW_PX
from review.web.parts import own_path
from review.web.protection import HEADERS, MOST_BODY_BYTES
from review.web.signing_in import MOST_FAILURES_FROM_HERE

TPS = "3216032003001"
OTHER = "3216042001001"
PASSWORD = "empat kata acak panjang"  # noqa: S105 - of invented users
HASHES = {name: hash_password(PASSWORD, name) for name in ("budi",)}
NASTY = "<script>alert(1)</script>\"'>{{7*7}}"


@dataclass
class Site:
    store: Store
    photo: str
    other_photo: str

    def browser(self, address: str = "testclient") -> Browser:
        return Browser(self, address)

    def browser_of(self, name: str) -> Browser:
        return self.browser().signed_in(name)


class Browser:
    """A browser without JavaScript: follows redirects, fills in forms."""

    def __init__(self, site: Site, address: str) -> None:
        self.site = site
        self.client = TestClient(
            create_app(site.store), base_url="http://testserver", client=(address, 50000)
        )
        self.html = ""
        self.status = 0
        self.path = ""

    def signed_in(self, name: str) -> Browser:
        token = new_token()
        self.site.store.accounts.begin_session(
            name, token_hash(token), datetime.now(UTC) + timedelta(hours=1), how="password"
        )
        self.client.cookies.set("chasil_session", token, domain="testserver.local")
        return self

    def go(self, path: str) -> Browser:
        answer = self.client.get(path)
        self.html, self.status, self.path = answer.text, answer.status_code, answer.url.path
        return self

    def send(self, action: str, *, csrf: str | None = None, **fields: str) -> Browser:
        """Post a form, with the page's own token unless another is given."""
        if csrf is None:
            found = re.search(r'name="csrf" value="([0-9a-f]*)"', self.html)
            csrf = found[1] if found else ""
        answer = self.client.post(action, data={"csrf": csrf, **fields})
        self.html, self.status, self.path = answer.text, answer.status_code, answer.url.path
        return self

    def hidden(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.html)
        assert found is not None, name
        return found[1]


@pytest.fixture(scope="module")
def databases() -> Databases:
    """SQLite alone: on PostgreSQL ``test_review_fuzz`` asks for every page and sends every form."""
    return Databases()


@pytest.fixture(scope="module")
def ready(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A store with one photo a TPS; each test fills the queue anew."""
    with databases.open(tmp_path_factory.mktemp("web")) as store:
        photo, other = keep_photo(store, TPS), keep_photo(store, OTHER)
        for name, role, regions in (
            ("budi", Role.AUDITOR, ()),
            ("sari", Role.AUDITOR, ()),
            ("citra", Role.SUPERVISOR, ()),
            ("vera", Role.VIEWER, ()),
            ("lim", Role.AUDITOR, ("321604",)),
        ):
            store.accounts.add(
                name, role, by="test", regions=regions, password_hash=HASHES.get(name)
            )
        yield Site(store, photo, other)


@pytest.fixture
def site(ready: Site, request: pytest.FixtureRequest) -> Site:
    """A queue of its own for each test: another name for the rule makes another item."""
    rule = f"{abs(hash(request.node.name))}"
    ready.store.queue.save_cells(
        [
            cell(TPS, "suara_paslon_1", 824, 24, ready.photo),
            cell(OTHER, "suara_paslon_1", 30, 24, ready.other_photo),
        ],
        [progress_of(TPS), progress_of(OTHER)],
    )
    fill(
        ready.store,
        [
            item_facts(
                TPS, entry=824, reading=24, priority=900, sha256=ready.photo, rule=rule, photo=NASTY
            ),
            item_facts(
                OTHER, entry=30, reading=24, priority=20, sha256=ready.other_photo, rule=rule
            ),
        ],
    )
    return ready


def numbers(site: Site) -> tuple[int, int]:
    """The two items' numbers: of TPS, and of OTHER."""
    items = site.store.queue.items(ItemFilter(statuses=(ItemStatus.OPEN,))).items
    by_tps = {item.tps: item.id for item in items}
    return by_tps[TPS], by_tps[OTHER]


# The whole way


def test_one_item_from_the_queue_to_the_next(site: Site) -> None:
    item, other = numbers(site)
    budi = site.browser_of("budi").go("/")
    assert (budi.status, budi.path) == (200, "/queue")
    assert "0 dari 2 selesai" in budi.html
    budi.send("/queue/next")
    assert budi.path == f"/items/{item}"
    assert "824" not in without_tokens(budi.html)  # blind: neither entry nor reading
    assert 'value="24"' not in budi.html
    assert "angka berbeda" not in budi.html
    assert f"/photos/{site.photo}" in budi.html

    budi.send(f"/items/{item}/answer", version=budi.hidden("version"))  # Enter alone
    assert budi.status == 422
    assert "Ketik angka di kertas" in budi.html
    budi.send(f"/items/{item}/answer", version=budi.hidden("version"), paper="24")
    assert budi.status == 200
    assert "824" in budi.html

    version, attempt = budi.hidden("version"), budi.hidden("attempt")
    budi.send(f"/items/{item}/decide", version=version, attempt=attempt, paper="24")
    assert budi.status == 422  # Enter alone
    assert "Enter saja tidak memutuskan" in budi.html
    budi.send(
        f"/items/{item}/decide",
        version=version,
        attempt=attempt,
        paper="24",
        outcome="entry_wrong",
    )
    assert (budi.status, budi.path) == (200, f"/items/{other}")
    assert site.store.queue.item(item).status is ItemStatus.SECOND  # type: ignore[union-attr]

    budi.go(f"/items/{item}")
    assert "menunggu auditor lain" in budi.html
    budi.send(f"/items/{item}/undo", version=budi.hidden("version"), why="salah")
    assert "Keputusan dibatalkan" in budi.html
    assert site.store.queue.item(item).status is ItemStatus.OPEN  # type: ignore[union-attr]


def test_what_was_typed_is_not_lost(site: Site) -> None:
    item, _ = numbers(site)
    budi = site.browser_of("budi").go(f"/items/{item}")
    budi.send(f"/items/{item}/answer", version=budi.hidden("version"), paper="24")
    budi.send(
        f"/items/{item}/decide",
        version=budi.hidden("version"),
        outcome="corrected_at_plenary",
        paper="31",
        reason=NASTY,
    )
    assert budi.status == 422
    assert "D.HASIL" in budi.html
    assert 'value="31"' in budi.html
    assert re.search(r'value="corrected_at_plenary" checked', budi.html)
    assert "&lt;script&gt;" in budi.html
    assert "<script>alert" not in budi.html
    assert "{{7*7}}" in budi.html


def test_the_second_of_two_is_told(site: Site) -> None:
    item, other = numbers(site)
    budi, sari = site.browser_of("budi").go("/queue"), site.browser_of("sari").go("/queue")
    budi.send("/queue/next")
    sari.send("/queue/next")
    assert (budi.path, sari.path) == (f"/items/{item}", f"/items/{other}")
    sari.go(f"/items/{item}")
    assert "budi sedang mengerjakan" in sari.html
    assert "item.answer" not in sari.html
    sari.send(f"/items/{item}/answer", version="1", paper="24")
    assert sari.status == 409
    assert "budi sedang mengerjakan" in sari.html


def test_a_decision_made_meanwhile_is_not_overwritten(site: Site) -> None:
    _, other = numbers(site)
    sari = site.browser_of("sari").go(f"/items/{other}")
    sari.send(f"/items/{other}/answer", version=sari.hidden("version"), paper="24")
    version = sari.hidden("version")
    sari.send(f"/items/{other}/decide", version=version, outcome="entry_wrong", paper="24")
    budi = site.browser_of("budi").go("/queue")
    budi.send(f"/items/{other}/decide", version=version, outcome="entry_wrong", paper="25")
    assert budi.status == 409
    assert "Seseorang sudah memutuskan" in budi.html
    assert site.store.queue.item(other).number == 24  # type: ignore[union-attr]


def test_empty_queues_say_what_to_do(site: Site, databases: Databases, tmp_path: Path) -> None:
    vera = site.browser_of("vera").go("/queue?kind=page_missing")
    assert "Tampilkan tanpa saringan" in vera.html
    with databases.open(tmp_path) as store:
        store.accounts.add("vera", Role.VIEWER, by="test")
        fresh = Site(store, "", "").browser_of("vera").go("/queue")
        assert "chasil process" in fresh.html


def test_english_is_one_click_away(site: Site) -> None:
    budi = site.browser_of("budi").go("/queue?kind=unreadable")
    assert '<html lang="id">' in budi.html
    link = re.search(r'href="(/language/en[^"]*)"', budi.html)
    assert link is not None
    budi.go(link[1].replace("&amp;", "&"))
    assert '<html lang="en">' in budi.html
    assert budi.path == "/queue"
    assert "Queue" in budi.html


def test_a_sampled_field_is_not_told_from_a_conflict(site: Site) -> None:
    drawn = item_facts(TPS, "suara_paslon_2", kind=SAMPLE, entry=24, reading=24, priority=5000)
    fill(site.store, [drawn])
    budi = site.browser_of("budi").go("/queue?kind=sample")
    assert "contoh acak" not in budi.html
    assert "contoh acak" in site.browser_of("citra").go("/queue").html
    budi.go("/queue").send("/queue/next")
    assert budi.path.startswith("/items/")
    assert "contoh acak" not in budi.html


# Signing in


def test_sign_in_and_out(site: Site) -> None:
    visitor = site.browser("10.0.0.1").go("/queue?region=3216")
    assert visitor.path == "/sign-in"
    wanted = visitor.hidden("next")
    assert wanted == "/queue?region=3216"
    visitor.send("/sign-in", name="budi", password="wrong", next=wanted)  # noqa: S106
    assert visitor.status == 401
    visitor.send("/sign-in", name=" Budi ", password=PASSWORD, next=wanted)
    assert (visitor.status, visitor.path) == (200, "/queue")
    visitor.send("/sign-out")
    assert visitor.path == "/sign-in"
    assert visitor.go("/queue").path == "/sign-in"
    assert [record.act for record in site.store.trail.newest(who="budi", limit=2)] == [
        Act.SIGNED_OUT,
        Act.SIGNED_IN,
    ]


def test_guessing_is_slowed_down(site: Site) -> None:
    guesser = site.browser("10.0.0.2").go("/sign-in")
    for _ in range(MOST_FAILURES_FROM_HERE):
        guesser.send("/sign-in", name="budi", password="wrong")  # noqa: S106
        assert guesser.status == 401
    guesser.send("/sign-in", name="budi", password=PASSWORD)
    assert guesser.status == 429
    assert "Tunggu 15 menit" in guesser.html
    elsewhere = site.browser("10.0.0.3").go("/sign-in")
    elsewhere.send("/sign-in", name="budi", password=PASSWORD)
    assert elsewhere.status == 200


def test_a_link_works_once(site: Site) -> None:
    token = new_token()
    soon = datetime.now(UTC) + timedelta(minutes=1)
    site.store.accounts.add_link("citra", token_hash(token), soon)
    assert site.browser().go(f"/sign-in/link?token={token}").path == "/queue"
    again = site.browser().go(f"/sign-in/link?token={token}")
    assert again.status == 410
    assert "jalankan lagi chasil review" in again.html
    site.store.accounts.add_link(
        "citra", token_hash("old"), datetime.now(UTC) - timedelta(seconds=1)
    )
    assert site.browser().go("/sign-in/link?token=old").status == 410


def test_sessions_end(site: Site) -> None:
    store = site.store
    store.accounts.add("mira", Role.AUDITOR, by="test", password_hash=HASHES["budi"])
    mira, same = site.browser_of("mira"), site.browser_of("mira")
    assert mira.go("/queue").path == "/queue"
    mira.go("/password").send("/password", old="wrong", new="x" * 12, again="x" * 12)
    assert mira.status == 422
    mira.send("/password", old=PASSWORD, new="lima kata yang lain", again="lima kata yang lain")
    assert mira.path == "/queue"
    assert same.go("/queue").path == "/sign-in"  # the other session has ended
    store.accounts.set_disabled("mira", True, by="test")
    assert mira.go("/queue").path == "/sign-in"
    for column in ("seen_at", "expires_at"):
        idle = site.browser_of("budi")
        with store.connections.writing() as connection:
            connection.execute(
                update(SessionRow)
                .where(SessionRow.name == "budi")
                .values({column: datetime.now(UTC) - timedelta(hours=3)})
            )
        assert idle.go("/queue").path == "/sign-in"


def test_a_forged_session_is_none(site: Site) -> None:
    for token in ("", "x", "x" * 5000, "' OR 1=1 --"):
        browser = site.browser()
        browser.client.cookies.set("chasil_session", token)
        assert browser.go("/queue").path == "/sign-in"


# What must be refused

POSTS = (
    *("/sign-in", "/sign-out", "/password", "/queue/next", "/settings"),
    *("/items/1/open", "/items/1/answer", "/items/1/decide", "/items/1/undo", "/items/1/skip"),
    "/items/1/keep",
    *("/reports/items", "/reports/kecamatan/321603", "/trail/verify", "/users"),
    *("/users/budi/link", "/users/budi/reset", "/users/budi/role", "/users/budi/limit"),
    *("/users/budi/disable", "/users/budi/enable"),
)


def test_every_post_is_known_here(site: Site) -> None:
    paths = site.browser().client.get("/openapi.json").json()["paths"]
    examples = {"number": "1", "code": "321603", "name": "budi"}
    known = {path.format_map(examples) for path, ways in paths.items() if "post" in ways}
    assert known == set(POSTS)


@pytest.mark.parametrize("path", POSTS)
def test_a_post_without_its_token_does_nothing(site: Site, path: str) -> None:
    citra = site.browser_of("citra")
    before = site.store.trail.head()
    for csrf in ("", "0" * 64, "é"):
        citra.send(path, csrf=csrf, version="1", name="claim_minutes", value="7")
        assert citra.status == 403
        assert "bukan dari halaman" in citra.html
    token = re.search(r'name="csrf" value="([0-9a-f]*)"', citra.go("/settings").html)
    assert token is not None
    for header in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = citra.client.post(path, data={"csrf": token[1]}, headers=header)
        assert answer.status_code == 403
    assert site.store.trail.head() == before


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/queue/next", {"budi", "citra"}),
        ("/items/{item}/open", {"budi", "citra"}),
        ("/items/{item}/skip", {"budi", "citra"}),
        ("/settings", {"citra"}),
    ],
)
def test_roles_hold_over_http(site: Site, path: str, allowed: set[str]) -> None:
    item, _ = numbers(site)
    for name in ("vera", "budi", "citra"):
        browser = site.browser_of(name).go("/queue")
        browser.send(path.format(item=item), name="claim_minutes", value="10")
        if name in allowed:
            assert browser.status in (200, 409), name
        else:
            assert browser.status == 403, name


def test_other_regions_are_closed(site: Site) -> None:
    item, _ = numbers(site)
    lim = site.browser_of("lim").go("/queue")
    assert TPS not in lim.html
    assert OTHER in lim.html
    counts = site.store.queue.counts(ItemFilter(limits=("321604",)))
    assert f"{counts.done} dari {counts.total} selesai" in lim.html
    assert counts.total < site.store.queue.counts(ItemFilter()).total
    assert lim.go(f"/items/{item}").status == 403
    for path in ("open", "answer", "decide", "undo", "skip"):
        lim.go("/queue").send(f"/items/{item}/{path}", version="1", paper="1", outcome="agrees")
        assert lim.status == 403, path
        assert "di luar wilayah" in lim.html
    assert lim.go(f"/photos/{site.photo}").status == 403
    crop = f"/photos/{site.photo}/crop?x0=0&y0=0&x1=9&y1=9"
    assert lim.go(crop).status == 403
    assert lim.go(f"/photos/{site.other_photo}").status == 200
    assert TPS not in lim.go("/queue?region=3216").html


def test_strangers_see_nothing(site: Site) -> None:
    item, _ = numbers(site)
    visitor = site.browser()
    for path in (f"/items/{item}", f"/photos/{site.photo}", "/settings", "/password", "/"):
        assert visitor.go(path).path == "/sign-in"


def test_every_answer_has_the_headers(site: Site) -> None:
    client = site.browser_of("citra").client
    for path in ("/queue", "/sign-in", "/nothing", "/static/style.css", f"/photos/{site.photo}"):
        answer = client.get(path)
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, path
    assert "unsafe" not in HEADERS["content-security-policy"]
    assert client.get("/queue").headers["cache-control"] == "no-store"


def test_pages_hold_nothing_inline(site: Site) -> None:
    item, _ = numbers(site)
    citra = site.browser_of("citra")
    for path in ("/queue", f"/items/{item}", "/settings", "/password", "/nothing"):
        html = citra.go(path).html
        assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=|<style|javascript:", html)
        assert re.search(r'<main id="main"', html)
        assert html.count("<h1>") == 1


def test_a_fault_is_a_page_with_the_headers(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = site.browser_of("budi")
    client = TestClient(browser.client.app, raise_server_exceptions=False)
    client.cookies = browser.client.cookies

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(type(site.store.queue), "counts", fail)
    answer = client.get("/queue")
    assert answer.status_code == 500
    assert "Ada kesalahan di chasil" in answer.text
    assert "secret" not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    "path",
    [
        "/photos/../../etc/passwd",
        "/photos/..%2f..%2fetc%2fpasswd",
        "/photos/%2e%2e%2f%2e%2e%2fchasil.sqlite",
        "/photos/" + "*" * 64,
        "/photos/" + "A" * 64,
        "/photos/" + "0" * 63,
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/templates/base.html",
    ],
)
def test_no_path_leads_out(site: Site, path: str) -> None:
    answer = site.browser_of("citra").client.get(path)
    assert answer.status_code in (404, 422)
    assert "root:" not in answer.text
    assert "import" not in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "region=3216'--",
        "region=%25",
        "kind=x' OR '1'='1",
        "after=1_1;DROP TABLE trail",
        "after=nan_1",
        "field=" + "a" * 100,
        "region=" + "1" * 50,
    ],
)
def test_odd_filters_are_harmless(site: Site, query: str) -> None:
    assert site.browser_of("citra").go(f"/queue?{query}").status in (200, 422)
    assert site.store.trail.verify() is None


def test_large_forms_are_refused(site: Site) -> None:
    budi = site.browser_of("budi").go("/queue")
    budi.send("/queue/next", csrf="x" * (MOST_BODY_BYTES + 1))
    assert budi.status == 413


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("/queue?a=b", "/queue?a=b"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("", "/"),
    ],
)
def test_nobody_is_sent_to_another_site(wanted: str, path: str) -> None:
    assert own_path(wanted) == path


def test_other_host_names_are_refused(site: Site) -> None:
    client = TestClient(create_app(site.store, hosts=["localhost"]), base_url="http://evil.example")
    assert client.get("/sign-in").status_code == 400


def test_settings_are_changed_by_supervisors(site: Site) -> None:
    citra = site.browser_of("citra").go("/settings")
    citra.send("/settings", name="claim_minutes", value="12")
    assert "Pengaturan tersimpan" in citra.html
    citra.send("/settings", name="claim_minutes", value="0")
    assert citra.status == 422
    citra.send("/settings", name="claim_minutes", value="10")


# Photos


def test_photos_come_anew_and_upright(site: Site) -> None:
    client = site.browser_of("vera").client
    answer = client.get(f"/photos/{site.photo}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-full-width"] == str(SIZE[0])
    assert answer.headers["x-full-height"] == str(SIZE[1])
    assert b"Exif" not in answer.content[:200]
    tag = answer.headers["etag"]
    again = client.get(f"/photos/{site.photo}", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert max(SIZE) <= VIEW_PX


def test_crops_are_cut_where_the_box_is(site: Site) -> None:
    client = site.browser_of("vera").client
    x0, y0, x1, y1 = FIELD_BOX
    address = f"/photos/{site.photo}/crop?x0={x0}&y0={y0}&x1={x1}&y1={y1}&margin=0"
    answer = client.get(address)
    assert answer.status_code == 200
    assert size_of(answer.content) == (300, 100)
    assert colour_of(answer.content, 150, 50) == "blue"
    tag = answer.headers["etag"]
    assert client.get(address, headers={"if-none-match": f'"x", {tag}'}).status_code == 304
    wider = client.get(address.replace("margin=0", "margin=1"))
    assert size_of(wider.content) == (500, 300)


@pytest.mark.parametrize(
    ("box", "status"),
    [
        ("x0=5000&y0=0&x1=5100&y1=100", 415),
        ("x0=100&y0=100&x1=50&y1=50", 415),
        ("x0=nan&y0=0&x1=9&y1=9", 422),
        ("x0=-1e9&y0=0&x1=9&y1=9", 422),
        ("x0=0&y0=0&x1=9", 422),
        ("x0=0&y0=0&x1=9&y1=9&margin=1000", 422),
        ("x0=0&y0=0&x1=1000000&y1=1000000&margin=0", 200),
    ],
)
def test_odd_boxes_are_refused_or_clipped(site: Site, box: str, status: int) -> None:
    answer = site.browser_of("vera").client.get(f"/photos/{site.photo}/crop?{box}")
    assert answer.status_code == status


def test_unknown_photos_are_not_found(site: Site) -> None:
    assert site.browser_of("vera").go(f"/photos/{'0' * 64}").status == 404


def size_of(jpeg: bytes) -> tuple[int, int]:
    import io

    from PIL import Image

    with Image.open(io.BytesIO(jpeg)) as picture:
        return picture.size


def colour_of(jpeg: bytes, x: int, y: int) -> str:
    import io

    from PIL import Image

    with Image.open(io.BytesIO(jpeg)) as picture:
        pixel = picture.convert("RGB").getpixel((x, y))
    assert isinstance(pixel, tuple)
    red, green, blue = pixel
    if red > 200 and green < 80:
        return "red"
    return "blue" if blue > 200 and green < 80 else "other"

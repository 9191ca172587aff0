"""Dashboard, kecamatan, TPS, reports, trail and users over HTTP."""

from __future__ import annotations

import csv
import io
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pypdfium2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from openpyxl import load_workbook

from fixtures.databases import Databases
from fixtures.review_store import FORM, cell, fill, item_facts, keep_photo, progress_of
from models.people import Role
from models.queue import SAMPLE, Outcome
from models.records import Cause, ConflictKind, Entry, FieldStatus
from models.store.item_filter import ItemFilter
from models.store.refresh import recount_all
from models.store.store import Store
from models.trail import Act
from review.answers import PaperSays, Says
from review.app import create_app
from review.charts import LABEL, LEAST, WIDTH, bar_chart
from review.outcomes import Finding
from review.passwords import csrf_token, new_token, token_hash
from review.reports import COLUMNS, FORMULA, safe_text
from review.web.recent import Recent

TPS = "3216032003001"
EMPTY = "3216032003002"
"""A TPS of the table that nothing is known of."""
OTHER = "3216042001001"
FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1")
NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@dataclass
class Site:
    store: Store
    app: FastAPI

    def client(self, name: str) -> TestClient:
        token = new_token()
        self.store.accounts.begin_session(
            name, token_hash(token), datetime.now(UTC) + timedelta(hours=1), how="password"
        )
        client = TestClient(self.app, base_url="http://testserver")
        client.cookies.set("chasil_session", token, domain="testserver.local")
        return client

    def send(self, client: TestClient, path: str, **fields: str) -> Response:
        """Post a form with the session's own token."""
        token = csrf_token(client.cookies["chasil_session"])
        return client.post(path, data={"csrf": token, **fields})

    def decide(self, name: str, number: int, finding: Finding) -> None:
        """Answer blind and decide, as one auditor."""
        user = self.store.accounts.find(name)
        desk = self.app.state.room.desk
        assert user is not None
        paper = PaperSays(says=Says.NUMBER, number=finding.number)
        item = desk.answer(user, number, desk.view(user, number).item.version, paper)
        desk.decide(user, number, item.version, finding, attempt=new_token()[:22])


@pytest.fixture(scope="module")
def site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two kecamatan: one field in conflict and decided, one that waits, one of the sample."""
    with databases.open(tmp_path_factory.mktemp("overview")) as store:
        photo = keep_photo(store, TPS)
        for name, role, regions in (
            ("budi", Role.AUDITOR, ()),
            ("sari", Role.AUDITOR, ()),
            ("citra", Role.SUPERVISOR, ()),
            ("vera", Role.VIEWER, ()),
            ("lim", Role.AUDITOR, ("321604",)),
            ("dewi", Role.SUPERVISOR, ("321604",)),
            ("satu", Role.VIEWER, (OTHER,)),
        ):
            store.accounts.add(name, role, by="test", regions=regions)
        fields = {
            "suara_paslon_1": (824, 24),
            "suara_paslon_2": (100, 91),
            "suara_paslon_3": (30, 30),
            "suara_sah": (None, 145),
        }
        store.queue.save_cells(
            [cell(TPS, field, *both, photo) for field, both in fields.items()]
            + [cell(OTHER, "suara_paslon_1", 50, None), cell(OTHER, "suara_paslon_2", 7, 7)],
            [progress_of(TPS), progress_of(OTHER)],
        )
        store.add_entries(
            [
                Entry(
                    tps=TPS,
                    form=FORM,
                    fields={"suara_paslon_1": number},
                    source="test",
                    reported_at=datetime(2024, 2, day, tzinfo=UTC),
                )
                for number, day in ((800, 15), (824, 16))
            ]
        )
        fill(
            store,
            [
                item_facts(TPS, sha256=photo, priority=900, cause=Cause.PADDING_READ_AS_8),
                item_facts(TPS, "suara_paslon_2", entry=100, reading=91, priority=800),
                item_facts(TPS, "suara_paslon_3", kind=SAMPLE, entry=30, reading=30, priority=5),
                item_facts(
                    OTHER,
                    "suara_paslon_1",
                    kind=ConflictKind.UNREADABLE,
                    entry=50,
                    reading=None,
                    field_status=FieldStatus.REVIEW,
                ),
                item_facts(
                    TPS, None, kind=ConflictKind.WRONG_PAGE, photo=FORMULAS[0] + NASTY, priority=1
                ),
            ],
        )
        site = Site(store, create_app(store, fresh_seconds=0))
        number = items_of(store)["suara_paslon_1", TPS]
        reason = FORMULAS[0] + NASTY
        finding = Finding(outcome=Outcome.ENTRY_WRONG, number=24, reason=reason)
        site.decide("budi", number, finding)
        site.decide("sari", number, finding)
        sampled = items_of(store)["suara_paslon_3", TPS]
        site.decide("budi", sampled, Finding(outcome=Outcome.AGREES, number=30))
        yield site


def items_of(store: Store) -> dict[tuple[str | None, str | None], int]:
    found = store.overview.items_by_place(ItemFilter())
    return {(item.field, item.tps): item.id for item in found}


def text_of(html: str) -> str:
    """What a page says, without its tags; hidden texts stay."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


# Dashboard


def test_the_top_is_the_smallest_region_that_holds_all(site: Site) -> None:
    assert site.client("citra").get("/regions").url.path == "/regions/3216"
    assert site.client("lim").get("/regions").url.path == "/regions/3216042001"


def test_a_dashboard_counts_sums_and_estimates(site: Site) -> None:
    page = site.client("vera").get("/regions/3216")
    text = text_of(page.text)
    assert "SUKAWANGI" in text
    # Sirekap 824, machine 24, decided 24: over the one TPS that has both.
    assert re.search(
        r"Suara sah paslon 1 874 dari 2 TPS 24 dari 1 TPS −800 beda di 1 dari 1 TPS 74", text
    )
    assert "1 TPS diputuskan −800" in text
    # Missing is not zero: nobody entered the sum, so there is nothing to compare.
    assert re.search(r"Jumlah suara sah – dari 0 TPS 145 dari 1 TPS – ", text)
    assert "0,00 %" in text
    assert "0 salah dari 1 isian" in text
    assert page.text.count('<svg viewBox="0 0 1000') == 4
    assert page.text.count("<details>") == 4
    assert "kotak kosong terbaca 8" in text


def test_the_tree_goes_down_to_a_tps(site: Site) -> None:
    client = site.client("vera")
    for path, below in (
        ("/regions/32", "/regions/3216"),
        ("/regions/3216", "/regions/321603"),
        ("/regions/321603", "/regions/3216032003"),
        ("/regions/3216032003", f"/tps/{TPS}"),
    ):
        html = client.get(path).text
        assert f'href="{below}"' in html, path
    assert f'href="/tps/{EMPTY}"' in html


def test_empty_rooms_say_what_to_do(site: Site, databases: Databases, tmp_path: Path) -> None:
    with databases.open(tmp_path) as store:
        store.accounts.add("citra", Role.SUPERVISOR, by="test")
        empty = Site(store, create_app(store, fresh_seconds=0))
        client = empty.client("citra")
        for path in ("/regions", "/regions/3216", "/reports"):
            answer = client.get(path)
            assert answer.status_code == 200, path
            assert "chasil process" in answer.text, path
        assert "chasil process" in client.get("/kecamatan/321603").text
        assert "chasil process" in client.get(f"/tps/{TPS}").text
    client = site.client("citra")
    assert "chasil process" in client.get(f"/tps/{EMPTY}").text
    for path in ("/regions/99", "/kecamatan/999999", "/tps/9999999999999"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "tidak dikenal" in answer.text


def test_limits_of_one_tps_hold_in_sums(site: Site) -> None:
    text = text_of(site.client("satu").get("/regions/3216042001").text)
    assert re.search(r"Suara sah paslon 1 50 dari 1 TPS – dari 0 TPS – 50", text)


@pytest.mark.parametrize("name", ["lim", "dewi", "satu"])
def test_other_regions_are_closed(site: Site, name: str) -> None:
    client = site.client(name)
    for path in ("/regions/321603", "/regions/3216032003", "/kecamatan/321603", f"/tps/{TPS}"):
        answer = client.get(path)
        assert answer.status_code == 403, path
        assert "di luar wilayah" in answer.text
    assert site.send(client, "/reports/kecamatan/321603", format="html").status_code == 403
    assert site.send(client, "/reports/items", format="csv", region="321603").status_code == 403
    # The kabupaten may be seen, without what lies outside.
    text = text_of(client.get("/regions/3216").text)
    assert "SUKAWANGI" not in text
    assert "824" not in text
    rows = table(site.send(client, "/reports/items", format="csv"))
    assert {row["tps"] for row in rows} == {OTHER}
    assert TPS not in client.get("/reports").text


def test_sums_kept_at_hand_are_those_counted_anew(site: Site) -> None:
    def sums() -> tuple[object, ...]:
        wanted = ItemFilter(region="3216")
        found = sorted(map(repr, site.store.overview.item_sums(wanted)))
        return site.store.queue.totals("3216"), found, site.store.queue.counts(wanted)

    kept = sums()
    with site.store.connections.writing() as connection:
        recount_all(connection)
    assert sums() == kept
    slow = site.store.overview.item_sums(ItemFilter(region="3216", form=FORM))
    assert sorted(map(repr, slow)) == kept[1]


# Kecamatan and TPS


def test_the_projector_marks_what_differs_not_by_colour_alone(site: Site) -> None:
    html = site.client("citra").get("/kecamatan/321603").text
    row = text_of(re.search(rf"/tps/{TPS}.*?</tr>", html, re.S)[0])  # type: ignore[index]
    assert "824 ✔" in row
    assert "▲ 100 berbeda" in row
    assert "mesin 91" in row
    assert "△" in row
    assert "<thead>" in html
    assert f"/tps/{EMPTY}" in html  # a TPS of which nothing is known is a row, too
    only = site.client("citra").get("/kecamatan/321603?only=differs").text
    assert f"/tps/{TPS}" in only
    assert f"/tps/{EMPTY}" not in only


def test_auditors_do_not_see_what_still_waits(site: Site) -> None:
    for path in ("/kecamatan/321603", f"/tps/{TPS}"):
        auditor = text_of(site.client("sari").get(path).text)
        assert "disembunyikan" in auditor, path
        assert not re.search(r"\b91\b", auditor), path
        assert re.search(r"\b24\b", auditor), path  # what is done is open
        assert re.search(r"\b91\b", text_of(site.client("citra").get(path).text)), path
    rows = table(site.send(site.client("sari"), "/reports/items", format="csv"))
    waiting = next(row for row in rows if row["field"] == "suara_paslon_2")
    assert (waiting["reported"], waiting["machine"], waiting["kind"]) == ("", "", "")
    assert "sample" not in {row["kind"] for row in rows}


def test_a_tps_shows_revisions_decisions_and_photos(site: Site) -> None:
    html = site.client("vera").get(f"/tps/{TPS}").text
    text = text_of(html)
    assert re.search(r"Suara sah paslon 1 800 824 ▲ berbeda[^:]*: [^:]*: 24 jelas", text)
    assert "✔ 24" in text
    assert "Entri salah: 24" in text
    assert "sari" in text
    assert re.search(r'<img src="/photos/[0-9a-f]{64}"', html)


# Reports


def table(answer: Response) -> list[dict[str, str]]:
    assert answer.status_code == 200
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def test_csv_has_reported_then_audited_and_the_evidence(site: Site) -> None:
    client = site.client("citra")
    rows = table(site.send(client, "/reports/items", format="csv", region="321603"))
    row = next(row for row in rows if row["field"] == "suara_paslon_1")
    assert COLUMNS.index("reported") < COLUMNS.index("audited")
    assert (row["reported"], row["audited"], row["audited_minus_reported"]) == ("824", "24", "-800")
    assert row["last_editor"] == "sari"
    assert client.get(row["evidence"]).status_code == 200
    assert {row["kind"] for row in rows} >= {"sample", "wrong_page"}
    rows = table(site.send(client, "/reports/items", format="csv", status="done", kind="sample"))
    assert [row["field"] for row in rows] == ["suara_paslon_3"]


def test_no_cell_is_a_formula(site: Site) -> None:
    client = site.client("citra")
    for row in table(site.send(client, "/reports/items", format="csv")):
        for name, value in row.items():
            number = re.fullmatch(r"-?[0-9]+", value)
            assert number or not value.startswith(FORMULA), (name, value)
    answer = site.send(client, "/reports/items", format="xlsx")
    sheet = load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    cells = [one for row in sheet.iter_rows() for one in row]
    assert not [one for one in cells if one.data_type == "f"]
    texts = [one.value for one in cells if isinstance(one.value, str)]
    assert any("cmd|" in text for text in texts)
    assert not [text for text in texts if text.startswith(FORMULA)]
    reported = [one.value for one in sheet[2]]
    assert len(reported) == len(COLUMNS)


@pytest.mark.parametrize("text", [*FORMULAS, "  =1", "a\x00b\x1fc", "\ud800x"])
def test_texts_are_made_safe(text: str) -> None:
    safe = safe_text(text)
    assert not safe.lstrip(" ").startswith(FORMULA)
    assert not re.search("[\x00\x1f\ud800]", safe)
    assert safe_text("Sukatani (3)") == "Sukatani (3)"


def test_the_record_of_a_kecamatan_stands_alone(site: Site) -> None:
    client = site.client("citra")
    answer = site.send(client, "/reports/kecamatan/321603", format="html")
    assert "attachment" in answer.headers["content-disposition"]
    assert "data:image/jpeg;base64," in answer.text
    assert "<script>" not in answer.text
    assert "<img src=x" not in answer.text
    assert not re.search(r'(src|href)="(?!data:)', answer.text)
    assert "824" in answer.text
    pdf = site.send(client, "/reports/kecamatan/321603", format="pdf")
    assert pdf.headers["content-type"] == "application/pdf"
    with pypdfium2.PdfDocument(pdf.content) as document:
        page = document[0].get_textpage().get_text_range()
        pictures = list(document[0].get_objects(filter=[3]))
    assert "SUKAWANGI" in page
    assert "824" in page
    assert "<script>" in page  # as letters: nothing in it is run
    assert pictures


def test_each_export_is_on_the_trail(site: Site) -> None:
    client = site.client("vera")
    before = len(site.store.trail.of("export/items.csv"))
    site.send(client, "/reports/items", format="csv", region="3216")
    site.send(client, "/reports/kecamatan/321603", format="pdf")
    taken = site.store.trail.of("export/items.csv")
    assert len(taken) == before + 1
    assert taken[-1].who == "vera"
    assert taken[-1].after is not None
    assert taken[-1].after["region"] == "3216"
    assert site.store.trail.newest(limit=1)[0].subject == "export/record.pdf"


# Trail


def test_the_trail_is_filtered_and_verified(site: Site) -> None:
    client = site.client("citra")
    text = text_of(client.get("/trail?act=decided&who=sari").text)
    assert "angka: 24" in text
    assert "budi diputuskan" not in text
    number = items_of(site.store)["suara_paslon_1", TPS]
    text = text_of(client.get(f"/trail?subject=item/{number}").text)
    assert "jawaban" in text or "dijawab" in text or "menjawab" in text
    assert "Tidak ada catatan" in client.get("/trail?until=2001-01-01").text
    assert "Tidak ada catatan" in client.get("/trail?since=9999-12-31").text
    assert client.get("/trail?since=0001-01-01&until=9999-12-31").status_code == 200
    answer = site.send(client, "/trail/verify")
    head = site.store.trail.head()
    assert "Jejak utuh" in answer.text
    assert str(head) in answer.text
    for name in ("vera", "budi"):
        assert site.client(name).get("/trail").status_code == 403


def test_the_trail_keeps_first_answers_hidden(site: Site) -> None:
    number = items_of(site.store)["suara_paslon_2", TPS]
    user = site.store.accounts.find("budi")
    assert user is not None
    paper = PaperSays(says=Says.NUMBER, number=4711)
    site.app.state.room.desk.answer(user, number, 1, paper)
    text = site.client("citra").get(f"/trail?subject=item/{number}").text
    assert "4711" not in text
    assert "disembunyikan sampai butirnya selesai" in text


def test_a_broken_chain_is_named(databases: Databases, tmp_path: Path) -> None:
    with databases.open(tmp_path) as store:
        store.accounts.add("citra", Role.SUPERVISOR, by="test")
        store.accounts.add("dina", Role.VIEWER, by="test")
        site = Site(store, create_app(store))
        client = site.client("citra")
        with databases.connected(tmp_path) as connection:
            databases.unlock(connection)
            connection.exec_driver_sql("UPDATE trail SET who = 'nobody' WHERE sequence = 2")
        answer = site.send(client, "/trail/verify")
        assert "Jejak rusak pada catatan 2" in answer.text
        assert "Isinya diubah" in answer.text


def test_limited_supervisors_see_no_acts_outside(site: Site) -> None:
    inside, outside = (
        items_of(site.store)["suara_paslon_1", OTHER],
        items_of(site.store)["suara_paslon_1", TPS],
    )
    site.app.state.room.desk.claim(site.store.accounts.find("lim"), inside)
    client = site.client("dewi")
    assert f"item/{inside}" in client.get(f"/trail?subject=item/{inside}").text
    assert "Tidak ada catatan" in client.get(f"/trail?subject=item/{outside}").text


# Users


def test_a_supervisor_adds_a_user_who_signs_in_by_link(site: Site) -> None:
    client = site.client("citra")
    answer = site.send(client, "/users", name=" Rina ", role="auditor", regions="321603, 321604")
    assert answer.status_code == 200
    link = re.search(r"/sign-in/link\?token=[\w-]+", answer.text)
    assert link is not None
    rina = TestClient(site.app, base_url="http://testserver")
    assert rina.get(link[0]).url.path != "/sign-in"
    found = site.store.accounts.find("rina")
    assert found is not None
    assert found.regions == ("321603", "321604")
    assert [record.act for record in site.store.trail.of("user/rina")][:2] == [
        Act.USER_ADDED,
        Act.LINK_MADE,
    ]
    for path, fields, expected in (
        ("/users/rina/role", {"role": "viewer"}, (Role.VIEWER, False)),
        ("/users/rina/limit", {"regions": "3216"}, (Role.VIEWER, False)),
        ("/users/rina/disable", {}, (Role.VIEWER, True)),
        ("/users/rina/enable", {}, (Role.VIEWER, False)),
    ):
        answer = site.send(client, path, **fields)
        assert "perubahannya tercatat" in answer.text, path
        found = site.store.accounts.find("rina")
        assert found is not None
        assert (found.role, found.disabled) == expected, path
    assert rina.get("/queue").url.path == "/sign-in"  # closing the account ended the session


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"name": "citra", "role": "viewer"}, 422, "sudah dipakai"),
        ({"name": "x", "role": "viewer"}, 422, "tidak dapat dipakai"),
        ({"name": NASTY[:30], "role": "viewer"}, 422, "tidak dapat dipakai"),
        ({"name": "baru", "role": "viewer", "regions": "32160"}, 422, "tidak lengkap"),
        ({"name": "baru", "role": "king"}, 422, "tidak dapat dipahami"),
    ],
)
def test_bad_accounts_are_refused(
    site: Site, fields: dict[str, str], status: int, says: str
) -> None:
    answer = site.send(site.client("citra"), "/users", **fields)
    assert answer.status_code == status
    assert says in text_of(answer.text) or says == "tidak dapat dipahami"
    assert "<script>alert" not in answer.text
    assert site.store.accounts.find("baru") is None


def test_nobody_gives_more_than_he_has(site: Site) -> None:
    dewi = site.client("dewi")
    for regions in ("", "3216", "321603", "321604 321603"):
        answer = site.send(dewi, "/users", name="bebas", role="supervisor", regions=regions)
        assert answer.status_code == 403, regions
    for path, fields in (
        ("/users/lim/limit", {"regions": ""}),
        ("/users/citra/disable", {}),
        ("/users/budi/link", {}),
        ("/users/dewi/limit", {"regions": "321604"}),
        ("/users/dewi/role", {"role": "viewer"}),
    ):
        assert site.send(dewi, path, **fields).status_code == 403, path
    assert site.send(dewi, "/users/nobody/disable").status_code == 404
    assert site.store.accounts.find("bebas") is None
    for name in ("budi", "vera"):
        client = site.client(name)
        assert client.get("/users").status_code == 403
        assert site.send(client, "/users/lim/role", role="supervisor").status_code == 403


# Pieces


def test_bars_lie_on_one_scale_and_small_ones_are_seen() -> None:
    chart = bar_chart(("a", "b"), [("long", (900, 100)), ("short", (1, 0)), ("none", (0, 0))])
    long, short, none = chart.bars
    assert long.pieces[0].x == LABEL
    assert long.pieces[0].width == pytest.approx(9 * long.pieces[1].width, rel=0.01)
    assert long.pieces[1].x + long.pieces[1].width < WIDTH
    assert short.pieces[0].width == LEAST
    assert none.pieces == ()
    assert not chart.is_empty
    assert bar_chart(("a",), []).is_empty


def test_recent_values_are_counted_once() -> None:
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return len(made)

    kept, fresh = Recent(60), Recent(0)
    assert [kept.get("a", make) for _ in range(3)] == [1, 1, 1]
    assert kept.get("b", make) == 2
    assert [fresh.get("a", make) for _ in range(2)] == [3, 4]


def test_an_older_value_is_given_while_a_new_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("review.web.recent.time.monotonic", lambda: now[0])
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def slowly() -> str:
        begun.set()
        assert may_end.wait(10)
        ended.set()
        return "new"

    kept = Recent(5)
    assert kept.get("a", lambda: "old") == "old"
    now[0] = 6.0
    assert kept.get("a", slowly) == "old"
    assert begun.wait(10)
    assert kept.get("a", lambda: "never asked") == "old"
    may_end.set()
    assert ended.wait(10)
    while kept.get("a", lambda: "never asked") == "old":  # the thread is about to keep it
        time.sleep(0.001)
    assert kept.get("a", lambda: "never asked") == "new"
    now[0] = 6.0 + 30
    assert kept.get("a", lambda: "waited for") == "waited for"

"""Holds that last, passwords that were forgotten, sentences, outlines, other regions, replay."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import update

from fixtures.review_site import FIRST, SECOND, THIRD, fill_desk
from models.errors import PhotoError
from models.forms.template import load_form
from models.people import User
from models.queue import SAMPLE, ItemStatus, QueueItem
from models.records import ConflictKind, FieldStatus, PageReading, PageStatus, Placement
from models.regions import RegionTable, load_regions
from models.rules import RULES
from models.store.item_filter import ItemFilter
from models.store.room_tables import ItemRow
from models.store.store import Store
from models.trail import Act
from review.app import create_app
from review.desk import Desk
from review.errors import HeldByOther, Stale
from review.outline import EDGE_MM, field_outline, homography, moved
from review.passwords import csrf_token, new_token, token_hash
from review.replay import mismatches
from review.sentences import Known, sentence
from review.texts import LANGUAGES, Speaker
from review.web import places

FORM = load_form("c-hasil-ppwp-2024")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("ends") / "home"
    with Store.open(home) as opened:
        fill_desk(opened, more=True)
    return home


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> Iterator[Store]:
    """A room of its own for each test, copied."""
    with Store.open(shutil.copytree(filled, tmp_path / "home")) as opened:
        yield opened


def user(store: Store, name: str) -> User:
    found = store.accounts.find(name)
    assert found is not None
    return found


def item_of(store: Store, field: str | None, tps: str = FIRST) -> QueueItem:
    return next(one for one in store.queue.items(ItemFilter(tps=tps)).items if one.field == field)


def browser(store: Store, name: str) -> TestClient:
    token = new_token()
    later = datetime(2200, 1, 1, tzinfo=UTC)
    store.accounts.begin_session(name, token_hash(token), later, how="link")
    client = TestClient(create_app(store), base_url="http://testserver")
    client.cookies.set("chasil_session", token, domain="testserver.local")
    return client


def send(client: TestClient, path: str, **fields: str) -> str:
    data = {"csrf": csrf_token(client.cookies["chasil_session"]), **fields}
    return client.post(path, data=data).text


# Holds


def set_hold(store: Store, number: int, until: datetime) -> None:
    with store.connections.writing() as connection:
        change = update(ItemRow).where(ItemRow.id == number)
        connection.execute(change.values(claimed_until=until))


def test_a_hold_lasts_as_long_as_the_work(store: Store) -> None:
    desk, budi, sari = Desk(store), user(store, "budi"), user(store, "sari")
    item = desk.claim(budi, item_of(store, "suara_paslon_2").id)
    soon = datetime.now(UTC) + timedelta(seconds=5)
    set_hold(store, item.id, soon)
    head = store.trail.head()
    kept = desk.keep(budi, item.id, item.version)
    assert kept.claimed_until is not None
    assert kept.claimed_until > soon + timedelta(minutes=5)
    assert store.trail.head() == head  # a renewal is no act
    with pytest.raises(HeldByOther):
        desk.keep(sari, item.id, item.version)
    with pytest.raises(Stale):
        desk.keep(budi, item.id, item.version + 1)
    set_hold(store, item.id, datetime.now(UTC) - timedelta(seconds=1))
    assert desk.keep(budi, item.id, item.version).claimed_by == "budi"  # nobody took it meanwhile
    assert [one.act for one in store.trail.of(f"item/{item.id}")] == [Act.ITEM_CLAIMED] * 2


def test_who_lost_a_hold_is_told_by_whom(store: Store) -> None:
    item = item_of(store, "suara_paslon_2")
    Desk(store).claim(user(store, "sari"), item.id)
    budi = browser(store, "budi")
    data = {"csrf": csrf_token(budi.cookies["chasil_session"]), "version": str(item.version)}
    answer = budi.post(f"/items/{item.id}/keep", data=data)
    assert answer.status_code == 409
    assert answer.json()["what"] == "sari sedang mengerjakan butir ini."


# Where work begins, and passwords


def test_who_looks_on_begins_at_the_dashboard(store: Store) -> None:
    assert browser(store, "vera").get("/").url.path.startswith("/regions/")
    for name in ("budi", "citra"):
        assert browser(store, name).get("/").url.path == "/queue"
    nobody = TestClient(create_app(store), base_url="http://testserver")
    assert nobody.get("/").url.path == "/sign-in"


def test_a_forgotten_password_is_reset_in_the_web(store: Store) -> None:
    budi, citra = browser(store, "budi"), browser(store, "citra")
    assert "Setel ulang kata sandi" in citra.get("/users").text
    found = re.search(
        r'value="http://testserver(/sign-in/link[^"]*)"', send(citra, "/users/budi/reset")
    )
    assert found is not None
    assert budi.get("/queue").url.path == "/sign-in"  # signed out, and the old one no longer counts
    assert store.accounts.password_hash("budi") is None
    assert budi.get(found[1]).url.path == "/queue"
    assert 'name="old"' not in budi.get("/password").text
    again = "lima kata lain yang acak"
    send(budi, "/password", new=again, again=again)
    assert store.accounts.password_hash("budi") is not None
    acts = [one.act for one in store.trail.of("user/budi")]
    assert acts[-5:] == [
        *(Act.PASSWORD_RESET, Act.LINK_MADE, Act.SIGNED_IN, Act.PASSWORD_CHANGED, Act.SIGNED_IN)
    ]
    assert browser(store, "vera").get("/users").status_code == 403


# The trail's page


def test_the_trail_page_finds_an_item_that_was_changed_behind_chasil(store: Store) -> None:
    desk, budi = Desk(store), user(store, "budi")
    item = desk.claim(budi, item_of(store, "suara_paslon_2").id)
    citra = browser(store, "citra")
    assert "setiap butir sesuai" in send(citra, "/trail/verify")
    with store.connections.writing() as connection:
        values = {"status": ItemStatus.DONE.value, "has_acts": True}
        connection.execute(update(ItemRow).where(ItemRow.id == item.id).values(values))
    html = send(citra, "/trail/verify")
    assert "tidak sesuai dengan jejaknya" in html
    assert f'href="/items/{item.id}"' in html
    assert {one.item for one in mismatches(store)} == {item.id}


# Sentences


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [*ConflictKind, SAMPLE])
def test_every_kind_has_a_sentence(store: Store, language: str, kind: str) -> None:
    t = Speaker(language)
    with_field = item_of(store, "suara_paslon_1").model_copy(
        update={"kind": kind, "rule": RULES[0].code}
    )
    of_photo = with_field.model_copy(update={"field": None, "sha256": None})
    for item in (with_field, of_photo):
        told = sentence(t, item)
        assert told.endswith(".")
        assert "{" not in told
        assert "_" not in told


def test_sentences_tell_numbers_reasons_and_errors(store: Store) -> None:
    t = Speaker("id")
    item = item_of(store, "suara_paslon_1")
    assert sentence(t, item) == "Di kertas tertulis 24, di Sirekap 824."
    review = item.model_copy(update={"kind": ConflictKind.UNREADABLE, "reading": None})
    blank = review.model_copy(update={"field_status": FieldStatus.BLANK})
    assert sentence(t, blank) == "Di kertas tidak ada angka, di Sirekap 824."
    missing = item_of(store, "suara_sah", SECOND).model_copy(
        update={"field": None, "detail": "No readable photo of page 3. It may be among …"}
    )
    assert "halaman 3" in sentence(t, missing)
    for code in {error.code for error in PhotoError.__subclasses__()}:
        for language in LANGUAGES:
            told = sentence(Speaker(language), missing, Known(error=code))
            assert told == " ".join(
                Speaker(language)(f"photo_error.{code}.{part}") for part in ("what", "do")
            )


def test_the_page_speaks_its_own_language_and_lists_tell_nothing_early(store: Store) -> None:
    vera, budi = browser(store, "vera"), browser(store, "budi")
    item = item_of(store, "suara_paslon_1")
    told = "Di kertas tertulis 24, di Sirekap 824."
    assert told in vera.get(f"/items/{item.id}").text
    assert told in vera.get("/queue").text
    for works in (budi, browser(store, "citra")):
        assert told not in works.get("/queue").text
    assert told not in budi.get(f"/tps/{FIRST}").text
    vera.cookies.set("chasil_language", "en", domain="testserver.local")
    assert "The paper says 24, Sirekap 824." in vera.get(f"/tps/{FIRST}").text


# Outlines

CORNERS = st.tuples(*[st.tuples(st.floats(-200, 200), st.floats(-200, 200))] * 4)


@given(CORNERS)
def test_a_homography_takes_the_corners_where_they_belong(
    shifts: tuple[tuple[float, float], ...],
) -> None:
    start = ((0.0, 0.0), (594.0, 0.0), (594.0, 841.0), (0.0, 841.0))
    places_px = ((300.0, 300.0), (2700.0, 300.0), (2700.0, 3700.0), (300.0, 3700.0))
    end = tuple((x + dx, y + dy) for (x, y), (dx, dy) in zip(places_px, shifts, strict=True))
    matrix = homography(start, end)
    assert matrix is not None
    for point, wanted in zip(start, end, strict=True):
        assert moved(matrix, point) == pytest.approx(wanted, abs=1e-6)


def page_at(outline: tuple[tuple[float, float], ...], page: int = 2) -> PageReading:
    return PageReading(
        photo="x.jpg",
        sha256="a" * 64,
        form=FORM.id,
        page=page,
        status=PageStatus.READ,
        placement=Placement(
            method="tag",
            error_mm=0.1,
            worst_mm=0.2,
            px_per_mm=3.0,
            rotation_degrees=0.0,
            in_view=1.0,
            outline=outline,
        ),
    )


@given(
    st.floats(1, 9), st.floats(-500, 500), st.sampled_from([f.name for f in FORM.page(2).fields])
)
def test_the_form_shows_where_a_field_is(scale: float, shift: float, name: str) -> None:
    wide, high = (side * scale + shift for side in FORM.page_mm)
    page = page_at(((shift, shift), (wide, shift), (wide, high), (shift, high)))
    outline = field_outline(FORM, page, name)
    assume(outline)
    boxes = np.array(FORM.page(2).field(name).boxes)
    left, top = (boxes[:, :2].min(axis=0) - EDGE_MM) * scale + shift
    assert outline[0] == pytest.approx((left, top), abs=1e-3)


def test_no_outline_where_the_page_does_not_hold_the_field() -> None:
    square = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))
    assert len(field_outline(FORM, page_at(square), "suara_paslon_1")) == 4
    assert field_outline(FORM, page_at(square, page=1), "suara_paslon_1") == ()
    assert field_outline(FORM, page_at(((0.0, 0.0),) * 4), "suara_paslon_1") == ()
    assert field_outline(None, page_at(square), "suara_paslon_1") == ()
    assert field_outline(FORM, None, "suara_paslon_1") == ()


def test_the_item_without_a_witness_is_outlined_all_the_same(store: Store) -> None:
    item = item_of(store, "suara_paslon_2", THIRD)
    html = browser(store, "budi").get(f"/items/{item.id}").text
    assert '<polygon class="outline guess"' in html
    assert "menurut formulir" in html
    assert "data-box=" in html


def test_tally_rows_and_words_stand_with_their_numbers_after_the_answer(store: Store) -> None:
    item = item_of(store, "suara_paslon_1", THIRD)
    blind = browser(store, "budi").get(f"/items/{item.id}").text
    assert "Turus baris demi baris (2)" in blind
    assert "20 turus" not in blind
    assert "DUAPULUHEMPAT" not in blind
    html = browser(store, "vera").get(f"/items/{item.id}").text
    assert "20 turus (tidak pasti di kolom 2)" in html
    assert "jumlah tertulis 4" in html
    assert "DUAPULUHEMPAT" in html


# Regions


def test_names_of_the_operators_own_regions(store: Store) -> None:
    given_table = RegionTable(
        {"3216": "KABUPATEN LAIN", "321603": "KECAMATAN LAIN", "3216032003": "DESA BARU"}
    )
    try:
        vera = browser(store, "vera")
        client = TestClient(create_app(store, regions=given_table), base_url="http://testserver")
        client.cookies = vera.cookies
        html = client.get("/queue").text
        assert "DESA BARU" in html
        assert "KECAMATAN LAIN" in html
        assert "SUKADAYA" not in html
    finally:
        places.use_regions(load_regions())

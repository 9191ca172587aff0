"""A copying error in the auditors' room: both numbers, in a sentence and in its arithmetic."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from fixtures.databases import Databases
from fixtures.review_site import FIRST, PEOPLE
from fixtures.review_store import cell, fill, item_facts
from models.queue import ItemFacts
from models.records import ConflictKind
from models.rules import salinan_is_plano
from models.store.item_filter import ItemFilter
from models.store.store import Store
from review.answers import PaperSays, Says
from review.app import create_app
from review.desk import Desk
from review.outcomes import parse_finding
from review.passwords import new_token, token_hash
from review.web import places

PLANO, SALINAN = "c-hasil-ppwp-2024", "c-hasil-salinan-ppwp-2024"
FIELD = "suara_paslon_2"


def copy_facts() -> ItemFacts:
    return item_facts(
        FIRST,
        FIELD,
        kind=ConflictKind.RULE_BROKEN_ON_PAPER,
        entry=None,
        reading=177,
        rule=salinan_is_plano.CODE,
        detail="The copy (SALINAN) says 177 (b.jpg), the large sheet (plano) 117 (a.jpg).",
    ).model_copy(update={"form": SALINAN, "votes": 60})


@pytest.fixture
def store(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with databases.open(tmp_path_factory.mktemp("copy")) as opened:
        for name, role in PEOPLE:
            opened.accounts.add(name, role, by="test", password_hash=None)
        plano = cell(FIRST, FIELD, 117, 117)
        copy = plano.model_copy(update={"form": SALINAN, "reading": 177})
        opened.queue.save_cells([plano, copy], [])
        fill(opened, [copy_facts()])
        yield opened


def browser(store: Store, name: str) -> TestClient:
    token = new_token()
    later = datetime(2200, 1, 1, tzinfo=UTC)
    store.accounts.begin_session(name, token_hash(token), later, how="link")
    client = TestClient(create_app(store), base_url="http://testserver")
    client.cookies.set("chasil_session", token, domain="testserver.local")
    return client


def test_both_numbers_are_told(store: Store) -> None:
    client = browser(store, "vera")
    (item,) = store.queue.items(ItemFilter(tps=FIRST)).items
    page = client.get(f"/items/{item.id}").text
    assert "SALINAN menulis 177, formulir besar (plano) 117." in page
    assert "MODEL C.HASIL SALINAN-PPWP" in page


def test_what_waits_on_a_copy_is_hidden_on_the_form_itself(store: Store) -> None:
    """Both hold the same number, and the copy's is still to be answered blind."""
    for path in (f"/tps/{FIRST}?form={PLANO}", f"/kecamatan/{FIRST[:6]}?form={PLANO}"):
        number = re.compile(r"(?<![0-9a-zA-Z_-])117(?![0-9a-zA-Z_-])")
        assert number.search(browser(store, "vera").get(path).text)
        assert not number.search(browser(store, "budi").get(path).text)


def test_what_was_decided_on_a_copy_is_hidden_while_the_form_waits(store: Store) -> None:
    """TPS page, exports and record: budi still has to answer the large sheet's number blind."""
    (copy,) = store.queue.items(ItemFilter(tps=FIRST)).items
    facts = item_facts(FIRST, FIELD, kind=ConflictKind.VALUE_MISMATCH, entry=611, reading=117)
    fill(store, [facts, copy_facts()])
    citra = store.accounts.find("citra")
    assert citra is not None
    desk = Desk(store)
    item = desk.answer(citra, copy.id, copy.version, PaperSays(says=Says.NUMBER, number=177))
    finding = parse_finding(
        item, outcome="entry_wrong", number=177, empty=False, reason="salah salin 177", reference=""
    )
    desk.decide(citra, item.id, item.version, finding, attempt="")
    number = re.compile(r"(?<![0-9a-zA-Z_-])(117|177|611)(?![0-9a-zA-Z_-])")

    def asked(name: str) -> Iterator[str]:
        client = browser(store, name)
        yield client.get(f"/tps/{FIRST}?form={PLANO}").text
        token = re.search(r'name="csrf" value="([^"]+)"', client.get("/reports").text)
        assert token
        sent = {"csrf": token[1], "format": "csv", "region": FIRST[:6]}
        yield client.post("/reports/items", data=sent).text
        record = sent | {"format": "html"}
        page = client.post(f"/reports/kecamatan/{FIRST[:6]}", data=record).text
        yield re.sub(r'src="data:[^"]*"', "", page)

    assert [bool(number.search(text)) for text in asked("budi")] == [False] * 3
    assert [bool(number.search(text)) for text in asked("citra")] == [True] * 3


def test_a_broken_form_of_ones_own_breaks_no_page(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "village.json").write_text("{")
    monkeypatch.setenv("CHASIL_FORMS", str(tmp_path))
    places.form_of.cache_clear()
    budi = browser(store, "budi")
    for path in ("/queue", f"/kecamatan/{FIRST[:6]}", f"/tps/{FIRST}"):
        assert budi.get(path).status_code == 200
    assert "village" in caplog.text

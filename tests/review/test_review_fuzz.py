"""The app against its own OpenAPI: whatever a signed-in browser sends, there is no fault.

schemathesis makes the requests, valid ones and broken ones, from the app's own description.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.core import NOT_SET
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from fixtures.databases import Databases
from fixtures.review_site import without_tokens
from fixtures.review_store import cell, fill, item_facts, keep_photo, progress_of
from models.people import Role
from models.store.store import Store
from review.app import create_app
from review.passwords import csrf_token, new_token, token_hash

TPS = "3216032003001"
EXAMPLES = 3
"""Requests of each kind to each operation."""

KNOWN = {
    "code": ("3216", "321603", "3216032003", TPS),
    "sha256": (),
    "number": (1, 2),
    "name": ("budi", "citra"),
}
"""Values that exist, put in now and then: a random one seldom finds anything."""


@pytest.fixture(scope="module")
def store(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with databases.open(tmp_path_factory.mktemp("fuzz")) as opened:
        photo = keep_photo(opened, TPS)
        opened.accounts.add("citra", Role.SUPERVISOR, by="test")
        opened.accounts.add("budi", Role.AUDITOR, by="test")
        opened.queue.save_cells([cell(TPS, "suara_paslon_1", 824, 24, photo)], [progress_of(TPS)])
        fill(opened, [item_facts(TPS, sha256=photo), item_facts(TPS, "suara_paslon_2")])
        yield opened


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_nothing_that_is_sent_makes_a_fault(store: Store, mode: GenerationMode) -> None:
    app = create_app(store)
    client = TestClient(app, base_url="http://testserver", raise_server_exceptions=False)
    schema = schemathesis.openapi.from_dict(app.openapi())
    tried = set()
    answered: dict[int, int] = {}
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=EXAMPLES,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def send(case: Case[Any]) -> None:
            status = answer_to(store, client, case)
            answered[status // 100] = answered.get(status // 100, 0) + 1

        tried.add(operation.label)
        try:
            send()
        except Unsatisfiable:  # nothing can be wrong where there is nothing to fill in
            assert mode is GenerationMode.NEGATIVE
            assert not operation.body
    paths = app.openapi()["paths"]
    assert len(tried) == sum(len(ways) for ways in paths.values())
    assert answered[4] > EXAMPLES
    if mode is GenerationMode.POSITIVE:
        assert answered[2] > EXAMPLES
    assert store.trail.verify() is None


def answer_to(store: Store, client: TestClient, case: Case[Any]) -> int:
    """Send one request as a signed-in supervisor, with the right token; fails on a fault."""
    cookie = session_of(store)
    client.cookies.clear()
    path = case.path
    for name, value in (case.path_parameters or {}).items():
        known = KNOWN.get(name, ())
        if known and len(str(value)) % 2:
            value = known[len(str(value)) % len(known)]  # noqa: PLW2901
        path = path.replace("{" + name + "}", quote(str(value), safe=""))
    body: Any = case.body if case.body is not NOT_SET else None
    if isinstance(body, dict):
        body = {str(name): str(value) for name, value in body.items()}
        body["csrf"] = csrf_token(cookie)
    elif body is not None:
        body = {"csrf": csrf_token(cookie)}
    query = {str(name): str(value) for name, value in (case.query or {}).items()}
    answer = client.request(
        case.method,
        path,
        params=clean(query),
        data=clean(body) if body is not None else None,
        headers={"cookie": f"chasil_session={cookie}"},
        follow_redirects=False,
    )
    assert answer.status_code < 500, f"{case.method} {path} {query} {body}"
    assert "<script>alert" not in answer.text
    return answer.status_code


_SESSIONS: dict[int, str] = {}


def session_of(store: Store) -> str:
    """A session that is still open; some requests end it."""
    known = _SESSIONS.get(id(store))
    if known is not None and store.accounts.session(token_hash(known)) is not None:
        return known
    token = new_token()
    store.accounts.begin_session(
        "citra", token_hash(token), datetime.now(UTC) + timedelta(hours=1), how="password"
    )
    _SESSIONS[id(store)] = token
    return token


def clean(values: dict[str, str]) -> dict[str, str]:
    """Without lone surrogates: no browser can send them."""
    return {
        name.encode("utf-8", "replace").decode(): value.encode("utf-8", "replace").decode()
        for name, value in values.items()
    }


NASTY = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "{{7*7}}${7*7}",
    "javascript:alert(1)",
    "'; DROP TABLE trail; --",
    "../../etc/passwd",
)


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, TestClient]]:
    """A store in which every text that comes from outside is hostile."""
    from models.records import Entry
    from models.store.items import Upload
    from models.trail import Act

    with Store.open(tmp_path_factory.mktemp("nasty")) as opened:
        folder = tmp_path_factory.mktemp("photos")
        photo = keep_photo(opened, TPS)
        opened.accounts.add("citra", Role.SUPERVISOR, by="test")
        batch = opened.begin_batch("e" * 64)
        uploads = []
        for number, text in enumerate(NASTY):
            path = folder / f"{number}.jpg"
            path.write_bytes(text.encode())
            uploads.append(Upload(text, opened.shelf.keep(path), TPS))
        opened.add_uploads(batch, uploads)
        opened.finish_batch(batch, {})
        text = " ".join(NASTY)
        opened.add_entries(
            [Entry(tps=TPS, form=text, fields={text: 3}, source=text, psu=text, images=(text,))]
        )
        opened.queue.save_cells(
            [cell(TPS, text, 3, 4, photo), cell(TPS, "suara_paslon_1", 3, 4, photo)],
            [progress_of(TPS)],
        )
        fill(
            opened,
            [
                item_facts(TPS, text, rule=text, detail=text, photo=text, sha256=photo, cause=text),
                item_facts(TPS, None, photo=text, detail=text, priority=1),
            ],
        )
        with opened.queue.acting() as acting:
            acting.append(
                who=text[:64],
                act=Act.SKIPPED,
                subject=text[:96],
                before={text: text},
                after={text: [text]},
                why=text,
            )
        client = TestClient(
            create_app(opened), base_url="http://testserver", raise_server_exceptions=False
        )
        client.cookies.set("chasil_session", session_of(opened), domain="testserver.local")
        yield opened, client


@pytest.mark.parametrize(
    "path",
    [
        *("/queue", "/items/1", "/items/2", "/regions/3216", "/regions/321603"),
        *("/regions/3216032003", "/kecamatan/321603", f"/tps/{TPS}", "/reports", "/trail"),
        *("/users", "/trail?subject=%3Cscript%3Ealert(1)%3C/script%3E", "/settings"),
    ],
)
def test_no_stored_text_is_ever_markup(nasty: tuple[Store, TestClient], path: str) -> None:
    _, client = nasty
    answer = client.get(path)
    assert answer.status_code == 200, answer.text[:500]
    check_harmless(answer.text)


@pytest.mark.parametrize("format_", ["html", "csv", "pdf", "xlsx"])
def test_no_stored_text_is_ever_markup_in_files(
    nasty: tuple[Store, TestClient], format_: str
) -> None:
    _, client = nasty
    path = "/reports/kecamatan/321603" if format_ in ("html", "pdf") else "/reports/items"
    token = csrf_token(client.cookies["chasil_session"])
    answer = client.post(path, data={"csrf": token, "format": format_})
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    if format_ == "html":
        check_harmless(answer.text)


def test_region_names_are_escaped(
    nasty: tuple[Store, TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.regions import RegionTable
    from review.web import places

    hostile = RegionTable({TPS: NASTY[0], TPS[:10]: NASTY[1], "321603": NASTY[0], "3216": NASTY[2]})
    monkeypatch.setattr(places, "region_table", lambda: hostile)
    _, client = nasty
    for path in ("/regions/321603", "/kecamatan/321603", f"/tps/{TPS}", "/reports", "/queue"):
        # Dashboards are kept for some seconds: another address, another count.
        check_harmless(client.get(path).text)


def check_harmless(html: str) -> None:
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert 'href="javascript' not in html
    assert "49" not in without_tokens(html) or "{{7*7}}" in html


@pytest.mark.parametrize(
    "code", ["../3216", "..%2f3216", "3216'--", "3216 OR 1=1", "%00", "３２１６"]
)
@pytest.mark.parametrize("page", ["regions", "kecamatan", "tps"])
def test_odd_codes_lead_nowhere(nasty: tuple[Store, TestClient], page: str, code: str) -> None:
    store, client = nasty
    assert client.get(f"/{page}/{code}").status_code in (404, 422)
    assert store.trail.verify() is None


def test_files_have_names_of_our_own(nasty: tuple[Store, TestClient]) -> None:
    _, client = nasty
    token = csrf_token(client.cookies["chasil_session"])
    for region in ("../../x", "3216\r\nSet-Cookie: a=b", '"; evil'):
        answer = client.post(
            "/reports/items", data={"csrf": token, "format": "csv", "region": region}
        )
        assert answer.status_code == 422
        assert "set-cookie" not in answer.headers

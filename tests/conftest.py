"""What all tests share: real material, both databases, and a browser for the auditors' room."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from fixtures.databases import Databases
    from fixtures.review_site import Site
    from fixtures.servers import PostgreSqlServer, S3Server

WAIT_MS = 60_000


def pytest_configure() -> None:
    """One thread in each process, as everywhere in chasil; and no test fails for being slow."""
    cv2.setNumThreads(1)
    settings.register_profile("chasil", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("chasil")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first: one that began last would keep everybody waiting."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real forms, photos and entries beside the project; skips where it is absent."""
    folder = Path(os.environ.get("CHASIL_SHARED", Path(__file__).parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip("the folder of real material is not on this machine")
    return folder


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSqlServer]:
    """A PostgreSQL server of the tests' own; skips where Debian's package is not there."""
    from fixtures.servers import ServerMissing, postgresql_server

    try:
        with postgresql_server() as server:
            yield server
    except ServerMissing as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def on_postgresql(postgresql: PostgreSqlServer) -> Databases:
    """Opens stores on the tests' own PostgreSQL server."""
    from fixtures.databases import Databases

    return Databases(postgresql)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """Opens stores. Every test that asks for it, itself or through a fixture, runs on both."""
    from fixtures.databases import Databases

    if request.param == "sqlite":
        return Databases()
    on_server: Databases = request.getfixturevalue("on_postgresql")
    return on_server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3 server of the tests' own, without buckets."""
    from fixtures.servers import s3_server

    with s3_server() as server:
        yield server


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """Prepares a folder as Prefect's home, so that its first start there takes no ten seconds."""
    from fixtures.prefect_home import copy_prefect_database

    own = tmp_path_factory.getbasetemp()
    of_all = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    return partial(copy_prefect_database, prepared=of_all / "prepared-prefect")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's chromium, headless; skips where it is not there."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not on this machine: apt-get install -y chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Site]:
    """An auditors' room of its own with five items, served."""
    from fixtures.databases import Databases
    from fixtures.review_site import fill_desk, serve

    with Databases().open(tmp_path / "home") as store:
        fill_desk(store)
        with serve(store) as site:
            yield site


@pytest.fixture
def open_as(chromium: Browser, desk: Site) -> Iterator[Callable[..., Page]]:
    """Opens a browser of its own for a user, signed in unless no name is given."""
    from review.web.parts import SESSION_COOKIE

    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def opened(name: str | None, *, width: int = 1280, scripts: bool = True) -> Page:
        context = chromium.new_context(
            base_url=desk.address,
            viewport={"width": width, "height": 900},
            java_script_enabled=scripts,
        )
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        if name is not None:
            token = desk.session_of(name)
            context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": desk.address}])
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == [], "scripts failed"


@pytest.fixture
def shoot() -> Callable[[Page, str], None]:
    """Keeps a picture of the whole page where CHASIL_SCREENSHOTS names a folder for them."""
    wanted = os.environ.get("CHASIL_SCREENSHOTS")

    def shot(page: Page, name: str) -> None:
        if wanted:
            page.screenshot(path=Path(wanted) / f"{name}.png", full_page=True)

    return shot

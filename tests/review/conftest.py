"""A real browser for the room's tests; skips where chromium or Playwright is not there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from fixtures.review_site import Site, fill_desk, serve
from models.store.store import Store
from review.web.parts import SESSION_COOKIE

WAIT_MS = 15_000


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's chromium, headless."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not on this machine: apt-get install -y chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Site]:
    """A room of its own with five items, served."""
    with Store.open(tmp_path / "home") as store:
        fill_desk(store)
        with serve(store) as site:
            yield site


@pytest.fixture
def open_as(chromium: Browser, desk: Site) -> Iterator[Callable[..., Page]]:
    """Opens a browser of its own for a user, signed in unless no name is given."""
    contexts: list[BrowserContext] = []

    def opened(name: str | None, *, width: int = 1280, scripts: bool = True) -> Page:
        context = chromium.new_context(
            base_url=desk.address,
            viewport={"width": width, "height": 900},
            java_script_enabled=scripts,
        )
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
        if name is not None:
            cookie = {"name": SESSION_COOKIE, "value": desk.session_of(name), "url": desk.address}
            context.add_cookies([cookie])
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def shoot(tmp_path: Path) -> Callable[[Page, str], None]:
    """Keeps a picture of the whole page in CHASIL_SCREENSHOTS, else in a passing folder."""
    folder = Path(os.environ.get("CHASIL_SCREENSHOTS", tmp_path / "shots"))
    folder.mkdir(parents=True, exist_ok=True)

    def shot(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png", full_page=True)

    return shot

"""A form of the user's own on the pages of the room: its own candidates, sums and labels."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient
from rich.console import Console

from fixtures.review_store import cell, fill, item_facts, progress_of
from flows.diff_shown import diff_shown
from flows.newform.suggested_sums import suggested_sums
from flows.recap import recapitulate
from models.forms.template import FieldTemplate, FormTemplate, PageTemplate
from models.people import Role
from models.regions import load_regions
from models.store.item_filter import ItemFilter
from models.store.store import Store
from pipeline.diff import Diff, diff_totals
from review.app import create_app
from review.passwords import new_token, token_hash
from review.web import places

FORM = "pilkades-2026"
TPS = "3216032003001"
NUMBERS = {
    "suara_calon_1": 61,
    "suara_calon_2": 48,
    "suara_sah": 109,
    "suara_tidak_sah": 2,
    "suara_total": 111,
}


def village() -> FormTemplate:
    fields = tuple(
        FieldTemplate(
            name=name,
            label=name.replace("suara_calon_", "Calon nomor urut ").replace("_", " ").capitalize(),
            boxes=((10.0, 10.0 + 12 * row, 20.0, 20.0 + 12 * row),),
        )
        for row, name in enumerate(NUMBERS)
    )
    return FormTemplate(
        id=FORM,
        title="MODEL PILKADES.HASIL",
        election="other",
        year=2026,
        source="a test",
        page_mm=(210, 297),
        box_stroke_mm=0.5,
        sums=suggested_sums(tuple(NUMBERS)),
        pages=(PageTemplate(number=1, title=("MODEL PILKADES.HASIL",), fields=fields),),
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("village")
    with pytest.MonkeyPatch.context() as patch, Store.open(folder / "home") as opened:
        patch.setenv("CHASIL_FORMS", str(folder))
        (folder / f"{FORM}.json").write_text(
            village().model_dump_json(exclude={"digest", "enlargement"})
        )
        places.form_of.cache_clear()
        cells = [
            cell(TPS, name, number + 100 * (name == "suara_calon_2"), number).model_copy(
                update={"form": FORM}
            )
            for name, number in NUMBERS.items()
        ]
        opened.queue.save_cells(cells, [progress_of(TPS).model_copy(update={"form": FORM})])
        wrong = item_facts(TPS, "suara_calon_2", entry=148, reading=48)
        fill(opened, [wrong.model_copy(update={"form": FORM})])
        opened.accounts.add("citra", Role.SUPERVISOR, by="test")
        yield opened
        places.form_of.cache_clear()


@pytest.fixture(scope="module")
def citra(store: Store) -> TestClient:
    token = new_token()
    store.accounts.begin_session(
        "citra", token_hash(token), datetime(2200, 1, 1, tzinfo=UTC), how="link"
    )
    client = TestClient(create_app(store, fresh_seconds=0), base_url="http://testserver")
    client.cookies.set("chasil_session", token, domain="testserver.local")
    return client


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def test_the_dashboard_compares_its_candidates(citra: TestClient) -> None:
    text = text_of(citra.get("/regions/3216032003").text)
    assert "Calon nomor urut 2 148 dari 1 TPS 48 dari 1 TPS -100" in text.replace("−", "-")
    assert "Suara sah 109 dari 1 TPS" in text
    assert "paslon" not in text.lower()


def test_the_kecamatan_has_its_candidates_as_columns(citra: TestClient) -> None:
    page = citra.get("/kecamatan/321603").text
    head = text_of(page[page.index("<thead>") : page.index("</thead>")]).strip()
    assert head == (
        "TPS Calon nomor urut 1 Calon nomor urut 2 Suara sah Suara tidak sah Suara total Keadaan"
    )
    row = text_of(page[page.index(f"/tps/{TPS}") :].partition("</tr>")[0])
    assert "▲ 148" in row


def test_the_tps_and_the_item_name_its_fields(citra: TestClient, store: Store) -> None:
    assert "Calon nomor urut 2" in text_of(citra.get(f"/tps/{TPS}").text)
    (item,) = store.queue.items(ItemFilter(tps=TPS)).items
    text = text_of(citra.get(f"/items/{item.id}").text)
    assert "Calon nomor urut 2" in text


@pytest.mark.usefixtures("citra")
def test_recap_and_diff_sum_its_votes(store: Store) -> None:
    rows = {one.field: one for one in recapitulate(store, load_regions(), levels=("desa",))}
    assert set(rows) == set(NUMBERS)
    assert (rows["suara_calon_2"].entry, rows["suara_calon_2"].reading) == (148, 48)
    sums = {(FORM, name): (number, 1, number, 1) for name, number in NUMBERS.items()}
    console = Console(width=120)
    with console.capture() as printed:
        console.print(
            diff_shown(
                Diff.model_construct(
                    first=1, first_finished_at=None, last=2, last_finished_at=None,
                    first_recipe="a", last_recipe="a", recipe_parts=(),
                    fields=(), only_confidence=0, entries=(), conflicts=(),
                    conflicts_unchanged=0, items=(), totals=diff_totals(sums, sums),
                )
            )
        )  # fmt: skip
    assert "suara_calon_1" in printed.get()

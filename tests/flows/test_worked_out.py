"""What is kept of readings is believed only where it is what the readings would say again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from fixtures.databases import Databases
from fixtures.fake_header import EVIDENCE, fake_header
from flows import worked_out
from flows.changes import rows_of, standing
from flows.code_digest import digest_of_code, modules_behind
from flows.worked_out import FORM, HEADERS, basis_of, work_out
from models.forms.template import load_form
from models.records import FieldReading, FieldStatus, PageReading, PageStatus, ReviewReason, Witness
from models.regions import RegionTable, load_regions
from models.reliability import Reliabilities, unmeasured
from models.store.findings import Findings
from models.store.items import Upload
from models.store.refresh import CellChanges
from models.store.shelf import KeptPhoto
from models.store.store import Store
from models.store.worked_out import WorkedOut, WorkedOutRow
from pipeline import wrong_headers
from pipeline.gather import gather
from pipeline.thin import packed, thin, unpacked

RECIPE = "e" * 64
TPS, OTHER = "3216032003015", "3216032003016"
PAGE = load_form("c-hasil-ppwp-2024").page(2)
KNOWN = unmeasured({"digits": "d"})
HEADER = fake_header(
    {"kecamatan": "SUKAWANGI", "kelurahan": "SUKADAYA", "tps": "015", "tps_words": "LIMABELAS"}
)


def page_of(tps: str) -> PageReading:
    """Page 2, filed under a TPS, with the header of TPS 015."""
    digits = Witness(value=24, confidence=0.9, box=None, distribution=((24, 0.9), (29, 0.1)))
    field = FieldReading(
        value=24,
        confidence=0.9,
        status=FieldStatus.REVIEW,
        reasons=(ReviewReason.LOW_CONFIDENCE,),
        witnesses={"digits": digits},
    )
    return PageReading(
        photo=f"{tps}.jpg",
        sha256=f"{int(tps):064x}",
        tps=tps,
        form="c-hasil-ppwp-2024",
        page=2,
        status=PageStatus.READ,
        recipe=RECIPE,
        fields={one.name: field for one in PAGE.fields},
        header=HEADER,
    )


@pytest.fixture(autouse=True)
def _measured(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (worked_out, wrong_headers):
        monkeypatch.setattr(module, "load_header_evidence", lambda: EVIDENCE)


@pytest.fixture
def store(databases: Databases, tmp_path: Path) -> Iterator[Store]:
    with databases.open(tmp_path) as opened:
        batch = opened.begin_batch(RECIPE)
        pages = [page_of(TPS), page_of(OTHER)]
        opened.add_uploads(
            batch,
            [
                Upload(page.photo, KeptPhoto(page.sha256 or "", 9, Path(page.photo)), page.tps)
                for page in pages
            ],
        )
        opened.add_readings(RECIPE, [[page] for page in pages])
        yield opened


def work(
    store: Store, known: Reliabilities = KNOWN, regions: RegionTable | None = None
) -> tuple[list[tuple[str, str]], worked_out.WorkedOutTps]:
    """Which parts had to be worked out, and the result; what is new is kept."""
    basis = basis_of(known, regions or load_regions())
    found = work_out(store, standing(store, RECIPE).pages, basis)
    store.save_findings(1, Findings((), (), CellChanges((), ()), found.to_keep))
    return sorted((row.tps, row.part) for row in found.to_keep), found


EVERY_PART = [(tps, part) for tps in (TPS, OTHER) for part in (FORM, HEADERS)]


def test_what_was_worked_out_is_not_worked_out_again(store: Store) -> None:
    made, first = work(store)
    assert made == EVERY_PART
    assert [one.tps for one in first.headers] == [OTHER]
    made, second = work(store)
    assert made == []
    assert (second.gathered, second.headers) == (first.gathered, first.headers)


def test_what_decides_a_part_makes_that_part_anew(store: Store) -> None:
    work(store)
    stricter = KNOWN.model_copy(update={"slip": 0.2})
    assert work(store, stricter)[0] == [(TPS, FORM), (OTHER, FORM)]
    names = {one.code: one.name for one in load_regions()}
    renamed = RegionTable(names | {TPS[:10]: "ELSEWHERE"})
    assert work(store, stricter, renamed)[0] == [(TPS, HEADERS), (OTHER, HEADERS)]
    assert work(store, stricter, renamed)[0] == []


@pytest.mark.parametrize("harm", ["flipped", "cut", "another TPS's"])
def test_a_harmed_row_is_not_believed(store: Store, harm: str) -> None:
    first = work(store)[1]
    keys = {row.tps: row for row in first.to_keep if row.part == FORM}
    mine, other = keys[TPS], keys[OTHER]
    content = {
        "flipped": bytes([*mine.content[:9], mine.content[9] ^ 1, *mine.content[10:]]),
        "cut": mine.content[:-3],
        "another TPS's": other.content,
    }[harm]
    with store.connections.writing() as connection:
        connection.execute(
            update(WorkedOutRow)
            .where(WorkedOutRow.tps == TPS, WorkedOutRow.part == FORM)
            .values(content=content)
        )
    made, again = work(store)
    assert made == [(TPS, FORM)]
    assert again.gathered == first.gathered
    assert work(store)[0] == []


def test_a_row_counts_only_under_its_own_key(store: Store) -> None:
    row = WorkedOut(TPS, FORM, "a" * 64, b"content")
    store.save_findings(1, Findings((), (), CellChanges((), ()), (row,)))
    assert store.find_worked_out(FORM, {TPS: "a" * 64}) == {TPS: b"content"}
    assert store.find_worked_out(FORM, {TPS: "b" * 64}) == {}
    assert store.find_worked_out(HEADERS, {TPS: "a" * 64}) == {}


def test_another_reading_is_another_key(store: Store) -> None:
    pages = standing(store, RECIPE).pages
    (key,) = pages[TPS]
    store.add_readings("f" * 64, [[page_of(TPS)]])
    (newer,) = standing(store, "f" * 64).pages[TPS]
    assert rows_of([key]) != rows_of([newer])


def test_the_thin_form_comes_back_from_json() -> None:
    thinned = thin(gather([page_of(TPS), page_of(OTHER)], KNOWN))
    assert unpacked(packed(thinned)) == thinned
    assert thinned.photos[0].header is None


def test_code_is_followed_through_imports() -> None:
    of_forms = modules_behind("pipeline.gather")
    assert {"pipeline.sums", "models.rules.l_plus_p_is_j", "models.reliability"} <= of_forms
    assert "pipeline.whose" not in of_forms
    assert "pipeline.ctc" in modules_behind("pipeline.wrong_headers")
    assert digest_of_code("pipeline.gather") != digest_of_code("pipeline.wrong_headers")

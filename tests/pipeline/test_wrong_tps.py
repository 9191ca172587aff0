"""A photo whose header names another TPS becomes a finding, and nothing else changes."""

from __future__ import annotations

import pytest

from fixtures.fake_header import EVIDENCE, fake_header, illegible
from models.forms.template import load_form
from models.records import (
    ConflictKind,
    FieldReading,
    FieldStatus,
    HeaderReading,
    PageReading,
    PageStatus,
)
from models.regions import load_regions
from pipeline import wrong_headers
from pipeline.compare import compare_all
from pipeline.gather import gather
from pipeline.priority import FIRST

FORM = load_form("c-hasil-ppwp-2024")
TPS, OTHER, UNKNOWN = "3216032003015", "3216032003016", "9999999999999"
HEADER = fake_header(
    {"kecamatan": "SUKAWANGI", "kelurahan": "SUKADAYA", "tps": "015", "tps_words": "LIMABELAS"}
)


@pytest.fixture(autouse=True)
def _measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrong_headers, "load_header_evidence", lambda: EVIDENCE)


def page(tps: str | None, header: HeaderReading | None = HEADER, number: int = 1) -> PageReading:
    fields = {
        field.name: FieldReading(value=1, confidence=0.999, status=FieldStatus.CLEAR)
        for field in FORM.page(number).fields
    }
    return PageReading(
        photo=f"{tps}-{number}.jpg",
        sha256=f"{number:064}",
        tps=tps,
        form=FORM.id,
        page=number,
        status=PageStatus.READ,
        fields=fields,
        header=header,
    )


def found(*pages: PageReading, with_regions: bool = True) -> list[str | None]:
    regions = load_regions() if with_regions else None
    conflicts = compare_all(gather(pages), None, regions=regions)
    return [one.tps for one in conflicts if one.kind is ConflictKind.WRONG_TPS]


def test_a_wrongly_filed_photo_is_a_finding_for_a_person() -> None:
    regions = load_regions()
    conflicts = compare_all(gather([page(OTHER)]), None, regions=regions)
    (wrong,) = [one for one in conflicts if one.kind is ConflictKind.WRONG_TPS]
    assert (wrong.tps, wrong.photo) == (OTHER, f"{OTHER}-1.jpg")
    assert wrong.confidence is None
    assert wrong.priority >= FIRST
    assert "Filed under TPS 016, SUKADAYA" in wrong.detail
    assert f"TPS 015, SUKADAYA, SUKAWANGI, BEKASI ({TPS})" in wrong.detail
    assert "tps reads 015" in wrong.detail
    assert "tps words reads LIMABELAS" in wrong.detail
    assert "kelurahan" not in wrong.detail


def test_the_photo_stays_where_it_was_filed() -> None:
    gathered = gather([page(OTHER)])
    without = compare_all(gathered, None)
    with_regions = compare_all(gathered, None, regions=load_regions())
    assert [one for one in with_regions if one.kind is not ConflictKind.WRONG_TPS] == list(without)
    assert [one.tps for one in gathered.form_readings] == [OTHER]


def test_one_photo_under_two_tps_is_judged_under_each() -> None:
    assert found(page(TPS), page(OTHER)) == [OTHER]


def test_every_photo_of_a_page_is_judged_not_only_the_one_that_is_used() -> None:
    """Of two photos of one page only the better one's fields are used."""
    good = page(OTHER, fake_header({"kelurahan": "SUKADAYA", "tps": "016"}))
    worse = page(OTHER).model_copy(update={"photo": "worse.jpg", "sha256": "f" * 64})
    assert found(good, worse) == [OTHER]


@pytest.mark.parametrize(
    "one",
    [
        page(TPS),
        page(None),
        page(UNKNOWN),
        page(OTHER, None),
        page(OTHER, fake_header(dict.fromkeys(HEADER.lines, ""))),
        page(OTHER, fake_header(dict.fromkeys(HEADER.lines, illegible()))),
        page(OTHER, fake_header({"kelurahan": "SUKADAYA"})),
        page(OTHER, HEADER.model_copy(update={"recogniser": "another"})),
    ],
    ids=[
        *("right", "no claim", "unknown TPS", "no header", "empty", "illegible", "cut off"),
        "another recogniser",
    ],
)
def test_no_finding_without_evidence(one: PageReading) -> None:
    assert found(one) == []


def test_no_finding_without_a_table() -> None:
    assert found(page(OTHER), with_regions=False) == []

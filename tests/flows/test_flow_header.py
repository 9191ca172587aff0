"""What `chasil read` says about the header."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from rich.console import Console

from fixtures.fake_header import EVIDENCE, fake_header
from flows import header as shown
from flows.reading import page_as_json, page_as_table
from models.records import HeaderReading, PageReading, PageStatus, Placement
from models.regions import load_regions

TPS, OTHER = "3216032003003", "3216012002003"
LINES = {"kecamatan": "SUKAWANGI", "kelurahan": "SUKADAYA", "tps": "003", "tps_words": "TIGA"}


@pytest.fixture(autouse=True)
def _measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown, "load_header_evidence", lambda: EVIDENCE)


def page(tps: str | None, header: HeaderReading | None) -> PageReading:
    return PageReading(
        photo="page.jpg",
        sha256="0" * 64,
        tps=tps,
        form="c-hasil-ppwp-2024",
        page=2,
        status=PageStatus.READ,
        placement=Placement(
            method="tag",
            error_mm=0.1,
            worst_mm=0.2,
            px_per_mm=3.0,
            rotation_degrees=0.0,
            in_view=1.0,
            outline=((0.0, 0.0),) * 4,
        ),
        header=header,
    )


def text_of(tps: str | None, header: HeaderReading | None) -> str:
    console = Console(file=StringIO(), width=200)
    console.print(page_as_table(page(tps, header), load_regions()))
    assert isinstance(console.file, StringIO)
    return " ".join(console.file.getvalue().split())


def json_of(tps: str | None, header: HeaderReading | None) -> dict[str, object]:
    known = json.loads(page_as_json(page(tps, header), load_regions()))
    assert isinstance(known, dict)
    return known


def test_a_match_is_said_with_each_line() -> None:
    said = json_of(TPS, fake_header(LINES))["header"]
    assert isinstance(said, dict)
    assert said["verdict"] == "match"
    assert set(said["parts"]) == set(LINES)
    kelurahan = said["parts"]["kelurahan"]
    assert (kelurahan["text"], kelurahan["claimed"]) == ("SUKADAYA", "SUKADAYA")
    assert kelurahan["verdict"] == "match"
    assert len(kelurahan["box"]) == 4
    assert "lattice" not in json.dumps(said)
    assert "match, TPS 003, SUKADAYA, SUKAWANGI, BEKASI" in text_of(TPS, fake_header(LINES))


def test_a_mismatch_names_what_it_looks_like() -> None:
    said = json_of(OTHER, fake_header(LINES))["header"]
    assert isinstance(said, dict)
    assert (said["verdict"], said["likeliest"]) == ("mismatch", TPS)
    assert said["parts"]["kelurahan"]["other"] == "SUKADAYA"
    assert f"mismatch; it looks more like TPS 003, SUKADAYA, SUKAWANGI, BEKASI ({TPS})" in text_of(
        OTHER, fake_header(LINES)
    )


def test_without_a_claim_the_lines_are_shown_alone() -> None:
    said = json_of(None, fake_header(LINES))["header"]
    assert isinstance(said, dict)
    assert set(said) == {"parts"}
    assert set(said["parts"]["tps"]) == {"text", "confidence", "box"}
    text = text_of(None, fake_header({**LINES, "tps": ""}))
    assert "kelurahan SUKADAYA, tps nothing" in text
    assert "Whose form" not in text


def test_a_tps_that_is_in_no_table_is_said_so() -> None:
    assert "the table of regions does not hold 9999999999999" in text_of(
        "9999999999999", fake_header(LINES)
    )


def test_without_a_header_nothing_is_said() -> None:
    assert "header" not in json_of(TPS, None)
    assert "header" not in text_of(TPS, None)

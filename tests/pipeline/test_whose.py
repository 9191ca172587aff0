"""Whose form it is, from headers as a recogniser might have read them: one fault at a time."""

from __future__ import annotations

import numpy as np
import pytest

from fixtures.fake_header import EVIDENCE, fake_header, illegible, lattice_of
from models.records import HeaderReading
from models.regions import RegionTable, load_regions
from pipeline.whose import Whose, WhoseVerdict, whose_form

CLAIMED = "3216032003003"
"""TPS 003, Sukadaya, Sukawangi, Bekasi."""
OTHER_NUMBER = "3216032003004"
OTHER_DESA = "3216032005003"
OTHER_KECAMATAN = "3216012002003"
RIGHT = {
    "provinsi": "JAWABARAT",
    "kabupaten": "BEKASI",
    "kecamatan": "SUKAWANGI",
    "kelurahan": "SUKADAYA",
    "tps": "003",
    "tps_words": "TIGA",
}
MATCH, MISMATCH, CANT_TELL = WhoseVerdict.MATCH, WhoseVerdict.MISMATCH, WhoseVerdict.CANT_TELL
Lines = dict[str, object]


def header(**changes: object) -> HeaderReading:
    return fake_header({**RIGHT, **changes})  # type: ignore[dict-item]


def asked(read: HeaderReading | None, claimed: str = CLAIMED) -> Whose:
    return whose_form(read, claimed, load_regions(), EVIDENCE)


def test_a_right_header_matches() -> None:
    whose = asked(header())
    assert whose.verdict is MATCH
    assert whose.probability is not None
    assert whose.probability > 0.9999
    assert whose.likeliest is None
    assert {part.verdict for part in whose.parts.values()} == {MATCH}
    assert whose.parts["kelurahan"].claimed == "SUKADAYA"


@pytest.mark.parametrize(
    ("claimed", "parts"),
    [
        (OTHER_NUMBER, {"tps", "tps_words"}),
        (OTHER_DESA, {"kelurahan"}),
        (OTHER_KECAMATAN, {"kecamatan", "kelurahan"}),
    ],
)
def test_a_photo_filed_under_another_tps_is_found(claimed: str, parts: set[str]) -> None:
    whose = asked(header(), claimed)
    assert whose.verdict is MISMATCH
    assert whose.likeliest == CLAIMED
    assert whose.likeliest_name == "TPS 003, SUKADAYA, SUKAWANGI, BEKASI"
    assert {part for part, one in whose.parts.items() if one.verdict is MISMATCH} == parts
    assert whose.parts[min(parts)].other is not None


@pytest.mark.parametrize(
    "ways",
    [
        {"tps": "3"},
        {"tps": "03"},
        {"tps": "OO3"},
        {"tps": "TPS003"},
        {"tps_words": "NOLNOLTIGA"},
        {"kelurahan": "DESASUKADAYA", "kecamatan": "KECSUKAWANGI", "kabupaten": "KABBEKASI"},
        {"kelurahan": "SOEKADAJA"},
    ],
)
def test_other_ways_of_writing_the_same_match(ways: Lines) -> None:
    whose = asked(header(**ways))
    assert whose.verdict is MATCH
    assert MISMATCH not in {part.verdict for part in whose.parts.values()}


@pytest.mark.parametrize("claimed", [CLAIMED, OTHER_NUMBER, OTHER_DESA, OTHER_KECAMATAN])
@pytest.mark.parametrize(
    "lines",
    [
        dict.fromkeys(RIGHT, ""),
        dict.fromkeys(RIGHT, illegible()),
        dict.fromkeys(RIGHT, illegible(200)),
        dict.fromkeys(RIGHT, "XQWVXQWVX"),
        dict.fromkeys(RIGHT, np.full((40, 37), -np.log(37), np.float32)),
        dict.fromkeys(RIGHT, np.zeros((0, 37), np.float32)),
    ],
    ids=["empty", "illegible", "illegible and long", "gibberish", "don't know", "no steps"],
)
def test_nothing_legible_says_nothing(lines: Lines, claimed: str) -> None:
    whose = asked(header(**lines), claimed)
    assert whose.verdict is CANT_TELL
    assert whose.probability is not None
    assert whose.probability > 0.98
    assert whose.likeliest is None
    assert {part.verdict for part in whose.parts.values()} == {CANT_TELL}


def test_a_header_cut_off_is_judged_by_what_is_left() -> None:
    names_only = {part: RIGHT[part] for part in ("kabupaten", "kecamatan", "kelurahan")}
    read = fake_header(names_only)
    assert asked(read).verdict is CANT_TELL  # of which TPS of the desa?
    assert asked(read, OTHER_NUMBER).verdict is CANT_TELL
    assert asked(read, OTHER_DESA).verdict is MISMATCH
    assert asked(fake_header({"kabupaten": "BEKASI"}), OTHER_DESA).verdict is CANT_TELL
    assert asked(fake_header({})).verdict is CANT_TELL
    assert asked(None).verdict is CANT_TELL


def test_one_line_is_not_enough_against_a_number() -> None:
    """A digit is easily misread; where the words are silent a photo is not accused."""
    whose = asked(header(tps="003", tps_words=""), OTHER_NUMBER)
    assert whose.verdict is CANT_TELL
    assert whose.parts["tps"].verdict is MISMATCH
    assert whose.likeliest == CLAIMED


def test_digits_and_words_that_differ_accuse_nobody() -> None:
    for claimed in (CLAIMED, OTHER_NUMBER):
        assert asked(header(tps_words="EMPAT"), claimed).verdict is not MISMATCH


@pytest.mark.parametrize(
    "misread",
    [
        {"kelurahan": lattice_of("SUKADAYA", confused={4: "O", 5: "H"})},
        {"kelurahan": "SUKDYA"},
        {"tps": lattice_of("003", confused={2: "8"})},
        {"tps": lattice_of("003", confused={2: "4"}, sure=0.999)},
        {"kecamatan": illegible(), "tps_words": illegible()},
    ],
)
def test_a_misread_line_does_not_accuse(misread: Lines) -> None:
    assert asked(header(**misread)).verdict is not MISMATCH


def test_a_legible_name_that_no_table_has_accuses_nobody() -> None:
    whose = asked(header(kelurahan="TELUKBETUNG"))
    assert whose.verdict is not MISMATCH
    assert whose.parts["kelurahan"].text == "TELUKBETUNG"


def two_kabupaten() -> RegionTable:
    names = {one.code: one.name for one in load_regions()}
    names |= {"33": "JAWA TENGAH", "3310": "KLATEN", "331008": "CAWAS"}
    names |= {"3310082001": "BARAN", "3310082002": "BALAK"}
    names |= {f"33100820{desa:02}{tps:03}": f"TPS {tps:03}" for desa in (1, 2) for tps in (1, 2, 3)}
    return RegionTable(names)


def test_a_form_of_another_kabupaten_is_found() -> None:
    read = fake_header(
        {
            "provinsi": "JAWATENGAH",
            "kabupaten": "KLATEN",
            "kecamatan": "CAWAS",
            "kelurahan": "BARAN",
            "tps": "001",
            "tps_words": "SATU",
        }
    )
    whose = whose_form(read, CLAIMED, two_kabupaten(), EVIDENCE)
    assert whose.verdict is MISMATCH
    assert whose.likeliest == "3310082001001"
    assert whose_form(read, "3310082001001", two_kabupaten(), EVIDENCE).verdict is MATCH
    # The same header where the table ends at Bekasi: legible, but of no TPS that is known.
    assert asked(read).verdict is not MATCH


@pytest.mark.parametrize("claimed", ["3216032003999", "9999999999999"])
def test_a_tps_that_the_table_does_not_hold_is_not_judged(claimed: str) -> None:
    whose = asked(header(), claimed)
    assert whose.verdict is CANT_TELL
    assert whose.probability is None
    assert whose.parts["kelurahan"].text == "SUKADAYA"


def test_what_another_recogniser_read_is_not_judged() -> None:
    read = fake_header(RIGHT, recogniser="another")
    assert asked(read, OTHER_KECAMATAN).verdict is CANT_TELL


def test_the_only_tps_of_a_table_can_still_match() -> None:
    names = {one.code: one.name for one in load_regions().path(CLAIMED)}
    whose = whose_form(header(), CLAIMED, RegionTable(names), EVIDENCE)
    assert whose.verdict is CANT_TELL  # there is no other to tell it from
    assert whose.parts["kelurahan"].verdict is MATCH


def test_a_broken_lattice_is_no_verdict() -> None:
    line = header().lines["kelurahan"].model_copy(update={"lattice": "broken"})
    read = header().model_copy(update={"lines": {"kelurahan": line}})
    with pytest.raises(ValueError, match="lattice"):
        asked(read)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.region_names import plain, ways_of_writing, ways_of_writing_number
from models.regions import Level, load_regions


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("KARANG BAHAGIA", "KARANGBAHAGIA"),
        ("Karang-Bahagia", "KARANGBAHAGIA"),
        ("Kep. Seribu", "KEPSERIBU"),
        ("SP. 2 (TRANS)", "SP2"),
        ("Ma'rang", "MARANG"),
        ("Café", "CAFE"),
        ("...", ""),
    ],
)
def test_plain_keeps_letters_and_digits(name: str, letters: str) -> None:
    assert plain(name) == letters


@given(st.text(max_size=30), st.sampled_from(Level))
def test_shares_sum_to_one_and_ways_can_be_read(name: str, level: Level) -> None:
    ways = ways_of_writing(name, level)
    assert bool(ways) == bool(plain(name))
    if ways:
        assert sum(ways.values()) == pytest.approx(1)
        assert max(ways, key=lambda way: ways[way]) == plain(name)
        assert all(way == plain(way) and way for way in ways)


@pytest.mark.parametrize(
    ("name", "level", "written"),
    [
        ("BARAN", Level.DESA, "DESABARAN"),
        ("BAHAGIA", Level.DESA, "KELBAHAGIA"),
        ("CIKARANG UTARA", Level.KECAMATAN, "CIKARANGUT"),
        ("KARANGBAHAGIA", Level.DESA, "KRBAHAGIA"),
        ("TANJUNGSARI", Level.DESA, "TJSARI"),
        ("SUKAJAYA", Level.DESA, "SOEKADJAJA"),
        ("KOTA BEKASI", Level.KABUPATEN, "BEKASI"),
        ("KAB. KLATEN", Level.KABUPATEN, "KLATEN"),
        ("BEKASI", Level.KABUPATEN, "KABBEKASI"),
    ],
)
def test_what_people_write_is_known(name: str, level: Level, written: str) -> None:
    assert written in ways_of_writing(name, level)


def test_a_kabupaten_is_not_written_as_the_kota_of_its_name() -> None:
    assert "KOTABEKASI" not in ways_of_writing("BEKASI", Level.KABUPATEN)
    assert "KABBEKASI" not in ways_of_writing("KOTA BEKASI", Level.KABUPATEN)


def test_no_two_desa_of_bekasi_are_written_alike() -> None:
    seen: dict[str, str] = {}
    for region in load_regions().at(Level.DESA):
        for way in ways_of_writing(region.name, region.level):
            assert seen.setdefault(way, region.name) == region.name


def test_numbers_are_written_with_and_without_zeros() -> None:
    ways = ways_of_writing_number(7)
    assert {"007", "07", "7", "TPS007"} <= set(ways)
    assert sum(ways.values()) == pytest.approx(1)
    assert max(ways, key=lambda way: ways[way]) == "007"
    assert ways_of_writing_number(123)["123"] > 0.9
    with pytest.raises(ValueError, match="0 to 999"):
        ways_of_writing_number(1000)


def test_no_two_numbers_are_written_alike() -> None:
    seen: dict[str, int] = {}
    for number in range(1, 1000):
        for way in ways_of_writing_number(number):
            assert seen.setdefault(way, number) == number

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.spelling import COMMON, letters_of, number_in_words, spellings


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "NOL"),
        (8, "DELAPAN"),
        (10, "SEPULUH"),
        (11, "SEBELAS"),
        (19, "SEMBILAN BELAS"),
        (20, "DUA PULUH"),
        (100, "SERATUS"),
        (111, "SERATUS SEBELAS"),
        (253, "DUA RATUS LIMA PULUH TIGA"),
        (910, "SEMBILAN RATUS SEPULUH"),
        (999, "SEMBILAN RATUS SEMBILAN PULUH SEMBILAN"),
    ],
)
def test_numbers_in_words(number: int, words: str) -> None:
    assert number_in_words(number) == words


@pytest.mark.parametrize("number", [-1, 1000])
def test_other_numbers_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="0 to 999"):
        number_in_words(number)


def test_no_two_numbers_are_spelt_alike() -> None:
    letters = [way.letters for way in spellings()]
    assert len(set(letters)) == len(letters)
    assert all(word.isascii() and word.isalpha() and word.isupper() for word in letters)


def test_every_number_has_its_proper_spelling_as_the_most_common() -> None:
    ways: dict[int, dict[str, float]] = {}
    for way in spellings():
        ways.setdefault(way.number, {})[way.letters] = way.share
        assert 0 < way.share <= 1
    assert sorted(ways) == list(range(1000))
    for number, found in ways.items():
        assert found[letters_of(number_in_words(number))] == COMMON
        assert max(found.values()) == COMMON


@pytest.mark.parametrize(
    ("letters", "number"),
    [
        ("SATURATUSDUAPULUH", 120),
        ("KOSONG", 0),
        ("NIHIL", 0),
        ("SATUPULUH", 10),
        ("SATUBELAS", 11),
        ("NOLNOLSATU", 1),
        ("NOLDUAEMPAT", 24),
        ("DUAEMPAT", 24),
        ("DELAPANBELAS", 18),
    ],
)
def test_what_people_write(letters: str, number: int) -> None:
    assert [way.number for way in spellings() if way.letters == letters] == [number]


@given(st.integers(0, 999))
def test_letters_leave_out_all_but_letters_and_digits(number: int) -> None:
    words = number_in_words(number)
    assert letters_of(f" {words.lower().replace(' ', ' - ')}. ") == words.replace(" ", "")

"""What the forms of 2019 and 2022 ask for adds up in what people wrote on them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from benchmarks.scans_2019 import NUMBERS
from benchmarks.trial_forms import PHOTOS
from models.rules import Numbers, Verdict, evaluate_all

FORM_2019 = "c1-ppwp-2019"


def violated(numbers: Numbers, form: str) -> set[str]:
    return {one.field for one in evaluate_all(numbers, form) if one.verdict is Verdict.VIOLATED}


def kept(numbers: Numbers, form: str) -> list[str]:
    return [one.field for one in evaluate_all(numbers, form) if one.verdict is Verdict.OK]


def test_the_scans_of_2019_add_up_and_an_error_is_seen(shared: Path) -> None:
    with (shared / "photos/c1-ppwp-2019/truth.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 18
    for row in rows:
        numbers: dict[str, int | None] = {
            name: int(row[column]) for name, column in NUMBERS.items()
        }
        assert kept(numbers, FORM_2019) == ["suara_sah", "suara_total", "suara_total"]
        assert violated(numbers, FORM_2019) == set()
        wrong = numbers | {"suara_paslon_1": int(row["paslon01"]) + 1}
        assert violated(wrong, FORM_2019) == {"suara_sah"}


@pytest.mark.parametrize(
    ("photo", "lines"),
    [("data_sample_01.jpg", 17), ("pwp_sample_01.jpg", 2), ("dpr10_sample_01.jpeg", 1)],
)
def test_the_trial_photos_add_up(shared: Path, photo: str, lines: int) -> None:
    form, _, names = PHOTOS[photo]
    truth = json.loads((shared / "photos/c-digital/truth.json").read_text(encoding="utf-8"))
    numbers: Numbers = {names[theirs]: n for theirs, n in truth[photo]["numbers"].items()}
    assert len(kept(numbers, form)) == lines
    assert violated(numbers, form) == set()


def test_voters_of_2019_are_summed_both_ways() -> None:
    numbers: Numbers = {
        **{f"pengguna_dpt_{who}": n for who, n in (("l", 71), ("p", 63), ("j", 134))},
        **{f"pengguna_dptb_{who}": 0 for who in "lpj"},
        **{f"pengguna_non_dpt_{who}": n for who, n in (("l", 0), ("p", 2), ("j", 2))},
        **{f"pengguna_total_{who}": n for who, n in (("l", 71), ("p", 65), ("j", 136))},
    }
    assert violated(numbers, FORM_2019) == set()
    assert violated({**numbers, "pengguna_non_dpt_j": 3}, FORM_2019) == {
        "pengguna_non_dpt_j",
        "pengguna_total_j",
    }
    assert violated({**numbers, "pengguna_non_dpt_j": None}, FORM_2019) == set()

"""Forms of the user's own, in a folder beside the store, and the sums that they name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import FormFileError, FormNotInstalled
from models.forms.template import (
    FormSum,
    installed_forms,
    load_form,
    own_forms_folder,
    shipped_forms,
)
from models.rules import RULES, Verdict, evaluate_all, rules_for
from models.rules.sums_of_the_form import CODE, rules_of_sums

FORM = "c-hasil-ppwp-2024"
BOXES = [[10.0, 10.0, 20.0, 20.0], [22.0, 10.0, 32.0, 20.0]]


def write(folder: Path, form_id: str = "my-form", **changed: object) -> Path:
    data: dict[str, object] = {
        "id": form_id,
        "title": "MODEL MY FORM",
        "election": "other",
        "year": 2026,
        "source": "a test",
        "page_mm": [210, 297],
        "box_stroke_mm": 0.5,
        "pages": [
            {
                "number": 1,
                "title": ["MODEL MY FORM"],
                "fields": [
                    {
                        "name": name,
                        "label": name,
                        "boxes": [[a, b + k, c, d + k] for a, b, c, d in BOXES],
                    }
                    for k, name in ((0, "yes"), (12, "no"), (24, "suara_sah"))
                ],
            }
        ],
        "sums": [{"total": "suara_sah", "parts": ["yes", "no"], "source": "line 3"}],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{form_id}.json"
    path.write_text(json.dumps(data | changed))
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CHASIL_FORMS", raising=False)
    monkeypatch.setenv("CHASIL_HOME", str(tmp_path))
    return tmp_path / "forms"


def test_a_form_in_the_home_is_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert installed_forms() == shipped_forms()
    write(folder)
    assert own_forms_folder() == folder
    assert "my-form" in installed_forms()
    assert load_form("my-form").title == "MODEL MY FORM"
    monkeypatch.setenv("CHASIL_FORMS", str(folder.parent / "elsewhere"))
    assert "my-form" not in installed_forms()


def test_a_changed_file_is_another_form(folder: Path) -> None:
    write(folder)
    before = load_form("my-form").digest
    write(folder, title="MODEL MY OTHER FORM")
    assert load_form("my-form").digest != before


def test_nobody_replaces_a_form_that_comes_with_chasil(folder: Path) -> None:
    write(folder, FORM)
    with pytest.raises(FormFileError, match="comes with chasil"):
        load_form(FORM)


def test_a_form_that_is_not_there_is_no_broken_file(folder: Path) -> None:
    write(folder)
    with pytest.raises(FormNotInstalled, match=r"there are: .*my-form") as raised:
        load_form("my-fomr")
    assert "chasil forms list" in raised.value.remedy
    assert "Correct" not in raised.value.remedy


def test_a_file_is_named_by_its_id(folder: Path) -> None:
    write(folder).rename(folder / "other.json")
    with pytest.raises(FormFileError, match=r"my-form\.json"):
        load_form("other")


@pytest.mark.parametrize(
    ("sums", "said"),
    [
        ([{"total": "all", "parts": ["yes"], "source": "x"}], "all"),
        ([{"total": "yes", "parts": ["yes", "no"], "source": "x"}], "twice"),
        ([{"total": "yes", "parts": ["no"], "source": ""}], "source"),
    ],
)
def test_a_wrong_sum_is_named(folder: Path, sums: object, said: str) -> None:
    write(folder, sums=sums)
    with pytest.raises(FormFileError, match=said):
        load_form("my-form")


def test_only_its_own_sums_hold_on_a_form_that_names_some(folder: Path) -> None:
    write(folder)
    (rule,) = rules_for("my-form")
    assert rule.source == "MODEL MY FORM: line 3"
    write(folder, sums=[])
    assert rules_for("my-form") == ()
    assert rules_for(FORM) == rules_for(None) == rules_for("gone-2030") == RULES


votes = st.one_of(st.none(), st.integers(0, 99))


@given(votes, votes, votes)
def test_a_forms_sum_is_three_valued(yes: int | None, no: int | None, all_: int | None) -> None:
    (rule,) = rules_of_sums("T", (FormSum(total="suara_sah", parts=("yes", "no"), source="s"),))
    (result,) = rule.evaluate({"yes": yes, "no": no, "suara_sah": all_})
    assert result.rule == CODE
    if yes is None or no is None or all_ is None:
        assert result.verdict is Verdict.NOT_COMPUTABLE
    else:
        assert result.verdict is (Verdict.OK if yes + no == all_ else Verdict.VIOLATED)


def test_a_form_of_other_arithmetic_is_not_held_to_ours(folder: Path) -> None:
    numbers = {"yes": 30, "no": 12, "suara_sah": 42, "suara_tidak_sah": 1, "suara_total": 9}
    write(folder)
    assert {one.verdict for one in evaluate_all(numbers, "my-form")} == {Verdict.OK}
    assert Verdict.VIOLATED in {one.verdict for one in evaluate_all(numbers)}

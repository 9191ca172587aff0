"""Whom a form's votes are for, what they add up to, what could be swapped: from its data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.elections import SHARED_FIELDS
from models.errors import EntriesFileError, FormFileError
from models.forms.template import FormTemplate, load_form
from models.forms.votes import holds_votes, swappable_rows, votes_besides, votes_on
from pipeline.causes import swapped_rows
from pipeline.entries import read_entries
from pipeline.priority import NO_VOTES, weight_of_field

PPWP = load_form("c-hasil-ppwp-2024")
TOTALS = ("suara_sah", "suara_tidak_sah", "suara_total")
TPS = "3216032003001"


def own_form(**changed: object) -> dict[str, object]:
    """Three candidates by name, one column; valid and invalid votes below."""
    rows = ("budi", "ani", "kosong", "sah", "batal", "semua")
    fields = [
        {
            "name": name,
            "label": name.title(),
            "boxes": [
                [50, 20 * row + 10, 60, 20 * row + 20],
                [62, 20 * row + 10, 72, 20 * row + 20],
            ],
        }
        for row, name in enumerate(rows)
    ]
    return {
        "id": "by-name",
        "title": "MODEL BY NAME",
        "election": "other",
        "year": 2027,
        "source": "a test",
        "page_mm": [210, 297],
        "box_stroke_mm": 0.5,
        "votes": ["budi", "ani", "kosong"],
        "sums": [
            {"total": "sah", "parts": ["budi", "ani", "kosong"], "source": "x"},
            {"total": "semua", "parts": ["sah", "batal"], "source": "y"},
        ],
        "sirekap": {
            "folder": "pkades",
            "chart": {"9001": "budi", "9002": "ani", "9003": "kosong"},
            "administrasi": ["sah", "batal", "semua"],
        },
        "pages": [{"number": 1, "title": ["MODEL BY NAME"], "fields": fields}],
        **changed,
    }


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "forms" / "by-name.json"
    path.parent.mkdir()
    path.write_text(json.dumps(own_form()))
    monkeypatch.setenv("CHASIL_FORMS", str(path.parent))
    return path


def test_the_presidential_form_is_as_it_was() -> None:
    paslon = tuple(f"suara_paslon_{number}" for number in (1, 2, 3))
    found = votes_on(PPWP)
    assert (found.choices, found.totals) == (paslon, TOTALS)
    assert swappable_rows(PPWP) == swappable_rows(None) == (
        paslon,
        *(tuple(f"pengguna_{kind}_{who}" for kind in ("dpt", "dptb", "non_dpt")) for who in "lpj"),
    )  # fmt: skip
    assert weight_of_field("suara_sah", PPWP.id) == 1.0
    assert weight_of_field("pemilih_dpt_j", PPWP.id) == NO_VOTES


def test_a_form_without_template_is_known_by_its_names() -> None:
    names = ("suara_partai_4", "suara_partai_4_calon_7", "suara_partai_4_total", *SHARED_FIELDS)
    found = votes_on(None, names)
    assert (found.choices, found.totals) == (("suara_partai_4_total",), TOTALS)


def test_other_forms_that_come_with_chasil() -> None:
    assert votes_on(load_form("c1-ppwp-2019")).choices == ("suara_paslon_1", "suara_paslon_2")
    page_of_a_party = votes_on(load_form("netgrit-2022-dpr-10"))
    assert page_of_a_party.choices[:2] == ("suara_partai", "suara_calon_1")
    assert page_of_a_party.totals == ("suara_partai_total",)


@pytest.mark.usefixtures("installed")
def test_a_form_may_call_its_votes_as_it_likes() -> None:
    form = load_form("by-name")
    found = votes_on(form)
    assert (found.choices, found.totals) == (("budi", "ani", "kosong"), ("sah", "batal", "semua"))
    assert swappable_rows(form) == (("budi", "ani", "kosong"),)
    assert all(holds_votes(form, name) for name in form.field_names)
    assert set(votes_besides()) == set(form.field_names)
    assert weight_of_field("ani", "by-name") == 1.0
    paper: dict[str, int | None] = {"budi": 24, "ani": 31, "kosong": 2}
    entry = paper | {"budi": 31, "ani": 24}
    assert swapped_rows(entry, paper, "by-name") == {"budi", "ani"}
    assert swapped_rows(entry, paper) == frozenset()


def test_candidates_without_a_word_of_it_are_the_parts_of_a_sum() -> None:
    data = own_form(votes=None, sirekap=None, sums=None)
    names = {"budi": "suara_budi", "ani": "suara_ani", "kosong": "suara_kosong", "sah": "suara_sah"}
    text = json.dumps(data)
    for old, new in names.items():
        text = text.replace(f'"{old}"', f'"{new}"')
    line = {
        "total": "suara_sah",
        "parts": ["suara_budi", "suara_ani", "suara_kosong"],
        "source": "x",
    }
    form = FormTemplate.model_validate(json.loads(text) | {"sums": [line]})
    assert votes_on(form).choices == ("suara_budi", "suara_ani", "suara_kosong")
    assert votes_on(form).totals == ("suara_sah",)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"votes": ["budi", "citra"]}, "votes names fields the form has not: citra"),
        ({"votes": ["budi", "budi"]}, "votes names a field twice"),
        ({"votes": ["budi", "sah"]}, "sah is a sum"),
        ({"sirekap": {"chart": {"1": "citra"}}}, "sirekap names fields the form has not: citra"),
    ],
)
def test_wrong_votes_are_named(installed: Path, changed: dict[str, object], said: str) -> None:
    installed.write_text(json.dumps(own_form(**changed)))
    with pytest.raises(FormFileError, match=said):
        load_form("by-name")


def sirekap_object(**changed: object) -> str:
    counts = {"sah": 60, "batal": None, "semua": 61}
    chart = {"9001": 24, "9002": 34, "9003": 2, "null": None}
    return json.dumps({"chart": chart, "administrasi": counts, **changed})


@pytest.mark.usefixtures("installed")
def test_its_json_is_read_by_its_own_keys(tmp_path: Path) -> None:
    tree = tmp_path / "pkades"
    tree.mkdir()
    (tree / f"{TPS}.json").write_text(sirekap_object())
    (entry,) = read_entries(tree)
    assert entry.form == "by-name"
    assert entry.fields == {
        "budi": 24, "ani": 34, "kosong": 2, "sah": 60, "batal": None, "semua": 61,
    }  # fmt: skip
    elsewhere = tmp_path / f"{TPS}.json"
    elsewhere.write_text(sirekap_object())
    (told,) = read_entries(elsewhere, form="by-name")
    assert told.fields == entry.fields
    with pytest.raises(EntriesFileError, match="named as"):
        list(read_entries(tree, form="c1-ppwp-2019"))
    (tree / f"{TPS}.json").write_text(sirekap_object(chart={"100025": 3}))
    with pytest.raises(EntriesFileError, match="'100025' is no paslon or candidate of by-name"):
        list(read_entries(tree))
    (tree / f"{TPS}.json").write_text(sirekap_object(pemilu="pdpr"))
    with pytest.raises(EntriesFileError, match="said to be of by-name, but named as dpr"):
        list(read_entries(tree))


def test_a_form_without_keys_says_so(tmp_path: Path) -> None:
    path = tmp_path / f"{TPS}.json"
    path.write_text(sirekap_object())
    with pytest.raises(EntriesFileError, match="does not say how Sirekap calls") as caught:
        list(read_entries(path, form="c1-ppwp-2019"))
    assert "CSV" in caught.value.remedy

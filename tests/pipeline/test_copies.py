"""SALINAN against plano, entries of other forms, and a form's own sums in the factor graph."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import EntriesFileError
from models.forms.template import load_form
from models.records import (
    Conflict,
    ConflictKind,
    Entry,
    FieldReading,
    FieldStatus,
    FormReading,
    PageReading,
    PageStatus,
)
from models.rules import Verdict, salinan_is_plano
from pipeline.compare import compare_all
from pipeline.copies import entry_for_copy, original_of
from pipeline.entries.table import read_table
from pipeline.gather import gather
from pipeline.sums import sums

PLANO, SALINAN = "c-hasil-ppwp-2024", "c-hasil-salinan-ppwp-2024"
A = "3216012001001"
PAGE = {PLANO: 2, SALINAN: 2}


def page(form: str, number: int, /, **numbers: int | None) -> PageReading:
    status = {True: FieldStatus.CLEAR, False: FieldStatus.NOT_IN_VIEW}
    fields = {
        field.name: FieldReading(
            value=numbers.get(field.name), confidence=0.999, status=status[field.name in numbers]
        )
        for field in load_form(form).page(number).fields
    }
    name = f"{form[:9]}-{number}.jpg"
    return PageReading(
        photo=name, sha256=f"{number}{len(form):02d}".ljust(64, "a"), tps=A, form=form,
        page=number, status=PageStatus.READ, fields=fields,
    )  # fmt: skip


def found(pages: list[PageReading], entry: dict[str, int | None] | None = None) -> list[Conflict]:
    entries = None if entry is None else [Entry(tps=A, form=PLANO, fields=entry, source="test")]
    gathered = gather(pages)
    return [
        one for one in compare_all(gathered, entries) if one.kind is not ConflictKind.PAGE_MISSING
    ]


def test_the_copy_knows_its_original() -> None:
    assert original_of(SALINAN) == PLANO
    assert original_of(PLANO) is None
    assert original_of("gone-2030") is None
    assert set(load_form(SALINAN).field_names) == set(load_form(PLANO).field_names)


def test_a_copying_error_has_both_numbers_and_both_photos() -> None:
    large, copy = page(PLANO, 2, suara_paslon_1=117), page(SALINAN, 2, suara_paslon_1=177)
    copy = copy.model_copy(update={"pdf_page": 4, "recipe": "r"})
    (conflict,) = found([large, copy])
    assert (conflict.rule, conflict.form, conflict.field) == (
        "salinan_is_plano", SALINAN, "suara_paslon_1",
    )  # fmt: skip
    assert (conflict.reading, conflict.votes, conflict.photo) == (177, 60, copy.photo)
    assert (conflict.sha256, conflict.page, conflict.pdf_page, conflict.recipe) == (
        copy.sha256, 2, 4, "r",
    )  # fmt: skip
    for said in ("177", "117", large.photo, copy.photo):
        assert said in conflict.detail


def test_a_true_copy_says_nothing() -> None:
    assert found([page(PLANO, 2, suara_paslon_1=117), page(SALINAN, 2, suara_paslon_1=117)]) == []


votes = st.one_of(st.none(), st.integers(0, 999))


def form_reading(form: str, number: int | None) -> FormReading:
    field = FieldReading(value=number, confidence=0.9, status=FieldStatus.CLEAR)
    return FormReading(tps=A, form=form, fields={"suara_sah": field}, pages={})


@given(votes, votes)
def test_the_rule_is_three_valued(copied: int | None, written: int | None) -> None:
    (result,) = salinan_is_plano.evaluate(
        form_reading(SALINAN, copied), form_reading(PLANO, written)
    )
    if copied is None or written is None:
        assert result.verdict is Verdict.NOT_COMPUTABLE
    else:
        assert result.verdict is (Verdict.OK if copied == written else Verdict.VIOLATED)
        assert result.difference == copied - written


def test_another_tps_is_no_original() -> None:
    other = form_reading(PLANO, 1).model_copy(update={"tps": "3216012001002"})
    with pytest.raises(ValueError, match="3216012001002"):
        salinan_is_plano.evaluate(form_reading(SALINAN, 1), other)


def test_without_a_plano_the_copy_answers_for_the_reported_number() -> None:
    (conflict,) = found([page(SALINAN, 2, suara_paslon_1=17)], {"suara_paslon_1": 817})
    assert conflict.kind is ConflictKind.VALUE_MISMATCH
    assert (conflict.form, conflict.reading, conflict.entry) == (SALINAN, 17, 817)


def test_a_copy_of_a_tps_with_nothing_reported_misses_the_entry() -> None:
    copy = page(SALINAN, 2, suara_paslon_1=117, suara_paslon_2=9)
    (elsewhere,) = (
        Entry(tps=A[:-1] + "9", form=PLANO, fields={"suara_paslon_1": 1}, source="test"),
    )

    def missing(pages: list[PageReading]) -> list[tuple[str | None, str | None]]:
        kind = ConflictKind.ENTRY_MISSING
        found = compare_all(gather(pages), [elsewhere])
        return [(one.form, one.field) for one in found if one.kind is kind]

    assert missing([copy]) == [(SALINAN, "suara_paslon_1")]  # the source reports no other field
    large = page(PLANO, 2, suara_paslon_1=117)
    assert missing([large, copy]) == [(PLANO, "suara_paslon_1")]
    assert not any(
        one.kind is ConflictKind.ENTRY_MISSING for one in compare_all(gather([copy]), None)
    )


def test_with_a_plano_the_number_is_compared_once() -> None:
    pages = [page(PLANO, 2, suara_paslon_1=17), page(SALINAN, 2, suara_paslon_1=17)]
    (conflict,) = found(pages, {"suara_paslon_1": 817})
    assert (conflict.kind, conflict.form) == (ConflictKind.VALUE_MISMATCH, PLANO)


def test_broken_sums_of_an_entry_are_said_once() -> None:
    entry: dict[str, int | None] = {"suara_sah": 10, "suara_tidak_sah": 1, "suara_total": 12}
    copy = page(SALINAN, 2, suara_sah=10, suara_tidak_sah=1, suara_total=12)
    kinds = [one.kind for one in found([copy], entry)]
    assert kinds.count(ConflictKind.RULE_BROKEN_IN_ENTRY) == 1
    assert kinds.count(ConflictKind.RULE_BROKEN_ON_PAPER) == 1


def test_the_copy_answers_only_for_what_the_plano_does_not_show() -> None:
    copy = form_reading(SALINAN, 5)
    entry = Entry(tps=A, form=PLANO, fields={"suara_sah": 7, "suara_total": 9}, source="test")
    assert entry_for_copy(copy, form_reading(PLANO, 5), entry) is None
    left = entry_for_copy(copy, None, entry)
    assert left is not None
    assert (left.form, left.fields) == (SALINAN, {"suara_sah": 7})
    assert entry_for_copy(copy, None, None) is None


@pytest.fixture
def own_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("CHASIL_FORMS", str(tmp_path))
    names = ("suara_calon_1", "suara_calon_2", "suara_sah")
    boxes = "[[10,{y},20,{z}],[22,{y},32,{z}]]"
    fields = ",".join(
        f'{{"name":"{name}","label":"{name}","boxes":'
        + boxes.replace("{y}", str(10 + 12 * k)).replace("{z}", str(20 + 12 * k))
        + "}"
        for k, name in enumerate(names)
    )
    (tmp_path / "pilkades.json").write_text(
        '{"id":"pilkades","title":"MODEL PILKADES","election":"other","year":2026,"source":"t",'
        '"page_mm":[210,297],"box_stroke_mm":0.5,"pages":[{"number":1,"title":["PILKADES"],'
        f'"fields":[{fields}]}}],"sums":[{{"total":"suara_sah",'
        '"parts":["suara_calon_1","suara_calon_2"],"source":"line 3"}]}'
    )
    return "pilkades"


def test_a_forms_own_sums_move_the_confidence(own_form: str) -> None:
    (line,) = sums(own_form)
    assert (line.total, line.terms) == ("suara_sah", ("suara_calon_1", "suara_calon_2"))
    assert len(sums(PLANO)) == len(sums()) > 1


def test_a_csv_is_filed_under_the_form_whose_columns_it_has(own_form: str) -> None:
    (entry,) = read_table(f"tps,suara_calon_1,suara_sah\n{A},3,5\n".encode(), "e.csv")
    assert (entry.form, entry.fields) == (own_form, {"suara_calon_1": 3, "suara_sah": 5})
    (entry,) = read_table(f"tps,suara_paslon_1\n{A},5\n".encode(), "e.csv")
    assert entry.form == PLANO


def test_a_csv_may_name_each_rows_form(own_form: str) -> None:
    text = (
        f"tps,form,suara_calon_1,suara_paslon_1,suara_sah\n{A},{own_form},3,,5\n{A},{PLANO},,7,5\n"
    )
    first, second = read_table(text.encode(), "e.csv")
    assert (first.form, first.fields) == (own_form, {"suara_calon_1": 3, "suara_sah": 5})
    assert (second.form, second.fields) == (PLANO, {"suara_paslon_1": 7, "suara_sah": 5})


@pytest.mark.parametrize(
    ("row", "said"),
    [(f"{A},gone,3,,5", "gone"), (f"{A},pilkades,3,7,5", "suara_paslon_1")],
)
@pytest.mark.usefixtures("own_form")
def test_a_row_of_no_form_or_of_two_is_refused(row: str, said: str) -> None:
    text = f"tps,form,suara_calon_1,suara_paslon_1,suara_sah\n{row}\n"
    with pytest.raises(EntriesFileError, match=said):
        list(read_table(text.encode(), "e.csv"))


@pytest.fixture
def like_ppwp(own_form: str, tmp_path: Path) -> str:
    """A form of one's own whose fields are called as those of C.HASIL-PPWP."""
    text = (tmp_path / f"{own_form}.json").read_text().replace("suara_calon_", "suara_paslon_")
    (tmp_path / "pilpres.json").write_text(text.replace('"id":"pilkades"', '"id":"pilpres"'))
    return "pilpres"


PASLON = f"tps,suara_paslon_1,suara_sah\n{A},3,5\n".encode()


def test_columns_of_ppwp_and_of_an_own_form_are_a_question(like_ppwp: str) -> None:
    with pytest.raises(EntriesFileError, match=f"{PLANO} and of {like_ppwp}: add a column form"):
        list(read_table(PASLON, "e.csv"))
    (entry,) = read_table(PASLON, "e.csv", form=PLANO)
    assert entry.form == PLANO


@pytest.mark.parametrize("owed", ["pilpres", "c1-ppwp-2019"])
@pytest.mark.usefixtures("like_ppwp")
def test_the_owed_form_is_meant_where_it_has_the_columns(
    owed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHASIL_FORM", owed)
    (entry,) = read_table(PASLON, "e.csv")
    assert (entry.form, entry.fields) == (owed, {"suara_paslon_1": 3, "suara_sah": 5})


@pytest.mark.parametrize(
    ("header", "said"),
    [("tps,form,suara_sah,suara_sah", "twice: suara_sah"), ("form,suara_sah", "no column tps")],
)
def test_a_table_with_forms_has_each_column_once_and_the_tps(header: str, said: str) -> None:
    row = ",".join("1" for _ in header.split(","))
    with pytest.raises(EntriesFileError, match=said):
        list(read_table(f"{header}\n{row}\n".encode(), "e.csv"))


def test_every_tps_owes_the_form_that_was_asked_for(own_form: str) -> None:
    gathered = gather([page(PLANO, 2, suara_sah=3)], form=own_form)
    assert own_form in {missing.form for missing in gathered.missing}
    (conflict,) = compare_all(gather([]), None, expected=[A], owed=own_form)
    assert (conflict.form, conflict.kind) == (own_form, ConflictKind.PAGE_MISSING)

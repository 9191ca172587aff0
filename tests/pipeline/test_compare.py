from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import DuplicatePhoto, ErrorRecord, NoFormFound, WrongForm
from models.forms.template import load_form
from models.records import (
    Cause,
    Conflict,
    ConflictKind,
    Entry,
    FieldReading,
    FieldStatus,
    FormReading,
    PageReading,
    PageStatus,
    ReviewReason,
    Witness,
)
from models.rules import Verdict, evaluate_all
from pipeline.compare import compare, compare_all
from pipeline.entries import SIREKAP_FIELDS
from pipeline.gather import gather
from pipeline.priority import BELOW_FIRST, FIRST

A, B, C = "3216012001001", "3216012001002", "3216012001003"
FORM = load_form("c-hasil-ppwp-2024")
CLEAR, REVIEW, BLANK, UNSEEN = (
    FieldStatus.CLEAR,
    FieldStatus.REVIEW,
    FieldStatus.BLANK,
    FieldStatus.NOT_IN_VIEW,
)
Kind = ConflictKind

# A form without a fault.
RIGHT: dict[str, int] = {
    "pemilih_dpt_l": 93,
    "pemilih_dpt_p": 98,
    "pemilih_dpt_j": 191,
    "pengguna_dpt_l": 66,
    "pengguna_dpt_p": 73,
    "pengguna_dpt_j": 139,
    "pengguna_dptb_l": 4,
    "pengguna_dptb_p": 0,
    "pengguna_dptb_j": 4,
    "pengguna_non_dpt_l": 1,
    "pengguna_non_dpt_p": 0,
    "pengguna_non_dpt_j": 1,
    "pengguna_total_l": 71,
    "pengguna_total_p": 73,
    "pengguna_total_j": 144,
    "surat_suara_diterima": 195,
    "surat_suara_digunakan": 144,
    "surat_suara_dikembalikan": 1,
    "surat_suara_tidak_digunakan": 50,
    "disabilitas_l": 1,
    "disabilitas_p": 2,
    "disabilitas_j": 3,
    "suara_paslon_1": 53,
    "suara_paslon_2": 82,
    "suara_paslon_3": 7,
    "suara_sah": 142,
    "suara_tidak_sah": 2,
    "suara_total": 144,
}


def field(
    value: int | None, status: FieldStatus = CLEAR, confidence: float = 0.999
) -> FieldReading:
    return FieldReading(
        value=value,
        confidence=confidence,
        status=status,
        reasons=(ReviewReason.LOW_CONFIDENCE,) if status is REVIEW else (),
    )


def page(
    number: int,
    tps: str = A,
    *,
    photo: str = "",
    sha: str | None = None,
    changed: Mapping[str, FieldReading] = MappingProxyType({}),
) -> PageReading:
    fields = {one.name: field(RIGHT[one.name]) for one in FORM.page(number).fields}
    return PageReading(
        photo=photo or f"{tps}-{number}.jpg",
        sha256=sha or f"{tps}{number:051}",
        tps=tps,
        form=FORM.id,
        page=number,
        status=PageStatus.READ,
        fields=fields | {name: one for name, one in changed.items() if name in fields},
    )


def pages(tps: str = A, /, **changed: FieldReading) -> list[PageReading]:
    return [page(number, tps, changed=changed) for number in (1, 2, 3)]


def reading(**changed: FieldReading) -> FormReading:
    (whole,) = gather(pages(**changed)).form_readings
    return whole


def entry(tps: str = A, /, **changed: int | None) -> Entry:
    fields: dict[str, int | None] = {name: RIGHT[name] for name in SIREKAP_FIELDS}
    return Entry(tps=tps, form=FORM.id, fields=fields | changed, source="test")


def rejected(error: ErrorRecord, tps: str | None = A, sha: str = "b" * 64) -> PageReading:
    return PageReading(
        photo="bad.jpg", sha256=sha, tps=tps, status=PageStatus.REJECTED, error=error
    )


def of_kind(conflicts: tuple[Conflict, ...], kind: ConflictKind) -> list[Conflict]:
    return [one for one in conflicts if one.kind is kind]


def only(conflicts: tuple[Conflict, ...]) -> Conflict:
    (conflict,) = conflicts
    return conflict


def test_agreement_has_no_conflict() -> None:
    assert compare(reading(), entry()) == ()
    assert compare_all(gather(pages()), [entry()]) == ()


# Field by field


def test_clear_against_another_number() -> None:
    found = compare(reading(), entry(suara_paslon_3=887))
    mismatch = of_kind(found, Kind.VALUE_MISMATCH)[0]
    assert (mismatch.tps, mismatch.form, mismatch.field) == (A, FORM.id, "suara_paslon_3")
    assert (mismatch.entry, mismatch.reading, mismatch.votes) == (887, 7, 880)
    assert mismatch.cause is Cause.PADDING_READ_AS_8
    assert mismatch.confidence == 0.999
    assert (mismatch.photo, mismatch.sha256) == (f"{A}-2.jpg", f"{A}{2:051}")
    assert "clear" in mismatch.detail
    broken = of_kind(found, Kind.RULE_BROKEN_IN_ENTRY)
    assert [(one.rule, one.entry, one.votes) for one in broken] == [
        ("paslon_sum_is_suara_sah", 142, 880)
    ]
    assert len(found) == 2


def test_for_review_against_another_number_is_one_mismatch() -> None:
    found = compare(reading(suara_tidak_sah=field(3, REVIEW, 0.6)), entry(suara_tidak_sah=2))
    (mismatch,) = of_kind(found, Kind.VALUE_MISMATCH)
    assert "for review: low_confidence" in mismatch.detail
    assert of_kind(found, Kind.UNREADABLE) == []
    (paper,) = of_kind(found, Kind.RULE_BROKEN_ON_PAPER)
    assert (paper.rule, paper.confidence, paper.votes) == ("sah_plus_tidak_sah_is_total", 0.6, 1)


def test_for_review_and_equal_is_still_confirmed_but_late() -> None:
    agrees = only(compare(reading(suara_paslon_1=field(53, REVIEW, 0.6)), entry()))
    assert (agrees.kind, agrees.entry, agrees.reading) == (Kind.UNREADABLE, 53, 53)
    alone = of_kind(
        compare(reading(suara_paslon_1=field(53, REVIEW, 0.6)), entry(suara_paslon_1=None)),
        Kind.UNREADABLE,
    )[0]
    mismatch = of_kind(compare(reading(), entry(suara_paslon_1=54)), Kind.VALUE_MISMATCH)[0]
    assert agrees.priority < mismatch.priority < alone.priority


def test_for_review_without_a_number() -> None:
    conflict = only(compare(reading(suara_paslon_2=field(None, REVIEW, 0.3)), entry()))
    assert (conflict.kind, conflict.entry, conflict.reading) == (Kind.UNREADABLE, 82, None)
    assert conflict.votes == 82
    assert conflict.priority == 82


def test_unsettled_counts_the_worst_of_what_was_read() -> None:
    both = FieldReading(
        value=None,
        confidence=0.5,
        status=REVIEW,
        reasons=(ReviewReason.WITNESSES_DISAGREE,),
        witnesses={
            "digits": Witness(value=53, confidence=0.9, box=None),
            "bubbles": Witness(value=153, confidence=0.9, box=None),
        },
    )
    found = compare(reading(suara_paslon_1=both), entry())
    (conflict,) = of_kind(found, Kind.UNREADABLE)
    assert conflict.votes == 100
    assert "53 or 153 was read" in conflict.detail
    (rule,) = of_kind(found, Kind.RULE_BROKEN_ON_PAPER)
    assert (rule.rule, rule.confidence, rule.votes) == ("digits_are_bubbles", 0.9, 100)


def test_a_clear_number_without_an_entry() -> None:
    missing = only(compare(reading(), entry(suara_tidak_sah=None)))
    assert (missing.kind, missing.reading, missing.entry) == (Kind.ENTRY_MISSING, 2, None)


def test_no_entry_at_all_misses_what_sirekap_reports_and_no_more() -> None:
    found = compare(reading(), None)
    assert {one.kind for one in found} == {Kind.ENTRY_MISSING}
    assert sorted(one.field or "" for one in found) == sorted(SIREKAP_FIELDS)
    assert compare(reading(), None, reported=()) == ()
    assert compare(None, None) == ()


def test_blank_paper() -> None:
    blank = field(None, BLANK)
    assert compare(reading(pengguna_dptb_p=blank), entry(pengguna_dptb_p=None)) == ()
    zero = only(compare(reading(pengguna_dptb_p=blank), entry(pengguna_dptb_p=0)))
    assert (zero.kind, zero.entry, zero.reading) == (Kind.UNREADABLE, 0, None)
    number = of_kind(
        compare(reading(pengguna_dptb_p=blank), entry(pengguna_dptb_p=888)), Kind.UNREADABLE
    )[0]
    assert (number.votes, number.cause) == (888, Cause.PADDING_READ_AS_8)
    assert number.priority > 1000 * zero.priority
    assert compare(reading(disabilitas_j=blank), entry()) == ()  # Sirekap never reports it


def test_blank_paper_breaks_no_rule() -> None:
    found = compare(reading(suara_tidak_sah=field(None, BLANK)), entry(suara_tidak_sah=None))
    assert found == ()


def test_a_rule_broken_on_paper_alone_and_in_both() -> None:
    paper = compare(reading(suara_total=field(145)), entry(suara_total=145))
    assert {one.rule for one in of_kind(paper, Kind.RULE_BROKEN_ON_PAPER)} == {
        "sah_plus_tidak_sah_is_total",
        "suara_total_is_pengguna_total",
        "digunakan_is_suara_total",
    }
    assert {one.rule for one in of_kind(paper, Kind.RULE_BROKEN_IN_ENTRY)} == {
        "sah_plus_tidak_sah_is_total",
        "suara_total_is_pengguna_total",
    }
    by_rule = {one.rule: one for one in of_kind(paper, Kind.RULE_BROKEN_ON_PAPER)}
    on_paper = by_rule["sah_plus_tidak_sah_is_total"]
    assert (on_paper.reading, on_paper.entry, on_paper.field) == (145, None, "suara_total")
    assert on_paper.photo == f"{A}-3.jpg"


def test_a_warning_comes_after_an_error_of_the_same_size() -> None:
    found = compare(reading(surat_suara_diterima=field(196)), entry())
    by_rule = {one.rule: one for one in found}
    assert set(by_rule) == {"diterima_is_accounted_for", "diterima_is_dpt_plus_2_percent"}
    assert (
        by_rule["diterima_is_dpt_plus_2_percent"].priority
        < by_rule["diterima_is_accounted_for"].priority
    )


def test_arithmetic_weighs_which_side_is_wrong() -> None:
    """The same 100 votes: sooner where the entry does not add up than where the paper does not."""
    entry_wrong = of_kind(compare(reading(), entry(suara_paslon_2=182)), Kind.VALUE_MISMATCH)[0]
    paper_wrong = of_kind(
        compare(reading(suara_paslon_2=field(182)), entry()), Kind.VALUE_MISMATCH
    )[0]
    assert entry_wrong.votes == paper_wrong.votes == 100
    assert entry_wrong.priority > paper_wrong.priority


def test_votes_come_before_voters() -> None:
    votes = of_kind(compare(reading(), entry(suara_tidak_sah=102)), Kind.VALUE_MISMATCH)[0]
    voters = of_kind(compare(reading(), entry(pengguna_dptb_p=100)), Kind.VALUE_MISMATCH)[0]
    assert votes.votes == voters.votes == 100
    assert votes.priority > voters.priority


def test_reading_and_entry_must_be_of_one_tps() -> None:
    with pytest.raises(ValueError, match="no match"):
        compare(reading(), entry(B))


# Rows swapped between candidates: invisible to arithmetic


@given(st.permutations(["suara_paslon_1", "suara_paslon_2", "suara_paslon_3"]))
def test_swapped_rows_pass_every_rule_and_are_found_by_rereading(order: list[str]) -> None:
    names = ["suara_paslon_1", "suara_paslon_2", "suara_paslon_3"]
    swapped = entry(**{to: RIGHT[of] for to, of in zip(names, order, strict=True)})
    assert all(result.verdict is not Verdict.VIOLATED for result in evaluate_all(swapped.fields))
    assert compare(None, swapped) == ()  # arithmetic alone sees nothing
    moved = {to for to, of in zip(names, order, strict=True) if to != of}
    found = compare(reading(), swapped)
    assert {one.field for one in found} == moved
    assert {(one.kind, one.cause) for one in found} <= {(Kind.VALUE_MISMATCH, Cause.ROWS_SWAPPED)}
    for one in found:
        assert one.votes == abs((one.entry or 0) - (one.reading or 0))


def test_a_swap_comes_before_the_same_votes_elsewhere() -> None:
    swap = compare(reading(), entry(suara_paslon_1=82, suara_paslon_2=53))
    plain = compare(reading(), entry(suara_paslon_1=82, suara_sah=171))
    assert swap[0].votes == plain[0].votes == 29
    assert swap[0].priority >= of_kind(plain, Kind.VALUE_MISMATCH)[0].priority


# Pages and photos


def test_missing_page_with_the_votes_it_would_confirm() -> None:
    found = compare_all(gather([page(1), page(3)]), [entry()])
    missing = only(found)
    assert (missing.kind, missing.field, missing.votes) == (Kind.PAGE_MISSING, None, 82)
    assert missing.confidence is None
    assert "page 2" in missing.detail
    without_entry = compare_all(gather([page(1), page(3)]), None)
    assert only(without_entry).votes is None


def test_partly_seen_page_is_said_once() -> None:
    unseen = field(None, UNSEEN, 0.0)
    found = compare_all(
        gather(pages(suara_paslon_1=unseen, suara_paslon_2=unseen)), [entry(suara_paslon_3=None)]
    )
    (part,) = of_kind(found, Kind.PAGE_MISSING)
    assert "suara_paslon_1, suara_paslon_2" in part.detail
    assert part.votes == 82
    assert [one.field for one in found if one.kind is not Kind.PAGE_MISSING] == ["suara_paslon_3"]


def test_rejected_photos() -> None:
    bad = rejected(NoFormFound("No form in the picture.").record())
    found = compare_all(gather([*pages(), bad]), [entry()])
    conflict = only(found)
    assert (conflict.kind, conflict.photo, conflict.tps) == (Kind.UNREADABLE, "bad.jpg", A)
    assert conflict.detail.startswith("No form in the picture. Photograph")
    other_form = rejected(WrongForm("This is page 1 of another election.").record())
    assert only(compare_all(gather([*pages(), other_form]), [entry()])).kind is Kind.WRONG_PAGE
    nobodys = rejected(NoFormFound("No form in the picture.").record(), tps=None)
    assert only(compare_all(gather([*pages(), nobodys]), [entry()])).tps is None


def test_photo_of_an_unknown_tps() -> None:
    lost = page(2, photo="lost.jpg", sha="c" * 64).model_copy(update={"tps": None})
    conflict = only(compare_all(gather([*pages(), lost]), [entry()]))
    assert (conflict.kind, conflict.tps, conflict.photo) == (Kind.UNREADABLE, None, "lost.jpg")


def test_duplicates_within_one_tps_and_across_two() -> None:
    copy = page(2, photo="copy.jpg", sha="d" * 64)
    first = page(2, photo="first.jpg", sha="d" * 64)
    conflict = only(compare_all(gather([page(1), first, copy, page(3)]), [entry()]))
    assert (conflict.kind, conflict.tps) == (Kind.DUPLICATE_PHOTO, A)
    assert "copy.jpg and first.jpg" in conflict.detail

    elsewhere = page(2, B, photo="other.jpg", sha="d" * 64)
    photos = [page(1), first, page(3), page(1, B), elsewhere, page(3, B)]
    across = compare_all(gather(photos), [entry(), entry(B)])
    assert [(one.kind, one.tps) for one in across] == [
        (Kind.DUPLICATE_PHOTO, A),
        (Kind.DUPLICATE_PHOTO, B),
    ]
    assert all(f"{A} and {B}" in one.detail for one in across)

    set_aside = rejected(DuplicatePhoto("Uploaded before.").record())
    conflict = only(compare_all(gather([*pages(), set_aside]), [entry()]))
    assert (conflict.kind, conflict.detail) == (Kind.DUPLICATE_PHOTO, "Uploaded before.")


def test_wrong_page() -> None:
    photos = [page(1), page(2), page(2, photo="b.jpg", sha="e" * 64)]
    found = compare_all(gather(photos), [entry()])
    assert sorted(one.kind for one in found) == [Kind.PAGE_MISSING, Kind.WRONG_PAGE]
    assert "page 3 has no photo" in of_kind(found, Kind.WRONG_PAGE)[0].detail


def test_two_photos_that_contradict_each_other_are_never_settled_silently() -> None:
    other = page(2, photo="b.jpg", sha="e" * 64, changed={"suara_paslon_1": field(58)})
    found = compare_all(gather([*pages(), other]), [entry()])
    conflict = only(found)
    assert (conflict.kind, conflict.field) == (Kind.UNREADABLE, "suara_paslon_1")
    assert "witnesses_disagree" in conflict.detail


# Whole sets


def test_tps_without_any_photo_are_missing_only_where_they_are_expected() -> None:
    entries = [entry(), entry(B), entry(C, suara_sah=999)]
    found = compare_all(gather(pages()), entries)
    assert {(one.tps, one.kind) for one in found} == {(C, Kind.RULE_BROKEN_IN_ENTRY)}
    found = compare_all(gather(pages()), entries, expected=[A, B])
    (missing,) = of_kind(found, Kind.PAGE_MISSING)
    assert (missing.tps, missing.votes, missing.detail) == (B, 191, "No photo of any page.")


def test_the_newest_revision_counts() -> None:
    old = entry(suara_paslon_1=853).model_copy(update={"reported_at": datetime(2024, 2, 14)})
    new = entry().model_copy(update={"reported_at": datetime(2024, 2, 15)})
    assert compare_all(gather(pages()), [new, old]) == ()


def test_a_tps_that_is_in_no_entry() -> None:
    photos = [*pages(), *pages(B)]
    found = compare_all(gather(photos), [entry()])
    assert {(one.tps, one.kind) for one in found} == {(B, Kind.ENTRY_MISSING)}
    assert len(found) == len(SIREKAP_FIELDS)
    narrow = Entry(tps=A, form=FORM.id, fields={"suara_paslon_1": 53}, source="test")
    found = compare_all(gather(photos), [narrow])
    assert [(one.tps, one.field) for one in found] == [(B, "suara_paslon_1")]
    assert compare_all(gather(photos), None) == ()
    assert len(compare_all(gather(photos), [])) == 2 * len(SIREKAP_FIELDS)


def test_what_has_no_confidence_comes_first() -> None:
    bad = rejected(NoFormFound("No form in the picture.").record())
    found = compare_all(gather([page(2), page(3), bad]), [entry(suara_paslon_1=999)])
    without = [one.confidence is None for one in found]
    assert without == sorted(without, reverse=True)
    assert {one.kind for one in found if one.confidence is None} == {
        Kind.PAGE_MISSING,
        Kind.UNREADABLE,
    }
    assert all((one.priority >= FIRST) == (one.confidence is None) for one in found)
    assert all(one.priority <= BELOW_FIRST for one in found if one.confidence is not None)


NUMBERS = st.one_of(st.none(), st.integers(0, 999))
STATUSES = st.sampled_from([CLEAR, REVIEW, BLANK, UNSEEN])


@given(
    st.dictionaries(
        st.sampled_from(FORM.field_names),
        st.tuples(st.integers(0, 999), STATUSES, st.floats(0, 1)),
        max_size=8,
    ),
    st.dictionaries(st.sampled_from(SIREKAP_FIELDS), NUMBERS, max_size=8),
)
@settings(max_examples=60)
def test_no_field_is_lost_and_none_is_said_twice(
    changed: dict[str, tuple[int, FieldStatus, float]], reported: dict[str, int | None]
) -> None:
    paper = {
        name: field(value if status in (CLEAR, REVIEW) else None, status, confidence)
        for name, (value, status, confidence) in changed.items()
    }
    whole, filed = reading(**paper), entry(**reported)
    found = compare(whole, filed)
    rules = (Kind.RULE_BROKEN_IN_ENTRY, Kind.RULE_BROKEN_ON_PAPER)
    by_field = {one.field: one for one in found if one.kind not in rules}
    assert len(by_field) == len([one for one in found if one.kind not in rules])
    for name, one in whole.fields.items():
        filed_number = filed.fields.get(name)
        expected = None
        if one.status is BLANK:
            expected = None if filed_number is None else Kind.UNREADABLE
        elif one.status is not UNSEEN and filed_number not in (None, one.value):
            expected = Kind.VALUE_MISMATCH
        elif one.status is REVIEW:
            expected = Kind.UNREADABLE
        elif one.status is CLEAR and name in filed.fields and filed_number is None:
            expected = Kind.ENTRY_MISSING
        assert (by_field[name].kind if name in by_field else None) == expected
    assert list(found) == sorted(found, key=lambda one: -one.priority)
    violated = [
        result for result in evaluate_all(whole.numbers()) if result.verdict is Verdict.VIOLATED
    ]
    assert len(of_kind(found, Kind.RULE_BROKEN_ON_PAPER)) == len(violated)


@given(st.integers(0, 999), st.integers(0, 999), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=60)
def test_a_surer_mismatch_and_a_larger_one_never_come_later(
    one: int, other: int, low: float, high: float
) -> None:
    """``pemilih_dpt_l`` alone, with no other field of its sums: only votes and confidence vary."""

    def mismatch(value: int, confidence: float) -> float:
        alone = FormReading(
            tps=A, form=FORM.id, fields={"pemilih_dpt_l": field(1000, CLEAR, confidence)}, pages={}
        )
        filed = Entry(tps=A, form=FORM.id, fields={"pemilih_dpt_l": value}, source="test")
        return only(compare(alone, filed)).priority

    low, high = sorted((low, high))
    near, far = sorted((one, other), reverse=True)
    assert mismatch(near, high) <= mismatch(far, high)
    assert mismatch(near, low) <= mismatch(near, high)

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import DuplicatePhoto, NoFormFound
from models.forms.template import load_form
from models.records import (
    ConflictKind,
    FieldReading,
    FieldStatus,
    PageReading,
    PageStatus,
    ReviewReason,
    Witness,
)
from pipeline.compare import compare_all
from pipeline.gather import gather, merge_field

A, B = "3216012001001", "3216012001002"
FORM = load_form("c-hasil-ppwp-2024")
CLEAR, REVIEW, BLANK, UNSEEN = (
    FieldStatus.CLEAR,
    FieldStatus.REVIEW,
    FieldStatus.BLANK,
    FieldStatus.NOT_IN_VIEW,
)


def field(
    value: int | None, confidence: float = 0.999, status: FieldStatus = CLEAR
) -> FieldReading:
    return FieldReading(
        value=value,
        confidence=confidence,
        status=status,
        witnesses={"digits": Witness(value=value, confidence=confidence, box=(0, 0, 1, 1))},
    )


def page(
    number: int,
    *,
    photo: str | None = None,
    tps: str | None = A,
    fields: dict[str, FieldReading] | None = None,
    sha: str | None = None,
) -> PageReading:
    """A page that was read; fields not given are clear and 5."""
    photo = photo or f"{tps}-{number}.jpg"
    everything = {one.name: field(5) for one in FORM.page(number).fields}
    return PageReading(
        photo=photo,
        sha256=sha or hashlib.sha256(photo.encode()).hexdigest(),
        tps=tps,
        form=FORM.id,
        page=number,
        status=PageStatus.READ,
        fields=everything | (fields or {}),
    )


def rejected(
    photo: str = "bad.jpg",
    *,
    tps: str | None = A,
    number: int | None = None,
    sha: str | None = None,
    copy: bool = False,
) -> PageReading:
    error = DuplicatePhoto("uploaded before") if copy else NoFormFound("no form in the picture")
    return PageReading(
        photo=photo,
        sha256=sha or hashlib.sha256(photo.encode()).hexdigest(),
        tps=tps,
        form=FORM.id if number else None,
        page=number,
        status=PageStatus.REJECTED,
        error=error.record(),
    )


def test_three_pages_make_a_form() -> None:
    gathered = gather([page(3), page(1), page(2)])
    (reading,) = gathered.form_readings
    assert tuple(reading.fields) == FORM.field_names
    assert reading.pages["suara_sah"].page == 3
    assert not any((gathered.missing, gathered.duplicates, gathered.wrong_pages))
    assert not any((gathered.partly_seen, gathered.rejected, gathered.without_tps))
    assert gathered.tps == {A}


def test_missing_pages_and_the_photos_that_may_be_them() -> None:
    gathered = gather([page(1), rejected("unknown.jpg"), rejected("three.jpg", number=3)])
    assert [(one.page, [photo.photo for photo in one.rejected]) for one in gathered.missing] == [
        (2, ["unknown.jpg"]),
        (3, ["three.jpg", "unknown.jpg"]),
    ]
    (reading,) = gathered.form_readings
    assert "suara_paslon_1" not in reading.fields


def test_a_tps_whose_photos_all_fail_misses_every_page() -> None:
    gathered = gather([rejected()])
    assert gathered.form_readings == ()
    assert [one.page for one in gathered.missing] == [1, 2, 3]
    assert [photo.photo for photo in gathered.rejected] == ["bad.jpg"]


def test_photos_without_a_tps_are_kept_apart() -> None:
    gathered = gather([page(1, tps=None), rejected(tps=None)])
    assert not any((gathered.form_readings, gathered.missing))
    assert [photo.page for photo in gathered.without_tps] == [1]
    assert len(gathered.rejected) == 1
    assert gathered.tps == frozenset()


def test_same_picture_twice_under_one_tps() -> None:
    gathered = gather([page(1), page(2), page(3), page(2, photo="again.jpg", sha="a" * 64)])
    assert gathered.duplicates == ()
    twice = [page(2, photo="one.jpg", sha="a" * 64), page(2, photo="two.jpg", sha="a" * 64)]
    gathered = gather([page(1), *twice])
    (same,) = gathered.duplicates
    assert [photo.photo for photo in same.photos] == ["one.jpg", "two.jpg"]
    assert same.tps == (A,)
    assert gathered.wrong_pages == ()  # a copy is no other photo


def test_same_picture_under_two_tps() -> None:
    gathered = gather([page(2, sha="a" * 64), page(2, tps=B, sha="a" * 64)])
    (same,) = gathered.duplicates
    assert same.tps == (A, B)
    assert len(gathered.form_readings) == 2


def test_a_copy_that_intake_set_aside_is_a_duplicate_and_no_rejected_photo() -> None:
    gathered = gather([page(2, sha="a" * 64), rejected("copy.jpg", tps=B, sha="a" * 64, copy=True)])
    (same,) = gathered.duplicates
    assert same.tps == (A, B)
    assert gathered.rejected == ()
    assert {one.tps for one in gathered.missing if one.page == 2} == {B}
    gathered = gather([rejected("copy.jpg", copy=True)])  # its original came in an earlier batch
    assert [one.tps for one in gathered.duplicates] == [(A,)]


def test_pages_of_one_pdf_are_no_duplicates() -> None:
    pages = [
        page(number, photo="scan.pdf", sha="a" * 64).model_copy(update={"pdf_page": number})
        for number in (1, 2, 3)
    ]
    gathered = gather(pages)
    assert not any((gathered.duplicates, gathered.missing))
    again = [one.model_copy(update={"photo": "copy.pdf"}) for one in pages]
    assert len(gather([*pages, *again]).duplicates) == 3


def test_wrong_page() -> None:
    gathered = gather([page(1), page(2, photo="a.jpg"), page(2, photo="b.jpg")])
    (wrong,) = gathered.wrong_pages
    assert (wrong.page, wrong.missing) == (2, (3,))
    assert {photo.photo for photo in wrong.photos} == {"a.jpg", "b.jpg"}
    whole = gather([page(1), page(2, photo="a.jpg"), page(2, photo="b.jpg"), page(3)])
    assert whole.wrong_pages == ()


def test_a_field_in_view_wins_over_one_that_is_not() -> None:
    left = page(2, photo="l.jpg", fields={"suara_paslon_1": field(None, 0.0, UNSEEN)})
    right = page(2, photo="r.jpg", fields={"suara_paslon_1": field(24, 0.4, REVIEW)})
    (reading,) = gather([left, right]).form_readings
    assert reading.fields["suara_paslon_1"].value == 24
    assert reading.pages["suara_paslon_1"].photo == "r.jpg"


def test_fields_that_no_photo_shows() -> None:
    gathered = gather([page(2, fields={"suara_paslon_3": field(None, 0.0, UNSEEN)})])
    (part,) = gathered.partly_seen
    assert (part.page, part.unseen) == (2, ("suara_paslon_3",))


def merged(*fields: FieldReading) -> FieldReading:
    photos = [
        page(2, photo=f"{number}.jpg", fields={"suara_paslon_1": one})
        for number, one in enumerate(fields)
    ]
    (reading,) = gather(photos).form_readings
    return reading.fields["suara_paslon_1"]


def test_clear_wins_over_review_and_confidence_decides_among_equals() -> None:
    assert merged(field(24, 0.4, REVIEW), field(25, 0.98)).value == 25
    assert merged(field(24, 0.97), field(24, 0.99)).confidence == 0.99
    assert merged(field(24, 0.5, REVIEW), field(24, 0.6, REVIEW)).confidence == 0.6
    assert merged(field(24, 0.4, REVIEW), field(None, 0.6, BLANK)).status is BLANK


def test_a_likely_number_is_not_silenced_by_a_sure_photo() -> None:
    for sure in (field(None, 0.999, BLANK), field(128, 0.999)):
        both = merged(sure, field(123, 0.99, REVIEW))
        assert (both.status, both.value) == (REVIEW, None)
        assert both.reasons == (ReviewReason.WITNESSES_DISAGREE,)
        assert 123 in {witness.value for witness in both.witnesses.values()}
    assert merged(field(128, 0.999), field(128, 0.9, REVIEW)).status is CLEAR


def test_two_clear_answers_settle_nothing() -> None:
    both = merged(field(24, 0.999), field(824, 0.99))
    assert both.status is REVIEW
    assert both.value is None
    assert both.reasons == (ReviewReason.WITNESSES_DISAGREE,)
    assert sorted(witness.value or 0 for witness in both.witnesses.values()) == [24, 824]
    assert any(name.startswith("digits@") for name in both.witnesses)
    assert both.confidence == pytest.approx(0.999 * 0.01 / (0.999 * 0.01 + 0.001 * 0.99))


def test_a_clear_number_against_a_clear_blank_settles_nothing() -> None:
    both = merged(field(24), field(None, 0.99, BLANK))
    assert (both.status, both.value) == (REVIEW, None)


def test_photos_for_review_that_disagree_say_so() -> None:
    both = merged(field(24, 0.6, REVIEW), field(29, 0.5, REVIEW))
    assert both.value == 24
    assert ReviewReason.WITNESSES_DISAGREE in both.reasons
    unread = merged(field(24, 0.5, REVIEW), field(None, 0.9, REVIEW))
    assert unread.value == 24
    assert unread.reasons == ()


FIELD_READINGS = st.builds(
    field,
    st.one_of(st.none(), st.integers(0, 3)),
    st.floats(0, 1),
    st.sampled_from([CLEAR, REVIEW, UNSEEN]),
).map(
    lambda one: (
        one.model_copy(update={"status": BLANK})
        if one.value is None and one.status is CLEAR
        else one
    )
)


@given(st.lists(FIELD_READINGS, min_size=1, max_size=4))
def test_merging_never_picks_silently(fields: list[FieldReading]) -> None:
    result = merged(*fields)
    settled = {one.value for one in fields if one.status in (CLEAR, BLANK)}
    likely = {
        one.value
        for one in fields
        if one.status is REVIEW and one.value is not None and one.confidence >= 0.5
    }
    if len(settled) == 1 and likely <= settled:
        assert result.status in (CLEAR, BLANK)
        assert {result.value} == settled
    else:
        assert result.status not in (CLEAR, BLANK)
    if settled and len(settled | likely) > 1:
        assert result.value is None
        assert 0 <= result.confidence <= 1
        seen = {witness.value for witness in result.witnesses.values()}
        assert settled <= seen
    if result.value is not None:
        assert result.value in {one.value for one in fields}


@given(st.permutations([0, 1, 2, 3, 4, 5]))
def test_the_order_of_photos_does_not_matter(order: list[int]) -> None:
    photos = [
        page(1),
        page(2, photo="a.jpg", fields={"suara_paslon_1": field(24)}),
        page(2, photo="b.jpg", fields={"suara_paslon_1": field(25)}),
        page(2, photo="c.jpg", sha="a" * 64),
        page(2, photo="d.jpg", sha="a" * 64),
        rejected(),
    ]
    assert gather([photos[place] for place in order]) == gather(photos)


def test_merging_one_photo_changes_nothing() -> None:
    photo = page(2)
    assert merge_field([(photo, photo.fields["suara_paslon_1"])]) == (
        photo,
        photo.fields["suara_paslon_1"],
    )


def test_a_page_said_to_be_read_must_say_what_it_is() -> None:
    with pytest.raises(ValueError, match="not which form"):
        gather([page(1).model_copy(update={"page": None})])


def test_a_page_of_a_form_that_is_gone_is_rejected_and_says_so() -> None:
    gone = page(1).model_copy(update={"form": "pilkades-2026"})
    gathered = gather([gone, page(2)])
    (photo,) = gathered.rejected
    assert photo.error is not None
    assert "pilkades-2026 page 1, a form that is no longer installed" in photo.error.message
    assert photo.error.remedy.startswith("Install the form again")
    assert [one.page for one in gathered.missing] == [1, 3]
    (conflict,) = (one for one in compare_all(gathered, None) if one.photo == gone.photo)
    assert (conflict.kind, conflict.tps) == (ConflictKind.UNREADABLE, A)

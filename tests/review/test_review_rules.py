"""The room's rules without a store: outcomes, two people, roles, regions, sample, interval."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.review_store import item_facts
from models.people import BadRegion, BadUserName, Role, User, check_name, check_regions
from models.queue import Outcome
from models.records import FieldStatus
from review.answers import Says, parse_answer
from review.errors import (
    AnswerMissing,
    NotAllowed,
    OutcomeIncomplete,
    OutcomeMissing,
    OutsideRegion,
)
from review.interval import at_most, exact_interval
from review.outcomes import NEEDS, WITHOUT_FIELD, Finding, outcomes_for, parse_finding
from review.passwords import (
    WeakPassword,
    csrf_token,
    hash_password,
    is_csrf_token,
    is_password,
    new_token,
)
from review.permissions import Permission, allows, require, require_within, within
from review.sampling import estimate, is_drawn, place_in_queue
from review.texts import LANGUAGES, Speaker, texts
from review.two_people import needs_second, votes_changed

TPS = "3216032003001"
ITEM = item_facts(TPS, entry=824, reading=24)


def user(role: Role = Role.AUDITOR, *regions: str, disabled: bool = False) -> User:
    return User(
        name="budi",
        role=role,
        regions=regions,
        disabled=disabled,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        has_password=True,
    )


# Answers


@pytest.mark.parametrize(
    ("number", "says", "expected"),
    [
        ("24", "", 24),
        (" 024 ", "", 24),
        ("0", "", 0),
        ("24", "number", 24),
        ("", "empty", Says.EMPTY),
        ("", "unreadable", Says.UNREADABLE),
        ("", "not_shown", Says.NOT_SHOWN),
    ],
)
def test_an_answer_is_a_number_or_why_there_is_none(
    number: str, says: str, expected: int | Says
) -> None:
    answer = parse_answer(number, says)
    assert (answer.number if answer.says is Says.NUMBER else answer.says) == expected


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("", ""),
        ("", "number"),
        ("24", "empty"),
        ("2 4", ""),
        ("-1", ""),
        ("2.5", ""),
        ("1e3", ""),
        ("²", ""),
        ("٢٤", ""),
        ("1234567", ""),
        ("", "zero"),
        ("<b>", ""),
    ],
)
def test_everything_else_is_no_answer(number: str, says: str) -> None:
    with pytest.raises(AnswerMissing):
        parse_answer(number, says)


# Outcomes


def finding(
    outcome: str,
    number: int | None = None,
    *,
    empty: bool = False,
    reason: str = "",
    reference: str = "",
    entry: int | None = 824,
    reading: int | None = 24,
) -> Finding:
    return parse_finding(
        item_facts(TPS, entry=entry, reading=reading),
        outcome=outcome,
        number=number,
        empty=empty,
        reason=reason,
        reference=reference,
    )


def test_no_outcome_is_ever_taken_for_granted() -> None:
    with pytest.raises(OutcomeMissing):
        finding("", 24)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_each_outcome_asks_for_what_it_needs(outcome: Outcome) -> None:
    needs = NEEDS[outcome]
    numbers = {Outcome.MACHINE_WRONG: 824}
    full = {
        "number": numbers.get(outcome, 24) if needs.number else None,
        "reason": "torn" if needs.reason else "",
        "reference": "Sukawangi, 2 March, page 3" if needs.reference else "",
    }
    assert finding(outcome, **full).outcome is outcome  # type: ignore[arg-type]
    for name, wanted in (
        ("number", needs.number),
        ("reason", needs.reason),
        ("reference", needs.reference),
    ):
        if wanted:
            without = full | {name: None if name == "number" else "  "}
            with pytest.raises(OutcomeIncomplete) as refused:
                finding(outcome, **without)  # type: ignore[arg-type]
            assert refused.value.data["what"] == name


@pytest.mark.parametrize(
    ("outcome", "number", "entry", "reading", "what"),
    [
        ("entry_wrong", 824, 824, 24, "number_equals_entry"),
        ("machine_wrong", 24, 824, 24, "number_differs_from_entry"),
        ("machine_wrong", 24, 24, 24, "number_equals_reading"),
        ("machine_wrong", 24, None, 24, "number_equals_reading"),
        ("agrees", 24, 824, 24, "number_differs_from_entry"),
        ("agrees", 24, None, 24, "no_entry"),
        ("zero", 24, 824, 24, "outcome"),
    ],
)
def test_an_outcome_must_fit_the_numbers(
    outcome: str, number: int, entry: int | None, reading: int, what: str
) -> None:
    with pytest.raises(OutcomeIncomplete) as refused:
        finding(outcome, number, entry=entry, reading=reading)
    assert refused.value.data["what"] == what


def test_empty_paper_is_not_zero() -> None:
    nothing = finding("entry_wrong", empty=True, entry=0)
    assert (nothing.number, nothing.empty) == (None, True)
    zero = finding("entry_wrong", 0, entry=5)
    assert (zero.number, zero.empty) == (0, False)
    with pytest.raises(OutcomeIncomplete):
        finding("entry_wrong", 0, empty=True)
    assert not nothing.same_as(zero)


def test_an_item_about_a_photo_has_no_number_outcomes() -> None:
    photo = item_facts(TPS, None, kind="page_missing", entry=None, reading=None)
    assert outcomes_for(photo) == WITHOUT_FIELD
    agreed = parse_finding(
        photo, outcome="agrees", number=None, empty=False, reason="", reference=""
    )
    assert (agreed.number, agreed.empty) == (None, False)


# Two people


def test_more_votes_than_set_need_two_people() -> None:
    small = item_facts(TPS, entry=30, reading=24)
    for number, second in ((20, False), (19, True), (40, False), (41, True)):
        found = Finding(outcome=Outcome.ENTRY_WRONG, number=number)
        assert needs_second(small, found, 10) is second


def test_missing_numbers_come_and_go_as_that_many_votes() -> None:
    assert votes_changed(item_facts(TPS, entry=None), Finding(outcome="entry_wrong", number=9)) == 9
    gone = Finding(outcome=Outcome.ENTRY_WRONG, empty=True)
    assert votes_changed(item_facts(TPS, entry=12), gone) == 12
    assert votes_changed(ITEM, Finding(outcome=Outcome.UNREADABLE, reason="torn")) == 0


def test_a_clear_field_the_machine_misread_needs_two_people() -> None:
    found = Finding(outcome=Outcome.MACHINE_WRONG, number=824)
    assert needs_second(ITEM, found, 10)
    unsure = item_facts(TPS, field_status=FieldStatus.REVIEW)
    assert not needs_second(unsure, found, 10)


# Roles and regions


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.VIEWER, {"view", "export"}),
        (Role.AUDITOR, {"view", "export", "decide"}),
        (Role.SUPERVISOR, set(Permission)),
    ],
)
def test_the_permissions_of_each_role(role: Role, may: set[str]) -> None:
    for permission in Permission:
        assert allows(user(role), permission) is (permission in may)
        assert not allows(user(role, disabled=True), permission)
        if permission not in may:
            with pytest.raises(NotAllowed):
                require(user(role), permission)


def test_a_limit_holds_for_its_region_and_nothing_else() -> None:
    limited = user(Role.SUPERVISOR, "321603", "3217")
    cases = {TPS: True, "3217012001001": True, "3216042001001": False, None: False}
    for tps, inside in cases.items():
        assert within(limited, tps) is inside
        assert within(user(), tps)
    require_within(limited, ["3216042001001", TPS])
    with pytest.raises(OutsideRegion):
        require_within(limited, ["3216042001001", None])
    with pytest.raises(OutsideRegion):
        require_within(limited, [])


def test_names_and_regions_are_checked() -> None:
    assert check_name("budi.2") == "budi.2"
    for name in ("B", "budi santoso", "../x", "<b>", "", "a" * 40, "1a", "terminal:x"):
        with pytest.raises(BadUserName):
            check_name(name)
    assert check_regions(("3217", "3216", "3216")) == ("3216", "3217")
    for code in ("321", "abcd", "", "٣٢", "3216%"):
        with pytest.raises(BadRegion):
            check_regions((code,))


# Sample and interval


def test_the_sample_has_its_share_and_only_grows() -> None:
    fields = [(f"{number:013}", "form", "field") for number in range(20_000)]
    small = {one for one in fields if is_drawn(7, 0.02, *one)}
    large = {one for one in fields if is_drawn(7, 0.05, *one)}
    assert 330 < len(small) < 470  # 400 expected, 20 the standard deviation
    assert small < large
    assert small != {one for one in fields if is_drawn(8, 0.02, *one)}
    assert not [one for one in fields if is_drawn(7, 0.0, *one)]
    assert all(is_drawn(7, 1.0, *one) for one in fields)


def test_the_sample_is_spread_over_the_whole_queue() -> None:
    priorities = [float(number) for number in range(1000)]
    places = [
        place_in_queue(7, f"{number:013}", "form", "field", priorities) for number in range(2000)
    ]
    for quarter in range(4):
        inside = [place for place in places if quarter * 250 <= place < (quarter + 1) * 250]
        assert 420 < len(inside) < 580
    assert place_in_queue(7, TPS, "form", "field", []) == 1.0


def test_the_estimate_counts_what_was_read() -> None:
    counts: dict[tuple[str | None, bool], int] = {
        ("agrees", False): 97,
        ("entry_wrong", True): 3,
        ("corrected_at_plenary", True): 2,
        ("unreadable", True): 5,
    }
    found = estimate(counts)
    assert (found.checked, found.errors, found.not_read) == (102, 3, 5)
    assert found.low < 3 / 102 < found.high
    assert estimate({}).share is None
    assert (estimate({}).low, estimate({}).high) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("errors", "checked", "low", "high"),
    [
        # Published tables of the exact interval at 95 %.
        (0, 10, 0.0, 0.3085),
        (1, 10, 0.0025, 0.4450),
        (5, 10, 0.1871, 0.8129),
        (10, 10, 0.6915, 1.0),
        (3, 100, 0.0062, 0.0852),
        (0, 300, 0.0, 0.0122),
    ],
)
def test_the_exact_interval(errors: int, checked: int, low: float, high: float) -> None:
    assert exact_interval(errors, checked) == pytest.approx((low, high), abs=5e-5)


@settings(max_examples=50)
@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_what_was_found_and_its_tails_are_small(pair: tuple[int, int]) -> None:
    errors, checked = pair
    low, high = exact_interval(errors, checked)
    assert low <= errors / checked <= high
    if errors:
        assert 1 - at_most(errors - 1, checked, low) == pytest.approx(0.025, abs=1e-6)
    if errors < checked:
        assert at_most(errors, checked, high) == pytest.approx(0.025, abs=1e-6)


# Passwords and forms


def test_passwords_are_hashed_with_argon2id() -> None:
    stored = hash_password("empat kata acak panjang", "budi")
    assert stored.startswith("$argon2id$")
    assert is_password("empat kata acak panjang", stored)
    assert not is_password("empat kata acak", stored)
    assert not is_password("empat kata acak panjang", None)
    assert not is_password("x", "no hash")


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaa", "budi123456", "x" * 300])
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        hash_password(password, "budi")


def test_a_forms_token_goes_with_its_cookie() -> None:
    one, other = new_token(), new_token()
    assert is_csrf_token(csrf_token(one), one)
    assert not is_csrf_token(csrf_token(one), other)
    assert not is_csrf_token("é", one)


# Texts


def test_both_languages_say_the_same_things() -> None:
    import string

    def places(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    first, second = (texts(language) for language in LANGUAGES)
    assert first.keys() == second.keys()
    for key in first:
        assert places(first[key]) == places(second[key]), key


def test_every_value_that_pages_show_has_a_name() -> None:
    from models.queue import ItemStatus
    from models.records import Cause, ConflictKind
    from models.trail import Act

    groups = {
        "status": ItemStatus,
        "kind": ConflictKind,
        "cause": Cause,
        "outcome": Outcome,
        "act": Act,
        "role": Role,
        "says": Says,
    }
    for group, values in groups.items():
        for value in values:
            assert f"{group}.{value}" in texts("id"), f"{group}.{value}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_reporting_system_may_have_another_name(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = texts(language)
    assert "Sirekap" in Speaker(language)("item.entry")
    monkeypatch.setenv("CHASIL_SYSTEM", "Situs {Desa}")
    texts.cache_clear()
    try:
        t = Speaker(language)
        assert "Situs {Desa}" in t("item.entry")
        assert {"Situs", "{Desa}", "12."} <= set(t("sentence.system", entry=12).split())
        assert not any("Sirekap" in text for text in texts(language).values())
        assert texts(language).keys() == usual.keys()
    finally:
        texts.cache_clear()


def test_numbers_are_written_as_each_language_does() -> None:
    assert Speaker("id").number(1234567) == "1.234.567"
    assert Speaker("en").number(1234567) == "1,234,567"
    assert Speaker("id").number(None) == "–"
    assert Speaker("id").percent(0.0123) == "1,2 %"


@pytest.mark.parametrize(
    "group", [pytest.param(pair, id="-".join(pair)) for pair in product(("id", "en"), ("error",))]
)
def test_every_refusal_has_a_text(group: tuple[str, str]) -> None:
    from review import errors

    language, prefix = group
    for error in vars(errors).values():
        if isinstance(error, type) and issubclass(error, errors.Refused):
            if error is errors.Refused:
                continue
            assert f"{prefix}.{error.code}.what" in texts(language), error
            assert f"{prefix}.{error.code}.do" in texts(language), error

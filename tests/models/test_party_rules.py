"""Rules of party elections, and rules over the forms of several elections."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.elections import Election, parties_standing
from models.party_fields import alone, candidate, total
from models.rules import RuleResult, Severity, Verdict, evaluate_across, evaluate_all

DPR, DPD, PPWP = Election.DPR.form, Election.DPD.form, Election.PPWP.form
Numbers = dict[str, int | None]


def right() -> Numbers:
    """A DPR form that adds up: each party has 1 vote alone, 2 and 3 for two candidates."""
    numbers: Numbers = {"suara_sah": 18 * 6, "suara_tidak_sah": 2, "suara_total": 110}
    for party in parties_standing(Election.DPR):
        numbers |= {alone(party): 1, total(party): 6}
        numbers |= {candidate(party, f"{party}1"): 2, candidate(party, f"{party}2"): 3}
    return numbers


def verdicts(form: str | None, numbers: Numbers, rule: str) -> dict[str, Verdict]:
    found = [one for one in evaluate_all(numbers, form) if one.rule == rule]
    return {one.field: one.verdict for one in found}


def test_a_right_form_of_a_party_election() -> None:
    results = evaluate_all(right(), DPR)
    assert Verdict.VIOLATED not in {one.verdict for one in results}
    assert set(verdicts(DPR, right(), "party_total_is_its_rows").values()) == {Verdict.OK}
    assert len(verdicts(DPR, right(), "party_total_is_its_rows")) == 18
    assert verdicts(DPR, right(), "party_totals_are_suara_sah") == {"suara_sah": Verdict.OK}
    assert verdicts(DPR, right(), "party_alone_at_most_total") == {}
    assert "paslon_sum_is_suara_sah" not in {one.rule for one in results}


def test_a_wrong_total_breaks_its_party_and_the_sum_of_all() -> None:
    wrong = right() | {total(4): 806}
    assert [f for f, v in verdicts(DPR, wrong, "party_total_is_its_rows").items() if v != "ok"] == [
        total(4)
    ]
    assert verdicts(DPR, wrong, "party_totals_are_suara_sah")["suara_sah"] is Verdict.VIOLATED


@pytest.mark.parametrize("name", [alone(4), candidate(4, "42"), total(4)])
def test_one_null_makes_its_party_not_computable(name: str) -> None:
    found = verdicts(DPR, right() | {name: None}, "party_total_is_its_rows")
    assert found.pop(total(4)) is Verdict.NOT_COMPUTABLE
    assert set(found.values()) == {Verdict.OK}


def test_a_party_that_is_not_mentioned_is_not_zero() -> None:
    without = {name: value for name, value in right().items() if "_partai_24" not in name}
    found = verdicts(DPR, without, "party_totals_are_suara_sah")
    assert found == {"suara_sah": Verdict.NOT_COMPUTABLE}


def test_without_candidates_only_half_can_be_said() -> None:
    numbers: Numbers = {alone(1): 3, total(1): 12, alone(2): 9, total(2): 8, alone(3): 1}
    assert verdicts(DPR, numbers, "party_total_is_its_rows") == {}
    assert verdicts(DPR, numbers, "party_alone_at_most_total") == {
        alone(1): Verdict.OK,
        alone(2): Verdict.VIOLATED,
    }


def test_persons_of_the_dpd_make_suara_sah() -> None:
    numbers: Numbers = {candidate(None, "7"): 4, candidate(None, "9"): 6, "suara_sah": 10}
    rule = "dpd_candidates_are_suara_sah"
    assert verdicts(DPD, numbers, rule) == {"suara_sah": Verdict.OK}
    assert verdicts(DPD, numbers | {"suara_sah": 11}, rule) == {"suara_sah": Verdict.VIOLATED}
    assert verdicts(DPD, numbers | {candidate(None, "9"): None}, rule) == {
        "suara_sah": Verdict.NOT_COMPUTABLE
    }
    assert verdicts(DPR, numbers, rule) == {}


def test_a_page_of_one_party_of_a_form_that_is_none_of_2024() -> None:
    page: Numbers = {"suara_partai": 5, "suara_calon_1": 7, "suara_calon_2": 0}
    page["suara_partai_total"] = 12
    found = verdicts("netgrit-2022", page, "party_total_is_its_rows")
    assert found == {"suara_partai_total": Verdict.OK}
    wrong = verdicts("netgrit-2022", page | {"suara_calon_2": 1}, "party_total_is_its_rows")
    assert wrong == {"suara_partai_total": Verdict.VIOLATED}
    assert verdicts("netgrit-2022", page, "dpd_candidates_are_suara_sah") == {}


def test_a_long_sum_is_told_shortly() -> None:
    (result,) = [
        one for one in evaluate_all(right(), DPR) if one.rule == "party_totals_are_suara_sah"
    ]
    assert result.formula.endswith("… + suara_partai_24_total (18 rows)")
    assert len(result.inputs) == 19


@given(st.dictionaries(st.sampled_from(sorted(right())), st.one_of(st.none(), st.integers(0, 99))))
def test_missing_is_never_zero(numbers: Numbers) -> None:
    for result in evaluate_all(numbers, DPR):
        known = all(numbers.get(name) is not None for name in result.inputs)
        assert (result.verdict is not Verdict.NOT_COMPUTABLE) == known


# Several elections of one TPS


def across(**dpt: int | None) -> list[tuple[str, RuleResult]]:
    numbers = {Election(name).form: {"pemilih_dpt_j": number} for name, number in dpt.items()}
    found = evaluate_across(numbers)
    return [
        (form, one)
        for form, one in found
        if (one.rule, one.field) == ("pemilih_dpt_is_same_everywhere", "pemilih_dpt_j")
    ]


def test_the_voters_list_is_one() -> None:
    found = across(ppwp=250, dpr=250, dpd=850, dprdp=250, dprdk=None)
    assert {form: one.verdict for form, one in found} == {
        DPR: Verdict.OK,
        DPD: Verdict.VIOLATED,
        Election.DPRDP.form: Verdict.OK,
        Election.DPRDK.form: Verdict.NOT_COMPUTABLE,
    }
    broken = dict(found)[DPD]
    assert broken.difference == 600
    assert "850 for dpd and 250 for ppwp, dpr, dprdp" in broken.message
    assert broken.inputs == {"pemilih_dpt_j@dpd": 850, "pemilih_dpt_j@ppwp": 250}


def test_what_most_forms_say_is_not_the_finding() -> None:
    found = across(ppwp=850, dpr=250, dpd=250)
    assert [form for form, one in found if one.verdict is Verdict.VIOLATED] == [PPWP]


def test_two_that_differ_are_one_finding_with_both_numbers() -> None:
    ((form, result),) = across(ppwp=250, dpr=251)
    assert (form, result.verdict, set(result.inputs.values())) == (
        DPR,
        Verdict.VIOLATED,
        {250, 251},
    )


def test_one_form_alone_or_one_of_another_year_says_nothing() -> None:
    assert across(dpr=250) == []
    other: dict[str, Numbers] = {"c1-ppwp-2019": {"pemilih_dpt_j": 9}, DPR: {"pemilih_dpt_j": 8}}
    assert evaluate_across(other) == ()


def test_who_came_is_a_warning_only() -> None:
    numbers = {DPR: {"pengguna_dpt_j": 200}, DPD: {"pengguna_dpt_j": 199}}
    (broken,) = [one for _, one in evaluate_across(numbers) if one.verdict is Verdict.VIOLATED]
    assert broken.severity is Severity.WARNING


@given(st.lists(st.one_of(st.none(), st.integers(0, 3)), min_size=5, max_size=5))
def test_a_finding_across_needs_two_numbers_that_differ(numbers: list[int | None]) -> None:
    found = across(**dict(zip(Election, numbers, strict=True)))
    known = [number for number in numbers if number is not None]
    broken = [one for _, one in found if one.verdict is Verdict.VIOLATED]
    assert bool(broken) == (len(set(known)) > 1)
    most = max((known.count(number) for number in known), default=0)
    assert len(broken) == len(known) - most

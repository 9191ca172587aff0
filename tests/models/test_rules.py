"""One test a rule, and what holds for all of them."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import rules
from models.forms.template import load_form
from models.records import FieldReading, FieldStatus, FormReading, Witness
from models.rules import (
    RULES,
    RULES_ACROSS,
    Relation,
    Rule,
    RuleResult,
    Severity,
    Verdict,
    digits_are_bubbles,
    diterima_is_dpt_plus_2_percent,
    evaluate_all,
    evaluate_reading,
    salinan_is_plano,
    sums_of_the_form,
    violations_in,
)
from models.rules.rule import Check

TPS = "3216012001001"
FORM = "c-hasil-ppwp-2024"
FIELDS = load_form(FORM).field_names

# The form as filled in without a fault: TPS 1 of Sagara Makmur with ballot papers made to fit.
RIGHT: dict[str, int | None] = {
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


def violated(**changed: int) -> set[tuple[str, str]]:
    """Rule and field of every check that the right form breaks once some numbers are changed."""
    return {
        (result.rule, result.field)
        for result in evaluate_all(RIGHT | changed)
        if result.verdict is Verdict.VIOLATED
    }


def one(rule: str, field: str, **changed: int | None) -> RuleResult:
    (found,) = [
        result
        for result in evaluate_all(RIGHT | changed)
        if (result.rule, result.field) == (rule, field)
    ]
    return found


def test_a_right_form_keeps_every_rule() -> None:
    assert set(RIGHT) == set(FIELDS)
    assert {result.verdict for result in evaluate_all(RIGHT)} == {Verdict.OK}


def test_paslon_sum_is_suara_sah() -> None:
    result = one("paslon_sum_is_suara_sah", "suara_sah", suara_paslon_1=853)
    assert result.verdict is Verdict.VIOLATED
    assert result.difference == 142 - (853 + 82 + 7)
    assert result.inputs == {
        "suara_sah": 142,
        "suara_paslon_1": 853,
        "suara_paslon_2": 82,
        "suara_paslon_3": 7,
    }
    assert "142 against 942 (difference -800)" in result.message
    assert violated(suara_paslon_1=853) == {("paslon_sum_is_suara_sah", "suara_sah")}


def test_sah_plus_tidak_sah_is_total() -> None:
    assert violated(suara_tidak_sah=3) == {("sah_plus_tidak_sah_is_total", "suara_total")}


def test_suara_total_is_pengguna_total() -> None:
    assert ("suara_total_is_pengguna_total", "suara_total") in violated(pengguna_total_j=145)
    assert one("suara_total_is_pengguna_total", "suara_total", suara_total=143).difference == -1


def test_digunakan_is_suara_total() -> None:
    assert ("digunakan_is_suara_total", "surat_suara_digunakan") in violated(
        surat_suara_digunakan=145
    )


def test_diterima_is_accounted_for() -> None:
    assert violated(surat_suara_tidak_digunakan=40) == {
        ("diterima_is_accounted_for", "surat_suara_diterima")
    }


def test_diterima_is_dpt_plus_2_percent() -> None:
    code = "diterima_is_dpt_plus_2_percent"
    assert one(code, "surat_suara_diterima", surat_suara_diterima=194).verdict is Verdict.VIOLATED
    assert one(code, "surat_suara_diterima").severity is Severity.WARNING


@pytest.mark.parametrize(
    ("dpt", "papers"), [(0, 0), (1, 2), (49, 50), (50, 51), (51, 53), (250, 255), (251, 257)]
)
def test_reserve_is_rounded_up(dpt: int, papers: int) -> None:
    assert diterima_is_dpt_plus_2_percent.with_reserve((dpt,)) == papers


@given(st.integers(0, 10_000))
def test_reserve_is_the_least_whole_number_of_2_percent(dpt: int) -> None:
    reserve = diterima_is_dpt_plus_2_percent.with_reserve((dpt,)) - dpt
    assert (reserve - 1) * 100 < 2 * dpt <= reserve * 100


@pytest.mark.parametrize(
    "group",
    [
        "pemilih_dpt",
        "pengguna_dpt",
        "pengguna_dptb",
        "pengguna_non_dpt",
        "pengguna_total",
        "disabilitas",
    ],
)
def test_l_plus_p_is_j(group: str) -> None:
    l_of_group = RIGHT[f"{group}_l"]
    assert l_of_group is not None
    assert ("l_plus_p_is_j", f"{group}_j") in violated(**{f"{group}_l": l_of_group + 1})


@pytest.mark.parametrize("who", ["l", "p", "j"])
def test_dpt_dptb_dpk_is_pengguna_total(who: str) -> None:
    assert ("dpt_dptb_dpk_is_pengguna_total", f"pengguna_total_{who}") in violated(
        **{f"pengguna_non_dpt_{who}": 9}
    )


@pytest.mark.parametrize("who", ["l", "p", "j"])
def test_pengguna_dpt_at_most_pemilih_dpt(who: str) -> None:
    code, field = "pengguna_dpt_at_most_pemilih_dpt", f"pengguna_dpt_{who}"
    limit = RIGHT[f"pemilih_dpt_{who}"]
    assert limit is not None
    assert one(code, field, **{field: limit}).verdict is Verdict.OK
    above = one(code, field, **{field: limit + 1})
    assert (above.verdict, above.difference) == (Verdict.VIOLATED, 1)


def test_suara_total_at_most_300() -> None:
    code = "suara_total_at_most_300"
    assert one(code, "suara_total", suara_total=300).verdict is Verdict.OK
    above = one(code, "suara_total", suara_total=301)
    assert (above.verdict, above.severity) == (Verdict.VIOLATED, Severity.WARNING)


def witness(value: int | None) -> Witness:
    return Witness(value=value, confidence=0.99, box=None)


def reading_of(**witnesses: dict[str, Witness]) -> FormReading:
    return FormReading(
        tps=TPS,
        form=FORM,
        fields={
            name: FieldReading(
                value=None, confidence=0.9, status=FieldStatus.REVIEW, witnesses=of_field
            )
            for name, of_field in witnesses.items()
        },
        pages={},
    )


def test_digits_are_bubbles() -> None:
    reading = reading_of(
        suara_paslon_1={"digits": witness(24), "bubbles": witness(24)},
        suara_paslon_2={"digits": witness(73), "bubbles": witness(78)},
        suara_paslon_3={"digits": witness(74), "bubbles": witness(None)},
        suara_sah={"digits": witness(171)},
    )
    results = {result.field: result for result in digits_are_bubbles.evaluate(reading)}
    assert {field: result.verdict for field, result in results.items()} == {
        "suara_paslon_1": Verdict.OK,
        "suara_paslon_2": Verdict.VIOLATED,
        "suara_paslon_3": Verdict.NOT_COMPUTABLE,
    }
    assert results["suara_paslon_2"].inputs == {
        "suara_paslon_2.digits": 73,
        "suara_paslon_2.bubbles": 78,
    }
    assert digits_are_bubbles.violations(reading) == (results["suara_paslon_2"],)


def test_bubbles_without_digits_are_not_computable() -> None:
    (result,) = digits_are_bubbles.evaluate(reading_of(suara_paslon_1={"bubbles": witness(24)}))
    assert result.verdict is Verdict.NOT_COMPUTABLE


def test_a_reading_is_judged_by_all_rules() -> None:
    reading = reading_of(suara_paslon_1={"digits": witness(24), "bubbles": witness(25)})
    codes = [result.rule for result in evaluate_reading(reading)]
    assert codes[-1] == digits_are_bubbles.CODE
    of_every_form = {rule.code for rule in RULES if rule.checks}
    assert set(codes) == of_every_form | {digits_are_bubbles.CODE}


def test_every_file_is_one_rule_that_is_registered() -> None:
    files = {module.name for module in pkgutil.iter_modules(rules.__path__)}
    files -= {"rule", "across"}
    registered = {rule.code for rule in RULES} | {rule.code for rule in RULES_ACROSS}
    registered |= {digits_are_bubbles.CODE, salinan_is_plano.CODE, sums_of_the_form.CODE}
    assert files == registered
    for code in {rule.code for rule in RULES}:
        assert importlib.import_module(f"models.rules.{code}").RULE.code == code


def test_rules_name_only_fields_of_the_form() -> None:
    named = {
        name for rule in RULES for check in rule.checks for name in (check.field, *check.terms)
    }
    assert named == set(FIELDS)


def test_every_result_says_where_its_rule_comes_from() -> None:
    assert all(result.source and result.formula for result in evaluate_all({}))


def test_nothing_known_is_not_computable() -> None:
    assert {result.verdict for result in evaluate_all({})} == {Verdict.NOT_COMPUTABLE}
    nulls: dict[str, int | None] = dict.fromkeys(FIELDS)
    assert {result.verdict for result in evaluate_all(nulls)} == {Verdict.NOT_COMPUTABLE}


@given(
    st.dictionaries(
        st.sampled_from(FIELDS), st.one_of(st.none(), st.integers(0, 999)), max_size=len(FIELDS)
    )
)
def test_missing_is_never_zero(numbers: dict[str, int | None]) -> None:
    """A verdict is given exactly where every input is known; a null is as good as absent."""
    for result in evaluate_all(numbers):
        known = all(numbers.get(name) is not None for name in result.inputs)
        assert (result.verdict is not Verdict.NOT_COMPUTABLE) == known
        assert (result.difference is not None) == known
        if not known:
            assert "without" in result.message
    without_nulls = {name: value for name, value in numbers.items() if value is not None}
    assert [result.verdict for result in evaluate_all(numbers)] == [
        result.verdict for result in evaluate_all(without_nulls)
    ]
    assert violations_in(numbers) == tuple(
        result for result in evaluate_all(numbers) if result.verdict is Verdict.VIOLATED
    )


@given(st.integers(0, 999), st.integers(0, 999), st.integers(0, 5))
def test_tolerance_bounds_the_difference(left: int, right: int, tolerance: int) -> None:
    for relation in Relation:
        rule = Rule(
            code="test",
            severity=Severity.ERROR,
            source="test",
            checks=(Check(field="a", terms=("b",), right="b", relation=relation),),
            tolerance=tolerance,
        )
        (result,) = rule.evaluate({"a": left, "b": right})
        holds = (
            left <= right + tolerance
            if relation is Relation.AT_MOST
            else abs(left - right) <= tolerance
        )
        assert (result.verdict is Verdict.OK) == holds
        assert result.difference == left - right


@given(st.permutations(["suara_paslon_1", "suara_paslon_2", "suara_paslon_3"]))
def test_no_rule_sees_candidates_in_another_order(order: list[str]) -> None:
    """Rows swapped between candidates keep every sum: only the paper can show it."""
    swapped = RIGHT | {
        to: RIGHT[of]
        for to, of in zip(
            ("suara_paslon_1", "suara_paslon_2", "suara_paslon_3"), order, strict=True
        )
    }
    assert {result.verdict for result in evaluate_all(swapped)} == {Verdict.OK}

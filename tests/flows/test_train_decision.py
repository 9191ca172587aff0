"""What is fitted and chosen from drawn forms: by hand on small cases, and once from end to end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fixtures.form import FieldTruth
from flows.train.calibrate import FIELD_PROMISE
from flows.train.decision import (
    LADDER,
    LEAST,
    Judged,
    Said,
    at_threshold,
    bands,
    choose,
    fit_sums,
    fit_witness,
    sure_from,
    written_for,
)
from flows.train.decision_card import decision_card
from flows.train.drawn_forms import Series, seen_forms
from flows.train.reliability_picture import picture
from models.recognisers.installed import installed_digests
from models.records import Witness
from models.reliability import WitnessReliability, load_reliabilities


def said(confidence: float, *, right: bool, meant: int = 100) -> Said:
    value = meant if right else meant + 7
    witness = Witness(
        value=value, confidence=confidence, box=None, distribution=((value, confidence),)
    )
    return Said(witness, meant, meant)


def test_a_witness_that_errs_as_it_says_is_taken_at_its_word() -> None:
    rng = np.random.default_rng(4)
    answers = []
    for _ in range(1500):
        chance = round(float(rng.uniform(0.55, 0.99)), 3)
        two = ((100, chance), (101, round(1 - chance, 3)))
        meant = 100 if rng.random() < chance else 101
        witness = Witness(value=100, confidence=chance, box=None, distribution=two)
        answers.append(Said(witness, meant, meant))
    fitted = fit_witness(answers)
    assert 0.8 < fitted.power < 1.25
    assert fitted.wrong < 0.01


def test_a_witness_that_is_often_sure_and_wrong_is_believed_little() -> None:
    honest = fit_witness([said(0.999, right=True)] * 500)
    liar = fit_witness([said(0.999, right=k % 10 > 0) for k in range(500)])
    assert liar.wrong > 0.05 > honest.wrong
    assert liar.sure > honest.sure


def test_nobody_is_infallible() -> None:
    assert fit_witness([said(1.0, right=True)] * 200).wrong > 1e-4


def test_disagreement_counts_from_where_misreading_is_rare() -> None:
    answers = [said(0.99, right=True)] * 5000
    plain = WitnessReliability(power=1.0, wrong=0.0, sure=1.0)
    assert sure_from(answers, plain) == 0.5
    assert sure_from([*answers, *([said(0.93, right=False)] * 300)], plain) == 0.95


def test_the_threshold_is_the_smallest_that_keeps_the_promise() -> None:
    good = [Judged("a", 0.9992, right=True, blank=False, trusted=True)] * 4000
    bad = [Judged("a", 0.9935, right=False, blank=False, trusted=True)] * 3
    assert choose(good, []) == LEAST
    chosen = choose([*good, *bad], [])
    assert chosen == 0.995
    assert at_threshold([*good, *bad], chosen)["silent_bound"] <= FIELD_PROMISE
    assert choose(good[:100], []) == LADDER[-1], "too few to prove anything"


def test_bands_hold_every_number_once() -> None:
    fields = [
        Judged("a", float(c), right=c > 0.5, blank=False, trusted=True)
        for c in np.linspace(0, 1, 101)
    ]
    assert sum(row["count"] for row in bands(fields)) == len(fields)


def test_what_is_written_for_each_witness() -> None:
    truth = FieldTruth(
        value=24, labels=("x", "2", "4"), bubbles=((), (2,), (5,)), tally=23, words="DUA PULUH ENAM"
    )
    assert [written_for(name, truth) for name in ("digits", "bubbles", "tally", "words")] == [
        *(24, 25, 23, 26)
    ]


def test_sums_are_as_often_wrong_as_reported_in_jakarta(shared: Path) -> None:
    lines, others = fit_sums(shared)
    assert lines["paslon_sum_is_suara_sah:suara_sah"].wrong == pytest.approx(468 / 11337, abs=1e-5)
    assert 0 < others.wrong < 0.1
    assert all(line.ways > 1 for line in lines.values())


def test_drawn_forms_are_read_once_and_kept(tmp_path: Path) -> None:
    series = Series(seed=11, count=1, pages=(2,), wrong_sums=0.0, witness_faults=0.0)
    (first,) = seen_forms(series, workers=1, kept=tmp_path)
    kept = sorted(tmp_path.rglob("*.pickle"))
    (again,) = seen_forms(series, workers=1, kept=tmp_path)
    assert again == first
    assert sorted(tmp_path.rglob("*.pickle")) == kept
    assert set(first.fields) == {"suara_paslon_1", "suara_paslon_2", "suara_paslon_3"}
    assert {first.fields[name].value for name in first.fields} == {
        first.truth[name].value for name in first.fields
    }


def test_what_is_installed_was_measured_with_what_is_installed() -> None:
    known = load_reliabilities(installed_digests())
    assert known.clear >= LEAST
    assert known.blank >= LEAST
    assert set(known.witnesses) == {"digits", "bubbles", "tally", "words"}


def test_the_card_and_the_picture_show_the_evidence() -> None:
    known = load_reliabilities(installed_digests())
    rows = bands([Judged("a", 0.9992, right=True, blank=False, trusted=True)] * 50)
    evidence = {
        "promise": FIELD_PROMISE,
        "seeds": {"fit": 1, "proof": 2},
        "forms": {"field": 3, "hard": 1},
        "fitted_on": {"field": 3, "hard": 1},
        "ladder": {"field": [at_threshold([], 0.99)]},
        "bands": {"field": rows},
        "answers": {"digits": 50},
    }
    assert "Confidence against truth" in decision_card(known, evidence)
    assert picture({"field": rows}).count("<title>") == len(rows)

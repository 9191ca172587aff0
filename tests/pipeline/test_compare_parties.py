"""Entries of party elections without a photo: what their arithmetic can find, and what it can't."""

from __future__ import annotations

import json
import random

import pytest

from fixtures.party_entries import PartyDefect, objects_of, spoil
from models.elections import Election
from models.party_fields import party_field, total
from models.records import (
    Cause,
    Conflict,
    ConflictKind,
    Entry,
    FieldReading,
    FieldStatus,
    FormReading,
)
from models.rules import Verdict, evaluate_all
from pipeline.causes import moved_totals, swapped_rows
from pipeline.compare import compare, compare_all
from pipeline.entries import read_sirekap
from pipeline.gather import Gathered

TPS = "3216012001001"
PARTIES = (Election.DPR, Election.DPRDP, Election.DPRDK)


def entry_of(election: Election, defect: PartyDefect | None = None, tps: str = TPS) -> Entry:
    thing = objects_of(tps)[election]
    if defect:
        thing = spoil(thing, defect, random.Random(7))  # noqa: S311
    content = json.dumps(thing).encode()
    (entry,) = read_sirekap(content, "invented", tps=tps, election=election)
    return entry


def found(*entries: Entry) -> tuple[Conflict, ...]:
    return compare_all(Gathered(), entries)


@pytest.mark.parametrize("election", list(Election))
def test_right_entries_have_no_conflict(election: Election) -> None:
    assert found(entry_of(election)) == ()
    verdicts = {one.verdict for one in evaluate_all(entry_of(election).fields, election.form)}
    assert verdicts == {Verdict.OK, Verdict.NOT_COMPUTABLE}  # ballot papers are not published


def test_all_five_together_have_no_conflict() -> None:
    assert found(*map(entry_of, Election)) == ()


@pytest.mark.parametrize("election", PARTIES)
def test_a_wrong_total(election: Election) -> None:
    conflicts = found(entry_of(election, PartyDefect.TOTAL_WRONG))
    assert {one.kind for one in conflicts} == {ConflictKind.RULE_BROKEN_IN_ENTRY}
    rules = {one.rule: one for one in conflicts}
    assert set(rules) == {"party_total_is_its_rows", "party_totals_are_suara_sah"}
    assert {one.votes for one in conflicts} == {800}
    assert {one.form for one in conflicts} == {election.form}


def test_a_candidate_without_a_number_is_no_finding_but_no_ok_either() -> None:
    entry = entry_of(Election.DPR, PartyDefect.CANDIDATE_NULL)
    assert found(entry) == ()
    (unknown,) = [name for name, number in entry.fields.items() if number is None]
    party = party_field(unknown)
    assert party is not None
    assert party.party is not None
    results = evaluate_all(entry.fields, entry.form)
    (of_party,) = [one for one in results if one.field == total(party.party)]
    assert of_party.verdict is Verdict.NOT_COMPUTABLE
    assert unknown in of_party.message


def test_totals_in_other_rows_are_told_from_wrong_ones() -> None:
    conflicts = found(entry_of(Election.DPR, PartyDefect.TOTALS_MOVED))
    assert {one.rule for one in conflicts} == {"party_total_is_its_rows"}
    assert {one.cause for one in conflicts} == {Cause.ROWS_SWAPPED}
    wrong = entry_of(Election.DPR, PartyDefect.TOTAL_WRONG)
    assert moved_totals(wrong.fields) == frozenset()


def test_whole_parties_in_other_rows_keep_every_sum_and_only_paper_tells() -> None:
    right, moved = entry_of(Election.DPR), entry_of(Election.DPR, PartyDefect.BLOCKS_MOVED)
    assert moved.fields != right.fields
    assert found(moved) == ()
    reading = FormReading(
        tps=TPS,
        form=right.form,
        fields={
            name: FieldReading(value=number, confidence=0.999, status=FieldStatus.CLEAR)
            for name, number in right.fields.items()
        },
        pages={},
    )
    conflicts = compare(reading, moved)
    assert {one.kind for one in conflicts} == {ConflictKind.VALUE_MISMATCH}
    totals = {one.field: one.cause for one in conflicts if (one.field or "").endswith("_total")}
    assert totals
    assert set(totals.values()) == {Cause.ROWS_SWAPPED}
    assert swapped_rows(moved.fields, reading.numbers()) >= set(totals)


def test_a_sum_that_is_not_suara_sah() -> None:
    conflicts = found(entry_of(Election.DPR, PartyDefect.SUM_IS_NOT_SAH))
    assert "party_totals_are_suara_sah" in {one.rule for one in conflicts}
    assert {one.field for one in conflicts} <= {"suara_sah", "suara_total"}


def test_another_length_of_the_voters_list_is_seen_across_elections_only() -> None:
    spoilt = entry_of(Election.DPRDK, PartyDefect.DPT_DIFFERS)
    assert found(spoilt) == ()
    others = [entry_of(election) for election in Election if election is not Election.DPRDK]
    conflicts = found(spoilt, *others)
    assert {(one.form, one.field) for one in conflicts} == {
        (Election.DPRDK.form, "pemilih_dpt_l"),
        (Election.DPRDK.form, "pemilih_dpt_j"),
    }
    for one in conflicts:
        assert one.rule == "pemilih_dpt_is_same_everywhere"
        assert one.kind is ConflictKind.RULE_BROKEN_IN_ENTRY
        there = entry_of(Election.PPWP).fields[one.field or ""]
        assert f"is {one.entry} for dprdk and {there} for ppwp, dpr, dpd, dprdp" in one.detail


def test_votes_that_are_not_published_are_no_finding() -> None:
    entry = entry_of(Election.DPR, PartyDefect.NO_CHART)
    assert found(entry, entry_of(Election.PPWP)) == ()


def test_paper_is_held_across_elections_too() -> None:
    def reading(form: str, dpt: int, confidence: float) -> FormReading:
        field = FieldReading(value=dpt, confidence=confidence, status=FieldStatus.CLEAR)
        return FormReading(tps=TPS, form=form, fields={"pemilih_dpt_j": field}, pages={})

    readings = (
        reading(Election.PPWP.form, 250, 0.999),
        reading(Election.DPR.form, 205, 0.9),
    )
    (conflict,) = compare_all(Gathered(form_readings=readings), None)
    assert conflict.kind is ConflictKind.RULE_BROKEN_ON_PAPER
    assert (conflict.form, conflict.reading, conflict.confidence) == (Election.DPR.form, 205, 0.9)


def test_readings_of_a_form_owe_only_what_is_reported_of_it() -> None:
    """A ppwp photo is not asked for parties that another form's entries report."""
    field = FieldReading(value=7, confidence=0.999, status=FieldStatus.CLEAR)
    other = "3216012001002"
    form = Election.DPR.form
    reading = FormReading(tps=other, form=form, fields={"suara_partai_4_total": field}, pages={})
    conflicts = compare_all(Gathered(form_readings=(reading,)), [entry_of(Election.DPR)])
    assert [one.kind for one in conflicts] == [ConflictKind.ENTRY_MISSING]
    only_ppwp = compare_all(Gathered(form_readings=(reading,)), [entry_of(Election.PPWP)])
    assert only_ppwp == ()

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.elections import (
    Election,
    election_called,
    election_of,
    parties,
    parties_standing,
)
from models.party_fields import (
    PartyField,
    alone,
    candidate,
    in_printed_order,
    party_field,
    rows_by_party,
    total,
)


def test_eighteen_national_parties_and_six_of_aceh() -> None:
    national = parties_standing(Election.DPR, "32")
    assert national == (*range(1, 18), 24)
    assert parties_standing(Election.DPRDP, "11") == tuple(range(1, 25))
    assert parties_standing(Election.DPR, "11") == national  # local parties: DPRA and DPRK only
    assert parties_standing(Election.DPD) == parties_standing(Election.PPWP) == ()
    assert set(parties()) == set(range(1, 25))
    assert parties()[4].short == "Golkar"


@pytest.mark.parametrize("election", list(Election))
def test_an_election_answers_to_its_names(election: Election) -> None:
    assert election_of(election.form) is election
    for name in (election.value, election.folder, election.folder.upper(), election.form):
        assert election_called(name) is election


def test_other_forms_belong_to_no_election() -> None:
    assert election_of("c1-ppwp-2019") is None
    assert election_of(None) is None
    assert election_called("pilkada") is None


@given(st.integers(1, 99), st.integers(0, 10**14))
def test_names_of_fields_say_what_they_were_made_from(party: int, of: int) -> None:
    assert party_field(alone(party)) == PartyField("alone", party)
    assert party_field(total(party)) == PartyField("total", party)
    assert party_field(candidate(party, str(of))) == PartyField("candidate", party, str(of))
    assert party_field(candidate(None, str(of))) == PartyField("candidate", None, str(of))


@pytest.mark.parametrize(
    "name",
    ["suara_sah", "suara_paslon_1", "suara_partai_0", "suara_partai_4_calon_", "suara_calon"],
)
def test_other_fields_are_no_partys(name: str) -> None:
    assert party_field(name) is None


def test_a_page_of_one_party_has_no_number_of_it() -> None:
    rows = rows_by_party(["suara_partai", "suara_calon_2", "suara_calon_10", "suara_partai_total"])
    assert list(rows) == [None]
    assert (rows[None].alone, rows[None].total) == ("suara_partai", "suara_partai_total")
    assert rows[None].candidates == ["suara_calon_2", "suara_calon_10"]


def test_fields_stand_as_they_are_printed() -> None:
    names = [total(10), candidate(10, "7"), "suara_sah", alone(2), alone(10), total(2)]
    assert in_printed_order(names) == (
        *("suara_sah", alone(2), total(2)),
        *(alone(10), candidate(10, "7"), total(10)),
    )

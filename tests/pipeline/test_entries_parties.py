"""Sirekap's objects of party elections: what is read, which election it is of, what is refused."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from fixtures.party_entries import PartyDefect, ballot, dapil_of, objects_of, spoil, write_tree
from models.elections import Election
from models.errors import EntriesFileError
from models.party_fields import alone, candidate, total
from models.records import Entry
from pipeline.entries import OtherElection, WhichElection, read_entries, read_sirekap, read_table

TPS = "3216012001001"
ACEH = "1171012001001"
E = Election

PARTY_CHART = {
    "1": {"jml_suara_total": 12, "jml_suara_partai": 3, "100123": 4, "100124": 5, "null": None},
    "4": {"jml_suara_total": None, "jml_suara_partai": None},
    "null": None,
}


def read(data: object, *, election: Election | None = None, tps: str | None = TPS) -> list[Entry]:
    content = json.dumps(data).encode()
    return list(read_sirekap(content, "file.json", tps=tps, election=election))


def test_a_party_chart() -> None:
    (entry,) = read({"chart": PARTY_CHART, "kode_dapil": 3207}, election=E.DPR)
    assert entry.form == "c-hasil-dpr-2024"
    assert entry.dapil == "3207"
    fields = entry.fields
    assert (fields[alone(1)], fields[total(1)]) == (3, 12)
    assert (fields[candidate(1, "100123")], fields[candidate(1, "100124")]) == (4, 5)
    assert fields[total(4)] is None
    assert fields[total(24)] is None  # it stands there, and has no number
    assert total(18) not in fields
    assert fields["suara_sah"] is None
    assert "suara_paslon_1" not in fields


def test_a_chart_of_persons() -> None:
    chart = {"310021": 14, "310022": None, "null": None}
    (entry,) = read({"chart": chart}, election=E.DPD)
    assert entry.form == "c-hasil-dpd-2024"
    votes = {name: number for name, number in entry.fields.items() if "calon" in name}
    assert votes == {"suara_calon_310021": 14, "suara_calon_310022": None}


def test_aceh_has_parties_of_its_own_for_dprd_only() -> None:
    chart = {"21": {"jml_suara_total": 7, "jml_suara_partai": 7}}
    (entry,) = read({"chart": chart}, election=E.DPRDP, tps=ACEH)
    assert entry.fields[total(21)] == 7
    for election, tps in ((E.DPR, ACEH), (E.DPRDP, TPS)):
        with pytest.raises(EntriesFileError, match=r"'21' is no party that .* Aceh only"):
            read({"chart": chart}, election=election, tps=tps)


def test_candidates_that_only_the_list_knows_are_not_zero() -> None:
    caleg = {"1": {"100123": {"nama": "BUDI  S."}, "100999": "SITI"}, "2": {}}
    (entry,) = read({"chart": PARTY_CHART, "caleg": caleg}, election=E.DPR)
    assert entry.fields[candidate(1, "100999")] is None
    assert entry.names == {candidate(1, "100123"): "BUDI S.", candidate(1, "100999"): "SITI"}
    flat: dict[str, Any] = {"310021": {"nama": "ANI"}, "310029": None}
    (of_dpd,) = read({"chart": {"310021": 3}, "caleg": flat}, election=E.DPD)
    assert of_dpd.names == {"suara_calon_310021": "ANI"}
    assert of_dpd.fields["suara_calon_310029"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chart": {"25": {}}}, "'25' is no party"),
        ({"chart": {"01": {"jml_suara_total": 1}}}, "'01' is no party"),
        ({"chart": {"null": {"jml_suara_total": 1}}}, "'null' is no party"),
        ({"chart": {"1": {"jml_suara": 3}}}, "'jml_suara' is neither"),
        ({"chart": {"1": {"null": 3}}}, "'null' is neither"),
        ({"chart": {"1": {"100123": -1}}}, r"chart\.1\.100123: a whole number"),
        ({"chart": {"1": {"jml_suara_total": 1.5}}}, r"chart\.1\.jml_suara_total"),
        ({"chart": {"1": {"5": 1}, "2": 7}}, r"chart\.2: an object of a party's rows"),
        ({"chart": {}, "caleg": {"1": {"100123": 4}}}, "a candidate's name is expected, not 4"),
        ({"chart": {}, "caleg": {"21": {"100123": "A"}}}, "party 21, which does not stand"),
        ({"chart": {}, "caleg": [1]}, "caleg: an object"),
        ({"chart": {}, "caleg": {"x": "A"}}, "'x' is no candidate's id"),
        ({"chart": {}, "kode_dapil": 1.5}, "kode_dapil: a text"),
    ],
)
def test_a_broken_object_names_its_place(change: dict[str, object], message: str) -> None:
    with pytest.raises(EntriesFileError, match=message) as caught:
        read(change, election=E.DPR)
    assert TPS in caught.value.message


# Which election


@pytest.mark.parametrize("election", [E.DPR, E.DPRDP, E.DPRDK])
def test_a_folder_or_a_key_tells_the_election(tmp_path: Path, election: Election) -> None:
    place = tmp_path / election.folder / f"{TPS}.json"
    place.parent.mkdir()
    place.write_text(json.dumps({"chart": PARTY_CHART}))
    for path in (tmp_path, place):
        (entry,) = read_entries(path)
        assert entry.form == election.form
    for key in ("pemilu", "election"):
        (entry,) = read({"chart": PARTY_CHART, key: election.folder})
        assert entry.form == election.form


def test_what_may_be_of_several_elections_is_not_guessed() -> None:
    for chart in (PARTY_CHART, {"310021": 5}, None, {}, {"null": None}):
        with pytest.raises(WhichElection) as caught:
            read({"chart": chart, "administrasi": None})
        assert "--election" in caught.value.remedy


def test_an_empty_chart_is_of_what_the_others_in_its_file_are() -> None:
    ppwp = {"chart": {"100025": 1}, "kode": TPS}
    empty = {"chart": None, "administrasi": None, "kode": "3216012001002"}
    assert [one.form for one in read([ppwp, empty], tps=None)] == [E.PPWP.form] * 2
    dpr = {"chart": PARTY_CHART, "pemilu": "pdpr", "kode": "3216012001003"}
    with pytest.raises(WhichElection, match="item 2"):
        read([ppwp, empty, dpr], tps=None)


@pytest.mark.parametrize(
    ("chart", "election"),
    [({"100025": 3}, E.DPD), ({"100025": 3}, E.DPR), (PARTY_CHART, E.PPWP), (PARTY_CHART, E.DPD)],
)
def test_a_chart_of_another_election_is_refused(
    chart: dict[str, object], election: Election
) -> None:
    with pytest.raises(OtherElection, match=f"said to be of {election}"):
        read({"chart": chart}, election=election)


def test_two_names_that_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(OtherElection, match="named as dpr or dprdp at once"):
        read({"chart": PARTY_CHART, "pemilu": "pdpr"}, election=E.DPRDP)
    place = tmp_path / "pdpr" / f"{TPS}.json"
    place.parent.mkdir()
    place.write_text(json.dumps({"chart": PARTY_CHART}))
    with pytest.raises(OtherElection, match="named as dpr or dpd at once"):
        list(read_entries(place, election=E.DPD))


def test_a_tree_of_all_five_elections(tmp_path: Path) -> None:
    root = write_tree(tmp_path, [TPS, "3216012001002"])
    entries = list(read_entries(root))
    assert [entry.tps for entry in entries] == [TPS] * 5 + ["3216012001002"] * 5
    assert {entry.form for entry in entries} == {election.form for election in Election}
    dpr = next(entry for entry in entries if entry.form == E.DPR.form)
    standing = ballot(E.DPR, dapil_of(E.DPR, TPS)).candidates
    rows = sum(len(candidates) for candidates in standing.values())
    assert len(dpr.fields) == rows + 2 * 18 + 18
    assert len(dpr.names) == rows


# Tables


def test_a_table_of_a_party_election() -> None:
    header = "tps,suara_partai_4,suara_partai_4_calon_100123,suara_partai_4_total,suara_sah"
    text = f"{header}\n{TPS},3,,9,9\n"
    (entry,) = read_table(text.encode(), "file.csv", form=E.DPR.form)
    assert entry.form == E.DPR.form
    assert entry.fields == {
        alone(4): 3,
        candidate(4, "100123"): None,
        total(4): 9,
        "suara_sah": 9,
    }


@pytest.mark.parametrize(
    ("header", "form", "error", "message"),
    [
        ("tps,suara_partai_4", None, WhichElection, "may be of several elections"),
        ("tps,suara_calon_7,suara_sah", None, WhichElection, "may be of several elections"),
        ("tps,suara_sah", None, WhichElection, "of all elections alike"),
        ("tps,suara_partai_4", E.DPD.form, EntriesFileError, "unknown columns: suara_partai_4"),
        ("tps,suara_calon_7", E.DPR.form, EntriesFileError, "unknown columns: suara_calon_7"),
        ("tps,suara_paslon_1", E.DPR.form, EntriesFileError, "unknown columns: suara_paslon_1"),
        ("tps,suara_partai_4", E.PPWP.form, EntriesFileError, "unknown columns: suara_partai_4"),
    ],
)
def test_tables_that_do_not_say_their_form(
    header: str, form: str | None, error: type[EntriesFileError], message: str
) -> None:
    columns = header.count(",")
    text = f"{header}\n{TPS}{',1' * columns}\n"
    with pytest.raises(error, match=message):
        list(read_table(text.encode(), "file.csv", form=form))


def test_the_folder_tells_a_tables_election(tmp_path: Path) -> None:
    (tmp_path / "pdpd").mkdir()
    (tmp_path / "pdpd" / "all.csv").write_text(f"tps,suara_calon_7\n{TPS},4\n")
    (entry,) = read_entries(tmp_path)
    assert (entry.form, entry.fields) == (E.DPD.form, {"suara_calon_7": 4})


# The generator itself


def test_the_same_seed_invents_the_same() -> None:
    assert objects_of(TPS) == objects_of(TPS)
    assert objects_of(TPS) != objects_of(TPS, seed=1)


def test_a_defect_that_changes_nothing_is_an_error() -> None:
    rng = random.Random(1)  # noqa: S311
    ppwp = objects_of(TPS)[E.PPWP]
    for defect in (PartyDefect.TOTAL_WRONG, PartyDefect.TOTALS_MOVED):
        with pytest.raises(ValueError, match="no parties"):
            spoil(ppwp, defect, rng)
    with pytest.raises(ValueError, match="changes nothing"):
        spoil(ppwp | {"chart": None}, PartyDefect.NO_CHART, rng)

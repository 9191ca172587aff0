"""``chasil entries`` and ``chasil conflicts`` with the five elections, from a tree to the queue."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fixtures.party_entries import PartyDefect, write_tree
from flows.cli import app
from models.elections import Election
from models.party_fields import party_field
from models.store.item_filter import ItemFilter
from models.store.store import Store

A, B = "3216032001001", "3216032001002"
DPR = Election.DPR.form


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHASIL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "160")
    return tmp_path / "home"


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


def test_from_a_tree_to_the_queue(home: Path, tmp_path: Path) -> None:
    root = write_tree(
        tmp_path,
        [A, B],
        defects={
            (A, Election.DPR): PartyDefect.TOTAL_WRONG,
            (B, Election.DPRDP): PartyDefect.DPT_DIFFERS,
        },
    )
    assert "10 new, 0 revised, 0 unchanged, 0 not usable" in run("entries", "import", root)
    assert "0 new, 0 revised, 10 unchanged" in run("entries", "import", root)
    assert "rule broken in entry" in run("entries", "check")

    found = json.loads(run("conflicts", "--format", "json", "--form", DPR))
    assert {one["rule"] for one in found} == {
        "party_total_is_its_rows",
        "party_totals_are_suara_sah",
    }
    assert {one["tps"] for one in found} == {A}
    everything = json.loads(run("conflicts", "--format", "json"))
    assert {one["form"] for one in everything} == {DPR, Election.DPRDP.form}
    assert "dpr: suara_sah" in run("conflicts")

    with Store.open(home) as store:
        assert len(store.queue.items(ItemFilter(form=DPR)).items) == len(found)
        totals = store.queue.totals("3216", form=DPR)
        (golkar,) = [one for one in totals if one.field == "suara_partai_4_total"]
        reported = [
            one.fields["suara_partai_4_total"] for one in store.latest_entries() if one.form == DPR
        ]
        assert golkar.entry == sum(one or 0 for one in reported)
        candidates = [one for one in totals if (row := party_field(one.field)) and row.candidate]
        assert len(candidates) > 100
        assert set(store.candidate_names(DPR)) == {one.field for one in candidates}
        (entry,) = [one for one in store.latest_entries([A]) if one.form == DPR]
        assert (entry.names, entry.dapil) == ({}, "3216")  # names are kept once, not with each TPS

    before = everything
    run("entries", "check")
    assert json.loads(run("conflicts", "--format", "json")) == before


def test_entries_are_shown_party_by_party(home: Path, tmp_path: Path) -> None:
    del home
    run("entries", "import", write_tree(tmp_path, [A]))
    text = run("entries", "show", A, "--election", "dpr")
    assert "4 Golkar" in text
    assert "c-hasil-dpr-2024" in text
    assert "c-hasil-ppwp-2024" not in text
    assert text.index("suara_sah") < text.index("1 PKB") < text.index("24 Ummat")
    assert "c-hasil-ppwp-2024" in run("entries", "show", A)


def test_what_does_not_say_its_election_needs_the_option(home: Path, tmp_path: Path) -> None:
    del home
    file = tmp_path / f"{A}.json"
    file.write_text(json.dumps({"chart": {"4": {"jml_suara_total": 3, "jml_suara_partai": 3}}}))
    assert "--election" in str(run("entries", "import", file, code=1))
    assert "1 new" in run("entries", "import", file, "--election", "pdpr")
    assert "1 new" in run("entries", "import", file, "--election", "dprdk")
    run("entries", "import", file, "--election", "pilkada", code=2)
    table = tmp_path / "dpd.csv"
    table.write_text(f"tps,suara_calon_7,suara_sah\n{A},4,4\n")
    assert "1 new" in run("entries", "import", table, "--form", Election.DPD.form)
    run("entries", "import", table, "--form", DPR, "--election", "dpd", code=2)


def test_checking_nothing_says_what_to_do(home: Path) -> None:
    del home
    assert "chasil entries import" in str(run("entries", "check", code=1))

"""The rules on all of Jakarta, against counts that were measured independently."""

from __future__ import annotations

from pathlib import Path

from models.rules import Verdict, evaluate_all
from pipeline.entries import read_entries
from pipeline.entries.charts import CHART_KEYS
from pipeline.entries.sirekap import ADMINISTRASI_FIELDS


def test_counts_on_jakarta_2024(shared: Path) -> None:
    entries = list(read_entries(shared / "entries" / "dki-jakarta-2024-ppwp.csv.gz"))
    assert len(entries) == 30_712
    votes = tuple(CHART_KEYS.values())
    with_some_votes = with_administrasi = with_both = 0
    paslon_sum = total_is_pengguna = dpt = 0
    for entry in entries:
        has_votes = all(entry.fields[name] is not None for name in votes)
        has_administrasi = all(entry.fields[name] is not None for name in ADMINISTRASI_FIELDS)
        with_some_votes += any(entry.fields[name] is not None for name in votes)
        with_administrasi += has_administrasi
        with_both += has_votes and has_administrasi
        violated = {
            (result.rule, result.field)
            for result in evaluate_all(entry.fields)
            if result.verdict is Verdict.VIOLATED
        }
        if has_votes and has_administrasi:
            paslon_sum += ("paslon_sum_is_suara_sah", "suara_sah") in violated
        if has_administrasi:
            total_is_pengguna += ("suara_total_is_pengguna_total", "suara_total") in violated
            dpt += ("pengguna_dpt_at_most_pemilih_dpt", "pengguna_dpt_j") in violated
    assert (with_some_votes, with_administrasi, with_both) == (16_236, 12_623, 11_335)
    assert (paslon_sum, total_is_pengguna, dpt) == (467, 1_136, 155)

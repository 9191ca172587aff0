"""Reported numbers: files in, entries out."""

from __future__ import annotations

from pipeline.entries.load import latest_revisions, read_entries
from pipeline.entries.problems import OnProblem, raise_problem
from pipeline.entries.sirekap import ADMINISTRASI_FIELDS, SIREKAP_FIELDS, read_sirekap
from pipeline.entries.table import LAYOUTS, TableLayout, read_table
from pipeline.entries.whose_election import OtherElection, WhichElection

__all__ = [
    "ADMINISTRASI_FIELDS",
    "LAYOUTS",
    "SIREKAP_FIELDS",
    "OnProblem",
    "OtherElection",
    "TableLayout",
    "WhichElection",
    "latest_revisions",
    "raise_problem",
    "read_entries",
    "read_sirekap",
    "read_table",
]

"""The voters' list (DPT) has the same length on the forms of all elections."""

from __future__ import annotations

from models.rules.across import SameOnAllForms
from models.rules.rule import Severity

RULE = SameOnAllForms(
    code="pemilih_dpt_is_same_everywhere",
    severity=Severity.ERROR,
    source="Model C.HASIL of all five elections 2024, I.A: one list of voters a TPS (UU 7/2017, "
    "article 202 onwards)",
    fields=tuple(f"pemilih_dpt_{who}" for who in "lpj"),
)

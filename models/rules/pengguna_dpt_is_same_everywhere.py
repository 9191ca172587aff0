"""As many people from the voters' list came, whichever election one asks.

A warning: whoever is on the list gets all five ballot papers, but may refuse one.
"""

from __future__ import annotations

from models.rules.across import SameOnAllForms
from models.rules.rule import Severity

RULE = SameOnAllForms(
    code="pengguna_dpt_is_same_everywhere",
    severity=Severity.WARNING,
    source="Model C.HASIL of all five elections 2024, I.B.1: one list of those who came a TPS",
    fields=tuple(f"pengguna_dpt_{who}" for who in "lpj"),
)

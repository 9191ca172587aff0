"""The votes for a party alone are no more than its total: all that can be said without candidates.

Sirekap has objects that give only these two numbers of a party.
"""

from __future__ import annotations

from collections.abc import Collection

from models.elections import PARTY_ELECTIONS, Election
from models.party_fields import rows_by_party
from models.rules.rule import Check, Rule, Severity, at_most


def without_candidates(fields: Collection[str], _: Election | None = None) -> tuple[Check, ...]:
    """One line for each party of which no candidate is known."""
    return tuple(
        at_most(rows.alone, rows.total)
        for rows in rows_by_party(fields).values()
        if rows.alone is not None and rows.total is not None and not rows.candidates
    )


RULE = Rule(
    code="party_alone_at_most_total",
    severity=Severity.ERROR,
    source="Model C.HASIL-DPR, -DPRD-PROV and -DPRD-KAB/KOTA 2024, IV: the total holds the "
    "party's row",
    elections=PARTY_ELECTIONS,
    checks_of=without_candidates,
)

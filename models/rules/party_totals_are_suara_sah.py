"""The totals of all parties add up to the valid votes."""

from __future__ import annotations

from collections.abc import Collection

from models.elections import PARTY_ELECTIONS, Election, parties_standing
from models.party_fields import party_field, total
from models.rules.rule import Check, Rule, Severity, sum_of


def all_parties(fields: Collection[str], election: Election | None = None) -> tuple[Check, ...]:
    """One line over the parties that stand, those too that the numbers do not mention.

    A party without a number makes the line not computable. A page of one party has no such line.
    """
    named = {
        known.party for name in fields if (known := party_field(name)) and known.party is not None
    }
    if not named and election is None:
        return ()
    standing = parties_standing(election) if election else ()
    return (sum_of(tuple(total(party) for party in sorted(named | {*standing})), "suara_sah"),)


RULE = Rule(
    code="party_totals_are_suara_sah",
    severity=Severity.ERROR,
    source="Model C.HASIL-DPR, -DPRD-PROV and -DPRD-KAB/KOTA 2024, V.A: the sum of all parties",
    elections=PARTY_ELECTIONS,
    checks_of=all_parties,
)

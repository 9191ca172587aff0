"""The votes of all who stand for the DPD add up to the valid votes."""

from __future__ import annotations

from collections.abc import Collection

from models.elections import Election
from models.party_fields import rows_by_party
from models.rules.rule import Check, Rule, Severity, sum_of


def all_persons(fields: Collection[str], _: Election | None = None) -> tuple[Check, ...]:
    """One line over everybody who is named; none where the rows are a party's, or nobody is."""
    parties = rows_by_party(fields)
    if set(parties) != {None} or parties[None].alone or parties[None].total:
        return ()
    return (sum_of(tuple(parties[None].candidates), "suara_sah"),)


RULE = Rule(
    code="dpd_candidates_are_suara_sah",
    severity=Severity.ERROR,
    source="Model C.HASIL-DPD 2024, V.A: the sum of the rows in IV",
    elections=frozenset({Election.DPD}),
    checks_of=all_persons,
)

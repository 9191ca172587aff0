"""A party's total is the votes for the party alone and for each of its candidates."""

from __future__ import annotations

from collections.abc import Collection

from models.elections import PARTY_ELECTIONS, Election
from models.party_fields import rows_by_party
from models.rules.rule import Check, Rule, Severity, sum_of


def party_totals(fields: Collection[str], _: Election | None = None) -> tuple[Check, ...]:
    """One line for each party of which candidates are known.

    Where none is, the total may hold votes of theirs: then there is no line, for a sum over the
    party's own row alone would take all of them for 0.
    """
    return tuple(
        sum_of((rows.alone, *rows.candidates), rows.total)
        for rows in rows_by_party(fields).values()
        if rows.alone is not None and rows.total is not None and rows.candidates
    )


RULE = Rule(
    code="party_total_is_its_rows",
    severity=Severity.ERROR,
    source="Model C.HASIL-DPR, -DPRD-PROV and -DPRD-KAB/KOTA 2024, IV: the party's row and its "
    "candidates' rows make JUMLAH SUARA SAH PARTAI POLITIK DAN CALON",
    elections=PARTY_ELECTIONS,
    checks_of=party_totals,
)

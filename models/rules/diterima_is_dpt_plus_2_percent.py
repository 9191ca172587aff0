"""A TPS receives a ballot paper for each voter on its list (DPT), and 2 % more.

A warning, not an error: papers for voters who moved in (DPTb) come on top, and boxes were packed
by hand.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.rules.rule import Check, Rule, Severity


def with_reserve(voters: Sequence[int]) -> int:
    """Ballot papers for so many voters, with 2 % in reserve, rounded up."""
    (dpt,) = voters
    return dpt + (2 * dpt + 99) // 100


RULE = Rule(
    code="diterima_is_dpt_plus_2_percent",
    severity=Severity.WARNING,
    source="Model C.HASIL-PPWP 2024, II.1 (with 2 % of the DPT in reserve); UU 7/2017, article 350",
    checks=(
        Check(
            field="surat_suara_diterima",
            terms=("pemilih_dpt_j",),
            right="pemilih_dpt_j + 2 % (rounded up)",
            expected=with_reserve,
        ),
    ),
)

"""Sums that the names of the fields suggest: proposals that a person confirms or strikes out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.forms.template import FormSum

SUGGESTED = "suggested by the names of the fields; compare with what the form prints"


def suggested_sums(names: Sequence[str]) -> tuple[FormSum, ...]:
    """L + P = J in every row; all candidates = valid votes; valid + invalid = all votes."""
    known = set(names)
    sums: list[FormSum] = []

    def add(total: str, parts: Sequence[str]) -> None:
        if total in known and parts and set(parts) <= known:
            sums.append(FormSum(total=total, parts=tuple(parts), source=SUGGESTED))

    for name in names:
        if name.endswith("_j"):
            add(name, (f"{name[:-2]}_l", f"{name[:-2]}_p"))
    candidates = [name for name in names if re.fullmatch(r"suara_(paslon|calon)_\d+", name)]
    if len(candidates) > 1:  # one that was found is not all there are
        add("suara_sah", candidates)
    add("suara_total", ("suara_sah", "suara_tidak_sah"))
    for ending in ("_l", "_p", "_j", ""):
        voters = [
            f"pengguna_{kind}{ending}"
            for kind in ("dpt", "dptb", "non_dpt")
            if f"pengguna_{kind}{ending}" in known
        ]
        if len(voters) > 1:
            add(f"pengguna_total{ending}", voters)
    papers = ("digunakan", "dikembalikan", "tidak_digunakan")
    add("surat_suara_diterima", [f"surat_suara_{kind}" for kind in papers])
    return tuple(sums)

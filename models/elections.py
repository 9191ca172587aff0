"""The five elections of 2024, their forms, and the parties that stood in them.

A form of a party election has no template yet; what is known of it is here: its id, what rows its
votes stand in, and which parties they are of.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

ACEH = "11"
"""Provinsi with parties of its own (UU 11/2006, article 75)."""


class Election(StrEnum):
    """What is voted for; each has a ballot paper and a form of its own."""

    PPWP = "ppwp"
    """President and vice president: three paslon."""
    DPR = "dpr"
    DPD = "dpd"
    """Persons, without parties."""
    DPRDP = "dprdp"
    """DPRD provinsi (Aceh: DPRA)."""
    DPRDK = "dprdk"
    """DPRD kabupaten/kota (Aceh: DPRK)."""

    @property
    def form(self) -> str:
        """Id of its form of 2024."""
        return f"c-hasil-{self.value}-2024"

    @property
    def folder(self) -> str:
        """Its folder in Sirekap's tree."""
        return "ppwp" if self is Election.PPWP else f"p{self.value}"

    @property
    def label(self) -> str:
        """What it is called in front of a field; proper names, the same in every language."""
        return _LABELS[self]

    @property
    def has_parties(self) -> bool:
        """Whether votes go to parties and to their candidates."""
        return self in PARTY_ELECTIONS


_LABELS = {
    Election.PPWP: "PPWP",
    Election.DPR: "DPR",
    Election.DPD: "DPD",
    Election.DPRDP: "DPRD provinsi",
    Election.DPRDK: "DPRD kab/kota",
}

PARTY_ELECTIONS = frozenset({Election.DPR, Election.DPRDP, Election.DPRDK})

SHARED_FIELDS = (
    *(
        f"{group}_{who}"
        for group in (
            "pemilih_dpt",
            "pengguna_dpt",
            "pengguna_dptb",
            "pengguna_non_dpt",
            "pengguna_total",
            "disabilitas",
        )
        for who in "lpj"
    ),
    "surat_suara_diterima",
    "surat_suara_digunakan",
    "surat_suara_dikembalikan",
    "surat_suara_tidak_digunakan",
    "suara_sah",
    "suara_tidak_sah",
    "suara_total",
)
"""Fields of every Model C.HASIL of 2024: all but the rows of votes (IV)."""


@dataclass(frozen=True, slots=True)
class Party:
    """A party of an election."""

    number: int
    """On the ballot paper; Sirekap calls it by the same number."""
    short: str
    name: str


@cache
def parties() -> dict[int, Party]:
    """All parties of 2024, by number."""
    return {party.number: party for group in ("national", "aceh") for party in _read(group)}


@cache
def parties_standing(election: Election, provinsi: str = "") -> tuple[int, ...]:
    """Numbers of the parties on a ballot paper, in rising order; none where persons stand.

    Args:
        election: The election.
        provinsi: A code that begins with the provinsi's two digits; empty: the national parties.

    """
    if not election.has_parties:
        return ()
    local = provinsi.startswith(ACEH) and election is not Election.DPR
    groups = ("national", "aceh") if local else ("national",)
    return tuple(sorted(party.number for group in groups for party in _read(group)))


def election_of(form: str | None) -> Election | None:
    """The election a form of 2024 belongs to; ``None`` for a form of another year or kind."""
    return _BY_FORM.get(form or "")


def election_called(name: str) -> Election | None:
    """The election of a name: our own (``dpr``), Sirekap's folder (``pdpr``), or a form's id."""
    return _BY_NAME.get(name.lower())


_BY_FORM = {election.form: election for election in Election}
_BY_NAME = (
    _BY_FORM
    | {election.folder: election for election in Election}
    | {election.value: election for election in Election}
)


@cache
def _read(group: str) -> tuple[Party, ...]:
    content = (files("models.elections_data") / "parties-2024.json").read_text(encoding="utf-8")
    return tuple(Party(**party) for party in json.loads(content)[group])

"""Names of regions and fields for pages."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from types import MappingProxyType

from models.elections import SHARED_FIELDS, Election, election_of, parties
from models.errors import FormFileError
from models.forms import template
from models.forms.template import FormTemplate
from models.party_fields import party_field
from models.regions import Level, Region, RegionTable, load_regions
from review.web.parts import Room

Names = Mapping[str, str]
"""Field to a candidate's name."""

NO_NAMES: Names = MappingProxyType({})

log = logging.getLogger(__name__)

_used: list[RegionTable] = []


def use_regions(table: RegionTable) -> None:
    """Take names of regions from this table from now on."""
    _used[:] = [table]
    regions_to_choose.cache_clear()


def region_table() -> RegionTable:
    """The table in use; the one that ships with chasil where none was chosen."""
    return _used[0] if _used else load_regions()


def region_name(code: str) -> str:
    """A region's name; its code where the table does not know it."""
    table = region_table()
    return table.region(code).name if code in table else code


def place_of(tps: str | None) -> str:
    """``TPS 001, SUKAJADI, SUKAKARYA``: the way to a TPS, from the nearest; the code if unknown."""
    if tps is None:
        return "?"
    table = region_table()
    if tps[:10] not in table:
        return tps
    return f"TPS {tps[10:]}, {region_name(tps[:10])}, {region_name(tps[:6])}"


@lru_cache(maxsize=64)
def form_of(form: str | None) -> FormTemplate | None:
    """An installed form; ``None`` for another, and for one whose file is broken, which is logged.

    A user's own file may be broken; pages about other forms must not be.
    """
    if not form or form not in template.installed_forms():
        return None
    try:
        return template.load_form(form)
    except FormFileError:
        log.exception("form %s can't be read: mend its file and start the room anew", form)
        return None


def with_kin(waiting: Iterable[tuple[str, str, str]]) -> frozenset[tuple[str, str, str]]:
    """TPS, form and field of what waits, on a form's copies and its original as well.

    They hold the same number: whoever answers one of them blind must not see it on another.
    """
    roots = {one: (found.copy_of if found else None) or one for one, found in _installed()}
    kin: dict[str, list[str]] = {}
    for form, root in roots.items():
        kin.setdefault(root, []).append(form)
    return frozenset(
        (tps, other, field)
        for tps, form, field in waiting
        for other in (form, *kin.get(roots.get(form, form), ()))
    )


def _installed() -> Iterable[tuple[str, FormTemplate | None]]:
    return ((one, form_of(one)) for one in template.installed_forms())


def field_label(form: str | None, field: str | None, names: Names = NO_NAMES) -> str:
    """A field's label as it is printed, with its election where that is not the presidential one.

    Args:
        form: Id of the form.
        field: Name of the field; its name itself is given where nothing better is known.
        names: Candidates' names by field, where they are known.

    """
    label = row_label(form, field, names)
    election = election_of(form)
    if not label or election is None or election is Election.PPWP:
        return label
    return f"{election.label}: {label}"


def row_label(form: str | None, field: str | None, names: Names = NO_NAMES) -> str:
    """A field's label without its election, for pages that are of one."""
    if field is None:
        return ""
    printed = _printed_label(form, field)
    if printed is not None:
        return printed
    row = party_field(field)
    if row is None or (row.party is None and row.row != "candidate"):
        return field
    party = parties().get(row.party or 0)
    of = f"{row.party} {party.short}" if party else str(row.party or "")
    who = f"{names[field]} ({row.candidate})" if field in names else f"calon {row.candidate}"
    words = {
        "alone": f"{of}, suara partai",
        "total": f"{of}, jumlah partai dan calon",
        "candidate": f"{of}, {who}" if of else who,
    }
    return words[row.row]


def party_name(number: int) -> str:
    """``4 Golkar``: a party as ballot paper and count sheet have it."""
    party = parties().get(number)
    return f"{number} {party.short}" if party else str(number)


def candidate_names(room: Room, form: str | None, fields: Iterable[str | None]) -> Names:
    """Names of the candidates among some fields of a form."""
    rows = [field for field in fields if field and _is_candidate(field)]
    return room.store.candidate_names(form, rows) if form and rows else NO_NAMES


def _is_candidate(field: str) -> bool:
    row = party_field(field)
    return row is not None and row.row == "candidate"


def _printed_label(form: str | None, field: str) -> str | None:
    """As the template has it; of fields that all forms of 2024 share, as ppwp's has it."""
    known = form_of(form)
    if known is None and election_of(form) is not None and field in SHARED_FIELDS:
        known = form_of(Election.PPWP.form)
    if known is None or field not in known.field_names:
        return None
    return known.page_of(field).field(field).label


def page_number(form: str | None, field: str | None) -> int | None:
    """The page a field is on, from 1."""
    known = form_of(form)
    if known is None or field is None or field not in known.field_names:
        return None
    return known.page_of(field).number


@cache
def regions_to_choose(limits: tuple[str, ...]) -> tuple[tuple[Region, tuple[Region, ...]], ...]:
    """Each kecamatan with its desa, as far as they lie in the regions; without regions all."""
    table = region_table()
    found = []
    for kecamatan in table.at(Level.KECAMATAN):
        desa = tuple(
            one
            for one in table.children(kecamatan.code)
            if not limits or one.code.startswith(limits)
        )
        if desa:
            found.append((kecamatan, desa))
    return tuple(found)

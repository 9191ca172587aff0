"""Names of regions and fields for pages."""

from __future__ import annotations

from functools import cache, lru_cache

from models.forms import template
from models.forms.template import FormTemplate
from models.regions import Level, Region, RegionTable, load_regions

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
    """An installed form, or ``None``."""
    return template.load_form(form) if form in template.installed_forms() and form else None


def field_label(form: str | None, field: str | None) -> str:
    """A field's label as it is printed; its name where the form is not installed."""
    known = form_of(form)
    if known is None or field is None or field not in known.field_names:
        return field or ""
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

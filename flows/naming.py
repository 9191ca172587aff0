"""Names of flow runs that people understand."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from itertools import takewhile

from models.regions import Level, RegionTable


def short_time(moment: datetime | None = None) -> str:
    """``24 Nov 14:30``, in the machine's own time zone; now if no moment is given."""
    local = (moment or datetime.now().astimezone()).astimezone()
    return f"{local.day} {local:%b %H:%M}"


def common_region(codes: Collection[str], table: RegionTable) -> str:
    """The smallest region that holds all TPS, as ``3216 Kabupaten Bekasi``; empty for none.

    The code alone where the table has no name for it.
    """
    digits = zip(*codes, strict=False)
    shared = "".join(one[0] for one in takewhile(lambda some: len(set(some)) == 1, digits))
    for level in reversed(Level):
        if level < Level.TPS and len(shared) >= level:
            code = shared[:level]
            name = table.region(code).name if code in table else ""
            return f"{code} {title(name, level)}".strip() if name != code else code
    return ""


def title(name: str, level: Level) -> str:
    """A region's name as it is said: ``BEKASI`` of level 2 is ``Kabupaten Bekasi``."""
    said = name.title() if name.isupper() else name
    kinds = {Level.KABUPATEN: "Kabupaten", Level.KECAMATAN: "Kecamatan"}
    kind = kinds.get(level)
    if not kind or not said or said.startswith((kind, "Kota ", "Distrik ")):
        return said
    return f"{kind} {said}"


def process_name(
    photos: int, region: str, moment: datetime | None = None, *, what: str = "process"
) -> str:
    """``process 1,234 photos of 3216 Kabupaten Bekasi, 24 Nov 14:30``."""
    of = f" of {region}" if region else ""
    return f"{what} {photos:,} photo{'' if photos == 1 else 's'}{of}, {short_time(moment)}"

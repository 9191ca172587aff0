"""What follows from a TPS's readings alone is kept, and worked out again only where it must be.

Two parts of a TPS: ``form`` (its pages put together and weighed, thin) and ``headers`` (photos
whose header names another TPS). Each stands under a key: a digest of the rows behind it, of the
code that makes it, and of what else decides it. Other thresholds make other forms and leave the
headers; another table of regions the other way round; other entries change neither. A key that is
not there, or a row that is harmed, means to work it out again: nothing is ever believed that was
made of something else.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.changes import rows_of
from flows.code_digest import digest_of_code
from models.forms.template import installed_forms, load_form, owed_form
from models.recognisers.evidence import load_header_evidence
from models.records import Conflict, PageReading
from models.regions import RegionTable
from models.reliability import Reliabilities
from models.store.items import PageKey
from models.store.store import Store
from models.store.worked_out import WorkedOut
from models.trail import canonical
from pipeline.gather import Gathered, gather
from pipeline.thin import packed, thin, together, unpacked
from pipeline.wrong_headers import wrong_headers

FORM, HEADERS = "form", "headers"

COMPRESSION = 1
"""Of zlib: a kilobyte a TPS, unpacked in no time."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What decides a TPS's form and headers besides its readings."""

    known: Reliabilities
    regions: RegionTable | None
    owed: str
    form: str
    """Digest of all that decides forms."""
    headers: str
    """Digest of all that decides headers."""


def basis_of(known: Reliabilities, regions: RegionTable | None, owed: str | None = None) -> Basis:
    """The present code and forms, with these reliabilities, this table and this owed form."""
    owed = owed or owed_form()
    of_forms = [
        digest_of_code("pipeline.gather", "pipeline.thin", data=("models.elections_data",)),
        owed,
        known.model_dump(mode="json"),
        [[form, load_form(form).digest] for form in installed_forms()],
    ]
    of_headers = [
        digest_of_code("pipeline.wrong_headers"),
        load_header_evidence().model_dump(mode="json"),
        None if regions is None else [[one.code, one.name] for one in regions],
        of_forms[-1],  # a photo of a form that is gone counts as rejected, header and all
    ]
    return Basis(known, regions, owed, _digest(of_forms), _digest(of_headers))


@dataclass(frozen=True, slots=True)
class WorkedOutTps:
    """Some TPS as comparing takes them."""

    gathered: Gathered
    """Thin; without copies."""
    headers: tuple[Conflict, ...]
    to_keep: tuple[WorkedOut, ...]
    """What was worked out now."""


def work_out(
    store: Store,
    pages: Mapping[str, Sequence[PageKey]],
    basis: Basis,
    *,
    anew: bool = False,
) -> WorkedOutTps:
    """Put together some TPS, from what is kept or from their readings; only reads the store.

    Args:
        store: Readings, and what was kept.
        pages: TPS to its pages.
        basis: What decides besides.
        anew: Believe nothing that was kept.

    """
    keys = {
        part: {tps: _digest([part, tps, rows_of(some), on]) for tps, some in pages.items()}
        for part, on in ((FORM, basis.form), (HEADERS, basis.headers))
    }
    forms: dict[str, Gathered] = {}
    headers: dict[str, list[Conflict]] = {}
    if not anew:
        forms = {
            tps: unpacked(json.loads(zlib.decompress(content)))
            for tps, content in store.find_worked_out(FORM, keys[FORM]).items()
        }
    if basis.regions is None:
        headers = {tps: [] for tps in pages}
    elif not anew:
        headers = {
            tps: [Conflict.model_validate(one) for one in json.loads(zlib.decompress(content))]
            for tps, content in store.find_worked_out(HEADERS, keys[HEADERS]).items()
        }
    missing = [tps for tps in pages if tps not in forms or tps not in headers]
    whole = _records(store, {tps: pages[tps] for tps in missing})
    kept: list[WorkedOut] = []
    gathered = {tps: gather(some, basis.known, form=basis.owed) for tps, some in whole.items()}
    for tps in missing:
        if tps not in forms:
            forms[tps] = thin(gathered[tps])
            kept.append(_row(tps, FORM, keys, packed(forms[tps])))
    kept += _headers(gathered, headers, keys, basis)
    return WorkedOutTps(
        together(forms[tps] for tps in pages),
        tuple(one for tps in pages for one in headers[tps]),
        tuple(kept),
    )


def _headers(
    gathered: Mapping[str, Gathered],
    headers: dict[str, list[Conflict]],
    keys: Mapping[str, Mapping[str, str]],
    basis: Basis,
) -> list[WorkedOut]:
    """Add what the headers of TPS say that are not known yet; returns what to keep of it."""
    unknown = [tps for tps in gathered if tps not in headers]
    if basis.regions is None or not unknown:
        return []
    headers |= {tps: [] for tps in unknown}
    photos = [photo for tps in unknown for photo in gathered[tps].photos]
    for conflict in wrong_headers(photos, basis.regions):
        headers[conflict.tps or ""].append(conflict)
    return [
        _row(tps, HEADERS, keys, [one.model_dump(mode="json") for one in headers[tps]])
        for tps in unknown
    ]


def _records(store: Store, pages: Mapping[str, Sequence[PageKey]]) -> dict[str, list[PageReading]]:
    keys = [(tps, key) for tps, some in pages.items() for key in some]
    found: dict[str, list[PageReading]] = {tps: [] for tps in pages}
    for (tps, _), raw in zip(keys, store.raw_pages([key for _, key in keys]), strict=True):
        found[tps].append(raw.page())
    return found


def _row(tps: str, part: str, keys: Mapping[str, Mapping[str, str]], told: object) -> WorkedOut:
    content = json.dumps(told, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return WorkedOut(tps, part, keys[part][tps], zlib.compress(content.encode(), COMPRESSION))


def _digest(told: object) -> str:
    return hashlib.sha256(canonical(told).encode()).hexdigest()

"""Everything in the store against everything in the store: which conflicts there are now.

Goes through the TPS some hundred at a time, so that memory holds the pages of those only. Copies
of one photo under several TPS may stand far apart; they are judged at the end. What follows from
readings alone is kept between runs (``flows.worked_out``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import TypeVar

from flows.changes import WITHOUT_TPS, Standing, standing
from flows.field_states import progress_of, states_of
from flows.worked_out import Basis, WorkedOutTps, basis_of, work_out
from models.history import FieldState
from models.queue import TpsProgress
from models.recognisers.installed import installed_digests
from models.records import Conflict, TpsCode
from models.regions import RegionTable
from models.reliability import load_reliabilities
from models.store.items import PageKey
from models.store.store import Store
from models.store.worked_out import WorkedOut
from pipeline.compare import compare_all
from pipeline.gather import Gathered, gather
from pipeline.thin import thin

TPS_AT_ONCE = 200
"""Some 600 pages; each takes about 100 kB as long as it is compared."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Compared:
    """Some TPS: what was read and reported, and what does not fit."""

    tps: tuple[str, ...]
    states: tuple[FieldState, ...]
    """Every field that is read or reported."""
    progress: tuple[TpsProgress, ...]
    conflicts: tuple[Conflict, ...]
    worked_out: tuple[WorkedOut, ...] = ()
    """To be kept for the next time."""


@dataclass(frozen=True, slots=True)
class Share:
    """Some TPS to compare, by the keys of what belongs to them."""

    tps: tuple[str, ...]
    pages: Mapping[str, tuple[PageKey, ...]]
    """TPS to its pages, where it has any; ``WITHOUT_TPS`` to some of those that claim none."""
    reported: tuple[str, ...]
    """TPS that have entries."""
    expected: frozenset[TpsCode]


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What every TPS is compared with."""

    basis: Basis
    reported: Mapping[str, frozenset[str]] | None
    """Form to the fields that sources report; ``None`` where nothing was ever reported."""
    anew: bool
    """Believe nothing that was worked out before."""


def compare_store(
    store: Store,
    recipe: str,
    expected: Collection[TpsCode] = (),
    regions: RegionTable | None = None,
    *,
    now: Standing | None = None,
    tps: Collection[str] | None = None,
    anew: bool = False,
    owed: str | None = None,
) -> Iterator[Compared]:
    """Compare everything, some hundred TPS at a time; conflicts of one TPS need not come together.

    Args:
        store: Photos, readings and entries.
        recipe: The recipe whose readings count where there are several.
        expected: TPS that must have photos.
        regions: Table of regions to hold the photos' headers against.
        now: What counts now, if it is known already.
        tps: Only these TPS (empty: photos that claim none), and all copies; all where ``None``.
        anew: Work everything out from the readings, also what was kept (see ``worked_out``).
        owed: Id of the form that every TPS owes; ``None``: see ``owed_form``.

    """
    now = standing(store, recipe, expected) if now is None else now
    yardstick = yardstick_of(store, now, regions, anew=anew, owed=owed)
    for share in shares_of(now, now.signatures if tps is None else tps):
        yield compare_share(store, share, yardstick)
    yield compare_copies(store, now, yardstick)


def yardstick_of(
    store: Store,
    now: Standing,
    regions: RegionTable | None,
    *,
    anew: bool = False,
    owed: str | None = None,
) -> Yardstick:
    """What counts now for every TPS."""
    basis = basis_of(load_reliabilities(installed_digests()), regions, owed)
    return Yardstick(basis, reported_fields(store, now), anew)


def reported_fields(store: Store, now: Standing) -> dict[str, frozenset[str]] | None:
    """Form to the fields that any entry reports; ``None`` where there is no entry at all."""
    return store.reported_fields() if now.entries else None


def compare_share(store: Store, share: Share, yardstick: Yardstick) -> Compared:
    """Compare some TPS; only reads the store."""
    basis = yardstick.basis
    without = share.pages.get(WITHOUT_TPS)
    if without is None:
        worked_out = work_out(store, share.pages, basis, anew=yardstick.anew)
    else:  # each of them a TPS of its own, and seldom many: nothing is kept
        records = [raw.page() for raw in store.raw_pages(without)]
        gathered = gather(records, basis.known, form=basis.owed)
        worked_out = WorkedOutTps(replace(thin(gathered), duplicates=()), (), ())
    entries = tuple(store.latest_entries(share.reported)) if share.reported else ()
    conflicts = compare_all(
        worked_out.gathered,
        None if yardstick.reported is None else entries,
        expected=share.expected,
        reported=yardstick.reported,
        owed=basis.owed,
        headers=worked_out.headers,
    )
    readings = worked_out.gathered.form_readings
    return Compared(
        share.tps,
        tuple(states_of(readings, entries)),
        tuple(progress_of(readings, entries)),
        conflicts,
        worked_out.to_keep,
    )


def compare_copies(store: Store, now: Standing, yardstick: Yardstick) -> Compared:
    """Copies of one photo, wherever they stand: said by no TPS alone."""
    copies = [raw.page() for raw in store.raw_pages(_copied(now))]
    owed = yardstick.basis.owed
    duplicates = gather(copies, form=owed).duplicates
    return Compared((), (), (), compare_all(Gathered(duplicates=duplicates), None, owed=owed))


def shares_of(now: Standing, tps: Collection[str]) -> Iterator[Share]:
    """``TPS_AT_ONCE`` TPS at a time; a photo that claims none counts as one itself."""
    without = now.pages.get(WITHOUT_TPS, ()) if WITHOUT_TPS in tps else ()
    photos = (list(same) for _, same in groupby(without, lambda key: key.sha256 or key.name))
    for some_photos in _chunks(photos, TPS_AT_ONCE):
        keys = tuple(key for same in some_photos for key in same)
        yield Share((WITHOUT_TPS,), {WITHOUT_TPS: keys}, (), frozenset())
    for some in _chunks(sorted(code for code in tps if code != WITHOUT_TPS), TPS_AT_ONCE):
        yield Share(
            tps=tuple(some),
            pages={code: now.pages[code] for code in some if code in now.pages},
            reported=tuple(code for code in some if code in now.entries),
            expected=now.expected.intersection(some),
        )


def _copied(now: Standing) -> list[PageKey]:
    return [key for keys in now.pages.values() for key in keys if key.sha256 in now.copied]


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some

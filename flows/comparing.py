"""Everything in the store against everything in the store: which conflicts there are now.

Goes through the TPS some hundred at a time, so that memory holds the pages of those only. Copies
of one photo under several TPS may stand far apart; they are judged at the end. Many TPS are shared
out to processes: what takes the time is to check and build the records of the pages, which needs
nothing but their text.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import TypeVar

from flows.changes import WITHOUT_TPS, Standing, standing
from flows.field_states import progress_of, states_of
from models.history import FieldState
from models.queue import TpsProgress
from models.recognisers.installed import installed_digests
from models.records import Conflict, Entry, TpsCode
from models.regions import RegionTable
from models.reliability import Reliabilities, load_reliabilities
from models.store.items import PageKey, RawPage
from models.store.store import Store
from pipeline.compare import compare_all
from pipeline.gather import Gathered, gather

TPS_AT_ONCE = 200
"""Some 600 pages; each takes about 100 kB as long as it is compared."""

TPS_FOR_PROCESSES = 1500
"""From so many TPS on, processes are worth their start (about 1 s each)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Compared:
    """Some TPS: what was read and reported, and what does not fit."""

    tps: tuple[str, ...]
    states: tuple[FieldState, ...]
    """Every field that is read or reported."""
    progress: tuple[TpsProgress, ...]
    conflicts: tuple[Conflict, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """Some TPS to compare, with all that belongs to them and nothing else."""

    tps: tuple[str, ...]
    pages: tuple[RawPage, ...]
    entries: tuple[Entry, ...]
    expected: frozenset[TpsCode]


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What every TPS is compared with."""

    known: Reliabilities
    reported: Mapping[str, frozenset[str]] | None
    """Form to the fields that sources report; ``None`` where nothing was ever reported."""
    regions: RegionTable | None
    owed: str | None = None
    """Id of the form that every TPS owes; ``None``: see ``models.forms.template.owed_form``."""


def compare_store(
    store: Store,
    recipe: str,
    expected: Collection[TpsCode] = (),
    regions: RegionTable | None = None,
    *,
    now: Standing | None = None,
    tps: Collection[str] | None = None,
    processes: int = 1,
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
        processes: How many compare; only where there are many TPS.
        owed: Id of the form that every TPS owes, see ``Yardstick``.

    """
    now = standing(store, recipe, expected) if now is None else now
    chosen = sorted(now.signatures if tps is None else tps)
    yardstick = Yardstick(
        load_reliabilities(installed_digests()), reported_fields(store, now), regions, owed
    )
    shares = _shares(store, now, chosen)
    if processes > 1 and len(chosen) >= TPS_FOR_PROCESSES:
        yield from _in_processes(shares, yardstick, processes)
    else:
        yield from (compare_share(share, yardstick) for share in shares)
    copies = [raw.page() for raw in store.raw_pages(_copied(now))]
    duplicates = gather(copies, form=owed).duplicates
    yield Compared((), (), (), compare_all(Gathered(duplicates=duplicates), None, owed=owed))


def reported_fields(store: Store, now: Standing) -> dict[str, frozenset[str]] | None:
    """Form to the fields that any entry reports; ``None`` where there is no entry at all."""
    return store.reported_fields() if now.entries else None


def compare_share(share: Share, yardstick: Yardstick) -> Compared:
    """Compare some TPS."""
    pages = [raw.page() for raw in share.pages]
    gathered = replace(gather(pages, yardstick.known, form=yardstick.owed), duplicates=())
    conflicts = compare_all(
        gathered,
        None if yardstick.reported is None else share.entries,
        expected=share.expected,
        regions=yardstick.regions,
        reported=yardstick.reported,
        owed=yardstick.owed,
    )
    states = tuple(states_of(gathered.form_readings, share.entries))
    return Compared(
        share.tps, states, tuple(progress_of(gathered.form_readings, share.entries)), conflicts
    )


def _shares(store: Store, now: Standing, tps: Sequence[str]) -> Iterator[Share]:
    """Pages of ``TPS_AT_ONCE`` TPS at a time; a photo that claims none counts as one itself."""
    without = now.pages.get(WITHOUT_TPS, ()) if WITHOUT_TPS in tps else ()
    photos = (list(same) for _, same in groupby(without, lambda key: key.sha256 or key.name))
    for some_photos in _chunks(photos, TPS_AT_ONCE):
        keys = [key for same in some_photos for key in same]
        yield Share((WITHOUT_TPS,), tuple(store.raw_pages(keys)), (), frozenset())
    for some in _chunks((code for code in tps if code != WITHOUT_TPS), TPS_AT_ONCE):
        keys = [key for code in some for key in now.pages.get(code, ())]
        reported = [code for code in some if code in now.entries]
        yield Share(
            tps=tuple(some),
            pages=tuple(store.raw_pages(keys)),
            entries=tuple(store.latest_entries(reported)) if reported else (),
            expected=now.expected.intersection(some),
        )


def _copied(now: Standing) -> list[PageKey]:
    return [key for keys in now.pages.values() for key in keys if key.sha256 in now.copied]


# Processes


class _Worker:
    """What a comparing process keeps."""

    yardstick: Yardstick | None = None


def _start_worker(yardstick: Yardstick) -> None:
    _Worker.yardstick = yardstick


def _work(share: Share) -> Compared:
    if _Worker.yardstick is None:
        raise RuntimeError("a comparing process was not set up")
    return compare_share(share, _Worker.yardstick)


def _in_processes(
    shares: Iterator[Share], yardstick: Yardstick, processes: int
) -> Iterator[Compared]:
    """Share out, two shares ahead for each process, and give the results in order."""
    with ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(yardstick,),
    ) as executor:
        running = deque(executor.submit(_work, share) for share in islice(shares, 2 * processes))
        while running:
            done = running.popleft().result()
            running.extend(executor.submit(_work, share) for share in islice(shares, 1))
            yield done


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some

"""A run without photos: everything in the store compared anew, with its rules and its queue."""

from __future__ import annotations

import time
from collections.abc import Callable

from flows.kept import NOTHING_GIVEN, Given
from flows.queueing import refresh_queue
from flows.recording import compare_and_record
from flows.summary import Summary
from models.errors import ChasilError
from models.records import ConflictKind
from models.store.store import Store
from pipeline.read import load_reader


class NothingReported(ChasilError):
    """The store holds no reported numbers."""

    code = "nothing_reported"
    remedy = "Import some first: `chasil entries import sirekap/`."


def check_entries(
    store: Store,
    given: Given = NOTHING_GIVEN,
    tell: Callable[[str], object] = lambda _: None,
) -> Summary:
    """Compare all that the store holds, and record it as a run of its own.

    Readings count as they did in the last run; where there was none, none are there. What earlier
    runs were given (``flows.kept``) counts on. ``tell`` is told so.

    Raises:
        NothingReported: there are no entries.

    """
    began = time.monotonic()
    if next(store.latest_entries(), None) is None:
        raise NothingReported("no reported numbers were imported yet")
    with store.one_comparison():  # a run that is comparing now may bring another recipe
        last = store.latest_batch()
        if last:
            recipe = last.recipe
        else:
            reader = load_reader()
            recipe = reader.recipe
            store.history.keep_recipe(recipe, reader.recipe_parts)
        return _compare(store, recipe, began, given, tell)


def _compare(
    store: Store, recipe: str, began: float, given: Given, tell: Callable[[str], object]
) -> Summary:
    batch = store.begin_batch(recipe)
    comparison = compare_and_record(store, batch, recipe, given, tell=tell)
    counts = store.count_pages(recipe, batch)
    summary = Summary(
        batch=batch,
        recipe=recipe,
        photos=counts.photos,
        photos_known=counts.photos,
        pages_read=counts.pages_read,
        rejected=counts.rejected,
        fields=counts.fields,
        entries=None,
        conflicts={
            ConflictKind(kind): count for kind, count in store.conflict_counts(batch).items()
        },
        seconds=time.monotonic() - began,
        seconds_reading=0.0,
        pages_read_now=0,
        comparison=comparison,
    )
    store.finish_batch(batch, summary.model_dump(mode="json"))
    refresh_queue(store)
    return summary

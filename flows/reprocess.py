"""Run again what has become stale, as a Prefect flow: read, import, compare, and say what changed.

Photos come from the shelf, never from the folder they once came from. What the present recipe has
read is not read again, whoever asks. Decisions stay, see ``models.reopening``.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from flows.batch import (
    BATCH_SIZE,
    ENGINE,
    checked,
    import_entries,
    read_batch,
    reading_pool,
)
from flows.cluster import chosen_task_runner
from flows.diff_shown import artifact_rows, diff_markdown
from flows.diffing import diff_runs, finished_run, run_before
from flows.ending import end_in_time
from flows.given import given_now, settled_now
from flows.link import Link
from flows.naming import common_region, process_name, short_time
from flows.parameters import (
    BatchSize,
    ElectionName,
    ExistingPath,
    ExpectedRegions,
    FormId,
    RegionsTable,
    Workers,
)
from flows.planning import Plan, plan
from flows.pool import Engine
from flows.progress import reporter
from flows.quiet_prefect import flow
from flows.run import Run, TakenBatch
from flows.settings import find_server
from flows.summary import Summary, summary_markdown
from models.elections import Election, election_called
from models.errors import ChasilError
from models.records import Record
from models.store.selection import STATUSES, Choice, ChosenPhoto
from models.store.store import Store
from pipeline.diff import Diff

EVERYTHING = Choice()

CHANGES_SHOWN = 500
"""Rows of the diff on Prefect's page of the run; the store has them all."""


class NothingChosen(ChasilError):
    """No kept photo fits what was asked for."""

    code = "nothing_chosen"
    remedy = (
        "Loosen the choice, or look at it with `--dry-run`; photos come into the store with "
        "`chasil process`."
    )


class UnknownStatus(ChasilError):
    """A status that no photo and no field has."""

    code = "unknown_status"
    remedy = f"Choose among: {', '.join(STATUSES)}."


class Reprocessed(Record):
    """What a reprocessing did."""

    summary: Summary
    diff: Diff | None
    """Against the last finished run before it; ``None`` where there was none."""


def chosen_photos(store: Store, choice: Choice, recipe: str) -> tuple[ChosenPhoto, ...]:
    """The photos a choice means.

    Raises:
        UnknownStatus: a status is none.

    """
    unknown = [status for status in choice.statuses if status not in STATUSES]
    if unknown:
        raise UnknownStatus(f"{', '.join(unknown)}: no such status")
    return store.selection.photos(choice, recipe)


def planned(
    choice: Choice,
    entries: Path | None = None,
    *,
    election: Election | None = None,
    engine: Engine = ENGINE,
) -> Plan:
    """What ``reprocess`` would do; writes nothing.

    Raises:
        ChasilError: as ``reprocess``.

    """
    recipe = engine.load().recipe
    with Store.open() as store:
        photos = chosen_photos(store, choice, recipe)
        return plan(store, photos, recipe, entries, election=election)


@flow(
    name="reprocess",
    flow_run_name=lambda: f"reprocess, {short_time()}",
    task_runner=chosen_task_runner(),
)
def reprocess(
    choice: Choice = EVERYTHING,
    entries: ExistingPath | None = None,
    election: ElectionName | None = None,
    regions: RegionsTable | None = None,
    expect: ExpectedRegions | None = None,
    form: FormId | None = None,
    workers: Workers | None = None,
    batch_size: BatchSize = BATCH_SIZE,
) -> Reprocessed:
    """Read chosen photos again where they are stale, import entries, compare, and say what changed.

    Args:
        choice: Which photos; all if not given.
        entries: Reported numbers to import first, as new revisions.
        election: Which election the entries are of, where their path does not say it.
        regions: Table of regions, as for ``process``; what earlier runs were given counts on.
        expect: Regions whose TPS must have photos, likewise.
        form: Id of the form that every TPS owes, likewise.
        workers: Reading processes; one a processor if not given.
        batch_size: Photos a task run.

    Raises:
        NothingChosen: no photo fits, and there are no entries to import.
        ChasilError: an input file, the store or the installation is broken. Photos never are.

    """
    with Store.open() as store, ExitStack() as opened:
        given = given_now(store, expect=expect, regions=regions, form=form)
        pool = opened.enter_context(reading_pool(workers))
        progress = opened.enter_context(reporter(Console(stderr=True)))
        photos = chosen_photos(store, choice, pool.recipe())
        if not photos and entries is None:
            raise NothingChosen("no kept photo fits the choice")
        end_in_time()
        link = Link(progress.tell)
        claimed = {photo.tps for photo in photos if photo.tps}
        region = common_region(claimed, settled_now(store, given).table)
        link.name_run(process_name(len(photos), region, what="reprocess"))
        run = Run(store, pool, progress, turn_to_write=link.turn_to_write, given=given)
        if entries is not None:
            told = election_called(election) if election else None
            import_entries(run, [entries], each=False, election=told)

        def read(taken: TakenBatch) -> None:
            read_batch(taken.number, run, taken)
            link.progress(run.photos_done, len(photos))

        run.read_again(photos, batch_size, read)
        link.progress(len(photos), len(photos))
        with store.one_comparison(lambda: progress.say("waiting: another run is comparing")):
            summary = compared_again(run)
        done = Reprocessed(summary=summary, diff=diff_to_before(store, run.batch))
        _show(link, done)
    return done


def finish_again(store: Store, run: Run) -> Reprocessed:
    """Compare, end the run, and hold it against the one before."""
    summary = compared_again(run)
    return Reprocessed(summary=summary, diff=diff_to_before(store, run.batch))


def compared_again(run: Run) -> Summary:
    """Compare and end the run; within ``store.one_comparison()``."""
    run.compare()
    return run.finish()


def diff_to_before(store: Store, batch: int) -> Diff | None:
    """What is other in a run than in the one that ended before it; needs no lock."""
    before = run_before(store, batch)
    return None if before is None else diff_runs(store, before, finished_run(store, batch))


def run_reprocess(
    choice: Choice,
    *,
    entries: Path | None = None,
    election: str | None = None,
    regions: Path | None = None,
    expect: str | None = None,
    form: str | None = None,
    workers: int | None = None,
    batch_size: int = BATCH_SIZE,
) -> Reprocessed:
    """Run the flow for a person, as ``flows.batch.run_process``.

    Raises:
        ServerUnreachable: a Prefect server is configured and does not answer.
        ServerNotStarted: none is configured, and the temporary one does not come up.
        ChasilError: as ``reprocess``.

    """
    find_server()
    with checked():
        return reprocess(
            choice,
            entries=entries,
            election=election,
            regions=regions,
            expect=expect,
            form=form,
            workers=workers,
            batch_size=batch_size,
        )


def _show(link: Link, done: Reprocessed) -> None:
    summary, diff = done.summary, done.diff
    link.markdown("summary", summary_markdown(summary), f"Run {summary.batch}")
    if diff is not None:
        described = f"What is other in run {diff.last} than in run {diff.first}"
        link.markdown("diff", diff_markdown(diff), described)
        link.table("changes", artifact_rows(diff, CHANGES_SHOWN), described)

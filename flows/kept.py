"""What an operator gave by option counts on, also for the commands that follow.

Expected TPS (``--expect``), a table of regions (``--regions``) and the form that every TPS owes
(``--form`` or ``CHASIL_FORM``) decide which conflicts there are. Were the next command to forget
them, conflicts would close without anybody having settled them. So every run writes down what it
was compared with, in its summary (``Kept``), and the next one begins with that:

* Expected TPS and tables of regions **add up**: who gives one kabupaten after the other goes on
  expecting the first. ``none`` drops what there was, and ``none,3216`` expects this region alone.
* The owed form is one: the option, else ``CHASIL_FORM``, else the one of the last run.

``settle`` is the one place that puts both together. The lists themselves lie in ``store.given``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256

from models.errors import FormNotInstalled
from models.forms.template import OWED_FORM_VARIABLE, PPWP_FORM, installed_forms
from models.records import Record, TpsCode
from models.regions import RegionTable, joined, load_regions, table_as_csv, table_of_csv
from models.store.revisions import WIB
from models.store.store import Store

NONE = "none"
"""Given instead of a region or a file: drop what there was."""

HOW_TO_CHANGE = (
    "`--expect none` and `--regions none` drop them, `--form` or CHASIL_FORM names another form"
)


class KeptExpectation(Record):
    """TPS that must have photos."""

    regions: tuple[str, ...]
    """As they were given: the first digits of codes."""
    tps: int
    """How many they are."""
    digest: str
    """Of the list in ``store.given``: a code a line."""
    at: datetime
    """When something was last given."""


class KeptTable(Record):
    """A table of regions that was given, instead of the one that comes with chasil."""

    names: tuple[str, ...]
    """Of the files that it was made of."""
    regions: int
    digest: str
    """Of the table in ``store.given``, as CSV."""
    at: datetime


class Kept(Record):
    """What a run was compared with, as far as an operator decides it."""

    owed: str
    """Id of the form that every TPS owes."""
    expected: KeptExpectation | None = None
    table: KeptTable | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """TPS that one command was told to expect."""

    regions: tuple[str, ...]
    tps: frozenset[TpsCode]
    alone: bool = False
    """Whether what was expected before is dropped."""


@dataclass(frozen=True, slots=True)
class GivenTable:
    """A table that one command was given; ``None`` drops those before."""

    name: str
    table: RegionTable | None


@dataclass(frozen=True, slots=True)
class Given:
    """What one command was given; what is ``None`` counts as before."""

    expected: Expectation | None = None
    table: GivenTable | None = None
    owed: str | None = None


NOTHING_GIVEN = Given()


@dataclass(frozen=True, slots=True)
class Settled:
    """What counts in a run."""

    expected: frozenset[TpsCode]
    table: RegionTable
    owed: str
    kept: Kept
    """To write down with the run."""
    texts: tuple[str, ...] = field(repr=False)
    """Lists that ``kept`` names and the store does not have yet."""
    said: tuple[str, ...]
    """Lines for the operator: what counts from before, and what is other now."""


def settle(store: Store, before: Kept | None, given: Given, at: datetime | None = None) -> Settled:
    """Put together what counts now; writes nothing.

    Args:
        store: Has the lists.
        before: What the last finished run was compared with.
        given: What this command was given.
        at: Now.

    Raises:
        GivenTextLost: a list that ``before`` names is not in the store.
        FormNotInstalled: the owed form is not.

    """
    now = datetime.now(UTC) if at is None else at
    texts: list[str] = []
    changes: list[str] = []
    owed = _owed(before, given)
    if before is not None and before.owed != owed:
        changes.append(f"The form that every TPS owes is {owed} now; it was {before.owed}.")
    expected, kept_expected = _expected(store, before, given, now, texts, changes)
    table, kept_table = _table(store, before, given, now, texts, changes)
    said = _from_before(before, kept_expected, kept_table, owed)
    return Settled(
        expected=expected,
        table=table,
        owed=owed,
        kept=Kept(owed=owed, expected=kept_expected, table=kept_table),
        texts=tuple(texts),
        said=(*([said] if said else ()), *changes),
    )


def table_now(store: Store, before: Kept | None, given: Given) -> RegionTable:
    """The table of regions that counts now; asks for no other list.

    Raises:
        GivenTextLost: the table that ``before`` names is not in the store.

    """
    return _table(store, before, given, datetime.now(UTC), [], [])[0]


def _owed(before: Kept | None, given: Given) -> str:
    chosen = given.owed or os.environ.get(OWED_FORM_VARIABLE)
    owed = chosen or (before.owed if before else PPWP_FORM)
    if owed not in installed_forms():
        whence = "was asked for" if chosen else "was owed in the last run"
        raise FormNotInstalled(
            f"the form {owed!r} {whence} and is not installed; there are: "
            f"{', '.join(installed_forms())}",
            form=owed,
        )
    return owed


def _expected(
    store: Store,
    before: Kept | None,
    given: Given,
    now: datetime,
    texts: list[str],
    changes: list[str],
) -> tuple[frozenset[TpsCode], KeptExpectation | None]:
    kept = before.expected if before else None
    asked = given.expected
    is_read = kept is not None and not (asked is not None and asked.alone)
    old = frozenset(store.given.text(kept.digest).split()) if kept and is_read else frozenset()
    if asked is None:
        return old, kept
    tps = old | asked.tps
    text = "\n".join(sorted(tps))
    if (kept.digest if kept else _digest("")) == _digest(text):
        return tps, kept
    if kept is not None:
        named = ", ".join(asked.regions) or "none"
        changes.append(
            f"Expected TPS: {len(tps):,} ({named}) instead of {_expectation(kept)}."
            if asked.alone
            else f"Expected TPS: {len(tps):,}, those of {named} and {_expectation(kept)}. "
            f"`--expect {NONE},{','.join(asked.regions)}` expects {named} alone."
        )
    if not tps:
        return tps, None
    texts.append(text)
    regions = asked.regions if asked.alone or kept is None else (*kept.regions, *asked.regions)
    return tps, KeptExpectation(
        regions=tuple(dict.fromkeys(regions)), tps=len(tps), digest=_digest(text), at=now
    )


def _table(
    store: Store,
    before: Kept | None,
    given: Given,
    now: datetime,
    texts: list[str],
    changes: list[str],
) -> tuple[RegionTable, KeptTable | None]:
    kept = before.table if before else None
    asked = given.table
    if asked is not None and asked.table is None:
        if kept is not None:
            changes.append(f"Regions: those that come with chasil, instead of {_of_table(kept)}.")
        return load_regions(), None
    old = _parsed(store.given.text(kept.digest), kept.names[-1]) if kept else None
    if asked is None or asked.table is None:
        return old or load_regions(), kept
    table = joined(old, asked.table)
    text = table_as_csv(table)
    if kept is not None and _digest(text) == kept.digest:
        return table, kept
    if kept is not None:
        changes.append(
            f"Regions: {asked.name} is added to {_of_table(kept)}; where both name a region, "
            f"{asked.name} counts."
        )
    texts.append(text)
    names = dict.fromkeys((*(kept.names if kept else ()), asked.name))
    return table, KeptTable(names=tuple(names), regions=len(table), digest=_digest(text), at=now)


@lru_cache(maxsize=2)
def _parsed(text: str, name: str) -> RegionTable:
    """The table of a CSV; a run asks for it several times, and a watcher at each look."""
    return table_of_csv(text, name)


def _from_before(
    before: Kept | None,
    expected: KeptExpectation | None,
    table: KeptTable | None,
    owed: str,
) -> str | None:
    """One line about what counts as it did before; nothing where nothing was ever given."""
    if before is None:
        return None
    same = [
        f"expected TPS {_expectation(expected)}"
        if expected == before.expected and expected
        else "",
        f"regions of {_of_table(table)}" if table == before.table and table else "",
        f"owed form {owed}" if owed == before.owed != PPWP_FORM else "",
    ]
    told = "; ".join(filter(None, same))
    return f"As in the last run: {told}. {HOW_TO_CHANGE}." if told else None


def _expectation(kept: KeptExpectation) -> str:
    return f"{kept.tps:,} ({', '.join(kept.regions)}; given {_moment(kept.at)})"


def _of_table(kept: KeptTable) -> str:
    return f"{', '.join(kept.names)} ({kept.regions:,} regions; given {_moment(kept.at)})"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(WIB):%-d %b %Y %H:%M} WIB"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def rows_of(kept: Kept) -> Iterable[tuple[str, str]]:
    """Name and value of what was given, for a run's summary."""
    if kept.expected:
        yield "TPS expected", f"{kept.expected.tps:,}"
    if kept.table:
        yield "regions given", f"{kept.table.regions:,}"
    if kept.owed != PPWP_FORM:
        yield "form owed", kept.owed

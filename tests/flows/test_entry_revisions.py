"""Which of several reported numbers counts: times, entries without one, tables with few columns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.entry_reports import changes_between, timelines
from models.records import Entry
from models.store.items import ImportCount
from models.store.revisions import merged
from models.store.store import Store

TPS = "3216032003001"
FORM = "c-hasil-ppwp-2024"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        yield opened


def entry(day: int | None = None, **fields: int | None) -> Entry:
    at = None if day is None else datetime(2024, 2, day, tzinfo=UTC)
    return Entry(tps=TPS, form=FORM, fields=fields, source=f"day {day}", reported_at=at)


def test_a_table_with_fewer_columns_hides_nothing(store: Store) -> None:
    store.add_entries([entry(14, a=1, b=2, c=3)])
    store.add_entries([entry(15, a=9, c=None)])
    (now,) = store.latest_entries()
    assert now.fields == {"a": 9, "b": 2, "c": None}  # an empty cell is null from then on
    assert now.source == "day 15"
    revisions = store.entry_revisions(TPS)
    assert revisions[1].entry.fields == {"a": 9, "c": None}  # what came is kept as it came


def test_an_older_table_fills_only_what_nothing_newer_reports(store: Store) -> None:
    store.add_entries([entry(15, a=9)])
    store.add_entries([entry(14, a=1, b=2)])
    (now,) = store.latest_entries()
    assert now.fields == {"a": 9, "b": 2}


def test_an_import_says_when_it_stands_behind_one_without_a_time(store: Store) -> None:
    store.add_entries([entry(None, a=1)])
    assert store.add_entries([entry(15, a=2)]) == ImportCount(revised=1, overtaken=1)
    (now,) = store.latest_entries()
    assert now.fields == {"a": 1}
    counted, news = store.preview_entries([entry(16, a=3)])
    assert (counted, [one.fields for one in news]) == (
        ImportCount(revised=1, overtaken=1),
        [{"a": 3}],
    )
    assert len(store.entry_revisions(TPS)) == 2


def test_entries_with_times_are_never_overtaken(store: Store) -> None:
    store.add_entries([entry(15, a=1)])
    assert store.add_entries([entry(14, a=2)]).overtaken == 0
    assert store.add_entries([entry(None, a=3)]).overtaken == 0


@given(
    st.lists(
        st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(0, 9), min_size=1),
        min_size=1,
        max_size=5,
    )
)
def test_merged_takes_each_field_from_the_newest_that_reports_it(
    fields: list[dict[str, int | None]],
) -> None:
    found = merged([entry(day, **one) for day, one in enumerate(fields, start=1)])
    assert found.fields.keys() == {name for one in fields for name in one}
    for name, number in found.fields.items():
        assert number == next(one[name] for one in reversed(fields) if name in one)
    assert found.reported_at == datetime(2024, 2, len(fields), tzinfo=UTC)


def test_a_timeline_and_changes(store: Store) -> None:
    store.add_entries([entry(14, a=831, b=2)])
    store.add_entries([entry(20, a=31)])
    (line,) = timelines(store, TPS)
    assert [step.revision for step in line.steps] == [1, 2]
    assert line.steps[1].changes == {"a": (831, 31)}
    assert line.steps[1].counts == {"a": 31, "b": 2}
    assert line.steps[1].reported == {"a": 31}

    def between(first: int, last: int) -> list[tuple[str, str]]:
        moments = (datetime(2024, 2, day, 12, tzinfo=UTC) for day in (first, last))
        return [(one.field, one.course.value) for one in changes_between(store, *moments)]

    assert between(15, 19) == []
    assert between(15, 21) == [("a", "changed")]  # no photo says what is right
    assert between(12, 13) == []
    assert between(13, 21) == [("a", "first_reported"), ("b", "first_reported")]
    assert timelines(store, "3216032003002") == ()

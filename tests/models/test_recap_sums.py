"""Sums of regions, and how far apart they can still be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.recap import BALLOTS, FieldFacts, Recapitulation, ballots, bounds

NUMBERS = st.none() | st.integers(0, 400)
FACTS = st.builds(
    FieldFacts,
    entry=NUMBERS,
    reading=NUMBERS,
    status=st.sampled_from([None, "clear", "review", "blank", "not_in_view"]),
    is_decided=st.booleans(),
    decided=NUMBERS,
    is_open=st.booleans(),
)
MOST = st.integers(400, 500)

FORM = "c-hasil-ppwp-2024"


def test_what_a_field_can_still_count() -> None:
    assert bounds(FieldFacts(entry=831, reading=31, status="clear", is_open=True), 306) == (31, 831)
    assert bounds(FieldFacts(entry=831, reading=31, is_decided=True, decided=31), 306) == (31, 31)
    # Undone or opened again: the decided number is one of several.
    opened = FieldFacts(entry=41, reading=44, is_decided=True, decided=31, is_open=True)
    assert bounds(opened, 306) == (31, 44)
    assert bounds(FieldFacts(entry=31, reading=31, status="clear"), 306) == (31, 31)
    assert bounds(FieldFacts(reading=62, status="clear", is_open=True), 306) == (62, 62)
    assert bounds(FieldFacts(entry=5, status="blank", is_open=True), 306) == (0, 5)
    # Nothing but a doubtful reading, or the blank page of who knows whose form: anything can be.
    assert bounds(FieldFacts(reading=57, status="review", is_open=True), 306) == (0, 306)
    assert bounds(FieldFacts(reading=570, status="review", is_open=True), 306) == (0, 570)
    assert bounds(FieldFacts(status="blank", is_open=True), 306) == (0, 306)
    assert not FieldFacts(status="blank").is_known
    assert bounds(FieldFacts(), 306) == (0, 306)
    assert bounds(FieldFacts(is_decided=True, decided=None, entry=7), 306) == (0, 306)


def test_ballots() -> None:
    assert ballots([]) == ballots([None]) == BALLOTS == 300
    assert ballots([200, None, 222]) == 227
    assert ballots([0]) == 0


@given(FACTS, MOST)
def test_bounds_hold_every_number_that_may_count(facts: FieldFacts, most: int) -> None:
    low, high = bounds(facts, most)
    assert 0 <= low <= high
    if facts.is_open:
        for number in facts.known:
            assert low <= number <= high
    elif facts.audited is not None:
        assert low == high == facts.audited
    if not facts.known:
        assert (low, high) == (0, most)


@given(
    st.dictionaries(
        st.sampled_from([f"32160320{desa:02}{tps:03}" for desa in (1, 2) for tps in range(1, 6)]),
        FACTS,
    )
)
def test_larger_regions_are_the_sums_of_smaller_ones(facts: dict[str, FieldFacts]) -> None:
    expected = frozenset(f"32160320{desa:02}{tps:03}" for desa in (1, 2) for tps in range(1, 4))
    everybody = expected | facts.keys()
    recap = Recapitulation(
        {tps: (("desa", tps[:10]), ("kecamatan", tps[:6])) for tps in everybody}, expected
    )
    for tps, one in facts.items():
        recap.add(tps, FORM, "suara_sah", one, 500)
    rows = list(recap.rows())
    if not facts:
        assert rows == []
        return
    (whole,) = (row for row in rows if row.level == "kecamatan")
    parts = [row for row in rows if row.level == "desa"]
    for name in ("entry", "entry_tps", "reading", "audited", "audited_tps", "decided_tps", "low"):
        assert getattr(whole, name) == sum(getattr(part, name) for part in parts)
    assert whole.entry == sum(one.entry or 0 for one in facts.values())
    # TPS of which nothing is known can still count anything.
    unknown = len(everybody) - len(facts)
    assert whole.high == unknown * BALLOTS + sum(bounds(one, 500)[1] for one in facts.values())
    assert whole.tps_expected == len(expected)
    # A desa that is wholly unknown has no row; the kecamatan knows of it all the same.
    assert whole.high >= sum(part.high for part in parts)

"""Wrong parameters are refused before anything runs; runs have names that people understand."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import TypeAdapter, ValidationError

from flows import country
from flows.arrivals import Arrival
from flows.country import NoWorker, Part, Parts, PartsFailed, split
from flows.naming import common_region, process_name
from flows.parameters import (
    BatchSize,
    ExistingPath,
    ExpectedRegions,
    FormId,
    RegionCode,
    RegionOrUnclaimed,
    RegionsTable,
)
from flows.quiet_prefect import FlowRun, StateType
from models.regions import load_regions


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        (ExistingPath, "/no/such/folder", "Check the name"),
        (RegionCode, "Bekasi", "first digits of its code"),
        (RegionCode, "", "first digits of its code"),
        (RegionCode, "32160120010011", "first digits"),
        (RegionOrUnclaimed, "all", "first digits"),
        (ExpectedRegions, "3216,Bekasi", "first digits"),
        (ExpectedRegions, "3216,none", "first digits"),
        (RegionsTable, "/no/such/table.csv", "Check the name"),
        (FormId, "no-such-form", "chasil forms"),
        (BatchSize, 0, "greater than or equal to 1"),
    ],
)
def test_it_is_refused(kind: Any, value: object, told: str) -> None:  # noqa: ANN401
    with pytest.raises(ValidationError, match=told):
        TypeAdapter(kind).validate_python(value)


def test_it_is_taken(tmp_path: Path) -> None:
    assert TypeAdapter(ExistingPath).validate_python(str(tmp_path)) == tmp_path
    assert TypeAdapter(RegionCode).validate_python("321601") == "321601"
    for codes in ("3216", "3215,3216", "none", "none,3216"):
        assert TypeAdapter(ExpectedRegions).validate_python(codes) == codes
    for kind in (ExpectedRegions, RegionCode, RegionOrUnclaimed):  # as Prefect reads --param
        assert TypeAdapter(kind).validate_python(3216) == "3216"
        assert {"type": "integer"} in TypeAdapter(kind).json_schema()["anyOf"]
    assert TypeAdapter(RegionsTable).validate_python("none") == Path("none")
    assert TypeAdapter(RegionOrUnclaimed).validate_python("none") == "none"


def test_names_of_runs() -> None:
    table = load_regions()
    moment = datetime(2026, 11, 24, 14, 30).astimezone()
    region = common_region({"3216012001001", "3216032003001"}, table)
    assert region == "3216 Kabupaten Bekasi"
    said = process_name(1234, region, moment)
    assert said == "process 1,234 photos of 3216 Kabupaten Bekasi, 24 Nov 14:30"
    assert process_name(1, "", moment) == "process 1 photo, 24 Nov 14:30"
    assert common_region(set(), table) == ""
    assert common_region({"1101012001001", "3216032003001"}, table) == ""
    assert common_region({"9999012001001", "9999022001001"}, table) == "9999"


def test_a_country_is_split_by_kecamatan() -> None:
    claims = ["3216012001001", "3216012002001", "3216032003001", None]
    arrivals = [Arrival(Path(f"{n}"), "", f"{n}", tps) for n, tps in enumerate(claims)]
    assert split(arrivals) == (Part("321601", 2), Part("321603", 1), Part("none", 1))


class TwoParts(Parts):
    """Two parts, whose states come from a list and not from a server."""

    def __init__(self, told: list[str], *looks: StateType, patience: float = 1000.0) -> None:
        minutes = itertools.count(step=60.0)
        clock = partial(next, minutes)
        super().__init__("process/batch", {}, load_regions(), told.append, patience, clock)
        self.looks = list(looks)
        self.taken_back = 0

    def _start(self, part: Part) -> FlowRun:
        return FlowRun(flow_id=uuid4(), name=f"run of {part.only}")

    def _state(self, flow_run: FlowRun) -> StateType:  # noqa: ARG002
        return self.looks.pop(0)

    def _take_back(self, flow_runs: Iterable[FlowRun]) -> None:
        self.taken_back = len(list(flow_runs))


@pytest.fixture
def _looks_follow_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(country, "SECONDS_BETWEEN_LOOKS", 0.0)


PARTS = (Part("321601", 2), Part("321603", 1))
WAITS, RUNS, ENDS = StateType.SCHEDULED, StateType.RUNNING, StateType.COMPLETED
DIED = StateType.CRASHED


@pytest.mark.usefixtures("_looks_follow_at_once")
def test_parts_that_no_worker_takes_are_told_and_given_up() -> None:
    told: list[str] = []
    parts = TwoParts(told, *(WAITS,) * 100)
    with pytest.raises(NoWorker, match="no worker took any of 2 parts for 17 min") as caught:
        list(parts.run_all(PARTS, at_once=2))
    assert parts.taken_back == 2
    assert "prefect worker start" in caught.value.remedy
    assert [line.partition(":")[0] for line in told] == ["60 s", "4 min", "16 min"]
    assert all("prefect worker start" in line for line in told)


@pytest.mark.usefixtures("_looks_follow_at_once")
def test_parts_that_wait_while_another_runs_are_not_given_up() -> None:
    told: list[str] = []
    looks = [WAITS, WAITS, *(RUNS, WAITS) * 30, ENDS, WAITS, RUNS, StateType.FAILED]
    parts = TwoParts(told, *looks)
    done: list[Part] = []
    with pytest.raises(PartsFailed, match="1 of 2 parts: 321603"):
        done.extend(parts.run_all(PARTS, at_once=2))
    assert (parts.looks, len(told)) == ([], 1)


@pytest.mark.usefixtures("_looks_follow_at_once")
def test_a_part_whose_process_died_is_run_again() -> None:
    told: list[str] = []
    parts = TwoParts(told, RUNS, RUNS, DIED, ENDS, RUNS, DIED, RUNS, ENDS)
    assert list(parts.run_all(PARTS, at_once=2)) == [PARTS[1], PARTS[0]]
    assert parts.looks == []
    assert [line.partition(" (")[0] for line in told] == ["The process that read 321601 died"] * 2


@pytest.mark.usefixtures("_looks_follow_at_once")
def test_a_part_that_dies_again_and_again_is_given_up() -> None:
    parts = TwoParts([], ENDS, DIED, DIED, DIED)
    unclaimed = Part("none", 1)
    done: list[Part] = []
    with pytest.raises(PartsFailed, match=r"1 of 2 parts: photos without .*: crashed 3 times\)"):
        done.extend(parts.run_all([PARTS[1], unclaimed], at_once=2))
    assert done == [PARTS[1]]

"""Wrong parameters are refused before anything runs; runs have names that people understand."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from flows.arrivals import Arrival
from flows.country import Part, split
from flows.naming import common_region, process_name
from flows.parameters import BatchSize, ExistingPath, RegionCode, RegionOrUnclaimed
from models.regions import load_regions


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        (ExistingPath, "/no/such/folder", "Check the name"),
        (RegionCode, "Bekasi", "first digits of its code"),
        (RegionCode, "", "first digits of its code"),
        (RegionCode, "32160120010011", "first digits"),
        (RegionOrUnclaimed, "all", "first digits"),
        (BatchSize, 0, "greater than or equal to 1"),
    ],
)
def test_it_is_refused(kind: Any, value: object, told: str) -> None:  # noqa: ANN401
    with pytest.raises(ValidationError, match=told):
        TypeAdapter(kind).validate_python(value)


def test_it_is_taken(tmp_path: Path) -> None:
    assert TypeAdapter(ExistingPath).validate_python(str(tmp_path)) == tmp_path
    assert TypeAdapter(RegionCode).validate_python("321601") == "321601"
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

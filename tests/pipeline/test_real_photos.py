"""The real photos beside the project: page found, every field right or in review."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.records import FieldStatus, PageStatus
from pipeline.read import load_reader, read_file


@pytest.mark.parametrize("folder", ["c-hasil-ppwp-2024", "c-hasil-ppwp-2024-screen"])
def test_real_pages_are_read_without_a_silent_error(shared: Path, folder: str) -> None:
    reader = load_reader()
    truth = json.loads((shared / "photos" / folder / "truth.json").read_text())
    assert truth
    fields = clear = 0
    for name, known in truth.items():
        (reading,) = read_file(shared / "photos" / folder / name, reader)
        assert reading.status is PageStatus.READ
        assert reading.placement is not None
        assert reading.placement.error_mm < 0.5
        for field, number in known["numbers"].items():
            read = reading.fields[field.replace("suara_sah_", "suara_paslon_")]
            assert read.status in {FieldStatus.CLEAR, FieldStatus.REVIEW}
            assert read.value == number
            clear += read.status is FieldStatus.CLEAR
            fields += 1
    assert clear >= 0.8 * fields


def test_other_real_forms_are_named_wrong(shared: Path) -> None:
    reader = load_reader()
    for path in (
        shared / "photos/c-digital/pwp_sample_01.jpg",
        shared / "photos/c1-ppwp-2019/01aluebagok-01-p1.png",
    ):
        (reading,) = read_file(path, reader)
        assert reading.error is not None
        assert reading.error.code == "wrong_form"

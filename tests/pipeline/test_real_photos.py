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


def test_another_real_form_is_named_wrong(shared: Path) -> None:
    (reading,) = read_file(shared / "photos/c-digital/c.hasil_dpr_j_v2.png", load_reader())
    assert reading.error is not None
    assert reading.error.code == "wrong_form"


def test_an_upside_down_scan_of_2019_is_read(shared: Path) -> None:
    (reading,) = read_file(
        shared / "photos/c1-ppwp-2019/07cotkumbang-01-p1.png", load_reader(["c1-ppwp-2019"])
    )
    assert (reading.form, reading.page) == ("c1-ppwp-2019", 1)
    assert reading.placement is not None
    assert abs(reading.placement.rotation_degrees) > 178
    assert reading.placement.error_mm < 0.1
    assert reading.fields["pengguna_total_j"].value == 137
    assert reading.fields["pemilih_total_j"].value == 142
    # No second witness on this page, and the form was not in the measurement.
    assert {field.status for field in reading.fields.values()} == {FieldStatus.REVIEW}


def test_a_trial_photo_is_read(shared: Path) -> None:
    (reading,) = read_file(
        shared / "photos/c-digital/pwp_sample_01.jpg", load_reader(["netgrit-2022-ppwp"])
    )
    numbers = {name: field.value for name, field in reading.fields.items()}
    assert numbers == {
        "suara_paslon_1": 123,
        "suara_paslon_2": 45,
        "suara_paslon_3": 67,
        "suara_sah": 235,
        "suara_tidak_sah": 18,
        "suara_total": 253,
    }


def test_the_tallies_of_a_party_page_are_counted(shared: Path) -> None:
    (reading,) = read_file(
        shared / "photos/c-digital/dpr10_sample_01.jpeg", load_reader(["netgrit-2022-dpr-10"])
    )
    truth = json.loads((shared / "photos/c-digital/truth.json").read_text(encoding="utf-8"))
    numbers = truth["dpr10_sample_01.jpeg"]["numbers"]
    counted = {
        name: field.witnesses["tally"].value
        for name, field in reading.fields.items()
        if name != "suara_partai_total"
    }
    assert counted == {"suara_partai": numbers["partai"]} | {
        f"suara_calon_{place}": numbers[f"calon{place}"] for place in range(1, 11)
    }
    assert {name: field.value for name, field in reading.fields.items()} == counted | {
        "suara_partai_total": numbers["jumlah"]
    }


def test_a_party_page_of_eight_is_not_taken_for_one_of_ten(shared: Path) -> None:
    forms = ["netgrit-2022-dpr-8", "netgrit-2022-dpr-10"]
    blank = shared / "photos/c-digital/c.hasil_dpr_s08_v2.png"
    (reading,) = read_file(blank, load_reader(forms))
    assert reading.form == forms[0]
    assert reading.placement is not None
    assert reading.placement.worst_mm < 0.1
    assert not any(field.value for field in reading.fields.values())

"""The whole walk for one photo."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fixtures.defects import PageDefect, page_defect
from fixtures.encode import ImageKind, encode, encode_pdf
from fixtures.pages import PagePhoto, field_page
from models.recognisers.installed import null_recognisers
from models.records import FieldStatus, PageStatus
from pipeline.read import Reader, load_reader, read_content, read_file


@pytest.fixture(scope="module")
def reader() -> Reader:
    return load_reader()


@cache
def page(index: int) -> PagePhoto:
    return field_page(index, seed=41)


def pixels(index: int) -> NDArray[np.uint8]:
    picture = cv2.imdecode(np.frombuffer(page(index).content, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(picture, np.uint8)


@pytest.mark.parametrize("index", range(6))
def test_clear_fields_are_right(index: int, reader: Reader) -> None:
    photo = page(index)
    (reading,) = read_content(photo.content, reader, name="page.jpg", tps="3216012001001")
    assert reading.status is PageStatus.READ
    assert reading.page == photo.truth.page
    assert reading.tps == "3216012001001"
    assert set(reading.fields) == set(photo.truth.fields)
    for name, field in reading.fields.items():
        truth = photo.truth.fields[name]
        if field.status is FieldStatus.CLEAR:
            assert field.value == truth.value, name
        if field.status is FieldStatus.BLANK:
            assert truth.value is None, name
    clear = sum(field.status is FieldStatus.CLEAR for field in reading.fields.values())
    assert clear >= 0.6 * len(reading.fields)


def test_every_answer_is_traced_to_its_pixels(reader: Reader) -> None:
    (reading,) = read_content(page(1).content, reader, name="page.jpg")
    wide, high = page(1).size
    for field in reading.fields.values():
        digits = field.witnesses["digits"]
        assert len(digits.boxes) == 3
        for box in digits.boxes:
            assert 0 <= box.box[0] < box.box[2] <= wide
            assert 0 <= box.box[1] < box.box[3] <= high
            assert sum(box.probabilities.values()) == pytest.approx(1, abs=1e-3)
        assert len(field.witnesses["bubbles"].columns) == 3


def test_the_null_engine_puts_every_field_before_a_person() -> None:
    reader = load_reader(recognisers=null_recognisers())
    for index in range(3):
        (reading,) = read_content(page(index).content, reader, name="page.jpg")
        assert reading.status is PageStatus.READ
        assert {field.status for field in reading.fields.values()} == {FieldStatus.REVIEW}
        assert all(field.value is None for field in reading.fields.values())


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_mirror_image_is_never_read(index: int, reader: Reader) -> None:
    mirrored = np.ascontiguousarray(pixels(index)[:, ::-1])
    (reading,) = read_content(encode(mirrored, "jpeg"), reader, name="mirror.jpg")
    assert reading.status is PageStatus.REJECTED


def test_two_sheets_in_one_photo_are_not_one(reader: Reader) -> None:
    one, other = pixels(0), pixels(3)
    high = max(one.shape[0], other.shape[0])
    both = np.full((high, one.shape[1] + other.shape[1], 3), 90, np.uint8)
    both[: one.shape[0], : one.shape[1]] = one
    both[: other.shape[0], one.shape[1] :] = other
    (reading,) = read_content(encode(both, "jpeg"), reader, name="two.jpg")
    assert reading.error is not None
    assert reading.error.code == "ambiguous_place"


def test_fields_out_of_view_are_never_guessed(reader: Reader) -> None:
    photo = page_defect(PageDefect.RIGHT_COLUMNS_ONLY, 1, page=1)
    (reading,) = read_content(photo.content, reader, name="part.jpg")
    unseen = set(reading.fields) - set(photo.in_view)
    assert unseen
    for name in unseen:
        field = reading.fields[name]
        assert field.status in {FieldStatus.NOT_IN_VIEW, FieldStatus.REVIEW}, name
        assert field.status is not FieldStatus.NOT_IN_VIEW or field.value is None
    assert reading.placement is not None
    assert reading.placement.in_view < 1


def test_the_recipe_names_form_engine_and_code() -> None:
    one = load_reader()
    other = load_reader(recognisers=null_recognisers())
    assert one.recipe == load_reader().recipe
    assert one.recipe != other.recipe


def test_a_pdf_is_read_page_by_page(reader: Reader) -> None:
    readings = read_content(encode_pdf([pixels(1), pixels(2)]), reader, name="both.pdf")
    assert [reading.pdf_page for reading in readings] == [1, 2]
    assert [reading.page for reading in readings] == [page(1).truth.page, page(2).truth.page]


def test_read_file_takes_the_tps_from_the_name(tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "3216012001001-20240214-191234--ab.jpg"
    path.write_bytes(page(2).content)
    (reading,) = read_file(path, reader)
    assert (reading.tps, reading.photo) == ("3216012001001", path.name)
    (gone,) = read_file(tmp_path / "gone.jpg", reader)
    assert gone.error is not None
    assert gone.error.code == "unreadable_file"


def test_the_same_page_reads_the_same_in_any_format(reader: Reader) -> None:
    kinds: tuple[ImageKind, ...] = ("png", "webp", "heic")
    for kind in kinds:
        (reading,) = read_content(encode(pixels(1), kind), reader, name=f"page.{kind}")
        for name, field in reading.fields.items():
            if field.status is FieldStatus.CLEAR:
                assert field.value == page(1).truth.fields[name].value

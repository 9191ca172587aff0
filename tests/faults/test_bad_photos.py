"""Each kind of bad input gets its own error with a remedy, and never more than that."""

from __future__ import annotations

import pytest

from fixtures.defects import BadInput, bad_input
from models.errors import PHOTO_ERRORS
from models.records import PageStatus
from pipeline.read import Reader, load_reader, read_content

REMEDIES = {error.code: error.remedy for error in PHOTO_ERRORS}


@pytest.fixture(scope="module")
def reader() -> Reader:
    return load_reader()


@pytest.mark.parametrize("kind", [kind for kind in BadInput if kind != BadInput.SAME_PHOTO_TWICE])
def test_bad_input_is_rejected_by_name(kind: BadInput, reader: Reader) -> None:
    photo = bad_input(kind, seed=5)
    (reading,) = read_content(photo.content, reader, name=f"photo{photo.suffix}")
    assert reading.status is PageStatus.REJECTED
    assert reading.error is not None
    assert reading.error.code in photo.expected
    assert reading.error.remedy == REMEDIES[reading.error.code]
    assert "photo" in reading.error.message
    assert reading.fields == {}
    assert reading.sha256 is not None


def test_every_error_says_what_to_do() -> None:
    assert all(len(remedy) > 20 for remedy in REMEDIES.values())
    assert len(REMEDIES) == len(PHOTO_ERRORS)

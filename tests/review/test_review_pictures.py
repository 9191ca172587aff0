"""Pictures: upright whatever the EXIF orientation, of limited size, and boxes that fit."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from fixtures.review_store import SIZE, keep_photo
from models.store.store import Store
from pipeline.intake import open_photos
from review.errors import NoSuchPhoto, NotAPicture
from review.pictures import CROP_PX, VIEW_PX, Box, Pictures


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "home") as opened:
        yield opened


def opened(jpeg: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(jpeg))
    picture.load()
    return picture


def is_red(picture: Image.Image, x: int, y: int) -> bool:
    pixel = picture.convert("RGB").getpixel((x, y))
    assert isinstance(pixel, tuple)
    return pixel[0] > 200 and pixel[1] < 80


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_put_right(store: Store, orientation: int) -> None:
    sha256 = keep_photo(store, "3216032003001", orientation=orientation)
    pictures = Pictures(store.shelf)
    jpeg, full = pictures.whole(sha256)
    assert full == SIZE
    whole = opened(jpeg)
    assert whole.size == SIZE
    assert is_red(whole, 50, 50)
    corner = opened(pictures.crop(sha256, Box(0, 0, 100, 100), margin=0))
    assert corner.size == (100, 100)
    assert is_red(corner, 50, 50)
    assert not whole.getexif()


def test_large_photos_are_made_smaller(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("RGB", (5000, 3000), "white").save(path)
    sha256 = store.shelf.keep(path).sha256
    pictures = Pictures(store.shelf)
    jpeg, full = pictures.whole(sha256)
    assert full == (5000, 3000)
    assert opened(jpeg).size == (VIEW_PX, VIEW_PX * 3 // 5)
    assert max(opened(pictures.crop(sha256, Box(0, 0, 5000, 3000))).size) == CROP_PX


def test_pdf_pages_have_the_size_they_were_read_at(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "two.pdf"
    pages = [Image.new("L", (620, 870), colour) for colour in ("white", "black")]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    sha256 = store.shelf.keep(path).sha256
    pictures = Pictures(store.shelf)
    read = open_photos(path.read_bytes(), "two.pdf")
    for number, photo in enumerate(read, start=1):
        assert pictures.size(sha256, number) == photo.full_size
    dark = opened(pictures.whole(sha256, 2)[0]).convert("L").getpixel((9, 9))
    assert isinstance(dark, int)
    assert dark < 50
    with pytest.raises(NotAPicture, match="no page 3"):
        pictures.whole(sha256, 3)


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"\xff\xd8\xff\xe0 cut off", b"%PDF-1.7 broken", b"<svg/>"]
)
def test_files_that_are_no_pictures_are_refused(
    store: Store, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "strange.jpg"
    path.write_bytes(content)
    with pytest.raises(NotAPicture):
        Pictures(store.shelf).whole(store.shelf.keep(path).sha256)


def test_a_photo_that_is_not_there(store: Store) -> None:
    with pytest.raises(NoSuchPhoto):
        Pictures(store.shelf).whole("0" * 64)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_size_needs_no_decoding(store: Store, orientation: int) -> None:
    sha256 = keep_photo(store, "3216032003001", orientation=orientation)
    assert Pictures(store.shelf).size(sha256) == SIZE


def test_a_file_that_is_no_picture_has_no_size(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(b"no picture")
    sha256 = store.shelf.keep(path).sha256
    with pytest.raises(NotAPicture):
        Pictures(store.shelf).size(sha256)
    with pytest.raises(NoSuchPhoto):
        Pictures(store.shelf).size("0" * 64)


def test_a_crop_can_be_turned(store: Store) -> None:
    sha256 = keep_photo(store, "3216032003001")
    box = Box(0, 0, 200, 100)  # the left half is red
    turned = opened(Pictures(store.shelf).crop(sha256, box, margin=0, turn=1))
    assert turned.size == (100, 200)
    assert is_red(turned, 50, 50)  # clockwise: what was left is on top
    assert not is_red(turned, 50, 150)

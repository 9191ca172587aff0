"""Opening photos: every kind, upright, no larger than needed; bad bytes by name."""

from __future__ import annotations

import io
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from PIL import Image

from fixtures.encode import ImageKind, encode, encode_pdf
from models.errors import (
    DecompressionBomb,
    EmptyPhoto,
    ManifestError,
    NotAnImage,
    PhotoError,
    PhotoTooSmall,
    TruncatedPhoto,
    UnreadableFile,
    UnsupportedPhoto,
)
from pipeline.intake import (
    claimed_tps,
    open_each,
    open_finer,
    open_photos,
    photo_files,
    read_bytes,
    read_manifest,
)


def picture(wide: int = 1000, high: int = 1400) -> np.ndarray:
    """A grey ramp with a dark quarter at the top left, so that it shows how it is turned."""
    ramp = np.linspace(120, 250, wide, dtype=np.float32)[None].repeat(high, axis=0)
    ramp[: high // 2, : wide // 2] = 20
    return np.repeat(ramp.astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("kind", get_args(ImageKind))
def test_every_kind_opens_to_the_same_picture(kind: ImageKind) -> None:
    content = encode(picture(), kind)
    (photo,) = open_photos(content, f"photo.{kind}")
    assert photo.grey.shape == (1400, 1000)
    assert photo.full_size == (1000, 1400)
    grey = cv2.cvtColor(picture(), cv2.COLOR_BGR2GRAY).astype(int)
    assert np.abs(photo.grey.astype(int) - grey).mean() < 3


def test_a_pdf_gives_a_photo_a_page() -> None:
    content = encode_pdf([picture(), picture(1200, 1600)])
    photos = open_photos(content, "scan.pdf")
    assert [photo.pdf_page for photo in photos] == [1, 2]
    assert len({photo.sha256 for photo in photos}) == 1
    for photo in photos:
        high, wide = photo.grey.shape
        assert photo.grey[high // 4, wide // 4] < 60 < photo.grey[high * 3 // 4, wide * 3 // 4]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(orientation: int) -> None:
    upright = Image.fromarray(picture())
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = upright if undo is None else upright.transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    stored.save(buffer, "JPEG", exif=exif.tobytes(), quality=95)
    (photo,) = open_photos(buffer.getvalue(), "turned.jpg")
    assert photo.grey.shape == (1400, 1000)
    assert photo.full_size == (1000, 1400)
    assert photo.grey[300, 200] < 60
    assert photo.grey[300, 900] > 200
    assert photo.grey[1200, 200] > 100


def test_a_file_of_several_pictures_hides_none() -> None:
    pages = [Image.fromarray(picture()) for _ in range(3)]
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    with pytest.raises(UnsupportedPhoto) as caught:
        open_photos(buffer.getvalue(), "scan.tif")
    assert caught.value.data["pictures"] == 3


def test_one_bad_page_of_a_pdf_costs_no_other() -> None:
    content = encode_pdf([picture(), picture(2000, 100), picture()])
    opened = list(open_each(content, "scan.pdf"))
    assert [number for number, _ in opened] == [1, 2, 3]
    assert [isinstance(photo, PhotoError) for _, photo in opened] == [False, True, False]


def test_what_phones_append_is_no_truncation() -> None:
    jpeg = encode(picture(), "jpeg")
    (photo,) = open_photos(jpeg + bytes(200_000), "motion.jpg")
    assert photo.grey.shape == (1400, 1000)


def test_large_photos_are_decoded_smaller_and_finer_on_demand() -> None:
    (photo,) = open_photos(encode(picture(3000, 4000), "jpeg"), "12mp.jpg")
    assert photo.reduction == 2
    assert photo.grey.shape == (2000, 1500)
    assert photo.full_size == (3000, 4000)
    finer = open_finer(photo, 1)
    assert finer.grey.shape == (4000, 3000)
    assert finer.sha256 == photo.sha256


def test_bad_bytes_are_named() -> None:
    jpeg = encode(picture(), "jpeg")
    png = encode(picture(), "png")
    with pytest.raises(EmptyPhoto):
        open_photos(b"", "x.jpg")
    with pytest.raises(NotAnImage):
        open_photos(b"SELECT * FROM suara;" * 50, "x.jpg")
    for share in (0.02, 0.3, 0.9):
        with pytest.raises(TruncatedPhoto):
            open_photos(jpeg[: int(len(jpeg) * share)], "x.jpg")
        with pytest.raises(TruncatedPhoto):
            open_photos(png[: int(len(png) * share)], "x.png")
    with pytest.raises(TruncatedPhoto):
        open_photos(jpeg[:12], "x.jpg")
    with pytest.raises(TruncatedPhoto):
        open_photos(b"%PDF-1.4 and then nothing", "x.pdf")
    buffer = io.BytesIO()
    Image.fromarray(picture()).save(buffer, "BMP")
    with pytest.raises(UnsupportedPhoto) as caught:
        open_photos(buffer.getvalue(), "x.bmp")
    assert caught.value.data["kind"] == "BMP"


def test_small_photos_are_turned_away_with_their_size() -> None:
    with pytest.raises(PhotoTooSmall) as caught:
        open_photos(encode(picture(300, 400), "jpeg"), "thumb.jpg")
    assert (caught.value.data["width"], caught.value.data["height"]) == (300, 400)


def test_a_bomb_is_turned_away_before_decoding() -> None:
    from fixtures.encode import png_bomb

    with pytest.raises(DecompressionBomb):
        open_photos(png_bomb(60000, 60000), "bomb.png")


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile):
        read_bytes(tmp_path / "gone.jpg")


def test_folders_are_walked_in_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b/2.jpg", "a/1.JPG", ".hidden/3.jpg", "__MACOSX/4.jpg", "a/.5.jpg", "note.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = [path.relative_to(tmp_path).as_posix() for path in photo_files([tmp_path])]
    assert found == ["a/1.JPG", "b/2.jpg", "note.txt"]


def test_the_tps_comes_from_manifest_name_or_folder() -> None:
    kpu = Path("up/3216012001001-20240214-191234--ab.jpg")
    assert claimed_tps(kpu) == "3216012001001"
    assert claimed_tps(kpu, {kpu.name: "3216012001002"}) == "3216012001002"
    assert claimed_tps(Path("up/3216012001003/IMG_1.jpg")) == "3216012001003"
    assert claimed_tps(Path("up/IMG_1.jpg")) is None
    assert claimed_tps(Path("up/32160120010011.jpg")) is None
    assert claimed_tps(Path("up/3216012001001.jpg")) == "3216012001001"
    # Phones name photos by the millisecond: 13 digits too.
    assert claimed_tps(Path("3216012001003/1707912345678.jpg")) == "3216012001003"


def test_a_manifest_names_its_bad_row(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("photo,tps\na.jpg,3216012001001\nb.jpg,3216012001002\n")
    assert read_manifest(manifest) == {"a.jpg": "3216012001001", "b.jpg": "3216012001002"}
    for body in ("photo,tps\na.jpg,321\n", "photo,tps\n,3216012001001\n", "foto,tps\n"):
        manifest.write_text(body)
        with pytest.raises(ManifestError, match=r"manifest\.csv"):
            read_manifest(manifest)
    manifest.write_text("photo,tps\na.jpg,3216012001001\na.jpg,3216012001002\n")
    with pytest.raises(ManifestError, match="row 3"):
        read_manifest(manifest)

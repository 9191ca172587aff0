"""Bytes in, an upright greyscale picture out, decoded no larger than needed.

Pillow reads the header (kind, size, EXIF orientation) without decoding, so that a bomb, a
thumbnail or a stranger is turned away before any work is done. OpenCV decodes: libjpeg can
decode at 1/2, 1/4 or 1/8 for a fraction of the cost, which is all that reading needs of a
12-megapixel photo.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import struct
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pypdfium2
from PIL import Image, UnidentifiedImageError

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
from pipeline.arrays import Grey
from pipeline.states import OpenedPhoto

pillow_heif.register_heif_opener()

KPU_NAME = re.compile(r"^([0-9]{13})-")
"""KPU's own photos begin with the TPS code: ``3216012001001-20240214-191234--….jpg``."""

CODE_IN_NAME = re.compile(r"^([0-9]{13})(?![0-9])")
"""A code before anything else. Phones name photos by the millisecond, also in 13 digits, so that a
folder that is named by a code goes first."""

TPS_FOLDER = re.compile(r"^[0-9]{13}$")

OPENCV_KINDS = frozenset({"JPEG", "MPO", "PNG", "WEBP", "TIFF"})
PILLOW_KINDS = frozenset({"HEIF", "AVIF"})

MOST_PIXELS = 200_000_000
"""More than any phone makes (2024: 200 megapixels)."""

# Pillow turns away what is larger than twice this.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2

LEAST_LONG_SIDE_PX = 800
LEAST_SHORT_SIDE_PX = 320
"""Below this a digit box of a part of a page is under 14 px: measured, the recogniser is at sea."""

READING_LONG_SIDE_PX = 1700
"""A page of 900 mm at this size has about 1.9 px/mm: a 20 mm box is as large as the real crops
the recogniser learned from (42 px). Decoding finer costs time and changes no reading."""

PDF_PX_PER_POINT = 200 / 72
"""PDF pages are rendered at 200 dpi of the page size, at the most."""

PDF_LONG_SIDE_PX = 4000

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".pdf"}
)
"""What the operator's folders hold; any other file in them is opened too, and rejected by name."""

_EXIF_ORIENTATION = 0x0112

BROKEN_HEADER = (
    *(OSError, ValueError, SyntaxError, EOFError, RuntimeError, KeyError, TypeError),
    struct.error,
)
"""What Pillow and its plug-ins raise on a header that says what can't be."""
_REDUCED = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


def read_bytes(path: Path) -> bytes:
    """Get a file's bytes.

    Raises:
        UnreadableFile: where the operating system won't.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFile(
            f"{path.name} can't be opened: {error.strerror}", errno=error.errno
        ) from error


def open_photos(content: bytes, name: str) -> list[OpenedPhoto]:
    """Open a file: one photo, or each page of a PDF.

    Raises:
        PhotoError: one of the intake errors, where the file or a page of it can't be read.
    """
    opened = []
    for _, photo in open_each(content, name):
        if isinstance(photo, PhotoError):
            raise photo
        opened.append(photo)
    return opened


def open_each(content: bytes, name: str) -> Iterator[tuple[int | None, OpenedPhoto | PhotoError]]:
    """Open a file part by part: one bad page of a PDF costs no other page.

    Args:
        content: The file's bytes.
        name: The file's name, for the record.

    Yields:
        The page's number in a PDF, from 1, or ``None``; and its picture, or why it has none.
    """
    if not content:
        yield None, EmptyPhoto(f"{name} is empty (0 bytes)", bytes=0)
    elif b"%PDF-" in content[:1024]:
        yield from _open_pdf(content, name)
    else:
        try:
            yield None, _open_picture(content, name, hashlib.sha256(content).hexdigest())
        except PhotoError as error:
            yield None, error


def open_finer(photo: OpenedPhoto, reduction: int) -> OpenedPhoto:
    """Decode the same photo again at a finer scale (``reduction`` 1 is full size)."""
    kind = _header(photo.content, photo.name)[0]
    grey = _decode(photo.content, kind, reduction, photo.name)
    return OpenedPhoto(
        name=photo.name,
        sha256=photo.sha256,
        content=photo.content,
        grey=grey,
        reduction=reduction,
        full_size=photo.full_size,
        pdf_page=photo.pdf_page,
    )


def _open_picture(
    content: bytes, name: str, sha256: str, pdf_page: int | None = None
) -> OpenedPhoto:
    kind, (wide, high) = _header(content, name)
    if wide * high > MOST_PIXELS:
        raise DecompressionBomb(
            f"{name} claims {wide} × {high} px in {len(content)} bytes", width=wide, height=high
        )
    if max(wide, high) < LEAST_LONG_SIDE_PX or min(wide, high) < LEAST_SHORT_SIDE_PX:
        raise PhotoTooSmall(
            f"{name} has {wide} × {high} px; at least "
            f"{LEAST_LONG_SIDE_PX} × {LEAST_SHORT_SIDE_PX} are needed",
            width=wide,
            height=high,
        )
    reduction = 1
    while max(wide, high) / (reduction * 2) >= READING_LONG_SIDE_PX and reduction < 8:
        reduction *= 2
    grey = _decode(content, kind, reduction, name)
    # The decoder has turned the picture upright by its EXIF orientation.
    if (grey.shape[1] > grey.shape[0]) != (wide > high):
        wide, high = high, wide
    return OpenedPhoto(
        name=name,
        sha256=sha256,
        content=content,
        grey=grey,
        reduction=reduction,
        full_size=(wide, high),
        pdf_page=pdf_page,
    )


def _header(content: bytes, name: str) -> tuple[str, tuple[int, int]]:
    """Kind and stored size (before EXIF), from the header alone."""
    try:
        with warnings.catch_warnings():
            # The size is judged by the caller, with its own limit.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                kind, size = image.format or "", image.size
                pictures = getattr(image, "n_frames", 1)
    except UnidentifiedImageError as error:
        if _cut_short(content):
            raise TruncatedPhoto(
                f"{name} ends after {len(content)} bytes, inside its header", bytes=len(content)
            ) from error
        raise NotAnImage(f"{name} is neither a picture nor a PDF", bytes=len(content)) from error
    except Image.DecompressionBombError as error:
        raise DecompressionBomb(f"{name}: {error}", bytes=len(content)) from error
    except BROKEN_HEADER as error:
        raise TruncatedPhoto(f"{name} has a broken header: {error}", bytes=len(content)) from error
    if kind not in OPENCV_KINDS | PILLOW_KINDS:
        raise UnsupportedPhoto(f"{name} is a {kind} picture", kind=kind)
    if pictures > 1 and kind != "MPO":
        # An MPO is a phone's photo with a preview behind it; any other file would hide pages.
        raise UnsupportedPhoto(
            f"{name} holds {pictures} pictures in one {kind} file; a PDF may hold several",
            kind=kind,
            pictures=pictures,
        )
    return kind, size


def _cut_short(content: bytes) -> bool:
    """Whether the bytes begin like a picture but are too few for its header."""
    begins = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"II*\x00", b"MM\x00*")
    return content.startswith(begins) or content[4:8] == b"ftyp"


def _decode(content: bytes, kind: str, reduction: int, name: str) -> Grey:
    if kind in PILLOW_KINDS:
        return _decode_by_pillow(content, reduction, name)
    if kind in {"JPEG", "MPO"} and not _has_end(content):
        # libjpeg fills what is missing with grey and says nothing.
        raise TruncatedPhoto(
            f"{name} has no end-of-image mark after {len(content)} bytes", bytes=len(content)
        )
    if kind == "PNG" and b"IEND" not in content[-65536:]:
        raise TruncatedPhoto(
            f"{name} has no end-of-image mark after {len(content)} bytes", bytes=len(content)
        )
    grey = cv2.imdecode(np.frombuffer(content, np.uint8), _REDUCED[reduction])
    if grey is None:
        raise TruncatedPhoto(
            f"{name} can't be decoded to its end ({len(content)} bytes)", bytes=len(content)
        )
    return np.asarray(grey, np.uint8)


def _has_end(content: bytes) -> bool:
    """Whether a JPEG's end mark comes after its first scan.

    The preview in its header has an end mark of its own, and phones append films behind it.
    """
    place = 2
    while content[place : place + 1] == b"\xff" and content[place + 1 : place + 2] != b"\xda":
        length = int.from_bytes(content[place + 2 : place + 4], "big")
        place += 2 + max(length, 2)
    return content.find(b"\xff\xd9", place) >= 0


def _decode_by_pillow(content: bytes, reduction: int, name: str) -> Grey:
    try:
        with Image.open(io.BytesIO(content)) as image:
            # pillow-heif applies the container's own rotation and resets this tag.
            turned = _orientation(image)
            grey = np.asarray(image.convert("L"))
    except (OSError, ValueError, EOFError, RuntimeError) as error:
        raise TruncatedPhoto(
            f"{name} can't be decoded to its end: {error}", bytes=len(content)
        ) from error
    grey = _upright(grey, turned)
    if reduction > 1:
        grey = cv2.resize(
            grey,
            (grey.shape[1] // reduction, grey.shape[0] // reduction),
            interpolation=cv2.INTER_AREA,
        )
    return np.ascontiguousarray(grey, np.uint8)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; upright where the EXIF block is broken, which costs no photo."""
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except BROKEN_HEADER:
        return 1


def _upright(grey: Grey, orientation: int) -> Grey:
    """Apply an EXIF orientation (1 to 8; Exif 2.32, tag 0x0112)."""
    if orientation in (2, 4, 5, 7):
        grey = grey[:, ::-1]
    quarter_turns_anticlockwise = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}.get(orientation, 0)
    return np.rot90(grey, quarter_turns_anticlockwise)


def _open_pdf(content: bytes, name: str) -> Iterator[tuple[int | None, OpenedPhoto | PhotoError]]:
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            yield None, UnsupportedPhoto(f"{name} is a PDF with a password", kind="PDF")
        else:
            yield None, TruncatedPhoto(f"{name} is a broken PDF: {error}", bytes=len(content))
        return
    with document:
        if len(document) == 0:
            yield None, EmptyPhoto(f"{name} is a PDF without pages", bytes=len(content))
        for number in range(1, len(document) + 1):
            try:
                picture = _pdf_page_picture(document[number - 1])
                yield number, _open_picture(picture, name, sha256, pdf_page=number)
            except pypdfium2.PdfiumError as error:
                yield (
                    number,
                    TruncatedPhoto(
                        f"{name}, page {number}: {error}", bytes=len(content), page=number
                    ),
                )
            except PhotoError as error:
                yield number, error


def _pdf_page_picture(page: pypdfium2.PdfPage) -> bytes:
    """Render one page, as PNG bytes, so that it goes the way of all other pictures."""
    longest = max(1.0, *page.get_size())
    # At 200 dpi, but a photo wrapped in a small page would lose its pixels at that.
    scale = max(PDF_PX_PER_POINT, 2 * READING_LONG_SIDE_PX / longest)
    scale = min(scale, PDF_LONG_SIDE_PX / longest)
    picture = page.render(scale=scale, grayscale=True).to_numpy()
    done, png = cv2.imencode(".png", np.squeeze(picture), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise RuntimeError("OpenCV could not encode a greyscale PNG")
    return png.tobytes()


def photo_files(places: Iterable[Path]) -> tuple[Path, ...]:
    """All files to read, sorted: files as given, folders with all they hold.

    Hidden files and folders (and macOS's ``__MACOSX``) are passed over; everything else is
    opened, so that a stray file is rejected by name and not silently missing.
    """
    found: set[Path] = set()
    for place in places:
        if place.is_dir():
            found.update(
                path
                for path in place.rglob("*")
                if (path.is_file() or _broken_link(path)) and not _hidden(path.relative_to(place))
            )
        else:
            found.add(place)
    return tuple(sorted(found))


def _broken_link(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def claimed_tps(path: Path, manifest: Mapping[str, str] | None = None) -> str | None:
    """Which TPS the upload says it is from: manifest, then file name, then the nearest folder.

    ``None`` where nothing says so; the photo is read all the same.
    """
    if manifest:
        for key in (str(path), path.as_posix(), path.name):
            if key in manifest:
                return manifest[key]
    by_kpu = KPU_NAME.match(path.name)
    if by_kpu:
        return by_kpu.group(1)
    for folder in path.parents:
        if TPS_FOLDER.match(folder.name):
            return folder.name
    by_somebody = CODE_IN_NAME.match(path.name)
    return by_somebody.group(1) if by_somebody else None


def read_manifest(path: Path) -> dict[str, str]:
    """Read a CSV with the columns ``photo,tps``: file name (or path as given) to TPS code.

    Raises:
        ManifestError: naming the row.
    """
    manifest: dict[str, str] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.DictReader(lines)
            if not rows.fieldnames or not {"photo", "tps"} <= set(rows.fieldnames):
                raise ManifestError(f"{path.name}: the first row must hold photo,tps", row=1)
            for number, row in enumerate(rows, start=2):
                photo, tps = (row["photo"] or "").strip(), (row["tps"] or "").strip()
                if not photo or not TPS_FOLDER.match(tps):
                    raise ManifestError(
                        f"{path.name}, row {number}: photo {photo!r}, tps {tps!r}", row=number
                    )
                if manifest.get(photo, tps) != tps:
                    raise ManifestError(
                        f"{path.name}, row {number}: {photo} stands twice, under two TPS",
                        row=number,
                    )
                manifest[photo] = tps
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path.name} can't be read: {error}") from error
    return manifest

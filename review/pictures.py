"""Photos and crops for pages: upright, of a limited size, made anew as JPEG without any metadata.

The file that somebody uploaded is never sent as it is: it may hold the place where it was taken,
or be something else than it says. Boxes are in pixels of the upright photo at its full size, as
``models.records`` has them; pages of a PDF are rendered at the size at which they were read.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pillow_heif
import pypdfium2
from PIL import Image, ImageOps, UnidentifiedImageError

from models.store.shelf import PhotoShelf
from review.errors import NoSuchPhoto, NotAPicture

pillow_heif.register_heif_opener()

VIEW_PX = 2400
"""Long side of a photo as a page shows it: enough to zoom in without a second request."""

CROP_PX = 1200
"""Long side of a crop at most; smaller ones are not blown up, the browser can do that."""

LEAST_CROP_PX = 4.0

MOST_MARGIN = 4.0
"""Margin round a box, in heights of the box."""

MOST_PIXELS = 200_000_000
"""As in ``pipeline.intake``: more than any phone makes."""

PDF_PX_PER_POINT = 200 / 72
PDF_LEAST_LONG_SIDE_PX = 3400
PDF_LONG_SIDE_PX = 4000
"""How ``pipeline.intake`` renders a page, so that boxes fit; a test holds the two together."""

JPEG_QUALITY = 85

KEPT = 4
"""Decoded photos kept in memory (36 MB for 12 megapixels): one page asks for many crops of one."""

SIZES_KEPT = 10_000

SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""

AT_ONCE = threading.Semaphore(2)
"""Decoders at work at once: each takes a processor and some hundred MB for the largest photos."""

_BROKEN = (OSError, ValueError, SyntaxError, EOFError, RuntimeError, KeyError, TypeError)
"""What Pillow and its plug-ins raise on a broken file."""


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a photo, in pixels of the upright photo at its full size."""

    x0: float
    y0: float
    x1: float
    y1: float


class Pictures:
    """Makes pictures from the shelf's photos."""

    def __init__(self, shelf: PhotoShelf) -> None:
        self._shelf = shelf
        self._kept: OrderedDict[tuple[str, int | None], Image.Image] = OrderedDict()
        self._sizes: OrderedDict[tuple[str, int | None], tuple[int, int]] = OrderedDict()
        self._lock = threading.Lock()

    def whole(self, sha256: str, pdf_page: int | None = None) -> tuple[bytes, tuple[int, int]]:
        """The photo as JPEG, at most ``VIEW_PX`` long; and its full upright size.

        Raises:
            NoSuchPhoto: it is not on the shelf.
            NotAPicture: it can't be decoded.

        """
        picture = self._upright(sha256, pdf_page)
        small = picture.copy()
        small.thumbnail((VIEW_PX, VIEW_PX), reducing_gap=2.0)
        return _jpeg(small), picture.size

    def crop(
        self,
        sha256: str,
        box: Box,
        *,
        margin: float = 0.25,
        pdf_page: int | None = None,
        turn: int = 0,
    ) -> bytes:
        """A part of the photo as JPEG.

        Args:
            sha256: The photo.
            box: What to show; what lies outside the photo is left out.
            margin: How much more on each side, in heights of the box, 0 to ``MOST_MARGIN``.
            pdf_page: Page of a PDF, from 1.
            turn: Quarter turns clockwise that set the part upright.

        Raises:
            NoSuchPhoto: it is not on the shelf.
            NotAPicture: it can't be decoded, or the box lies outside of it.

        """
        picture = self._upright(sha256, pdf_page)
        more = min(max(margin, 0.0), MOST_MARGIN) * max(box.y1 - box.y0, 0.0)
        wide, high = picture.size
        x0, y0 = max(0.0, box.x0 - more), max(0.0, box.y0 - more)
        x1, y1 = min(float(wide), box.x1 + more), min(float(high), box.y1 + more)
        if not (x1 - x0 >= LEAST_CROP_PX and y1 - y0 >= LEAST_CROP_PX):
            raise NotAPicture(f"the box lies outside the photo of {wide} × {high} px")
        part = picture.crop((round(x0), round(y0), round(x1), round(y1)))
        part.thumbnail((CROP_PX, CROP_PX), reducing_gap=2.0)
        turned = _TURNS[turn % 4]
        return _jpeg(part if turned is None else part.transpose(turned))

    def size(self, sha256: str, pdf_page: int | None = None) -> tuple[int, int]:
        """Width and height of the upright photo at its full size, in px; without decoding it.

        Raises:
            NoSuchPhoto: it is not on the shelf.
            NotAPicture: it can't be opened.

        """
        key = (sha256, pdf_page)
        with self._lock:
            known = self._sizes.get(key)
        if known is None:
            with self._file(sha256) as path:
                known = _size(path, pdf_page)
            with self._lock:
                self._sizes[key] = known
                while len(self._sizes) > SIZES_KEPT:
                    self._sizes.popitem(last=False)
        return known

    @contextmanager
    def _file(self, sha256: str) -> Iterator[Path]:
        with self._shelf.opened(sha256) as path:
            if path is None:
                raise NoSuchPhoto(f"photo {sha256[:12]}… is not in the store")
            yield path

    def _upright(self, sha256: str, pdf_page: int | None) -> Image.Image:
        key = (sha256, pdf_page)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                return kept
        with self._file(sha256) as path, AT_ONCE:
            picture = _decode(path, pdf_page)
        with self._lock:
            self._kept[key] = picture
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return picture


_TURNS = (
    None,
    Image.Transpose.ROTATE_270,
    Image.Transpose.ROTATE_180,
    Image.Transpose.ROTATE_90,
)
"""Pillow turns the other way round than the clock."""


def _size(path: Path, pdf_page: int | None) -> tuple[int, int]:
    with path.open("rb") as file:
        start = file.read(1024)
    if b"%PDF-" in start:
        return _decode(path, pdf_page).size
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                wide, high = image.size
                sideways = image.getexif().get(0x0112, 1) in SIDEWAYS
    except (UnidentifiedImageError, Image.DecompressionBombError, *_BROKEN) as error:
        raise NotAPicture(f"the file can't be opened: {error}") from error
    return (high, wide) if sideways else (wide, high)


def _decode(path: Path, pdf_page: int | None) -> Image.Image:
    content = path.read_bytes()
    try:
        if b"%PDF-" in content[:1024]:
            return _pdf_page(content, pdf_page or 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                wide, high = image.size
                if wide * high > MOST_PIXELS:
                    raise NotAPicture(f"the photo claims {wide} × {high} px")
                return ImageOps.exif_transpose(image).convert("RGB")
    except UnidentifiedImageError as error:
        raise NotAPicture("the file is neither a picture nor a PDF") from error
    except (Image.DecompressionBombError, pypdfium2.PdfiumError, *_BROKEN) as error:
        raise NotAPicture(f"the file can't be decoded: {error}") from error


def _pdf_page(content: bytes, number: int) -> Image.Image:
    with pypdfium2.PdfDocument(content) as document:
        if not 1 <= number <= len(document):
            raise NotAPicture(f"the PDF has no page {number}")
        page = document[number - 1]
        longest = max(1.0, *page.get_size())
        scale = max(PDF_PX_PER_POINT, PDF_LEAST_LONG_SIDE_PX / longest)
        scale = min(scale, PDF_LONG_SIDE_PX / longest)
        grey = np.squeeze(page.render(scale=scale, grayscale=True).to_numpy())
        return Image.fromarray(grey).convert("RGB")


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()

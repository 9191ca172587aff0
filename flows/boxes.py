"""Pictures of single digit boxes, frame in view, straight to labels: ``chasil read-boxes``."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from models.errors import (
    DecompressionBomb,
    EmptyPhoto,
    ErrorRecord,
    NotAnImage,
    PhotoError,
    TruncatedPhoto,
)
from models.recognisers.recogniser import LABELS, DigitRecogniser, prepare
from models.records import Probability, Record
from pipeline.intake import read_bytes

MOST_PIXELS = 50_000_000
"""A box is some 40 px wide; a whole photo of one may have some megapixels, never this many."""

CROPS_AT_ONCE = 512


class BoxReading(Record):
    """What one box holds, or why that can't be said."""

    photo: str
    label: str | None = None
    """The most probable label; see ``models.recognisers.recogniser.LABELS``."""
    confidence: Probability | None = None
    probabilities: dict[str, Probability] | None = None
    error: ErrorRecord | None = None

    def as_json(self) -> str:
        """One line; what does not apply is left out."""
        known = self.model_dump(mode="json", exclude_none=True)
        return json.dumps(known, ensure_ascii=False)


def read_boxes(paths: Iterable[Path], recogniser: DigitRecogniser) -> Iterator[BoxReading]:
    """Read pictures of boxes, some hundred at a time, in their order.

    Args:
        paths: One picture a box, the printed frame in view.
        recogniser: What reads them.

    """
    cv2.setNumThreads(1)
    rest = iter(paths)
    while some := list(islice(rest, CROPS_AT_ONCE)):
        errors: dict[int, ErrorRecord] = {}
        crops: list[NDArray[np.uint8]] = []
        for place, path in enumerate(some):
            try:
                crops.append(prepare(open_box(path)))
            except PhotoError as error:
                errors[place] = error.record()
        answers = iter(recogniser.probabilities(np.stack(crops)) if crops else ())
        for place, path in enumerate(some):
            if place in errors:
                yield BoxReading(photo=str(path), error=errors[place])
            else:
                yield _answer(path, next(answers))


def open_box(path: Path) -> NDArray[np.uint8]:
    """Decode one picture of a box: (height, width) uint8, EXIF orientation honoured.

    Raises:
        PhotoError: it can't be opened.

    """
    content = read_bytes(path)
    if not content:
        raise EmptyPhoto(f"{path.name} is empty (0 bytes)", bytes=0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # judged below
            with Image.open(io.BytesIO(content)) as header:
                kind, (wide, high) = header.format, header.size
    except UnidentifiedImageError as error:
        raise NotAnImage(f"{path.name} is no picture", bytes=len(content)) from error
    except Image.DecompressionBombError as error:
        raise DecompressionBomb(f"{path.name}: {error}", bytes=len(content)) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise TruncatedPhoto(f"{path.name} has a broken header: {error}") from error
    if wide * high > MOST_PIXELS:
        raise DecompressionBomb(f"{path.name} claims {wide} × {high} px", width=wide, height=high)
    cut_off = (kind == "JPEG" and b"\xff\xd9" not in content[-65536:]) or (
        kind == "PNG" and b"IEND" not in content[-65536:]
    )
    grey = None if cut_off else cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise TruncatedPhoto(
            f"{path.name} can't be decoded to its end ({len(content)} bytes)", bytes=len(content)
        )
    return np.asarray(grey, np.uint8)


def _answer(path: Path, probabilities: NDArray[np.float32]) -> BoxReading:
    label = LABELS[int(np.argmax(probabilities))]
    by_label = {
        name: min(1.0, round(float(share), 6))
        for name, share in zip(LABELS, probabilities, strict=True)
    }
    return BoxReading(
        photo=str(path), label=label, confidence=by_label[label], probabilities=by_label
    )

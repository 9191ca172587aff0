"""Make every picture in ``docs/``, with the program and from invented sheets only.

    .venv/bin/python scripts/docs_pictures.py [FOLDER]

The sheets are those of ``chasil demo`` and of the fixtures: no real photo, voter or result is in
them. Seeds are fixed, so that a picture changes only where the program does.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fixtures.defects import PageDefect, page_defect
from fixtures.sample import plan, write_photo
from flows.commands.demo import SEED
from flows.pictures import draw_steps
from models.forms.draw import draw_fields
from models.forms.template import load_form
from pipeline.anchors import anchors_of
from pipeline.intake import open_photos
from pipeline.locate import by_tag, tags_in
from pipeline.overlay import draw_overlay
from pipeline.read import Reader, load_reader, read_photo
from pipeline.spread import spread
from pipeline.states import OpenedPhoto

Picture = NDArray[np.uint8]
"""(height, width, 3) BGR."""

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"

MOST_BYTES = 250_000
JPEG_QUALITY = 82

FORM = "c-hasil-ppwp-2024"
VOTES_PAGE = 2
X_READ_AS_8 = 2
"""TPS of the demo in whose entry a crossed-out box became an 8."""
BUBBLES_DISAGREE = 20
"""TPS of the demo whose digits and bubbles say different numbers."""

WIDE_PX = 760

BLUE = (220, 90, 30)
ORANGE = (20, 110, 235)
GREEN = (60, 150, 20)


@dataclass(frozen=True)
class Part:
    """A part of a picture, as shares of its width and height."""

    left: float
    top: float
    right: float
    bottom: float

    def of(self, picture: Picture) -> Picture:
        """Cut it out."""
        high, wide = picture.shape[:2]
        rows = slice(round(self.top * high), round(self.bottom * high))
        columns = slice(round(self.left * wide), round(self.right * wide))
        return np.ascontiguousarray(picture[rows, columns])


def main() -> None:
    """Make all pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    cv2.setNumThreads(1)
    reader = load_reader()
    votes = demo_photo(X_READ_AS_8)
    steps = dict(draw_steps(votes, reader))
    digits = Part(0.5, 0.16, 0.9, 0.38)
    save(folder / "1-opened.jpg", narrow(steps["1-opened"], WIDE_PX))
    save(folder / "2-found.jpg", narrow(draw_found(votes), WIDE_PX))
    save(folder / "3-placed.jpg", digits.of(enlarged(steps["2-placed"], 2)))
    save(folder / "4-witnessed.jpg", steps["4-witnessed"])
    save(folder / "5-read.jpg", digits.of(steps["5-read"]))

    part = page_defect(PageDefect.RIGHT_COLUMNS_ONLY, SEED, page=1)
    seen = read_and_drawn(opened(part.content, part.name), reader)
    save(folder / "part-of-a-page.jpg", narrow(seen, 560))

    doubtful = read_and_drawn(demo_photo(BUBBLES_DISAGREE), reader)
    save(folder / "for-review.jpg", Part(0.5, 0.52, 0.95, 0.66).of(doubtful))

    form = load_form(FORM)
    save(
        folder / "form-fields.jpg",
        Part(0.1, 0.1, 0.9, 0.42).of(draw_fields(form, form.page(2), 2.4)),
    )


def demo_photo(tps: int) -> OpenedPhoto:
    """The demo's photo of the votes (page 2) of one of its 20 TPS."""
    _, tasks, _ = plan(SEED)
    task = next(
        task
        for task in tasks
        if task.filled and task.filled.header.tps == tps and task.page == VOTES_PAGE
    )
    with tempfile.TemporaryDirectory() as folder:
        write_photo(Path(folder), task)
        return opened((Path(folder) / task.name).read_bytes(), task.name)


def opened(content: bytes, name: str) -> OpenedPhoto:
    """The one photo of a file."""
    (photo,) = open_photos(content, name)
    return photo


def read_and_drawn(photo: OpenedPhoto, reader: Reader) -> Picture:
    """The reading on its photo."""
    return draw_overlay(photo, read_photo(photo, reader))


def draw_found(photo: OpenedPhoto) -> Picture:
    """What the page was found by: its code, its corner marks, and the marks that trust reached."""
    form = load_form(FORM)
    page = form.page(VOTES_PAGE)
    if form.tag_family is None or page.tag is None:
        raise ValueError(f"{form.id} page {page.number} has no square code")
    tag, *_ = tags_in(photo, form.tag_family, (page.tag.id,))
    located = by_tag(photo, form, page, tag)
    anchors = anchors_of(form, page)
    _, found = spread(located.dark, anchors, located.known, located.homography, form.page_mm)
    picture = np.asarray(cv2.cvtColor(photo.grey, cv2.COLOR_GRAY2BGR), np.uint8)
    for x, y in np.rint(found.targets).astype(int):
        cv2.circle(picture, (int(x), int(y)), 6, GREEN, -1, cv2.LINE_AA)
    for x, y in np.rint(located.known.targets[len(tag.corners) :]).astype(int):
        cv2.circle(picture, (int(x), int(y)), 26, ORANGE, 5, cv2.LINE_AA)
    cv2.polylines(picture, [np.rint(tag.corners).astype(np.int32)], True, BLUE, 6, cv2.LINE_AA)
    return picture


def narrow(picture: Picture, wide_px: int) -> Picture:
    """The picture at a smaller width."""
    high = round(picture.shape[0] * wide_px / picture.shape[1])
    return np.asarray(cv2.resize(picture, (wide_px, high), interpolation=cv2.INTER_AREA), np.uint8)


def enlarged(picture: Picture, times: int) -> Picture:
    """The picture at a whole multiple of its size."""
    return np.asarray(
        cv2.resize(picture, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC), np.uint8
    )


def save(path: Path, picture: Picture) -> None:
    """Write a picture; ``ValueError`` where it is too large for the project."""
    done, content = cv2.imencode(path.suffix, picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done or content.size > MOST_BYTES:
        raise ValueError(f"{path.name} would have {content.size} bytes, {MOST_BYTES} are allowed")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.tobytes())


if __name__ == "__main__":
    main()

"""The numbers in words: how often they are read right, and how often surely and wrongly.

    python -m benchmarks.words                                  drawn pages
    python -m benchmarks.words --shared ../shared               and the real photos
    python -m benchmarks.words --fonts FOLDER                   and lines in fonts not trained on

Pages are drawn in ``fixtures.handwriting``, which nothing was trained on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
from rich.console import Console
from rich.table import Table

from benchmarks.trial_photos import FOLDER
from benchmarks.trial_words import trial_words
from fixtures.pages import field_page
from flows.train.line_fonts import fonts_of
from flows.train.line_measure import CLEAR, line_figures, read_drawn
from models.errors import PhotoError
from models.forms.template import load_form
from models.recognisers.lines import line_calibration, load_line_recogniser
from models.records import Witness
from models.spelling import letters_of, spellings
from pipeline.cells import cut_cells
from pipeline.intake import open_photos
from pipeline.place import place_page
from pipeline.states import CutPage
from pipeline.witnesses.words import read_area, read_words

SEED = 9103
FORM = "c-hasil-ppwp-2024"
WHOLE_PHOTOS = ("c-hasil-ppwp-2024", "c-hasil-ppwp-2024-screen")


@dataclass(frozen=True, slots=True)
class WordsRead:
    """One area, and what stands in it."""

    name: str
    words: str | None
    """``None`` where the area is empty."""
    witness: Witness

    @property
    def truth(self) -> int | None:
        """The number that the words say."""
        if self.words is None:
            return None
        letters = letters_of(self.words)
        return next(way.number for way in spellings() if way.letters == letters)

    @property
    def right(self) -> bool:
        """Whether the number, or that there is none, is right."""
        return self.witness.value == self.truth


def _cut(content: bytes, name: str) -> CutPage | None:
    try:
        return cut_cells(place_page(open_photos(content, name)[0], [load_form(FORM)]))
    except PhotoError:
        return None


def drawn(pages: int, difficulty: str) -> Iterator[WordsRead]:
    """The areas of drawn pages 2 and 3; those of pages that are not placed are left out."""
    recogniser = load_line_recogniser()
    for index in range(pages):
        photo = field_page(index, SEED, difficulty, page=2 + index % 2)
        cut = _cut(photo.content, f"{index}.jpg")
        if cut is not None:
            for field, witness in read_words(cut, recogniser).items():
                truth = photo.truth.fields[field].words
                yield WordsRead(f"{difficulty} {index} {field}", truth, witness)


def real_words(shared: Path) -> Iterator[WordsRead]:
    """The words on the trial forms."""
    truth = json.loads((shared / FOLDER / "truth.json").read_text(encoding="utf-8"))
    for (photo, field), area in trial_words(shared).items():
        witness = read_area(area, load_line_recogniser(), line_calibration())
        yield WordsRead(f"{photo} {field}", truth[photo]["words"][field], witness)


def real_empty(shared: Path) -> Iterator[WordsRead]:
    """The areas left empty on the photos of 2024."""
    for folder in WHOLE_PHOTOS:
        for path in sorted((shared / "photos" / folder).iterdir()):
            cut = _cut(path.read_bytes(), path.name) if path.suffix in {".png", ".jpg"} else None
            if cut is not None:
                for field, witness in read_words(cut, load_line_recogniser()).items():
                    yield WordsRead(f"{path.name} {field}", None, witness)


def row_of(name: str, areas: Iterable[WordsRead], mistakes: list[WordsRead]) -> list[str]:
    """One row of the table; what is wrong is added to ``mistakes``."""
    read = list(areas)
    written = [one for one in read if one.words is not None]
    empty = [one for one in read if one.words is None]
    sure = [one for one in written if one.witness.confidence >= CLEAR]
    mistakes += [one for one in read if not one.right]
    return [
        name,
        f"{sum(one.right for one in written)} of {len(written)}",
        f"{len(sure)}",
        f"{sum(not one.right for one in sure)}",
        f"{sum(one.right for one in empty)} of {len(empty)}",
        f"{sum(not one.right and one.witness.confidence >= CLEAR for one in empty)}",
    ]


def fonts_row(fonts: Path, lines: int, split: str) -> list[str]:
    """The same for lines in one split of the fonts."""
    read = read_drawn(fonts_of(fonts, split), load_line_recogniser(), lines, SEED)
    counted = line_figures(read, line_calibration())
    return [
        f"lines, {split} fonts",
        f"{counted['numbers_right']} of {counted['numbers']}",
        f"{counted['sure']}",
        f"{counted['sure_wrong']}",
        f"{counted['others'] - counted['others_taken_for_a_number']} of {counted['others']}",
        f"{counted['others_surely_taken']}",
    ]


def main() -> None:
    """Read the command line, read the words, print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.words", description=(__doc__ or "").split("\n", 1)[0]
    )
    parser.add_argument("--shared", type=Path, help="folder of the real material")
    parser.add_argument("--fonts", type=Path, help="folder of the fonts of training")
    parser.add_argument("--pages", type=int, default=60, help="drawn pages of each difficulty")
    parser.add_argument("--lines", type=int, default=1000, help="lines in held-out fonts")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    console = Console(width=130)
    recogniser = load_line_recogniser()
    mistakes: list[WordsRead] = []
    table = Table(title=f"Numbers in words, {recogniser.name} {recogniser.digest}, sure: {CLEAR}")
    for heading in ("what", "words right", "sure", "wrong of these"):
        table.add_column(heading)
    for heading in ("empty or no number, right", "surely wrong"):
        table.add_column(heading)
    started = time.perf_counter()
    for difficulty in ("field", "hard"):
        name = f"drawn pages, {difficulty}"
        table.add_row(*row_of(name, drawn(chosen.pages, difficulty), mistakes))
    if chosen.shared:
        table.add_row(*row_of("real, trial forms", real_words(chosen.shared), mistakes))
        table.add_row(*row_of("real, areas left empty", real_empty(chosen.shared), mistakes))
    if chosen.fonts:
        table.add_row(*fonts_row(chosen.fonts, chosen.lines, "test"))
    console.print(table)
    for one in mistakes:
        witness = one.witness
        console.print(
            f"{one.name}: {one.words or 'empty'}, read {witness.text or 'nothing'} "
            f"as {witness.value} at {witness.confidence:.3f}"
        )
    console.print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()

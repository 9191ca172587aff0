"""Draw the pictures of docs/adding-a-form.md: ``python scripts/new_form_pictures.py``.

All three show the invented sheet of ``fixtures.village_form``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np

from fixtures.camera import FIELD, photograph
from fixtures.form import filled_form, write_page
from fixtures.village_form import CANDIDATES, draw_village_form
from flows.newform.answers import Answers
from flows.newform.build import build
from flows.newform.draft import draft_of
from flows.newform.open_blank import open_blank
from flows.newform.picture import check_picture
from flows.newform.trial import as_installed

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
HIGH_PX = 1100


def save(name: str, picture: np.ndarray) -> None:
    """Write one picture, small enough for a page of text."""
    shrink = HIGH_PX / picture.shape[0]
    small = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(PICTURES / name), small, [cv2.IMWRITE_JPEG_QUALITY, 82])


def main() -> None:
    """Draw the blank sheet, the picture to check, and a filled one as it is tried."""
    with tempfile.TemporaryDirectory() as folder:
        blank = Path(folder) / "blank.pdf"
        draw_village_form(blank)
        sheets = open_blank(blank)
        save("new-form-blank.jpg", cv2.cvtColor(sheets[0].grey, cv2.COLOR_GRAY2BGR))
        names = {f"suara_paslon_{k}": f"suara_calon_{k}" for k in range(1, CANDIDATES + 1)}
        draft = draft_of(sheets)
        answers = Answers(id="pilkades-2026", fields=names)
        built = build(draft, answers, source="Measured by `chasil forms new` from blank.pdf.")
        save("new-form-check.jpg", check_picture(draft.pages[0], built.form.pages[0]))
        file = Path(folder) / "pilkades-2026.json"
        file.write_bytes(built.content)
        with as_installed(file) as form:
            filled = filled_form(np.random.default_rng(5), form=form.id)
            sheet, _ = write_page(filled, 1, 8.0)
            photo = photograph(sheet, 8.0, np.random.default_rng(8), FIELD, quarter_turns=0)
            save("new-form-tried.jpg", photo.pixels)


if __name__ == "__main__":
    main()

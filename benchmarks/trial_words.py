"""The words on the filled photos of the 2022 trial forms, cut for ``benchmarks.words``.

The forms are not installed: where the areas lie is measured here, as in `benchmarks.trial_photos`.
Letters stand in printed boxes. How large the sheets are is not known; as wide as those of 2024 is
near enough, as only sizes of letters depend on it.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from benchmarks.trial_photos import (
    DPR_PHOTO,
    FOLDER,
    PPWP_BLANK,
    PPWP_PHOTO,
    Box,
    lay_on_blank,
    read_grey,
)
from pipeline.arrays import Grey
from pipeline.cells import LINE_PX_PER_MM
from pipeline.states import LineCut

SHEET_MM = 600.0

_PPWP: dict[str, tuple[Box, Box]] = {
    "suara_sah_1": ((504, 663, 1660, 752), (905, 730, 1256, 752)),
    "suara_sah_2": ((504, 986, 1660, 1076), (905, 1052, 1256, 1076)),
    "suara_sah_3": ((504, 1308, 1660, 1397), (905, 1373, 1256, 1397)),
    "suara_sah": ((504, 1496, 1400, 1624), (1098, 1562, 1352, 1602)),
    "suara_tidak_sah": ((504, 1959, 1660, 2048), (905, 2022, 1256, 2046)),
    "suara_total": ((504, 2083, 1400, 2210), (1098, 2148, 1352, 2188)),
}
_DPR: dict[str, tuple[Box, Box]] = {"jumlah": ((231, 1074, 640, 1116), (551, 1100, 634, 1114))}
"""Field to its area and the printed note in it, px of the blank page or of the flat scan."""


def trial_words(shared: Path) -> dict[tuple[str, str], LineCut]:
    """Photo and field to the area of its words."""
    folder = shared / FOLDER
    ppwp, _ = lay_on_blank(read_grey(folder / PPWP_PHOTO), read_grey(folder / PPWP_BLANK))
    dpr = read_grey(folder / DPR_PHOTO)
    return {
        (photo, field): _cut(grey, area, note)
        for photo, grey, areas in ((PPWP_PHOTO, ppwp, _PPWP), (DPR_PHOTO, dpr, _DPR))
        for field, (area, note) in areas.items()
    }


def _cut(grey: Grey, area: Box, note: Box) -> LineCut:
    x0, y0, x1, y1 = (round(side) for side in area)
    scale = LINE_PX_PER_MM * SHEET_MM / grey.shape[1]
    picture = cv2.resize(
        grey[y0:y1, x0:x1], None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC
    )
    left, top, right, foot = note
    return LineCut(
        picture=np.asarray(picture, np.uint8),
        px_per_mm=LINE_PX_PER_MM,
        outline=np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64),
        print=(
            (
                (left - x0) * scale,
                (top - y0) * scale,
                (right - x0) * scale,
                (foot - y0) * scale,
            ),
        ),
    )

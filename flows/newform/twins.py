"""Whether a form's sheets can be told from those of the forms that are installed.

Two forms of one and the same sheet (the same form under another id, or another body's form on the
same template) make every photo of either fit both, and none is read any more.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2

from models.errors import AmbiguousPlace, PhotoError
from models.forms.draw import draw_page
from models.forms.template import FormTemplate
from pipeline.intake import open_photos
from pipeline.place import place_page

LONG_SIDE_PX = 2400
"""Of the drawn sheet: 8 px a mm of A4, as of a good photo."""


def taken_for_another(form: FormTemplate, others: Sequence[FormTemplate]) -> str | None:
    """What a drawn blank sheet of the form is taken for, in words; ``None`` where all is well.

    Args:
        form: The one that is to be installed.
        others: The forms that are.

    """
    for page in form.pages:
        px_per_mm = LONG_SIDE_PX / max(form.page_mm)
        _, content = cv2.imencode(".png", draw_page(form, page, px_per_mm, colour=True))
        (sheet,) = open_photos(content.tobytes(), f"page {page.number} of {form.id}")
        try:
            place_page(sheet, (form,))
        except PhotoError:
            continue  # Not even then: the others are not to blame, and `chasil forms try` tells.
        try:
            placed = place_page(sheet, (*others, form))
        except AmbiguousPlace as error:
            return error.message
        if (placed.form.id, placed.page.number) != (form.id, page.number):
            return f"{sheet.name} is taken for page {placed.page.number} of {placed.form.id}"
    return None

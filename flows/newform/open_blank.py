"""A blank form's file as sheets: the pages of a PDF, or one picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdf
from PIL import Image, UnidentifiedImageError

from flows.newform.prints import BlankSheet, Grey
from flows.newform.vectors import MM_A_POINT, letters_of, shapes_of
from models.errors import InputFileError

FINEST_PX_PER_MM = 12.0
FEWEST_PX_PER_MM = 3.0
"""Coarser pictures (75 dpi) are refused: a stroke of 0.3 mm is less than a pixel there."""
COARSEST_PX_PER_MM = 6.0
"""Coarser pictures are enlarged: strokes of 0.3 mm are then at least 2 px wide."""
MOST_PX = 5400
"""Longest side of the picture that is looked at."""
SHARE_OF_A_PICTURE = 0.4
"""A PDF page of which one picture covers more than this is a scan, or a picture of a form."""
LEAST_MM, MOST_MM = 50.0, 3000.0
"""Sides of a sheet; anything else is a wrong number."""
MOST_SKEW_DEGREES = 3.0
SKEW_PX = 1600


class BlankFormError(InputFileError):
    """A blank form's file can't be opened, or does not say how large the sheet is."""

    code = "blank_form"
    remedy = (
        "Give a PDF or a picture (PNG, JPEG, TIFF) of the blank sheet, seen straight from above, "
        "and its size in mm where the file does not hold it: --page-mm 210x297"
    )


class LockedPdf(BlankFormError):
    """A PDF that opens with a password only."""

    code = "locked_pdf"
    remedy = (
        "Open it with its password, save it without one (print it to a PDF, or "
        "`qpdf --decrypt --password=… locked.pdf open.pdf`), and give that copy."
    )


class BlankTooSmall(BlankFormError):
    """A picture of so few pixels that strokes and boxes can't be told."""

    code = "blank_too_small"
    remedy = (
        "Scan the blank sheet at 200 dpi or more, or give the PDF. If the picture is large "
        "enough, the size of the sheet (--page-mm, or the file's own dpi) is wrong."
    )


def open_blank(path: Path, page_mm: tuple[float, float] | None = None) -> tuple[BlankSheet, ...]:
    """Open a blank form: one sheet for each page of a PDF, or one for a picture.

    Args:
        path: The file.
        page_mm: Width and height of the sheet; as the file says where ``None``.

    Raises:
        LockedPdf: it is protected by a password.
        BlankTooSmall: the picture has too few pixels.
        BlankFormError: it can't be opened, or nothing says how large the sheet is.

    """
    try:
        start = path.read_bytes()[:5]
    except OSError as error:
        raise BlankFormError(f"{path}: {error.strerror}", file=str(path)) from error
    if start.startswith(b"%PDF"):
        return _pdf(path, page_mm)
    return (_picture(path, page_mm),)


def _pdf(path: Path, page_mm: tuple[float, float] | None) -> tuple[BlankSheet, ...]:
    try:
        document = pdfium.PdfDocument(path)
        sheets = tuple(_pdf_page(page, page_mm) for page in document)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == pdf.FPDF_ERR_PASSWORD or "password" in str(error):
            raise LockedPdf(f"{path}: the PDF is protected by a password") from error
        raise BlankFormError(f"{path}: no PDF that can be opened: {error}") from error
    if not sheets:
        raise BlankFormError(f"{path}: the PDF has no pages")
    return sheets


def _pdf_page(page: pdfium.PdfPage, page_mm: tuple[float, float] | None) -> BlankSheet:
    wide, high = (side * MM_A_POINT for side in page.get_size())
    picture = _picture_on(page)
    if picture is not None:
        return _picture_page(page, picture, page_mm)
    _require_size((wide, high))
    lines, circles = shapes_of(page)
    notes: list[str] = []
    if page_mm is not None and max(abs(page_mm[0] - wide), abs(page_mm[1] - high)) > 1:
        raise BlankFormError(
            f"the PDF's page is {wide:.1f} × {high:.1f} mm, not {page_mm[0]:g} × {page_mm[1]:g}: "
            "leave --page-mm out for a PDF that is drawn",
        )
    px_per_mm = min(FINEST_PX_PER_MM, MOST_PX / max(wide, high))
    grey = _rendered(page, px_per_mm)
    texts = letters_of(page)
    if not texts:
        notes.append(
            "The PDF has no letters, only their outlines: the print was read by Tesseract."
        )
    return BlankSheet(
        page_mm=(round(wide, 2), round(high, 2)),
        px_per_mm=px_per_mm,
        grey=grey,
        lines=lines,
        circles=circles,
        texts=texts or None,
        notes=tuple(notes),
    )


def _rendered(page: pdfium.PdfPage, px_per_mm: float) -> Grey:
    image = page.render(scale=px_per_mm * MM_A_POINT, grayscale=True, may_draw_forms=False)
    wide, high = (round(side * MM_A_POINT * px_per_mm) for side in page.get_size())
    grey = np.asarray(image.to_pil().convert("L"))
    # PDFium rounds a page's size up to whole pixels.
    return np.ascontiguousarray(grey[:high, :wide])


def _picture_on(page: pdfium.PdfPage) -> pdfium.PdfObject | None:
    """The one picture that is most of a page; ``None`` where the page is drawn."""
    wide, high = page.get_size()
    images = page.get_objects(filter=[pdf.FPDF_PAGEOBJ_IMAGE], max_depth=4)

    def share(image: pdfium.PdfObject) -> float:
        left, bottom, right, top = image.get_bounds()
        return float((right - left) * (top - bottom) / (wide * high))

    largest = max(images, key=share, default=None)
    return largest if largest is not None and share(largest) >= SHARE_OF_A_PICTURE else None


def _picture_page(
    page: pdfium.PdfPage, image: pdfium.PdfObject, page_mm: tuple[float, float] | None
) -> BlankSheet:
    left, bottom, right, top = image.get_bounds()
    wide, high = (right - left) * MM_A_POINT, (top - bottom) * MM_A_POINT
    pixels = image.get_px_size()[0]
    scale = max(pixels / (right - left), 1.0)
    whole = np.asarray(page.render(scale=scale, grayscale=True).to_pil().convert("L"))
    page_high = page.get_size()[1]
    box = [left * scale, (page_high - top) * scale, right * scale, (page_high - bottom) * scale]
    x0, y0, x1, y1 = (max(0, round(value)) for value in box)
    notes = []
    if page_mm is None:
        notes.append(_size_note(page, wide, high))
    return _sheet(np.ascontiguousarray(whole[y0:y1, x0:x1]), page_mm or (wide, high), notes)


def _size_note(page: pdfium.PdfPage, wide: float, high: float) -> str:
    """What a person has to know of a page that is one picture, to say how large the sheet is."""
    page_wide, page_high = (side * MM_A_POINT for side in page.get_size())
    note = f"A page is one picture of {wide:.0f} × {high:.0f} mm: it was taken for the whole sheet."
    if max(page_wide - wide, page_high - high) < 2:
        return f"{note} If the sheet has another size, give it with --page-mm."
    same = abs((wide / high) / (page_wide / page_high) - 1) < 0.015
    why = (
        "It has the shape of that page, so it is most likely the whole sheet made smaller: "
        if same
        else "If the picture is the whole sheet made smaller, say how large the sheet is: "
    )
    return (
        f"{note} The page of the PDF is {page_wide:.0f} × {page_high:.0f} mm. {why}"
        f"--page-mm {page_wide:.0f}x{page_high:.0f}"
    )


def _picture(path: Path, page_mm: tuple[float, float] | None) -> BlankSheet:
    try:
        with Image.open(path) as image:
            dpi = image.info.get("dpi")
            grey = np.asarray(image.convert("L"))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise BlankFormError(f"{path}: no picture that can be opened: {error}") from error
    if page_mm is None:
        if not dpi or min(float(one) for one in dpi) < 50:
            raise BlankFormError(f"{path}: the picture does not say how large the sheet is")
        page_mm = (grey.shape[1] / float(dpi[0]) * 25.4, grey.shape[0] / float(dpi[1]) * 25.4)
    return _sheet(np.ascontiguousarray(grey), page_mm, [])


def _sheet(grey: Grey, page_mm: tuple[float, float], notes: list[str]) -> BlankSheet:
    """A picture of a sheet, laid level, at a scale that is fine enough."""
    _require_size(page_mm)
    high, wide = grey.shape
    across, down = wide / page_mm[0], high / page_mm[1]
    if abs(across / down - 1) > 0.03:
        raise BlankFormError(
            f"the picture's sides are as {wide} to {high}, "
            f"the sheet's as {page_mm[0]:g} to {page_mm[1]:g}: crop the picture to the sheet",
        )
    if min(across, down) < FEWEST_PX_PER_MM:
        raise BlankTooSmall(
            f"the picture is {wide} × {high} px for a sheet of {page_mm[0]:g} × {page_mm[1]:g} mm, "
            f"{min(across, down) * 25.4:.0f} dpi; {FEWEST_PX_PER_MM * 25.4:.0f} are the least, "
            "and 200 are good"
        )
    wanted = min(max(across, COARSEST_PX_PER_MM), FINEST_PX_PER_MM, MOST_PX / max(page_mm))
    size = (round(page_mm[0] * wanted), round(page_mm[1] * wanted))
    how = cv2.INTER_AREA if wanted < across else cv2.INTER_CUBIC
    if size != (wide, high):
        grey = np.asarray(cv2.resize(grey, size, interpolation=how), np.uint8)
    skew = _skew(grey)
    if abs(skew) > 0.03:
        notes = [*notes, f"The picture was turned by {skew:+.2f}° to lie level."]
        turn = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), skew, 1.0)
        grey = np.asarray(
            cv2.warpAffine(grey, turn, size, flags=cv2.INTER_CUBIC, borderValue=(255, 255, 255)),
            np.uint8,
        )
    rounded = (round(page_mm[0], 2), round(page_mm[1], 2))
    return BlankSheet(page_mm=rounded, px_per_mm=wanted, grey=grey, notes=tuple(notes))


def _require_size(page_mm: tuple[float, float]) -> None:
    if min(page_mm) < LEAST_MM or max(page_mm) > MOST_MM:
        raise BlankFormError(
            f"a sheet of {page_mm[0]:g} × {page_mm[1]:g} mm: its sides must be between "
            f"{LEAST_MM:g} and {MOST_MM:g} mm"
        )


def _skew(grey: Grey) -> float:
    """By how many degrees long rulings lean, median; 0.0 where there are none."""
    shrink = min(1.0, SKEW_PX / max(grey.shape))
    small = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    dark = cv2.threshold(small, 200, 255, cv2.THRESH_BINARY_INV)[1]
    level = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((1, 25), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(level, connectivity=8)
    leaning: list[float] = []
    for label in range(1, count):
        x, y, wide, high = (int(value) for value in stats[label][:4])
        if wide < small.shape[1] // 4 or high > 0.1 * wide:
            continue
        ys, xs = np.nonzero(labels[y : y + high, x : x + wide] == label)
        leaning.append(float(np.degrees(np.arctan(np.polyfit(xs, ys, 1)[0]))))
    within = [angle for angle in leaning if abs(angle) < MOST_SKEW_DEGREES]
    return float(np.median(within)) if within else 0.0

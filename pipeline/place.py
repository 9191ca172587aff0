"""From a picture to a placed page: try each way to find it, keep the first the print confirms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np

from models.errors import AmbiguousPlace, NoFormFound, PhotoTooSmall, PoorPlacement, WrongForm
from models.forms.enlarge import at_wall_size
from models.forms.template import FormTemplate, PageTemplate, shipped_forms
from pipeline.constellation import Guess, by_guess, guesses
from pipeline.intake import open_finer
from pipeline.landmarks import FoundTag, find_tags
from pipeline.locate import by_tag, tags_in
from pipeline.refine import refine
from pipeline.rulings import RuledPicture, guesses_by_rulings, ruled_picture
from pipeline.shifted import DOUBT, moved, shift_of
from pipeline.states import OpenedPhoto, PlacedPage
from pipeline.title import other_model, read_title

ENOUGH_PX_PER_MM = 1.7
"""Resolution below which a finer decode is worth its time: a 20 mm box has 34 px."""

LEAST_PX_PER_MM = 0.8
"""A digit box of 18 mm is then 14 px: nobody can tell 3 from 8."""

ROOM_FOR_A_SHEET = 0.2
"""Where a sheet leaves a wider strip of the picture free, another may lie beside it."""

MOST_GUESSES = 5

MOST_MOVES = 3
"""So often a page is laid anew where its lines are seen better."""

LEAST_MARKS = 12
LEAST_SUPPORT = 0.12
"""A placing without the square code rests on this many marks, and they look this much more like
the blank page than chance does, on average. Right ones reach 0.2 to 0.4; wrong ones on one row of
boxes 0.1, mirror images 0.33: those are told by turning the picture over."""

LEAST_SUPPORT_OF_RULINGS = 0.05
"""The same for a placing by rulings, whose pattern (``LEAST_FIT``) already told the page: faint
scans, whose lines are dashes, reach 0.07."""

LEAST_FIT = 0.35
"""What a placing by rulings needs: share of the page's rulings seen × share of the picture's
lines explained. Of 36 scans, the right placing of two faint ones reached 0.47 and 0.55 and those of
the others 0.75 to 0.96; wrong ones 0.29 at most."""

LEAST_BORNE_OUT = 0.42
MORE_WHERE_CUT = 0.6
"""And of what is in view, share of the lines' length that is seen (less what is seen beside them)
× share of the marks that agree: more the larger the part that is cut off, as a small piece of a
form is a table like others. Whole pages: 0.53 and 0.56 on two faint scans, 0.49 on a copy curled
in the hand, 0.66 at least on 34 other scans, 3 photos and 98 drawn copies. The same photos cut to
60 to 80 %: 0.69 at least. Calendars, whose weeks are rows of one height as a form's boxes are:
0.38 to 0.57 with 73 to 61 % of the form's lines in view."""

RIVAL_FIT = 0.6
"""One that fits less than this share of the best is no rival: the best of another form's pages
reached half of the right one's fit on scans and photos."""

SURE_FIT = 0.6
"""A placing by rulings this good is not one of another form's page."""

SAME_MM = 4.0
SAME_BOXES = 90.0
"""Two placings of a page that put this percentage of its boxes nearer than this are one."""

RIVAL = 0.75
"""A second placing with this share of the best one's support makes the first no longer sure."""


def place_page(photo: OpenedPhoto, forms: Sequence[FormTemplate]) -> PlacedPage:
    """Find and place the page that a photo shows.

    Raises:
        NoFormFound: nothing that looks like an installed form.
        WrongForm: a form, but none of the installed ones.
        AmbiguousPlace: part of a form that fits several places.
        PoorPlacement: a page whose cells can't be placed closely enough.
        PhotoTooSmall: a page that takes up too few pixels.
    """
    placed = _place(photo, [at_wall_size(form) for form in forms])
    enlargement = placed.form.enlargement
    resolution = placed.placement.px_per_mm / enlargement
    if resolution < LEAST_PX_PER_MM:
        raise PhotoTooSmall(
            f"{photo.name}: the page has {resolution * enlargement:.2f} px per mm of paper, "
            f"{LEAST_PX_PER_MM * enlargement:.2f} are needed",
            px_per_mm=placed.placement.px_per_mm,
        )
    if photo.reduction > 1 and resolution / photo.reduction < ENOUGH_PX_PER_MM:
        # The page fills only part of the photo: its digits deserve the pixels that are there.
        return in_finer(placed, open_finer(photo, photo.reduction // 2))
    return placed


def in_finer(placed: PlacedPage, finer: OpenedPhoto) -> PlacedPage:
    """The same placing in a finer decode of the same photo."""
    factor = placed.photo.reduction / finer.reduction
    shift = (factor - 1) / 2
    grow = np.array([[factor, 0, shift], [0, factor, shift], [0, 0, 1.0]])
    warp = replace(placed.warp, homography=grow @ placed.warp.homography)
    return replace(placed, photo=finer, warp=warp)


def _place(photo: OpenedPhoto, forms: Sequence[FormTemplate]) -> PlacedPage:
    by_code = _by_code(photo, forms)
    if by_code is not None:
        return by_code
    try:
        by_print = _by_print(photo, forms)
    except AmbiguousPlace:
        if stranger := _stranger(photo, _strange_codes(photo, forms)):
            raise stranger from None
        raise
    strangers = _strange_codes(photo, forms)
    if by_print is not None:
        # Forms of one election day print much alike: a code on the sheet says which one this is.
        strangers = [tag for tag in strangers if _lies_on(by_print, tag)]
    if stranger := _stranger(photo, strangers):
        raise stranger
    if by_print is not None:
        other = other_model(by_print)
        if other is not None:
            raise WrongForm(
                f"{photo.name} is printed like {by_print.form.title}, but its title says {other}",
                title=other,
            )
        return by_print
    title = read_title(photo.grey, forms)
    if title.form_id is not None:
        raise PoorPlacement(
            f"{photo.name} says that it is {title.form_id}, but its boxes can't be made out",
            form=title.form_id,
        )
    if title.is_count_form:
        raise WrongForm(
            f"{photo.name} is a count form, but none that is installed: "
            + " / ".join(title.lines or title.words),
            title=" / ".join(title.lines or title.words),
        )
    raise NoFormFound(f"{photo.name}: neither a square code nor the boxes of a form were found")


def _stranger(photo: OpenedPhoto, codes: Sequence[FoundTag]) -> WrongForm | None:
    """What to say of a sheet with codes that no installed form has."""
    if not codes:
        return None
    return WrongForm(
        f"{photo.name} carries the square code {codes[0].id}, which no installed form has",
        tag=codes[0].id,
    )


def _by_code(photo: OpenedPhoto, forms: Sequence[FormTemplate]) -> PlacedPage | None:
    """The page that a square code names, if the print bears it out."""
    for family, pages in _coded_pages(forms).items():
        sheets = _sheets(photo, pages, tags_in(photo, family, tuple(pages)))
        if len(sheets) == 1 and _room_beside(sheets[0]) > ROOM_FOR_A_SHEET:
            # There is room for another sheet, whose code is too small for the quick look.
            others = find_tags(photo.grey, family, tuple(pages))
            beside = [tag for tag in others if not _lies_on(sheets[0], tag)]
            sheets += _sheets(photo, pages, beside)
        if len(sheets) > 1:
            numbers = ", ".join(str(sheet.page.number) for sheet in sheets)
            raise AmbiguousPlace(
                f"{photo.name} shows {len(sheets)} sheets (pages {numbers}) in one picture",
                sheets=len(sheets),
            )
        if sheets:
            return sheets[0]
    return None


def _sheets(
    photo: OpenedPhoto,
    pages: Mapping[int, tuple[FormTemplate, PageTemplate]],
    tags: Sequence[FoundTag],
) -> list[PlacedPage]:
    """The pages that square codes name, as far as the print bears them out."""
    sheets = []
    for tag in tags:
        form, page = pages[tag.id]
        try:
            sheets.append(refine(by_tag(photo, form, page, tag)))
        except NoFormFound:
            continue  # A code without its page: the boxes may still be found.
    return sheets


def _room_beside(placed: PlacedPage) -> float:
    """Widest strip of the picture that the sheet leaves free, as a share of width or height."""
    outline = np.array(placed.placement.outline) / placed.photo.full_size
    return float(max(outline.min(axis=0).max(), (1 - outline.max(axis=0)).max()))


def _lies_on(placed: PlacedPage, tag: FoundTag) -> bool:
    outline = np.array(placed.placement.outline, np.float32)
    x, y = tag.corners.mean(axis=0) * placed.photo.reduction
    return cv2.pointPolygonTest(outline, (float(x), float(y)), measureDist=False) >= 0


def _strange_codes(photo: OpenedPhoto, forms: Sequence[FormTemplate]) -> list[FoundTag]:
    """Square codes in the photo that no installed form has."""
    return [
        tag
        for family, pages in _coded_pages(forms).items()
        for tag in tags_in(photo, family, None)
        if tag.id not in pages
    ]


def _coded_pages(
    forms: Sequence[FormTemplate],
) -> dict[str, dict[int, tuple[FormTemplate, PageTemplate]]]:
    """Family of square codes to the number of each code and its page.

    Families of forms that come with chasil go first: a form of the user's own takes no photo of
    theirs.
    """
    found: dict[str, dict[int, tuple[FormTemplate, PageTemplate]]] = {}
    for form in sorted(
        forms, key=lambda one: (one.id not in shipped_forms(), one.tag_family or "")
    ):
        if form.tag_family:
            pages = found.setdefault(form.tag_family, {})
            pages.update({page.tag.id: (form, page) for page in form.pages if page.tag})
    return found


def _by_print(photo: OpenedPhoto, forms: Sequence[FormTemplate]) -> PlacedPage | None:
    """The placing by digit boxes or rulings that most of the print bears out.

    Raises:
        AmbiguousPlace: where another placing is borne out nearly as well.
        PoorPlacement: where the picture's mirror image is borne out as well or better.
    """
    only_codes = all(form.tag_family for form in forms)
    ruled = None if only_codes else ruled_picture(photo.grey)
    best = _best_by_print(photo, ruled, forms)
    if best is None:
        return None
    # A mirror image of the page that was found could only be that page.
    pages = forms if best.form.tag_family else [best.form]
    mirrored = replace(photo, grey=np.ascontiguousarray(photo.grey[:, ::-1]))
    if _by_code(mirrored, pages) is None:
        try:
            turned_over = ruled.mirrored() if ruled is not None else None
            other = _best_by_print(mirrored, turned_over, pages)
            rival = other.support if other else 0.0
        except AmbiguousPlace as error:
            # Turned over it fits several places: a doubt only where it fits them better.
            turned = float(error.data.get("best") or 0.0)
            rival = turned if turned >= best.support else 0.0
        if rival < RIVAL * best.support:
            return best
    raise PoorPlacement(f"{photo.name} may be a mirror image: its print fits better turned over")


def _guesses(
    photo: OpenedPhoto, picture: RuledPicture | None, forms: Sequence[FormTemplate]
) -> list[Guess]:
    """Ways to lay a page on the photo.

    Forms with a square code are laid by their boxes, which stand apart from each other; all others
    by their rulings. Where the rulings leave no doubt, nobody looks at the boxes: it takes longer.
    """
    coded = [form for form in forms if form.tag_family]
    if len(coded) == len(forms):
        return guesses(photo.grey, coded, MOST_GUESSES)
    found = guesses_by_rulings(picture, forms, MOST_GUESSES) if picture is not None else []
    ruled = [guess for guess in found if guess.fit >= max(LEAST_FIT, RIVAL_FIT * found[0].fit)]
    others = [guess for guess in ruled if guess.form.tag_family is None]
    if (
        others
        and others[0].fit >= SURE_FIT
        and not any(guess.form.tag_family and guess.fit >= RIVAL * others[0].fit for guess in ruled)
    ):
        return others
    return (guesses(photo.grey, coded, MOST_GUESSES) if coded else []) + others


def _best_by_print(
    photo: OpenedPhoto, picture: RuledPicture | None, forms: Sequence[FormTemplate]
) -> PlacedPage | None:
    borne_out: list[tuple[PlacedPage, Guess, float]] = []
    doubtful: list[tuple[PlacedPage, Guess, float]] = []
    for guess in _guesses(photo, picture, forms):
        try:
            placed, seen, sure = _refined(photo, guess)
        except (NoFormFound, PoorPlacement):
            continue  # One of several guesses: the print says no.
        (borne_out if sure else doubtful).append((placed, guess, seen))
    borne_out = [
        (placed, guess, seen)
        for placed, guess, seen in borne_out
        if placed.agreeing >= LEAST_MARKS
        and placed.support >= _least_support(guess) * placed.agreeing
    ]
    if not borne_out and doubtful:
        shifted = doubtful[0][0]
        raise AmbiguousPlace(
            f"{photo.name}: {shifted.form.id} page {shifted.page.number} fits as well one "
            "box further on",
        )
    if not borne_out:
        return None
    borne_out.sort(key=lambda one: one[0].support * one[2], reverse=True)
    (best, guess, best_seen), *others = borne_out
    for other, its, seen in others:
        # One that leaves boxes unexplained which the best explains is no rival, nor is the same
        # placing found twice. Boxes and crossings of lines are no common measure.
        explains_as_much = (
            its.method != guess.method or its.method == "rulings" or its.matched >= guess.matched
        )
        as_good = other.support * seen > RIVAL * best.support * best_seen
        seen_as_well = seen > best_seen - DOUBT
        if as_good and seen_as_well and explains_as_much and not _same_place(best, other):
            raise AmbiguousPlace(
                f"{photo.name}: the part in view fits {best.form.id} page {best.page.number} "
                f"and {other.form.id} page {other.page.number} "
                f"{'in another place' if other.form is best.form else 'alike'}",
                best=round(best.support, 1),
                other=round(other.support, 1),
            )
    for other, _, seen in doubtful:
        # Where on that page the picture lies is open, but so is then which page it shows.
        is_other_page = (other.form.id, other.page.number) != (best.form.id, best.page.number)
        if is_other_page and other.support * seen > RIVAL * best.support * best_seen:
            raise AmbiguousPlace(
                f"{photo.name}: what fits {best.form.id} page {best.page.number} fits "
                f"{other.form.id} page {other.page.number} as well, in more than one place",
                best=round(best.support, 1),
                other=round(other.support, 1),
            )
    return best


def _refined(photo: OpenedPhoto, guess: Guess) -> tuple[PlacedPage, float, bool]:
    """A guess as a placed page.

    With the share of its lines that is seen, and whether it is sure not to lie a box further on.

    Raises:
        NoFormFound, PoorPlacement: the print says no.
    """
    located = by_guess(photo, guess)
    if guess.method != "rulings":
        return refine(located), 1.0, True
    for _ in range(MOST_MOVES):
        placed = refine(located)
        shift = shift_of(placed.form, placed.page, placed.warp, located.dark)
        if shift.rival <= shift.seen:
            break
        guess = moved(guess, placed.warp, shift)
        located = by_guess(photo, guess)
    borne_out = shift.seen / max(shift.in_view, 0.01) * placed.agreeing / placed.looked_for
    if borne_out < LEAST_BORNE_OUT + MORE_WHERE_CUT * (1 - shift.in_view):
        raise PoorPlacement(
            f"{photo.name}: of the lines and marks of {placed.form.id} page {placed.page.number} "
            "that are in view too few are seen",
            borne_out=round(borne_out, 2),
            in_view=round(shift.in_view, 2),
        )
    return placed, shift.seen, not shift.doubtful


def _least_support(guess: Guess) -> float:
    return LEAST_SUPPORT if guess.method == "boxes" else LEAST_SUPPORT_OF_RULINGS


def _same_place(one: PlacedPage, other: PlacedPage) -> bool:
    """Whether two placings put the same page in the same place."""
    if one.page.number != other.page.number or one.form.id != other.form.id:
        return False
    # Corners of the sheet lie far from all print: on a curled one they say little.
    boxes = np.array([box for field in one.page.fields for box in field.boxes]).reshape(-1, 2)
    off = np.hypot(*(one.warp.to_px(boxes) - other.warp.to_px(boxes)).T)
    width, height = one.form.page_mm
    px = SAME_MM * one.warp.px_per_mm((width / 2, height / 2))
    return float(np.percentile(off, SAME_BOXES)) < px

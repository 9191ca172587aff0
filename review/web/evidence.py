"""What an item rests on: the photo, the field's place in it, and what each witness looked at."""

from __future__ import annotations

from dataclasses import dataclass

from models.queue import QueueItem
from models.records import BoxPx, FieldReading, PageReading, TallyRow, Witness
from review.errors import NoSuchPhoto, NotAPicture
from review.outline import PointPx, field_outline
from review.web.parts import Room, url
from review.web.places import form_of

CROP_MARGIN = 0.5
"""Heights of the box that a crop shows on each side."""

TALLY_MARGIN = 0.15

LEAST_SEEN = 0.3
"""Share of an outline, in width and height, that must lie in the photo to be drawn."""

ROW_MARGIN = 0.4
"""The same for a whole row."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an item rests on, as far as it may be shown."""

    photo: str | None
    """Address of the photo; ``None`` where there is none."""
    size: tuple[int, int] | None
    """Width and height of the upright photo in px; ``None`` where it can't be opened."""
    crop: str | None
    """Address of the field's crop."""
    row: str | None
    """Address of a crop of the whole row, from one edge of the sheet to the other."""
    box: BoxPx | None
    """The field in the upright full-size photo."""
    outline: tuple[PointPx, ...]
    """Corners of where the form has the field, in px, where no witness has a place for it."""
    turn: int
    """Quarter turns clockwise that set the page upright."""
    page: PageReading | None
    field: FieldReading | None
    witnesses: tuple[tuple[str, Witness, str | None], ...]
    """Name, reading, address of the crop."""
    rows: tuple[tuple[TallyRow, str], ...]
    """Rows of the tally in which something is written, with the address of their crop."""
    others: tuple[tuple[str, str], ...]
    """Address and name of the other photos that came in for this TPS."""

    @property
    def addresses(self) -> list[str]:
        """All pictures of the page, the crop first."""
        crops = [crop for _, _, crop in self.witnesses]
        return [one for one in (self.crop, self.photo, self.row, *crops) if one]


def evidence_of(room: Room, item: QueueItem) -> Evidence:
    """The photo, the field's place in it, and what each witness read there."""
    kept = room.store.queue.photos_of_tps(item.tps) if item.tps else ()
    others = tuple((f"/photos/{sha}", name) for sha, name in kept if sha != item.sha256)
    if item.sha256 is None:
        return Evidence(None, None, None, None, None, (), 0, None, None, (), (), others)
    batch = room.store.latest_batch()
    found = room.store.queue.page_reading(item.sha256, item.pdf_page, batch.recipe if batch else "")
    field = found.fields.get(item.field) if found and item.field else None
    turn = quarter_turns(found)
    witnesses = tuple(field.witnesses.items()) if field else ()
    boxes = [witness.box for _, witness in witnesses if witness.box]
    box = around(boxes) if boxes else None
    size = _size(room, item)
    outline = () if box else field_outline(form_of(item.form), found, item.field)
    if outline and size:
        box = _within(outline, size)
        outline = outline if box else ()
    return Evidence(
        photo=url(f"/photos/{item.sha256}", page=item.pdf_page),
        size=size,
        crop=crop_address(item, box, turn=turn),
        row=crop_address(item, row_of(box, found, turn), margin=0.0, turn=turn),
        box=box,
        outline=outline,
        turn=turn,
        page=found,
        field=field,
        witnesses=tuple(
            (name, witness, crop_address(item, witness.box, turn=turn))
            for name, witness in witnesses
        ),
        rows=tuple(
            (row, crop_address(item, row.box, margin=TALLY_MARGIN, turn=turn) or "")
            for _, witness in witnesses
            for row in witness.rows
            if row.strokes != 0 or row.written
        ),
        others=others,
    )


def quarter_turns(page: PageReading | None) -> int:
    """Quarter turns clockwise that set a page upright; 0 where nobody knows."""
    if page is None or page.placement is None:
        return 0
    return -round(page.placement.rotation_degrees / 90) % 4


def row_of(box: BoxPx | None, page: PageReading | None, turn: int) -> BoxPx | None:
    """The strip of the sheet on which a box lies, in px; ``None`` where the page was not placed."""
    if box is None or page is None or page.placement is None:
        return None
    across = [x for x, _ in page.placement.outline]
    down = [y for _, y in page.placement.outline]
    x0, y0, x1, y1 = box
    if turn % 2:
        more = ROW_MARGIN * (x1 - x0)
        return x0 - more, min(down), x1 + more, max(down)
    more = ROW_MARGIN * (y1 - y0)
    return min(across), y0 - more, max(across), y1 + more


def crop_address(
    item: QueueItem, box: BoxPx | None, margin: float = CROP_MARGIN, turn: int = 0
) -> str | None:
    """Address of a crop of the item's photo; ``None`` without a box."""
    if box is None:
        return None
    x0, y0, x1, y1 = (round(value, 1) for value in box)
    return url(
        f"/photos/{item.sha256}/crop",
        x0=x0,
        y0=y0,
        x1=x1,
        y1=y1,
        margin=margin,
        turn=turn or None,
        page=item.pdf_page,
    )


def around(boxes: list[BoxPx]) -> BoxPx:
    """The smallest box round all of them."""
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )


def _within(outline: tuple[PointPx, ...], size: tuple[int, int]) -> BoxPx | None:
    """The box round an outline, as far as the photo shows it; ``None`` where it shows little."""
    xs, ys = [x for x, _ in outline], [y for _, y in outline]
    x0, y0 = max(min(xs), 0.0), max(min(ys), 0.0)
    x1, y1 = min(max(xs), float(size[0])), min(max(ys), float(size[1]))
    least = LEAST_SEEN * (max(xs) - min(xs)), LEAST_SEEN * (max(ys) - min(ys))
    if x1 - x0 <= least[0] or y1 - y0 <= least[1]:
        return None
    room = y1 - y0  # the place is not sure: more of the sheet is shown round it
    return x0 - room, y0 - room, x1 + room, y1 + room


def _size(room: Room, item: QueueItem) -> tuple[int, int] | None:
    if item.sha256 is None:
        return None
    try:
        return room.pictures.size(item.sha256, item.pdf_page)
    except (NoSuchPhoto, NotAPicture):
        return None

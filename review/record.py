"""The record of one kecamatan for a plenary: every conflict with its decision and crop.

One file, whole in itself: as HTML with the crops inside, or as PDF (by reportlab).
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape

from jinja2 import Environment
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Image, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from models.queue import QueueItem
from review.texts import Speaker

MOST_CROPS = 200
"""Photos are decoded for them: these take some seconds, more would take minutes."""

FONT, BOLD = "Vera", "VeraBd"
"""Bitstream Vera, which reportlab brings along: it covers Latin scripts."""

CROP_MM = (46.0, 14.0)


@dataclass(frozen=True, slots=True)
class RecordLine:
    """One item of the record."""

    item: QueueItem
    place: str
    label: str
    hidden: bool
    """Its number still waits, here or on a copy, and whoever asked may have to answer it blind."""
    reason: str
    reference: str
    crop: bytes | None
    """JPEG of the field."""
    told: str = ""
    """What it is about; empty where it is hidden."""

    @property
    def crop_address(self) -> str:
        """The crop as a data address, for a page that stands alone."""
        return f"data:image/jpeg;base64,{base64.b64encode(self.crop or b'').decode()}"


@dataclass(frozen=True, slots=True)
class SumLine:
    """One field's sums over the kecamatan."""

    label: str
    entry: int
    audited: int
    entry_known: int
    audited_known: int


@dataclass(frozen=True, slots=True)
class KecamatanRecord:
    """Everything the record shows."""

    code: str
    name: str
    made_at: datetime
    made_by: str
    done: int
    total: int
    sums: Sequence[SumLine]
    lines: Sequence[RecordLine]
    without_crop: int
    """Items whose crop was left out because there are too many."""


def as_html(record: KecamatanRecord, templates: Environment, t: Speaker) -> bytes:
    """The record as one HTML file, for reading, printing and handing on."""
    html = templates.get_template("record.html").render(record=record, t=t)
    return html.encode()


def as_pdf(record: KecamatanRecord, t: Speaker) -> bytes:
    """The record as PDF, A4 across, with its header on every page."""
    _load_fonts()
    out = io.BytesIO()
    title = t("record.title", name=record.name)
    document = SimpleDocTemplate(
        out,
        pagesize=landscape(A4),
        leftMargin=12 * mm,
        rightMargin=12 * mm,
        topMargin=14 * mm,
        bottomMargin=14 * mm,
        title=title,
        author=record.made_by,
    )
    text = ParagraphStyle("text", fontName=FONT, fontSize=8, leading=10)
    small = ParagraphStyle("small", parent=text, fontSize=7, leading=9)
    head = ParagraphStyle("head", parent=text, fontName=BOLD)
    large = ParagraphStyle("large", parent=head, fontSize=15, leading=19)

    def say(what: object, style: ParagraphStyle = text) -> Paragraph:
        return Paragraph(escape(str(what)), style)

    story: list[object] = [
        say(f"{title} ({record.code})", large),
        say(
            t(
                "record.made",
                by=record.made_by,
                at=t.moment(record.made_at),
                done=t.number(record.done),
                total=t.number(record.total),
            )
        ),
        Spacer(1, 4 * mm),
    ]
    sums = [
        [say(t(f"record.{name}"), head) for name in ("field", "reported", "audited", "difference")]
    ]
    sums += [
        [
            say(line.label),
            say(f"{t.number(line.entry)} ({t('dashboard.of_tps', many=line.entry_known)})"),
            say(f"{t.number(line.audited)} ({t('dashboard.of_tps', many=line.audited_known)})"),
            say(t.signed(line.audited - line.entry) if _comparable(line) else "–"),
        ]
        for line in record.sums
    ]
    if record.sums:
        story += [
            Table(sums, colWidths=[70 * mm, 55 * mm, 55 * mm, 35 * mm], repeatRows=1, style=_STYLE),
            Spacer(1, 5 * mm),
        ]
    columns = ("place", "field", "reported", "audited", "machine", "outcome", "crop")
    rows: list[list[object]] = [[say(t(f"record.{name}"), head) for name in columns]]
    rows += [
        [
            [say(line.place), say(line.item.tps or "", small)],
            [say(line.label), say("" if line.hidden else line.told, small)],
            say(_number(t, line.item.entry, line.hidden)),
            say("?" if line.hidden else _audited(t, line.item), head),
            say(_number(t, line.item.reading, line.hidden)),
            [
                say(outcome_text(t, line.item, hidden=line.hidden)),
                say(" · ".join(_who_and_why(t, line)), small),
            ],
            _picture(line.crop) if line.crop else say("–"),
        ]
        for line in record.lines
    ]
    if record.lines:
        widths = [48, 48, 22, 22, 22, 62, 48]
        story.append(
            Table(rows, colWidths=[one * mm for one in widths], repeatRows=1, style=_STYLE)
        )
    else:
        story.append(say(t("record.nothing")))
    if record.without_crop:
        story.append(say(t("record.without_crop", many=record.without_crop, most=MOST_CROPS)))
    story += [Spacer(1, 12 * mm), say(t("record.signatures"))]

    def foot(canvas: Canvas, page: SimpleDocTemplate) -> None:
        canvas.setFont(FONT, 7)
        canvas.drawString(12 * mm, 8 * mm, f"{title} ({record.code}) · {t.moment(record.made_at)}")
        canvas.drawRightString(285 * mm, 8 * mm, str(page.page))

    document.build(story, onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()


def outcome_text(t: Speaker, item: QueueItem, *, hidden: bool = False) -> str:
    """What was found, or whom the item waits for; the status alone where the finding is hidden."""
    if item.outcome and not hidden:
        return t.name("outcome", item.outcome)
    return t.name("status", item.status)


def _who_and_why(t: Speaker, line: RecordLine) -> list[str]:
    decided = line.item.outcome is not None and not line.hidden
    who = [f"{line.item.decided_by}, {t.moment(line.item.decided_at)}"] if decided else []
    return [*who, *(one for one in (line.reference, line.reason) if one)]


def _comparable(line: SumLine) -> bool:
    return line.entry_known == line.audited_known


def _number(t: Speaker, value: int | None, hidden: bool) -> str:
    return "?" if hidden else t.number(value)


def _audited(t: Speaker, item: QueueItem) -> str:
    if not item.settles_number:
        return "–"
    return t("mark.empty") if item.number is None else t.number(item.number)


def _picture(crop: bytes) -> Image:
    picture = Image(io.BytesIO(crop))
    wide, high = CROP_MM[0] * mm, CROP_MM[1] * mm
    scale = min(wide / picture.imageWidth, high / picture.imageHeight)
    picture.drawWidth, picture.drawHeight = picture.imageWidth * scale, picture.imageHeight * scale
    return picture


_STYLE = TableStyle(
    [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, 0), 1, colors.black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.25, colors.grey),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
)


def _load_fonts() -> None:
    known = pdfmetrics.getRegisteredFontNames()
    for name in (FONT, BOLD):
        if name not in known:
            pdfmetrics.registerFont(TTFont(name, f"{name}.ttf"))

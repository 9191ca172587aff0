"""The header of a page for people and programs: what was read, and whose form it is."""

from __future__ import annotations

from rich.text import Text

from flows.exports import printable
from models.recognisers.evidence import load_header_evidence
from models.records import PageReading
from models.regions import RegionTable
from pipeline.whose import Whose, WhoseVerdict, place_name, whose_form

STYLES = {
    WhoseVerdict.MATCH: "green",
    WhoseVerdict.MISMATCH: "red",
    WhoseVerdict.CANT_TELL: "yellow",
}


def whose_page(page: PageReading, regions: RegionTable) -> Whose | None:
    """The verdict on a page; ``None`` where it claims no TPS or shows no header.

    Raises:
        RecogniserError: what was measured of the line recogniser is missing or is of another one.

    """
    if page.tps is None or page.header is None:
        return None
    return whose_form(page.header, page.tps, regions, load_header_evidence())


def header_as_json(page: PageReading, regions: RegionTable) -> dict[str, object] | None:
    """What the header says, line by line, with the verdict where the page claims a TPS.

    Lattices stay out: they are of use to programs that score names only, and are in the store.
    """
    if page.header is None:
        return None
    whose = whose_page(page, regions)
    parts: dict[str, dict[str, object]] = {
        part: line.model_dump(mode="json", exclude={"lattice"})
        for part, line in page.header.lines.items()
    }
    if whose is None:
        return {"parts": parts}
    for part, verdict in whose.parts.items():
        parts[part] |= verdict.model_dump(mode="json")
    known = whose.model_dump(mode="json", exclude={"parts", "claimed"})
    return known | {"parts": parts}


def header_as_text(page: PageReading, regions: RegionTable) -> Text | None:
    """The same in a line or two for a terminal; ``None`` where no header is in view."""
    if page.header is None:
        return None
    whose = whose_page(page, regions)
    text = Text("header: ", justify="left")
    for place, (part, line) in enumerate(page.header.lines.items()):
        style = STYLES[whose.parts[part].verdict] if whose and part in whose.parts else ""
        text.append(", " if place else "").append(f"{part.replace('_', ' ')} ")
        text.append(printable(line.text) or "nothing", style=style)
    if whose is None:
        return text
    text.append("\nWhose form it is: ")
    text.append(whose.verdict.replace("cant_tell", "can't tell"), style=STYLES[whose.verdict])
    if page.tps not in regions:
        text.append(f"; the table of regions does not hold {page.tps}")
    elif whose.verdict is WhoseVerdict.MATCH:
        text.append(f", {place_name(whose.claimed, regions)}")
    elif whose.likeliest_name is not None:
        text.append(f"; it looks more like {whose.likeliest_name} ({whose.likeliest})")
    return text

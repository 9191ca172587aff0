"""What comparing looks at of a TPS's pages once they are put together, and nothing else.

A page has some 25 kB: pictures' places, probabilities of every box, the header's lattices. All of
that has done its work when the fields are weighed and the header is scored. What is left says the
same to ``pipeline.compare`` in a fiftieth of it, and so it can be kept and compared again with
other entries in no time. ``packed`` and ``unpacked`` write it as plain JSON and read it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, cast

from models.errors import ErrorRecord
from models.records import (
    DigitBox,
    FieldReading,
    FieldStatus,
    FormReading,
    PageReading,
    PageStatus,
    ReviewReason,
    Witness,
)
from pipeline.gather import Gathered, MissingPage, PartlySeenPage, WrongPage

A_BOX = DigitBox(label="other", confidence=0.0, probabilities={}, box=(0.0, 0.0, 0.0, 0.0))
"""Stands for any box: comparing asks how many boxes a field has."""

ALWAYS = ("digits", "bubbles")
"""Witnesses whose numbers a rule holds against each other; the others speak for doubts alone."""

_PAGE = ("photo", "sha256", "pdf_page", "tps", "form", "page")


def together(parts: Iterable[Gathered]) -> Gathered:
    """Several TPS's as one; without copies, which only all pages together can tell."""
    some = tuple(parts)
    return Gathered(
        form_readings=tuple(one for part in some for one in part.form_readings),
        missing=tuple(one for part in some for one in part.missing),
        partly_seen=tuple(one for part in some for one in part.partly_seen),
        wrong_pages=tuple(one for part in some for one in part.wrong_pages),
        rejected=tuple(one for part in some for one in part.rejected),
        without_tps=tuple(one for part in some for one in part.without_tps),
        photos=tuple(one for part in some for one in part.photos),
        tps=frozenset(tps for part in some for tps in part.tps),
    )


def thin(gathered: Gathered) -> Gathered:
    """The same without what comparing never asks for: it gives the same conflicts.

    Headers are gone too: hold them against the table of regions before. Copies are left out.
    """
    known: dict[int, PageReading] = {}

    def page(whole: PageReading) -> PageReading:
        if id(whole) not in known:
            known[id(whole)] = _thin_page(whole)
        return known[id(whole)]

    return Gathered(
        form_readings=tuple(
            FormReading.model_construct(
                tps=one.tps,
                form=one.form,
                fields={name: _thin_field(field) for name, field in one.fields.items()},
                pages={name: page(whole) for name, whole in one.pages.items()},
            )
            for one in gathered.form_readings
        ),
        missing=tuple(
            replace(one, rejected=tuple(map(page, one.rejected))) for one in gathered.missing
        ),
        partly_seen=tuple(replace(one, photo=page(one.photo)) for one in gathered.partly_seen),
        wrong_pages=tuple(
            replace(one, photos=tuple(map(page, one.photos))) for one in gathered.wrong_pages
        ),
        rejected=tuple(map(page, gathered.rejected)),
        without_tps=tuple(map(page, gathered.without_tps)),
        photos=tuple(map(page, gathered.photos)),
        tps=gathered.tps,
    )


def _thin_page(page: PageReading) -> PageReading:
    without: dict[str, object] = {"fields": {}, "header": None, "placement": None}
    return page.model_copy(update=without)


def _thin_field(field: FieldReading) -> FieldReading:
    return _built(
        field.value,
        field.confidence,
        field.status,
        field.reasons,
        {
            name: _thin_witness(witness.value, witness.confidence, len(witness.boxes))
            for name, witness in field.witnesses.items()
            if name in ALWAYS or field.status is FieldStatus.REVIEW
        },
    )


def _built(
    value: int | None,
    confidence: float,
    status: FieldStatus,
    reasons: tuple[ReviewReason, ...],
    witnesses: dict[str, Witness],
) -> FieldReading:
    return FieldReading.model_construct(
        _TOLD,
        value=value,
        confidence=confidence,
        witnessed=None,
        status=status,
        reasons=reasons,
        witnesses=witnesses,
    )


_TOLD = set(FieldReading.model_fields)


@lru_cache(maxsize=4096)
def _thin_witness(value: int | None, confidence: float, boxes: int) -> Witness:
    return Witness.model_construct(
        value=value, confidence=confidence, box=None, boxes=(A_BOX,) * boxes
    )


# As JSON


def packed(gathered: Gathered) -> dict[str, Any]:
    """A thin ``Gathered`` as plain JSON: pages once, and everything else by their places."""
    pages: list[list[Any]] = []
    place: dict[int, int] = {}

    def at(page: PageReading) -> int:
        if id(page) not in place:
            place[id(page)] = len(pages)
            error = page.error.model_dump(mode="json") if page.error else None
            told = [getattr(page, name) for name in _PAGE]
            pages.append([*told, page.status.value, page.recipe, error])
        return place[id(page)]

    def all_at(some: Sequence[PageReading]) -> list[int]:
        return [at(page) for page in some]

    said = {
        "forms": [
            [
                one.tps,
                one.form,
                [
                    [name, at(one.pages[name]) if name in one.pages else None, *_said(field)]
                    for name, field in one.fields.items()
                ],
            ]
            for one in gathered.form_readings
        ],
        "missing": [
            [one.tps, one.form, one.page, all_at(one.rejected)] for one in gathered.missing
        ],
        "partly_seen": [
            [one.tps, one.form, one.page, list(one.unseen), at(one.photo)]
            for one in gathered.partly_seen
        ],
        "wrong_pages": [
            [one.tps, one.form, one.page, all_at(one.photos), list(one.missing)]
            for one in gathered.wrong_pages
        ],
        "rejected": all_at(gathered.rejected),
        "without_tps": all_at(gathered.without_tps),
        "photos": all_at(gathered.photos),
        "tps": sorted(gathered.tps),
    }
    return {**said, "pages": pages}


def _said(field: FieldReading) -> list[Any]:
    return [
        field.value,
        field.confidence,
        field.status.value,
        [reason.value for reason in field.reasons],
        [
            [name, witness.value, witness.confidence, len(witness.boxes)]
            for name, witness in field.witnesses.items()
        ],
    ]


def unpacked(said: dict[str, Any]) -> Gathered:
    """What ``packed`` wrote. Nothing is checked but its form: hand in only what you wrote.

    Raises:
        KeyError, IndexError, TypeError, ValueError: it was written by something else.

    """
    pages = [_page(*told) for told in said["pages"]]

    def of(places: Iterable[int]) -> tuple[PageReading, ...]:
        return tuple(pages[place] for place in places)

    return Gathered(
        form_readings=tuple(_form(tps, form, told, pages) for tps, form, told in said["forms"]),
        missing=tuple(
            MissingPage(tps, form, page, of(rejected))
            for tps, form, page, rejected in said["missing"]
        ),
        partly_seen=tuple(
            PartlySeenPage(tps, form, page, tuple(unseen), pages[photo])
            for tps, form, page, unseen, photo in said["partly_seen"]
        ),
        wrong_pages=tuple(
            WrongPage(tps, form, page, of(photos), tuple(missing))
            for tps, form, page, photos, missing in said["wrong_pages"]
        ),
        rejected=of(said["rejected"]),
        without_tps=of(said["without_tps"]),
        photos=of(said["photos"]),
        tps=frozenset(said["tps"]),
    )


def _page(*told: Any) -> PageReading:  # noqa: ANN401 - as JSON gives it
    *plain, status, recipe, error = told
    return PageReading.model_construct(
        **dict(zip(_PAGE, plain, strict=True)),
        status=PageStatus(status),
        recipe=recipe,
        error=ErrorRecord.model_validate(error) if error else None,
    )


def _form(tps: str, form: str, told: Sequence[Any], pages: Sequence[PageReading]) -> FormReading:
    fields, page_of = {}, {}
    for name, page, value, confidence, status, reasons, witnesses in told:
        fields[name] = _built(
            value,
            confidence,
            _STATUSES[status],
            tuple(_REASONS[reason] for reason in reasons) if reasons else (),
            {who: _thin_witness(*said) for who, *said in witnesses},
        )
        if page is not None:
            page_of[name] = pages[page]
    return FormReading.model_construct(tps=tps, form=form, fields=fields, pages=page_of)


_STATUSES = cast("dict[str, FieldStatus]", dict(FieldStatus._value2member_map_))
_REASONS = cast("dict[str, ReviewReason]", dict(ReviewReason._value2member_map_))

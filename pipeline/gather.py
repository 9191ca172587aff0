"""Put the pages of one TPS together: one reading a field, and what is missing or filed twice.

Photos of one page are weighed field by field:

* a photo that shows the field wins over one that does not;
* a settled reading (clear, or clearly blank) wins over one for review;
* of several settled readings that agree, and of several for review, the most confident wins;
* a settled reading that another settled one contradicts, or one for review that is likelier right
  than wrong, settles nothing: the field goes to review with no value (``WITNESSES_DISAGREE``) and
  every photo's witnesses are kept on it.

Then the fields of the form are weighed together, by its sums (``pipeline.decide``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

from models.errors import DuplicatePhoto, FormFileError
from models.forms.template import installed_forms, load_form, owed_form
from models.records import (
    FieldReading,
    FieldStatus,
    FormReading,
    PageReading,
    PageStatus,
    ReviewReason,
    TpsCode,
    Witness,
)
from models.reliability import Reliabilities
from pipeline.decide import decide

SETTLED = (FieldStatus.CLEAR, FieldStatus.BLANK)


@dataclass(frozen=True, slots=True)
class MissingPage:
    """A page of which no photo could be read."""

    tps: TpsCode
    form: str
    page: int
    rejected: tuple[PageReading, ...]
    """Photos of this TPS that could not be read and may show it."""


@dataclass(frozen=True, slots=True)
class PartlySeenPage:
    """A page that was read, with fields that no photo shows."""

    tps: TpsCode
    form: str
    page: int
    unseen: tuple[str, ...]
    photo: PageReading


@dataclass(frozen=True, slots=True)
class Duplicates:
    """The same picture, uploaded more than once."""

    photos: tuple[PageReading, ...]

    @property
    def tps(self) -> tuple[TpsCode, ...]:
        """The TPS it was uploaded for; more than one is a finding of its own."""
        return tuple(sorted({photo.tps for photo in self.photos if photo.tps is not None}))


@dataclass(frozen=True, slots=True)
class WrongPage:
    """Different photos of one page, where another page has none: one was probably meant for it."""

    tps: TpsCode
    form: str
    page: int
    photos: tuple[PageReading, ...]
    missing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Gathered:
    """All photos of a batch, put together by TPS and form. Everything handed in is in here."""

    form_readings: tuple[FormReading, ...] = ()
    missing: tuple[MissingPage, ...] = ()
    partly_seen: tuple[PartlySeenPage, ...] = ()
    duplicates: tuple[Duplicates, ...] = ()
    wrong_pages: tuple[WrongPage, ...] = ()
    rejected: tuple[PageReading, ...] = ()
    """Photos that could not be read, with or without a TPS; not those that are mere copies."""
    without_tps: tuple[PageReading, ...] = ()
    """Photos that were read, but nothing says which TPS they are of."""
    photos: tuple[PageReading, ...] = ()
    """Photos that were read and claim a TPS, each once a TPS."""
    tps: frozenset[TpsCode] = frozenset()
    """Every TPS that has at least one photo, readable or not."""


def gather(
    pages: Iterable[PageReading], known: Reliabilities | None = None, *, form: str | None = None
) -> Gathered:
    """Put pages together.

    Args:
        pages: One record a photo (a page of a PDF is a photo); ``photo`` tells uploads apart.
        known: How far witnesses and sums are to be trusted; where ``None``, each field stays as
            its photo gave it and the sums have no say.
        form: Id of the form that every TPS must have; its pages are what can be missing. Where
            ``None``, see ``models.forms.template.owed_form``.

    A page that was read as a form that is no longer installed counts as rejected, and says so.

    Raises:
        FormFileError: where a form's file is broken.
        ValueError: where a page is said to be read, but not which form and page it is.

    """
    form = form or owed_form()
    installed = frozenset(installed_forms())
    everything = sorted(pages, key=_order)
    photos = [_with_its_form(photo, installed) for photo in _originals(everything)]
    read = [photo for photo in photos if photo.status is PageStatus.READ]
    rejected = [photo for photo in photos if photo.status is PageStatus.REJECTED]
    all_tps = frozenset(photo.tps for photo in everything if photo.tps is not None)

    # Every TPS owes the form that was asked for, whatever its photos show.
    by_form: dict[tuple[TpsCode, str], list[PageReading]] = {(tps, form): [] for tps in all_tps}
    for photo in read:
        if photo.form is None or photo.page is None:
            raise ValueError(f"{photo.photo} is said to be read, but not which form and page it is")
        if photo.tps is not None:
            by_form.setdefault((photo.tps, photo.form), []).append(photo)
    rejected_by_tps: dict[TpsCode, list[PageReading]] = defaultdict(list)
    for photo in rejected:
        if photo.tps is not None:
            rejected_by_tps[photo.tps].append(photo)

    forms = [
        _of_form(tps, form_id, of_form, rejected_by_tps[tps], known)
        for (tps, form_id), of_form in sorted(by_form.items())
    ]
    return Gathered(
        form_readings=tuple(one for each in forms for one in each.form_readings),
        missing=tuple(one for each in forms for one in each.missing),
        partly_seen=tuple(one for each in forms for one in each.partly_seen),
        duplicates=tuple(_duplicates(everything)),
        wrong_pages=tuple(one for each in forms for one in each.wrong_pages),
        rejected=tuple(photo for photo in rejected if not _is_copy(photo)),
        without_tps=tuple(photo for photo in read if photo.tps is None),
        photos=tuple(photo for photo in read if photo.tps is not None),
        tps=all_tps,
    )


class _FormGone(FormFileError):
    """A page was read as a form whose data file was taken away since."""

    remedy = "Install the form again, or read the photo again with the forms that are installed."


def _with_its_form(photo: PageReading, installed: frozenset[str]) -> PageReading:
    """The photo; as a rejected one where its form is gone, for then its fields mean nothing."""
    if photo.status is not PageStatus.READ or photo.form is None or photo.form in installed:
        return photo
    gone = _FormGone(
        f"{photo.photo} was read as {photo.form} page {photo.page}, a form that is no longer "
        "installed",
        form=photo.form,
    )
    update: dict[str, object] = {
        "status": PageStatus.REJECTED,
        "form": None,
        "page": None,
        "fields": {},
        "header": None,
        "error": gone.record(),
    }
    return photo.model_copy(update=update)


def _of_form(
    tps: TpsCode,
    form: str,
    photos: Sequence[PageReading],
    rejected: Sequence[PageReading],
    known: Reliabilities | None,
) -> Gathered:
    """What the photos of one form of one TPS make together, and what they lack."""
    by_page: dict[int, list[PageReading]] = defaultdict(list)
    for photo in photos:
        by_page[photo.page or 0].append(photo)
    reading = _form_reading(tps, form, photos)
    if known is not None:
        reading = decide(reading, known)
    missing = [page.number for page in load_form(form).pages if page.number not in by_page]
    partly_seen = []
    for page in load_form(form).pages:
        unseen = tuple(
            field.name
            for field in page.fields
            if field.name not in reading.fields
            or reading.fields[field.name].status is FieldStatus.NOT_IN_VIEW
        )
        if unseen and page.number in by_page:
            partly_seen.append(
                PartlySeenPage(tps, form, page.number, unseen, by_page[page.number][0])
            )
    return Gathered(
        form_readings=(reading,) if photos else (),
        missing=tuple(
            MissingPage(
                tps, form, number, tuple(one for one in rejected if one.page in (None, number))
            )
            for number in missing
        ),
        partly_seen=tuple(partly_seen),
        wrong_pages=tuple(
            WrongPage(tps, form, number, tuple(same), tuple(missing))
            for number, same in sorted(by_page.items())
            if missing and len(same) > 1
        ),
    )


LIKELY = 0.5
"""Confidence from which a reading that needs a person is likelier right than wrong."""


def merge_field(
    seen: Sequence[tuple[PageReading, FieldReading]],
) -> tuple[PageReading, FieldReading]:
    """One reading of a field from one or more photos of its page, as the module says.

    Args:
        seen: Each photo with its reading of the field; at least one.

    Returns:
        The photo whose reading stands, and the reading.

    """
    in_view = [
        (photo, field) for photo, field in seen if field.status is not FieldStatus.NOT_IN_VIEW
    ]
    settled = [(photo, field) for photo, field in in_view if field.status in SETTLED]
    # A number that somebody may have written is not silenced by a photo that is sure of another,
    # or sure that nothing is there.
    doubts = [
        (photo, field)
        for photo, field in in_view
        if field.status is FieldStatus.REVIEW
        and field.value is not None
        and field.confidence >= LIKELY
    ]
    candidates = [*settled, *doubts] if settled else in_view or list(seen)
    photo, best = max(
        settled or candidates,
        key=lambda one: (bool(settled) or one[1].value is not None, one[1].confidence),
    )
    values = [field.value for _, field in candidates]
    # Blank is an answer of its own where it is settled; for review, no value is no answer.
    answers = set(values) if settled else set(values) - {None}
    if len(answers) < 2:
        return photo, best
    update: dict[str, object] = {
        "status": FieldStatus.REVIEW,
        "reasons": (*dict.fromkeys((*best.reasons, ReviewReason.WITNESSES_DISAGREE)),),
        "witnesses": best.witnesses | dict(_witnesses_elsewhere(candidates, photo)),
    }
    if settled:
        confidences = [field.confidence for _, field in candidates]
        update |= {"value": None, "confidence": _share_of_best(values, confidences)}
    return photo, best.model_copy(update=update)


def _share_of_best(values: Sequence[int | None], confidences: Sequence[float]) -> float:
    """How much the likeliest of several contradicting values is to be believed, 0 to 1.

    Each value's weight is the chance that the photos that say it are right and the others wrong.
    """
    certain = 1 - 1e-6  # no photo is beyond doubt, or two such would have no weight at all
    chances = [min(confidence, certain) for confidence in confidences]
    weights = [
        prod(
            chance if other == value else 1 - chance
            for other, chance in zip(values, chances, strict=True)
        )
        for value in dict.fromkeys(values)
    ]
    total = sum(weights)
    return max(weights) / total if total else 0.0


def _witnesses_elsewhere(
    candidates: Sequence[tuple[PageReading, FieldReading]], chosen: PageReading
) -> Iterator[tuple[str, Witness]]:
    """The other photos' witnesses, as ``digits@PHOTO``; their boxes are pixels of that photo."""
    for photo, field in candidates:
        if photo is not chosen:
            for name, witness in field.witnesses.items():
                yield f"{name}@{photo.photo}", witness


def _form_reading(tps: TpsCode, form: str, photos: Sequence[PageReading]) -> FormReading:
    seen: dict[str, list[tuple[PageReading, FieldReading]]] = defaultdict(list)
    for photo in photos:
        for name, field in photo.fields.items():
            seen[name].append((photo, field))
    merged = {name: merge_field(seen[name]) for name in load_form(form).field_names if name in seen}
    return FormReading(
        tps=tps,
        form=form,
        fields={name: field for name, (_, field) in merged.items()},
        pages={name: photo for name, (photo, _) in merged.items()},
    )


def _order(photo: PageReading) -> tuple[str, int, str, bool, str]:
    """An order that does not depend on how the photos came in; what was read comes first."""
    return (
        photo.sha256 or "",
        photo.pdf_page or 0,
        photo.tps or "",
        photo.status is not PageStatus.READ,
        photo.photo,
    )


def _picture(photo: PageReading) -> tuple[str, int | None] | None:
    """What is the same for copies: bytes, and the page of a PDF."""
    return None if photo.sha256 is None else (photo.sha256, photo.pdf_page)


def _originals(photos: Sequence[PageReading]) -> list[PageReading]:
    """Each picture once a TPS. ``photos`` are in ``_order``: one that was read is kept."""
    kept: list[PageReading] = []
    known: set[tuple[str, int | None, str | None]] = set()
    for photo in photos:
        picture = _picture(photo)
        if picture is not None:
            if (*picture, photo.tps) in known:
                continue
            known.add((*picture, photo.tps))
        kept.append(photo)
    return kept


def _is_copy(photo: PageReading) -> bool:
    """Whether intake set it aside because the same bytes had come before."""
    return photo.error is not None and photo.error.code == DuplicatePhoto.code


def _duplicates(photos: Sequence[PageReading]) -> Iterator[Duplicates]:
    by_picture: dict[tuple[str, int | None], list[PageReading]] = defaultdict(list)
    for photo in photos:
        picture = _picture(photo)
        if picture is not None:
            by_picture[picture].append(photo)
    for same in by_picture.values():
        if len(same) > 1 or _is_copy(same[0]):
            yield Duplicates(tuple(same))

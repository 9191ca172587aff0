"""The paper against the system: every field, every sum and every page that does not fit.

What each pair of paper and entry gives:

======================  ===================  ===================  ============================
paper                   entry the same       entry another        entry null, or none at all
======================  ===================  ===================  ============================
clear                   nothing              value mismatch       entry missing
for review, a number    unreadable, low      value mismatch       unreadable
for review, no number   –                    unreadable           unreadable
blank                   –                    unreadable           nothing: both say nothing
not in view             page missing (in part), once a page, from ``compare_all``
======================  ===================  ===================  ============================

* A field for review is never dropped, even where it equals the entry: the machine could not clear
  it, so a person confirms it; the agreement only puts it far down the queue.
* Blank paper under a reported number is ``unreadable``, not a mismatch: there is no number on
  paper to compare, and only a person can say that nothing is there. With 0 in the entry it goes
  far down the queue.
* A field that the entry's source never reports (Sirekap: ballot papers, disability) is not
  missing there; it is only looked at where the machine could not read it.
* Rules run on everything that was read as a number, clear or for review; blank fields make them
  ``not_computable``. The conflict has the confidence of the least sure number that goes in.
* The numbers of voters that stand on the forms of several elections of one TPS are held against
  one another: one list of voters has one length.
* A page that nobody could read is ``page_missing`` whatever else is said about it, and each photo
  that could not be read is ``unreadable`` besides (``wrong_page`` where it is another form).
* A copy of a form (SALINAN) is held against the form itself, and stands in for it where no photo
  shows a number there: see ``pipeline.copies``.
* A photo whose header names another TPS than it is filed under is ``wrong_tps``, see
  ``pipeline.whose``. Its numbers are compared all the same: nothing is moved by a machine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from math import prod

from models.elections import election_of
from models.errors import WrongForm
from models.forms.template import PPWP_FORM, load_form, owed_form
from models.records import (
    Cause,
    Conflict,
    ConflictKind,
    Entry,
    FieldReading,
    FieldStatus,
    FormReading,
    PageReading,
    TpsCode,
)
from models.regions import RegionTable
from models.rules import (
    RuleResult,
    Severity,
    Verdict,
    evaluate_across,
    violations_in,
    violations_of_reading,
)
from models.rules.across import at_election
from pipeline import priority as factors
from pipeline.causes import BOXES, moved_totals, probable_cause, swapped_rows
from pipeline.copies import copying_errors, entry_for_copy, original_of, shown_by
from pipeline.entries import ADMINISTRASI_FIELDS, SIREKAP_FIELDS, latest_revisions
from pipeline.gather import Duplicates, Gathered, MissingPage, WrongPage
from pipeline.photo_conflicts import of_photo, source_of
from pipeline.priority import priority, weight_of_field
from pipeline.weigh import is_heard
from pipeline.wrong_headers import wrong_headers


def compare(
    reading: FormReading | None,
    entry: Entry | None,
    *,
    reported: Collection[str] | None = None,
) -> tuple[Conflict, ...]:
    """All conflicts of one form of one TPS that show in its fields and sums.

    Args:
        reading: What was read; ``None`` where no page was.
        entry: What was reported; ``None`` where nothing was.
        reported: Fields the source reports. By default those of the entry, or Sirekap's where
            there is none. Empty: nothing was asked of any system, so no entry is missing.

    Returns:
        Conflicts, the most urgent first.

    Raises:
        ValueError: where reading and entry are of different TPS or forms.

    """
    if reading and entry and (reading.tps, reading.form) != (entry.tps, entry.form):
        raise ValueError(
            f"a reading of {reading.tps} ({reading.form}) is no match "
            f"for an entry of {entry.tps} ({entry.form})"
        )
    if reported is None:
        reported = (
            _usually_reported(reading.form if reading else "")
            if entry is None
            else (entry.fields.keys())
        )
    return _urgent_first((*_of_fields(reading, entry, reported),))


def compare_all(
    gathered: Gathered,
    entries: Iterable[Entry] | None,
    *,
    expected: Collection[TpsCode] = (),
    regions: RegionTable | None = None,
    reported: Mapping[str, Collection[str]] | None = None,
    owed: str | None = None,
    headers: Iterable[Conflict] | None = None,
) -> tuple[Conflict, ...]:
    """All conflicts of a whole set of photos and entries.

    Args:
        gathered: The photos, put together.
        entries: What was reported; of several revisions the newest counts. ``None`` where there is
            nothing to compare with: then no entry is missing.
        expected: TPS that must have photos. One without any gets a single ``page_missing``; TPS
            that have at least one photo are looked at in any case.
        regions: Table of regions to hold headers against; without it, or where it does not hold a
            photo's TPS, no ``wrong_tps`` is found.
        reported: Form to the fields that the source reports, for TPS that have no entry; by
            default those of ``entries``, which says too little where they are only some of all.
        owed: Id of the form that every TPS owes; where ``None``, see ``owed_form``.
        headers: What ``wrong_headers`` found before; where ``None``, it is found here.

    Returns:
        Conflicts, the most urgent first. The order depends on nothing but what is handed in.

    """
    latest = latest_revisions(entries or ())
    if reported is None:
        said: dict[str, set[str]] = {}
        for (_, form), newest in latest.items():
            said.setdefault(form, set()).update(newest.fields)
        reported = {form: frozenset(fields) for form, fields in said.items()}
    owed = owed or owed_form()
    readings = {(reading.tps, reading.form): reading for reading in gathered.form_readings}
    conflicts: list[Conflict] = []
    for tps, keys in groupby(sorted(readings.keys() | latest.keys()), key=lambda key: key[0]):
        of_tps = [(form, readings.get((tps, form)), latest.get((tps, form))) for _, form in keys]
        for form, reading, entry in of_tps:
            expected_there: Collection[str] = ()
            original = original_of(form)
            if reading is not None and original is not None and entry is None:
                plano, its_entry = readings.get((tps, original)), latest.get((tps, original))
                reported_there = entry_for_copy(reading, plano, its_entry)
                if reported_there is not None:
                    expected_there = reported_there.fields.keys()
                elif entries is not None and its_entry is None:
                    usual = reported.get(original) or _usually_reported(original)
                    expected_there = frozenset(usual) - shown_by(plano)
                conflicts += _of_fields(reading, reported_there, expected_there, judge_entry=False)
                continue
            if entry is not None:
                expected_there = entry.fields.keys()
            elif entries is not None:
                expected_there = reported.get(form) or _usually_reported(form)
            conflicts += _of_fields(reading, entry, expected_there)
        conflicts += _across_elections(
            {form: one for form, one, _ in of_tps if one is not None},
            {form: one for form, _, one in of_tps if one is not None},
        )
    conflicts += copying_errors(readings)
    conflicts += _of_photos(gathered, latest)
    if headers is not None:
        conflicts += headers
    elif regions is not None:
        conflicts += wrong_headers(gathered.photos, regions)
    for tps in sorted(set(expected) - gathered.tps):
        conflicts.append(_no_photo(tps, owed, latest.get((tps, owed))))
    return _urgent_first(conflicts)


def _usually_reported(form: str) -> frozenset[str]:
    """What Sirekap publishes of a form: all of the ppwp's votes, and what the forms share.

    Nothing of a form that belongs to none of its elections.
    """
    if election_of(form) is None:
        return frozenset()
    return frozenset(SIREKAP_FIELDS if form == PPWP_FORM else ADMINISTRASI_FIELDS)


def _urgent_first(conflicts: Iterable[Conflict]) -> tuple[Conflict, ...]:
    return tuple(
        sorted(
            conflicts,
            key=lambda one: (
                -one.priority,
                one.tps or "",
                one.form or "",
                one.field or "",
                one.kind,
                one.rule or "",
                one.photo or "",
                one.detail,
            ),
        )
    )


# One form of one TPS


@dataclass(frozen=True, slots=True)
class _Broken:
    """Fields of rules (not of mere warnings) that are broken, on paper and in the entry."""

    paper: frozenset[str]
    entry: frozenset[str]

    def weight_of_mismatch(self, field: str) -> float:
        if field in self.entry and field not in self.paper:
            return factors.ENTRY_ALONE_BREAKS_A_RULE
        if field in self.paper and field not in self.entry:
            return factors.PAPER_ALONE_BREAKS_A_RULE
        return 1.0

    def weight_of_doubt(self, field: str) -> float:
        return factors.UNSETTLED_AND_BREAKS_A_RULE if field in self.paper else 1.0


def _of_fields(
    reading: FormReading | None,
    entry: Entry | None,
    reported: Collection[str],
    *,
    judge_entry: bool = True,
) -> Iterator[Conflict]:
    """Conflicts of one form; ``judge_entry`` is off where the entry's sums are said elsewhere."""
    numbers = entry.fields if entry else {}
    in_entry = violations_in(numbers, entry.form) if entry else ()
    on_paper = violations_of_reading(reading) if reading else ()
    if reading:
        broken = _Broken(paper=_fields_in(on_paper), entry=_fields_in(in_entry))
        swapped = swapped_rows(numbers, reading.numbers(), reading.form)
        for name, field in reading.fields.items():
            conflict = _of_field(
                reading, name, field, numbers.get(name), name in reported, name in swapped, broken
            )
            if conflict:
                yield conflict
        for result in on_paper:
            yield _broken_on_paper(reading, result)
    if entry and judge_entry:
        moved = moved_totals(numbers)
        for result in in_entry:
            cause = Cause.ROWS_SWAPPED if result.field in moved else None
            yield _broken_in_entry(entry, result, cause)


def _across_elections(
    readings: Mapping[str, FormReading], entries: Mapping[str, Entry]
) -> Iterator[Conflict]:
    """What the forms of several elections of one TPS say differently of its voters."""
    for form, result in evaluate_across({form: one.fields for form, one in entries.items()}):
        if result.verdict is Verdict.VIOLATED:
            yield _broken_in_entry(entries[form], result)
    numbers = {form: one.numbers() for form, one in readings.items()}
    for form, result in evaluate_across(numbers):
        if result.verdict is Verdict.VIOLATED:
            by_election = {election_of(one): reading for one, reading in readings.items()}
            inputs = [at_election(name) for name in result.inputs]
            confidence = min(
                by_election[election].fields[field].confidence for field, election in inputs
            )
            yield _broken_on_paper(readings[form], result, confidence)


def _fields_in(results: Iterable[RuleResult]) -> frozenset[str]:
    return frozenset(
        name
        for result in results
        if result.severity is Severity.ERROR
        for name in (result.field, *result.inputs)
    )


def _of_field(
    reading: FormReading,
    name: str,
    field: FieldReading,
    reported_number: int | None,
    is_reported: bool,
    is_swapped: bool,
    broken: _Broken,
) -> Conflict | None:
    """The conflict of one field, as the table in the module's docstring says."""
    written = field.value
    is_blank = field.status is FieldStatus.BLANK or (
        field.status is FieldStatus.CLEAR and written is None
    )
    conflict = None
    if field.status is FieldStatus.NOT_IN_VIEW:
        pass  # compare_all says so once for the page
    elif is_blank:
        if reported_number is not None:
            conflict = _blank(reading, name, field, reported_number)
    elif written is not None and reported_number is not None and written != reported_number:
        conflict = _mismatch(reading, name, field, reported_number, is_swapped, broken)
    elif field.status is FieldStatus.REVIEW:
        conflict = _unsettled(reading, name, field, reported_number, is_reported, broken)
    elif written is not None and reported_number is None and is_reported:
        conflict = _entry_missing(reading, name, field, written)
    return conflict


def _conflict(
    reading: FormReading,
    name: str,
    field: FieldReading,
    *,
    kind: ConflictKind,
    entry: int | None,
    votes: int | None,
    chance: float,
    weight: float,
    detail: str,
    cause: Cause | None = None,
) -> Conflict:
    page = reading.pages.get(name)
    return Conflict(
        tps=reading.tps,
        form=reading.form,
        field=name,
        kind=kind,
        entry=entry,
        reading=field.value,
        confidence=field.confidence,
        cause=cause,
        votes=votes,
        priority=priority(
            votes=votes, chance=chance, weight=weight * weight_of_field(name, reading.form)
        ),
        detail=detail,
        **source_of(page),
    )


def _boxes(field: FieldReading) -> int:
    digits = field.witnesses.get("digits")
    return len(digits.boxes) if digits and digits.boxes else BOXES


def _why(field: FieldReading) -> str:
    return ", ".join(field.reasons) or "no reason given"


def _mismatch(
    reading: FormReading,
    name: str,
    field: FieldReading,
    entry: int,
    is_swapped: bool,
    broken: _Broken,
) -> Conflict:
    written = field.value or 0
    cause = probable_cause(entry, field.value, boxes=_boxes(field))
    weights = [broken.weight_of_mismatch(name)]
    if is_swapped:
        cause = Cause.ROWS_SWAPPED
        weights.append(factors.ROWS_SWAPPED)
    how = (
        f"The paper says {written} (clear)"
        if field.status is FieldStatus.CLEAR
        else f"The paper seems to say {written} (for review: {_why(field)})"
    )
    return _conflict(
        reading,
        name,
        field,
        kind=ConflictKind.VALUE_MISMATCH,
        entry=entry,
        votes=abs(entry - written),
        chance=field.confidence,
        weight=prod(weights),
        cause=cause,
        detail=f"{how}, the system {entry}.",
    )


def _entry_missing(reading: FormReading, name: str, field: FieldReading, written: int) -> Conflict:
    return _conflict(
        reading,
        name,
        field,
        kind=ConflictKind.ENTRY_MISSING,
        entry=None,
        votes=written,
        chance=field.confidence,
        weight=factors.ENTRY_MISSING,
        detail=f"The paper says {written} (clear), the system has no number.",
    )


def _blank(reading: FormReading, name: str, field: FieldReading, entry: int) -> Conflict:
    return _conflict(
        reading,
        name,
        field,
        kind=ConflictKind.UNREADABLE,
        entry=entry,
        votes=entry,
        chance=field.confidence,
        weight=factors.AGREES if entry == 0 else 1.0,
        cause=probable_cause(entry, None, boxes=_boxes(field)),
        detail=f"The paper has no number there, the system has {entry}.",
    )


def _unsettled(
    reading: FormReading,
    name: str,
    field: FieldReading,
    entry: int | None,
    is_reported: bool,
    broken: _Broken,
) -> Conflict:
    answers = {
        witness.value for name, witness in field.witnesses.items() if is_heard(name, witness)
    } | {field.value}
    numbers = sorted(answer for answer in answers if answer is not None)
    agrees = entry is not None and field.value == entry
    votes = max((abs(number - (entry or 0)) for number in numbers), default=entry)
    weights = [broken.weight_of_doubt(name)]
    if agrees:
        weights.append(factors.AGREES)
    if not is_reported:
        weights.append(factors.NOT_REPORTED)
    seen = " or ".join(str(number) for number in numbers) or "no number"
    system = "" if entry is None else f"; the system has {entry}"
    return _conflict(
        reading,
        name,
        field,
        kind=ConflictKind.UNREADABLE,
        entry=entry,
        votes=votes,
        chance=1.0 if field.value is None else 1 - field.confidence,
        weight=prod(weights),
        detail=f"For review ({_why(field)}): {seen} was read{system}.",
    )


def _broken_on_paper(
    reading: FormReading, result: RuleResult, confidence: float | None = None
) -> Conflict:
    page = reading.pages.get(result.field)
    if confidence is None:
        confidence = min(_confidence(reading, name) for name in result.inputs)
    return _broken_rule(
        result,
        tps=reading.tps,
        form=reading.form,
        kind=ConflictKind.RULE_BROKEN_ON_PAPER,
        confidence=confidence,
        reading=reading.fields[result.field].value,
        photo=page,
    )


def _confidence(reading: FormReading, name: str) -> float:
    """Confidence of a field, or of one witness of it (``FIELD.digits``)."""
    field, _, witness = name.partition(".")
    of_field = reading.fields[field]
    return of_field.witnesses[witness].confidence if witness else of_field.confidence


def _broken_in_entry(entry: Entry, result: RuleResult, cause: Cause | None = None) -> Conflict:
    return _broken_rule(
        result,
        cause=cause,
        tps=entry.tps,
        form=entry.form,
        kind=ConflictKind.RULE_BROKEN_IN_ENTRY,
        confidence=1.0,  # arithmetic over reported numbers: nothing was read
        entry=entry.fields.get(result.field),
    )


def _broken_rule(
    result: RuleResult,
    *,
    tps: TpsCode,
    form: str,
    kind: ConflictKind,
    confidence: float,
    reading: int | None = None,
    entry: int | None = None,
    photo: PageReading | None = None,
    cause: Cause | None = None,
) -> Conflict:
    votes = abs(result.difference or 0)
    weight = weight_of_field(result.field, form)
    if result.severity is Severity.WARNING:
        weight *= factors.WARNING
    return Conflict(
        tps=tps,
        form=form,
        field=result.field,
        kind=kind,
        entry=entry,
        reading=reading,
        confidence=confidence,
        cause=cause,
        votes=votes,
        priority=priority(votes=votes, chance=confidence, weight=weight),
        rule=result.rule,
        detail=result.message,
        **source_of(photo),
    )


# Photos and pages: nothing was read, so there is no confidence


def _of_photos(gathered: Gathered, latest: Mapping[tuple[str, str], Entry]) -> Iterator[Conflict]:
    for missing in gathered.missing:
        yield _missing(missing, latest.get((missing.tps, missing.form)))
    for part in gathered.partly_seen:
        yield of_photo(
            ConflictKind.PAGE_MISSING,
            part.photo,
            tps=part.tps,
            votes=_votes_at_stake(latest.get((part.tps, part.form)), part.unseen),
            detail=f"No photo of page {part.page} shows {', '.join(part.unseen)}.",
        )
    for wrong in gathered.wrong_pages:
        yield _wrong_page(wrong)
    for same in gathered.duplicates:
        yield from _duplicate(same)
    for photo in gathered.rejected:
        yield _rejected(photo)
    for photo in gathered.without_tps:
        yield of_photo(
            ConflictKind.UNREADABLE,
            photo,
            tps=None,
            detail=f"Page {photo.page} was read, but nothing says which TPS it is of.",
        )


def _votes_at_stake(entry: Entry | None, fields: Iterable[str]) -> int | None:
    """The largest reported number that no paper confirms; ``None`` where none is reported."""
    numbers = (entry.fields.get(name) for name in fields) if entry else ()
    return max((number for number in numbers if number is not None), default=None)


def _missing(missing: MissingPage, entry: Entry | None) -> Conflict:
    page = load_form(missing.form).page(missing.page)
    votes = _votes_at_stake(entry, (field.name for field in page.fields))
    photos = ", ".join(photo.photo for photo in missing.rejected)
    may_be = f" It may be among those that could not be read: {photos}." if photos else ""
    return Conflict(
        tps=missing.tps,
        form=missing.form,
        field=None,
        kind=ConflictKind.PAGE_MISSING,
        votes=votes,
        priority=priority(votes=votes, chance=None),
        page=missing.page,
        detail=f"No readable photo of page {missing.page}.{may_be}",
    )


def _no_photo(tps: TpsCode, form: str, entry: Entry | None) -> Conflict:
    votes = _votes_at_stake(entry, entry.fields if entry else ())
    return Conflict(
        tps=tps,
        form=form,
        field=None,
        kind=ConflictKind.PAGE_MISSING,
        votes=votes,
        priority=priority(votes=votes, chance=None),
        detail="No photo of any page.",
    )


def _wrong_page(wrong: WrongPage) -> Conflict:
    names = " and ".join(photo.photo for photo in wrong.photos)
    pages = ", ".join(str(page) for page in wrong.missing)
    return of_photo(
        ConflictKind.WRONG_PAGE,
        wrong.photos[-1],
        tps=wrong.tps,
        detail=f"{names} all show page {wrong.page}, and page {pages} has no photo.",
    )


def _duplicate(same: Duplicates) -> Iterator[Conflict]:
    """One conflict for each TPS the picture was filed under (or one without)."""
    for tps in same.tps or (None,):
        copy = [photo for photo in same.photos if photo.tps == tps][-1]
        names = " and ".join(sorted(photo.photo for photo in same.photos))
        if len(same.tps) > 1:
            detail = f"The same picture stands under TPS {' and '.join(same.tps)}: {names}."
        elif len(same.photos) > 1:
            detail = f"The same picture was uploaded {len(same.photos)} times: {names}."
        else:
            detail = copy.error.message if copy.error else f"{names} was uploaded before."
        yield of_photo(ConflictKind.DUPLICATE_PHOTO, copy, tps=tps, detail=detail)


def _rejected(photo: PageReading) -> Conflict:
    kind = ConflictKind.UNREADABLE
    detail = "The photo could not be read."
    if photo.error:
        message = photo.error.message.rstrip(".")
        detail = f"{message}. {photo.error.remedy}"
        if photo.error.code == WrongForm.code:
            kind = ConflictKind.WRONG_PAGE
    return of_photo(kind, photo, tps=photo.tps, detail=detail)

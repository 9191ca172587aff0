"""A draft and the answers make the form's data file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any, Literal

from flows.newform.answers import PEMILU_2024, Answers, AnswersError, unknown_fields
from flows.newform.draft import Draft, box_stroke_mm, page_data
from flows.newform.naming import identifier
from flows.newform.suggested_sums import suggested_sums
from models.forms.template import BoxMm, FormSum, FormTemplate, parse_form

WIDTH = 100
"""Longest line of the data file that is not broken up."""


@dataclass(frozen=True)
class Built:
    """A form's data file, checked, with the answers that made it."""

    form: FormTemplate
    content: bytes
    answers: Answers
    notes: dict[str, str]
    """Proposed name to where it stands and what is printed there."""


def build(draft: Draft, answers: Answers, *, source: str) -> Built:
    """Make the data file.

    Args:
        draft: What was found on the blank sheets.
        answers: What a person said; the rest stays as proposed.
        source: Where the measures are from, where the answers do not say.

    Raises:
        AnswersError: the answers name a field that was not proposed, or one name twice; or the
            sheets carry square codes of several families.
        FormFileError: what comes out is no right form; the message names the field.

    """
    proposed = tuple(name for page in draft.names for name in page)
    strange = unknown_fields(answers, proposed)
    if strange:
        raise AnswersError(
            f"the answers name fields that were not found: {', '.join(strange)}; "
            f"there are: {', '.join(proposed)}"
        )
    given = {name: answers.fields.get(name, name) for name in proposed}
    _require_names(given)
    _require_places(answers, draft, given)
    title = answers.title or draft.title
    names = [name for name in given.values() if name]
    form_id = _id(answers.id or identifier(title))
    sums: tuple[FormSum, ...] | None
    if isinstance(answers.sums, str):
        sums = None
    else:
        sums = suggested_sums(names) if answers.sums is None else _renamed(answers.sums, given)
    _require_fields(sums or (), given)
    votes = tuple(_final_name(name, given) for name in answers.votes) if answers.votes else None
    complete = answers.model_copy(
        update={
            "id": form_id,
            "title": title,
            "election": answers.election or "other",
            "year": answers.year or date.today().year,
            "source": answers.source or source,
            "fields": given,
            "sums": PEMILU_2024 if sums is None else sums,
        }
    )
    data: dict[str, Any] = {
        "id": complete.id,
        "title": title,
        "election": complete.election,
        "year": complete.year,
        "source": complete.source,
        "page_mm": list(draft.pages[0].found.sheet.page_mm),
    }
    families = {page.tag[0] for page in draft.pages if page.tag is not None}
    if len(families) > 1:
        raise AnswersError(
            f"the sheets carry square codes of several families ({', '.join(sorted(families))}), "
            "and a form has one: draft the sheets of each family as a form of their own"
        )
    if families:
        data["tag_family"] = min(families)
    data["box_stroke_mm"] = box_stroke_mm(draft)
    if votes is not None:
        data["votes"] = list(votes)
    if answers.sirekap is not None:
        data["sirekap"] = answers.sirekap.model_dump(mode="json", exclude_none=True)
    if complete.copy_of is not None:
        data["copy_of"] = complete.copy_of
    if sums is not None:
        data["sums"] = [line.model_dump(mode="json") for line in sums]
    data["pages"] = [
        _page(page_data(page, [given[name] for name in proposed_here]), complete)
        for page, proposed_here in zip(draft.pages, draft.names, strict=True)
    ]
    content = (written(data) + "\n").encode()
    form = parse_form(content, f"{complete.id}.json")
    notes = {
        name: f"page {page.number}, {len(one.place.boxes)} boxes: {one.label[:70]}"
        for page, proposed_here in zip(draft.pages, draft.names, strict=True)
        for one, name in zip(page.fields, proposed_here, strict=True)
    }
    return Built(form, content, complete, notes)


NAME = r"[a-z][a-z0-9_]*"
ID = r"[a-z0-9]+(-[a-z0-9]+)*"


def _id(said: str) -> str:
    if not re.fullmatch(ID, said):
        raise AnswersError(
            f"{said!r} is no id of a form: small letters, digits and single dashes, "
            "such as pilkades-2026"
        )
    return said


def _require_places(answers: Answers, draft: Draft, given: Mapping[str, str]) -> None:
    """See that what the answers correct is there; raises ``AnswersError``."""
    pages = {str(page.number) for page in draft.pages}
    for key, said in (("page_titles", answers.page_titles), ("header", answers.header)):
        if set(said) - pages:
            raise AnswersError(
                f"{key} speaks of page {', '.join(sorted(set(said) - pages))}; the blank form has "
                f"page {', '.join(sorted(pages))}"
            )
    for what, names in (
        ("labels", answers.labels), ("words", answers.words), ("votes", answers.votes or ()),
    ):  # fmt: skip
        nobody = sorted({_final_name(name, given) for name in names} - set(given.values()))
        if nobody:
            raise AnswersError(f"{what} speaks of {', '.join(nobody)}, and no field has that name")


def _require_names(given: Mapping[str, str]) -> None:
    """See that every name can be one, and stands once.

    Raises:
        AnswersError: with the name, and the proposed names of the fields that got it.

    """
    wrong = [name for name in given.values() if name and not re.fullmatch(NAME, name)]
    if wrong:
        raise AnswersError(
            f"{wrong[0]!r} can't be a field's name: small letters, digits and _, a letter first"
        )
    for name in given.values():
        same = [proposed for proposed, its in given.items() if its == name]
        if name and len(same) > 1:
            raise AnswersError(
                f"{' and '.join(same)} are both called {name}: each name stands once in a form"
            )


def _require_fields(sums: Iterable[FormSum], given: Mapping[str, str]) -> None:
    known = [name for name in given.values() if name]
    for line in sums:
        for said in (line.total, *line.parts):
            if said in known:
                continue
            if given.get(said) == "":
                why = "whose boxes the answers leave out"
            else:
                near = get_close_matches(said, known, n=3)
                why = (
                    f"which is no field; did you mean {' or '.join(near)}?"
                    if near
                    else (f"which is no field; there are: {', '.join(known)}")
                )
            raise AnswersError(f"the sum of {line.total} names {said}, {why}")
        if len({line.total, *line.parts}) <= len(line.parts):
            raise AnswersError(f"the sum of {line.total} names a field twice")


def _renamed(sums: tuple[FormSum, ...], given: dict[str, str]) -> tuple[FormSum, ...]:
    """Sums may speak of fields by their proposed names: whoever renames one need not repeat it."""
    return tuple(
        line.model_copy(
            update={
                "total": _final_name(line.total, given),
                "parts": tuple(_final_name(part, given) for part in line.parts),
            }
        )
        for line in sums
    )


def _final_name(said: str, given: Mapping[str, str]) -> str:
    return said if said in given.values() else given.get(said) or said


def _page(data: dict[str, Any], answers: Answers) -> dict[str, Any]:
    titles = answers.page_titles.get(str(data["number"]))
    if titles:
        data["title"] = list(titles)
    corrected = answers.header.get(str(data["number"]), {})
    if corrected:
        data["header"] = data.get("header", {}) | {k: list(box) for k, box in corrected.items()}
    for field in data["fields"]:
        field["label"] = answers.labels.get(field["name"], field["label"])
        if field["name"] in answers.words:
            _put_words(field, answers.words[field["name"]])
    return data


def _put_words(field: dict[str, Any], box: BoxMm | Literal[""]) -> None:
    """Let a number be written in words there, or nowhere; printed notes outside don't matter."""
    notes = field.pop("words_print", [])
    field.pop("words", None)
    if not box:
        return
    x0, y0, x1, y1 = box
    within = [one for one in notes if one[0] < x1 and x0 < one[2] and one[1] < y1 and y0 < one[3]]
    field["words"] = list(box)
    if within:
        field["words_print"] = within


def written(value: object, depth: int = 0) -> str:
    """JSON that a person can read: whatever fits stands on one line."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value:
        return flat
    if depth > 0 and len(flat) + depth <= WIDTH:
        return flat
    pad = " " * (depth + 1)
    if isinstance(value, dict):
        inner = [f"{pad}{json.dumps(key)}: {written(one, depth + 1)}" for key, one in value.items()]
        return "{\n" + ",\n".join(inner) + "\n" + " " * depth + "}"
    inner = [f"{pad}{written(one, depth + 1)}" for one in value]
    return "[\n" + ",\n".join(inner) + "\n" + " " * depth + "]"

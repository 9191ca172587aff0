"""What only a person knows about a new form: names, sums, election and year.

Read from a file (TOML, JSON or CSV), so that a form can be made again at any time.
"""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from models.errors import InputFileError
from models.forms.template import BoxMm, FormSum, FormTemplate, HeaderPart, SirekapKeys
from models.records import Record

PEMILU_2024 = "pemilu-2024"


class AnswersError(InputFileError):
    """A file of answers that does not say what it should."""

    code = "answers_file"
    remedy = (
        "Start from the answers file that `chasil forms new` wrote beside the draft; "
        'it takes TOML, JSON, or CSV with the columns field,name. A name of "" leaves a field out.'
    )


class Answers(Record):
    """Everything that may be answered; what is left out stays as it was proposed."""

    id: str | None = None
    title: str | None = None
    election: Literal["ppwp", "dpr", "dpd", "dprdp", "dprdk", "other"] | None = None
    year: int | None = Field(default=None, ge=1955, le=2100)
    source: str | None = None
    copy_of: str | None = None
    page_titles: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Number of the page to the lines that tell it, where the print was misread."""
    header: dict[str, dict[HeaderPart, BoxMm]] = Field(default_factory=dict)
    """Number of the page to parts of its header, where dotted lines were misjudged; in mm."""
    fields: dict[str, str] = Field(default_factory=dict)
    """Proposed name to the right one; "" for boxes that hold no number."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Right name to its label, where the print was misread."""
    votes: tuple[str, ...] | None = None
    """Fields that hold the votes for each candidate, where their names don't tell."""
    sirekap: SirekapKeys | None = None
    """How Sirekap's JSON calls the numbers."""
    words: dict[str, BoxMm | Literal[""]] = Field(default_factory=dict)
    """Right name to the box in which its number is written in words, in mm; "" where it is not."""
    sums: tuple[FormSum, ...] | Literal["pemilu-2024"] | None = None
    """``pemilu-2024`` for the rules of that election; ``None``: what the names suggest."""


def read_answers(path: Path) -> Answers:
    """Read a file of answers.

    Raises:
        AnswersError: it can't be opened, or the message names what is wrong in it.

    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".csv":
            content: Any = {"fields": _table(text, path)}
        elif path.suffix.lower() == ".json":
            content = json.loads(text)
        else:
            content = tomllib.loads(text)
        return Answers.model_validate(content)
    except OSError as error:
        raise AnswersError(f"{path}: {error.strerror}", file=str(path)) from error
    except ValidationError as error:
        places = "; ".join(dict.fromkeys(_said(error)))
        raise AnswersError(f"{path}: {places}", file=str(path)) from error
    except (ValueError, csv.Error) as error:
        raise AnswersError(f"{path}: {error}", file=str(path)) from error


def _said(error: ValidationError) -> Iterator[str]:
    """What is wrong, in the words of the file."""
    problems = error.errors()
    within_sums = any(one["loc"][0] == "sums" and len(one["loc"]) > 2 for one in problems)
    for problem in problems:
        steps = [str(step) for step in problem["loc"] if "[" not in str(step)]
        if steps[0] == "sums" and within_sums and len(problem["loc"]) <= 2:
            continue  # that it is no name of an election either
        if steps[0] == "sums" and problem["type"] == "extra_forbidden":
            yield (
                f"{steps[-1]} stands below a [[sums]], which ends at the next line in brackets: "
                "put it above [fields]"
            )
        elif problem["type"] == "tuple_type":
            yield f'{" ".join(steps)} must be a list in brackets: ["…", "…"]'
        elif problem["type"] == "extra_forbidden":
            yield f"{'.'.join(steps)}: there is no such answer"
        else:
            yield f"{'.'.join(steps)}: {problem['msg']}"


def _table(text: str, path: Path) -> dict[str, str]:
    rows = csv.DictReader(io.StringIO(text))
    if not {"field", "name"} <= set(rows.fieldnames or ()):
        raise AnswersError(f"{path}: the columns field,name are expected", file=str(path))
    return {row["field"].strip(): (row["name"] or "").strip() for row in rows}


def unknown_fields(answers: Answers, proposed: tuple[str, ...]) -> list[str]:
    """Answers about fields that were not proposed: typing mistakes, or another blank's answers."""
    return sorted(set(answers.fields) - set(proposed))


def answers_as_toml(
    answers: Answers,
    notes: dict[str, str],
    sums: tuple[FormSum, ...] | None,
    form: FormTemplate | None = None,
) -> str:
    """The answers as a file to edit.

    Args:
        answers: Everything that was answered or proposed.
        notes: Proposed name to where it stands.
        sums: What must add up.
        form: What came of it, to show as comments what else can be answered.

    """
    lines = ["# Edit, then run `chasil forms new` again with --answers and this file.", ""]
    for key in ("id", "title", "election", "year", "source", "copy_of"):
        value = getattr(answers, key)
        if value is not None:
            lines.append(f"{key} = {value if isinstance(value, int) else quoted(value)}")
    if sums is None:
        lines.append(f"sums = {quoted(PEMILU_2024)}")
    elif not sums:
        lines.append("sums = []")
    if answers.votes is not None:
        lines.append(f"votes = [{', '.join(quoted(one) for one in answers.votes)}]")
    lines += _pages_as_toml(answers)
    if form is not None:
        lines += _else_as_comments(answers, form)
    lines += [
        "",
        "# Proposed name = the name it gets. An empty name leaves the boxes out.",
        "[fields]",
    ]
    for field, name in answers.fields.items():
        lines.append(f"{field} = {quoted(name)}  # {notes.get(field, '')}")
    lines += _places_as_toml(answers)
    for line in sums or ():
        parts = ", ".join(quoted(part) for part in line.parts)
        lines += [
            "",
            "[[sums]]",
            f"total = {quoted(line.total)}",
            f"parts = [{parts}]",
            f"source = {quoted(line.source)}",
        ]
    return "\n".join(lines) + "\n"


def _pages_as_toml(answers: Answers) -> list[str]:
    lines = []
    if answers.page_titles:
        lines += ["", "[page_titles]"]
        for number, titles in answers.page_titles.items():
            lines.append(f"{quoted(number)} = [{', '.join(quoted(one) for one in titles)}]")
    for number, parts_of in answers.header.items():
        lines += ["", f"[header.{number}]"]
        lines += [f"{part} = {list(box)}" for part, box in parts_of.items()]
    return lines


def _places_as_toml(answers: Answers) -> list[str]:
    lines = []
    if answers.words:
        lines += ["", "[words]"]
        lines += [f"{name} = {list(box) or quoted('')}" for name, box in answers.words.items()]
    if answers.sirekap is not None:
        lines += _keys_as_toml(answers.sirekap)
    if answers.labels:
        lines += ["", "[labels]"]
        lines += [f"{name} = {quoted(label)}" for name, label in answers.labels.items()]
    return lines


def _else_as_comments(answers: Answers, form: FormTemplate) -> list[str]:
    """What was found and can be corrected, behind ``#``."""
    lines = ["", "# What else can be said: take away the # and correct. Boxes are in mm."]
    if answers.copy_of is None:
        lines.append('# copy_of = "id of the form that this one is a copy of"')
    if not answers.page_titles:
        lines.append("# [page_titles]")
        lines += [
            f"# {page.number} = [{', '.join(quoted(one) for one in page.title)}]"
            for page in form.pages
        ]
    for page in form.pages:
        if page.header and str(page.number) not in answers.header:
            lines.append(f"# [header.{page.number}]")
            lines += [f"# {part} = {list(box)}" for part, box in page.header.items()]
    written = [field for page in form.pages for field in page.fields if field.words is not None]
    if not answers.words:
        lines.append('# [words]  # right name = box of its number in words; "" where there is none')
        lines += [f"# {field.name} = {list(field.words or ())}" for field in written]
    return lines


def _keys_as_toml(keys: SirekapKeys) -> list[str]:
    folder = [] if keys.folder is None else [f"folder = {quoted(keys.folder)}"]
    return [
        "",
        "[sirekap]",
        *folder,
        f"administrasi = [{', '.join(quoted(one) for one in keys.administrasi)}]",
        "[sirekap.chart]",
        *(f"{quoted(key)} = {quoted(name)}" for key, name in keys.chart.items()),
    ]


def quoted(text: str) -> str:
    """A text as TOML and JSON have it."""
    return json.dumps(text, ensure_ascii=False)

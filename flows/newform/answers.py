"""What only a person knows about a new form: names, sums, election and year.

Read from a file (TOML, JSON or CSV), so that a form can be made again at any time.
"""

from __future__ import annotations

import csv
import io
import json
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from models.errors import InputFileError
from models.forms.template import BoxMm, FormSum, HeaderPart, SirekapKeys
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
        places = "; ".join(
            f"{'.'.join(str(step) for step in problem['loc'])}: {problem['msg']}"
            for problem in error.errors()
        )
        raise AnswersError(f"{path}: {places}", file=str(path)) from error
    except (ValueError, csv.Error) as error:
        raise AnswersError(f"{path}: {error}", file=str(path)) from error


def _table(text: str, path: Path) -> dict[str, str]:
    rows = csv.DictReader(io.StringIO(text))
    if not {"field", "name"} <= set(rows.fieldnames or ()):
        raise AnswersError(f"{path}: the columns field,name are expected", file=str(path))
    return {row["field"].strip(): (row["name"] or "").strip() for row in rows}


def unknown_fields(answers: Answers, proposed: tuple[str, ...]) -> list[str]:
    """Answers about fields that were not proposed: typing mistakes, or another blank's answers."""
    return sorted(set(answers.fields) - set(proposed))


def answers_as_toml(
    answers: Answers, notes: dict[str, str], sums: tuple[FormSum, ...] | None
) -> str:
    """The answers as a file to edit; ``notes`` says of each proposed name where it stands."""
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
    if answers.page_titles:
        lines += ["", "[page_titles]"]
        for number, titles in answers.page_titles.items():
            lines.append(f"{quoted(number)} = [{', '.join(quoted(one) for one in titles)}]")
    for number, parts_of in answers.header.items():
        lines += ["", f"[header.{number}]"]
        lines += [f"{part} = {list(box)}" for part, box in parts_of.items()]
    lines += [
        "",
        "# Proposed name = the name it gets. An empty name leaves the boxes out.",
        "[fields]",
    ]
    for field, name in answers.fields.items():
        lines.append(f"{field} = {quoted(name)}  # {notes.get(field, '')}")
    if answers.sirekap is not None:
        lines += _keys_as_toml(answers.sirekap)
    if answers.labels:
        lines += ["", "[labels]"]
        lines += [f"{name} = {quoted(label)}" for name, label in answers.labels.items()]
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

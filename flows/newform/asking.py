"""Asking a person at the terminal what the sheet can't tell: names and sums."""

from __future__ import annotations

import re

import typer

from flows.newform.answers import Answers
from flows.newform.draft import Draft
from flows.newform.suggested_sums import suggested_sums
from models.forms.template import FormSum

NAME = re.compile(r"[a-z][a-z0-9_]*")
SKIP = "-"


def ask(draft: Draft, answers: Answers) -> Answers:
    """Ask for every name that the answers do not hold, and for sums; Enter keeps a proposal."""
    typer.echo(
        "For each row of boxes: Enter keeps the proposed name, a new name replaces it "
        f"(a-z, 0-9, _), {SKIP} leaves the boxes out."
    )
    given = dict(answers.fields)
    for page, proposed in zip(draft.pages, draft.names, strict=True):
        for one, name in zip(page.fields, proposed, strict=True):
            if name in given:
                continue
            given[name] = _ask_name(page.number, one.label, name, given)
    sums = answers.sums
    if sums is None:
        sums = _ask_sums([name for name in given.values() if name])
    return answers.model_copy(update={"fields": given, "sums": sums})


def _ask_name(page: int, label: str, proposed: str, given: dict[str, str]) -> str:
    while True:
        said = str(typer.prompt(f"page {page}: {label[:60]}", default=proposed)).strip()
        if said == SKIP:
            return ""
        if not NAME.fullmatch(said):
            typer.echo("  A name begins with a letter: a-z, 0-9 and _.")
        elif said in given.values():
            typer.echo(f"  {said} stands already; each name stands once.")
        else:
            return said


def _ask_sums(names: list[str]) -> tuple[FormSum, ...]:
    kept: list[FormSum] = [
        line.model_copy(update={"source": "confirmed when the form was added"})
        for line in suggested_sums(names)
        if typer.confirm(f"Must this hold?  {line.total} = {' + '.join(line.parts)}", default=True)
    ]
    typer.echo("Other sums, as  total = part + part ; an empty line ends.")
    while said := str(typer.prompt("sum", default="", show_default=False)).strip():
        other = parse_sum(said, names)
        if isinstance(other, str):
            typer.echo(f"  {other}")
        else:
            kept.append(other)
    return tuple(kept)


def parse_sum(said: str, names: list[str]) -> FormSum | str:
    """A sum as typed, or what is wrong with it."""
    total, equals, right = (part.strip() for part in said.partition("="))
    parts = tuple(part.strip() for part in right.split("+"))
    if not equals or not total or not all(parts):
        return "A sum is written  total = part + part"
    strange = [name for name in (total, *parts) if name not in names]
    if strange:
        return f"There is no field {', '.join(strange)}."
    if len({total, *parts}) < len(parts) + 1:
        return "Each field stands once in a sum."
    return FormSum(total=total, parts=parts, source="said when the form was added")

"""``chasil forms``: the forms chasil knows, as data and as pictures."""
# ruff: noqa: PLC0415 - see the package

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.friendly import FriendlyGroup
from models.errors import InputFileError

app = typer.Typer(cls=FriendlyGroup, no_args_is_help=True, rich_markup_mode="markdown")


class NoSuchPage(InputFileError):
    """A form has no page of that number."""

    code = "no_such_page"
    remedy = "See `chasil forms list` for the pages a form has."


@app.callback()
def forms() -> None:
    """List, draw and check the forms: where everything is printed, in millimetres."""


@app.command("list")
def list_forms() -> None:
    """List the forms that chasil can read."""
    from rich.console import Console
    from rich.table import Table

    from models.forms.template import installed_forms, load_form

    table = Table()
    table.add_column("form")
    table.add_column("title")
    table.add_column("pages", justify="right")
    table.add_column("fields", justify="right")
    table.add_column("sheet", justify="right")
    for name in installed_forms():
        form = load_form(name)
        wide, high = form.page_mm
        table.add_row(
            form.id,
            form.title,
            str(len(form.pages)),
            str(len(form.field_names)),
            f"{wide:g} × {high:g} mm",
        )
    Console().print(table)


@app.command("draw")
def draw(
    form: Annotated[
        str, typer.Argument(metavar="FORM", help="Id of a form, or a form's data file (.json).")
    ],
    page: Annotated[int, typer.Option(min=1, metavar="N", help="Number of the page.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Picture to write. [default: FORM-page-N.png]"),
    ] = None,
    fields: Annotated[
        bool, typer.Option("--fields", help="Outline and name every cell that is read.")
    ] = False,
    px_per_mm: Annotated[
        float, typer.Option(min=0.5, max=20.0, metavar="PX", help="Resolution, pixels a mm.")
    ] = 2.0,
) -> None:
    """Draw a blank page of a form as chasil understands it.

    For example:

    - `chasil forms draw c-hasil-ppwp-2024 --page 2`

    - `chasil forms draw my-form.json --fields --out my-form.png`
    """
    import numpy as np

    from flows.pictures import save_picture
    from models.forms.draw import draw_fields, draw_page
    from models.forms.template import load_form, load_form_file

    template = load_form_file(Path(form)) if form.endswith(".json") else load_form(form)
    numbers = [known.number for known in template.pages]
    if page not in numbers:
        raise NoSuchPage(f"{template.id} has pages 1 to {numbers[-1]}, not {page}", page=page)
    sheet = template.page(page)
    if fields:
        picture = draw_fields(template, sheet, px_per_mm)
    else:
        picture = draw_page(template, sheet, px_per_mm, colour=True)
    target = out or Path(f"{template.id}-page-{page}.png")
    save_picture(target, np.ascontiguousarray(picture))
    typer.echo(f"{target}: {template.title}, page {page}")


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A form's data file (.json).")],
) -> None:
    """Check a form's data file: say what is wrong and where, or what is in it.

    For example:

    - `chasil forms check my-form.json`
    """
    from models.forms.template import load_form_file

    form = load_form_file(file)
    boxes = sum(len(field.boxes) for page in form.pages for field in page.fields)
    typer.echo(
        f"{file} is right: {form.id}, {len(form.pages)} pages, {len(form.field_names)} fields, "
        f"{boxes} digit boxes"
    )

"""``chasil forms``: the forms chasil knows, as data and as pictures."""
# ruff: noqa: PLC0415 - see the package

from __future__ import annotations

import time
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
    """The forms: where everything is printed, in millimetres. Add one: `new`, `try`, `install`."""


@app.command("list")
def list_forms() -> None:
    """List the forms that chasil can read."""
    from rich.console import Console
    from rich.table import Table

    from models.forms.template import installed_forms, load_form, shipped_forms

    table = Table()
    table.add_column("form", overflow="fold", no_wrap=True)
    table.add_column("from", no_wrap=True)
    table.add_column("title")
    table.add_column("pages", justify="right")
    table.add_column("fields", justify="right")
    table.add_column("sheet", justify="right")
    for name in installed_forms():
        form = load_form(name)
        wide, high = form.page_mm
        table.add_row(
            form.id,
            "chasil" if name in shipped_forms() else "you",
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


def _size(text: str | None) -> tuple[float, float] | None:
    """``210x297`` as width and height in mm."""
    if text is None:
        return None
    wide, _, high = text.lower().replace("×", "x").partition("x")
    try:
        size = float(wide), float(high)
    except ValueError:
        size = (0.0, 0.0)
    if min(size) < 50:
        raise typer.BadParameter("a sheet's size is written 210x297: width and height in mm")
    return size


@app.command("new")
def new(
    blank: Annotated[
        Path, typer.Argument(metavar="BLANK", help="The blank form: a PDF, or a PNG, JPEG or TIFF.")
    ],
    form_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Id of the form: pilkades-2026.")
    ] = None,
    page_mm: Annotated[
        str | None,
        typer.Option(
            metavar="WxH", help="Size of the sheet in mm, for pictures that do not hold it."
        ),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Names and sums, as TOML, JSON, or CSV with field,name."),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the draft and its pictures go.")
    ] = Path("form-draft"),
    ask: Annotated[
        bool, typer.Option("--ask/--no-ask", help="Ask for names and sums at the terminal.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Also try the draft, as `chasil forms try` does.")
    ] = False,
) -> None:
    """Make a form from its blank sheet: find boxes, bubbles, tallies, marks; propose names.

    Writes the draft (ID.json), a picture of each page with every field outlined and named
    (ID-page-N.png), and the answers (ID-answers.toml). Look at the pictures, correct names and
    sums in the answers, and run it again with `--answers`. Nothing is installed yet.

    For example:

    - `chasil forms new blank.pdf --id pilkades-2026`

    - `chasil forms new blank.png --page-mm 210x297 --ask`

    - `chasil forms new blank.pdf --answers form-draft/pilkades-2026-answers.toml --check`
    """
    from flows.newform.answers import Answers, answers_as_toml, read_answers
    from flows.newform.asking import ask as ask_person
    from flows.newform.build import build
    from flows.newform.draft import draft_of
    from flows.newform.folders import make_folder
    from flows.newform.installing import require_own_id
    from flows.newform.open_blank import open_blank
    from flows.newform.picture import check_picture
    from flows.pictures import save_picture

    said = read_answers(answers) if answers else Answers()
    if form_id is not None:
        said = said.model_copy(update={"id": form_id})
    sheets = open_blank(blank, _size(page_mm))
    draft = draft_of(sheets)
    if not any(page.fields for page in draft.pages):
        raise NoBoxesFound(f"{blank}: no rows of digit boxes were found on any page")
    if ask:
        said = ask_person(draft, said)
    built = build(draft, said, source=f"Measured by `chasil forms new` from {blank.name}.")
    require_own_id(built.form.id)
    make_folder(out)
    target = out / f"{built.form.id}.json"
    _write_draft(target, built.content)
    text = answers_as_toml(built.answers, built.notes, built.form.sums, built.form)
    kept = out / f"{built.form.id}-answers.toml"
    if answers is None or not kept.exists():
        if kept.exists() and kept.read_text(encoding="utf-8") != text:
            kept = out / f"{built.form.id}-answers-new.toml"
        kept.write_text(text, encoding="utf-8")
    for sheet in sheets:
        for note in sheet.notes:
            typer.echo(note)
    for page, template in zip(draft.pages, built.form.pages, strict=True):
        picture = out / f"{built.form.id}-page-{page.number}.png"
        save_picture(picture, check_picture(page, template))
        marks = "a square code" if page.tag else "no square code"
        typer.echo(
            f"page {page.number}: {len(template.fields)} fields, "
            f"{sum(len(field.boxes) for field in template.fields)} boxes, {marks}, "
            f"{len(page.fiducials)} corner marks, "
            f"{sum(field.words is not None for field in template.fields)} numbers also in words; "
            f"see {picture}"
        )
        if not page.fiducials and page.tag is None:
            typer.echo(
                f"Page {page.number} has no corner marks and no square code: photos of it are "
                "turned away more often. If the sheet is not printed yet, add marks."
            )
    for line in built.form.sums or ():
        typer.echo(f"sum: {line.total} = {' + '.join(line.parts)}")
    unnamed = [name for name in built.form.field_names if name.startswith("field_")]
    if unnamed:
        typer.echo(f"Not named yet: {', '.join(unnamed)}")
    typer.echo(
        f"\n{target} is the draft. Look at the pictures; correct names and sums in "
        f"{answers or kept} and run this again with --answers. Then: "
        f"chasil forms try {target}"
    )
    if check:
        _try(target, 2, None)


def _write_draft(target: Path, content: bytes) -> None:
    """Write a draft; another one that lies there, perhaps changed by hand, is kept beside it."""
    if target.exists() and target.read_bytes() != content:
        number = 1 + len(list(target.parent.glob(f"{target.stem}.before-*")))
        before = target.with_suffix(f".before-{number}")
        target.rename(before)
        typer.echo(f"{target} was another one; it is kept as {before}")
    target.write_bytes(content)


class NoBoxesFound(InputFileError):
    """Nothing on a blank sheet looks like digit boxes."""

    code = "no_boxes_found"
    remedy = (
        "Digit boxes are cells of 3 to 40 mm, two to eight of one size in a row. Is the size of "
        "the sheet right (--page-mm), and the picture sharp, level and cropped to the sheet?"
    )


@app.command("try")
def try_(
    draft: Annotated[Path, typer.Argument(metavar="DRAFT", help="A form's data file (.json).")],
    copies: Annotated[
        int, typer.Option(min=1, max=50, metavar="N", help="Photos of each page with each camera.")
    ] = 2,
    photos: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep the photos that were tried.")
    ] = None,
) -> None:
    """Try a form: draw it, fill it in by hand, photograph it, read it back, say what to mend.

    The photos are invented; real ones are the better proof wherever there are any.

    For example:

    - `chasil forms try form-draft/pilkades-2026.json`

    - `chasil forms try form-draft/pilkades-2026.json --copies 10 --photos tried/`
    """
    _try(draft, copies, photos)


def _try(draft: Path, copies: int, photos: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table

    from flows.newform.folders import make_folder
    from flows.newform.trial import (
        TRIAL_CAMERAS,
        PageTrial,
        advice,
        all_forms,
        as_installed,
        try_form,
    )
    from flows.newform.twins import taken_for_another
    from pipeline.read import load_reader

    console = Console()
    trials: list[PageTrial] = []
    if photos is not None:
        make_folder(photos)
    with as_installed(draft) as form:
        alike = taken_for_another(form, [one for one in all_forms() if one.id != form.id])
        many, began = copies * len(TRIAL_CAMERAS) * len(form.pages), time.monotonic()
        for one in try_form(form, load_reader(), copies=copies, cameras=TRIAL_CAMERAS):
            trials.append(one)
            if photos is not None:
                (photos / one.name).write_bytes(one.content)
            minutes = (time.monotonic() - began) / len(trials) * (many - len(trials)) / 60
            console.print(
                f"{len(trials)} of {many} photos read, about {minutes:.0f} min left  ", end="\r"
            )
    table = Table(title=f"{form.id}: written, photographed and read back")
    table.add_column("page", justify="right")
    table.add_column("photos")
    for column in ("placed", "clear and right", "for a person", "of these right", "WRONG",
                   "not in view", "worst mm"):  # fmt: skip
        table.add_column(column, justify="right")
    for page in form.pages:
        for camera in TRIAL_CAMERAS:
            some = [one for one in trials if (one.page, one.camera) == (page.number, camera)]
            table.add_row(
                str(page.number),
                camera,
                f"{sum(one.placed for one in some)} of {len(some)}",
                str(sum(len(one.clear) for one in some)),
                str(sum(len(one.review) for one in some)),
                str(sum(one.review_right for one in some)),
                str(sum(len(one.wrong) for one in some)),
                str(sum(len(one.unseen) for one in some)),
                f"{max((one.worst_mm for one in some), default=0.0):.2f}",
            )
    console.print(table)
    for sentence in ([alike] if alike else []) + advice(trials, form):
        console.print(f"• {sentence}")
    if any(one.wrong for one in trials) or not any(one.placed for one in trials):
        raise typer.Exit(1)
    typer.echo(f"When it is right: chasil forms install {draft}")


@app.command("install")
def install(
    draft: Annotated[Path, typer.Argument(metavar="DRAFT", help="A form's data file (.json).")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace your own form of the same id.")
    ] = False,
) -> None:
    """Install a form of your own: from then on chasil looks for its pages too.

    It is copied into CHASIL_HOME/forms (or the folder in CHASIL_FORMS). Photos that were read
    before are read anew the next time they come in, because forms are part of the recipe.

    For example:

    - `chasil forms install form-draft/pilkades-2026.json`
    """
    from flows.newform.installing import install_form

    form, target = install_form(draft, replace=replace)
    typer.echo(f"{target}: {form.title}, {len(form.pages)} pages, {len(form.field_names)} fields")

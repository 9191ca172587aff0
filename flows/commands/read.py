"""``chasil read`` and ``chasil read-boxes``: straight from pictures to numbers, nothing stored."""
# ruff: noqa: PLC0415 - see the package

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import check_tps
from models.errors import InputFileError
from models.records import PageReading


class NoBoxes(InputFileError):
    """There is no picture of a box where one was looked for."""

    code = "no_boxes"
    remedy = "Name pictures of boxes, a folder that holds some, or `--from-file LIST`."


def read(
    photos: Annotated[
        list[Path],
        typer.Argument(metavar="PHOTO", help="Photos, scans, PDFs, or folders of them."),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, with what every witness says.")
    ] = False,
    overlay: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT",
            help="Draw every cell and its reading on the photo: a .jpg or .png for one photo, "
            "a folder for several.",
        ),
    ] = None,
    steps: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Folder for a picture of each step on the way."),
    ] = None,
    tps: Annotated[
        str | None,
        typer.Option(
            metavar="CODE",
            callback=check_tps,
            help="13-digit code of the TPS the photos are of, if their names don't say so.",
        ),
    ] = None,
    regions: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            metavar="PATH",
            help="A table of regions to hold the header against, instead of the one that comes "
            "with chasil: a CSV, or Sirekap's JSON.",
        ),
    ] = None,
) -> None:
    """Read the numbers on photos of count sheets. Nothing is stored.

    A photo that cannot be read is an answer too: it is shown as rejected, with the reason and what
    to do about it. The exit code is 0 when every photo got its answer.

    For example:

    - `chasil read photo.jpg`

    - `chasil read photo.jpg --overlay checked.jpg`

    - `chasil read photos/ --json > readings.jsonl`
    """
    from rich.console import Console

    from flows.reading import page_as_json, page_as_table, read_photos
    from models.regions import load_regions, read_regions

    console = Console()
    table = load_regions() if regions is None else read_regions(regions)

    def show(page: PageReading) -> None:
        if as_json:
            sys.stdout.write(page_as_json(page, table) + "\n")
            sys.stdout.flush()
        else:
            console.print(page_as_table(page, table))

    read_photos(photos, show, tps=tps, overlay=overlay, steps=steps)


def read_boxes(
    crops: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="CROP",
            help="Pictures of one digit box each, the printed frame in view, or folders of them; "
            "- for a list of paths on the standard input.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, with all probabilities.")
    ] = False,
    from_file: Annotated[
        Path | None,
        typer.Option(metavar="LIST", help="A text file with the path of one picture a line."),
    ] = None,
) -> None:
    """Say what stands in pictures of single digit boxes.

    Labels are 0 to 9, x (crossed out), blank, dash and other. A picture that cannot be opened gets
    a line with its error; the exit code is 0 when every picture got its line.

    For example:

    - `chasil read-boxes box.png --json`

    - `chasil read-boxes boxes/ --json > labels.jsonl`
    """
    from flows.boxes import read_boxes as read_them
    from models.recognisers.recogniser import load_digit_recogniser
    from pipeline.intake import photo_files

    paths: list[Path] = []
    for place in crops or []:
        if place == Path("-"):
            paths += _listed(sys.stdin.read())
        else:
            paths += photo_files([place])
    if from_file is not None:
        try:
            paths += _listed(from_file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise NoBoxes(f"{from_file} can't be read: {error}") from error
    if not paths:
        raise NoBoxes("no pictures of boxes were named")
    for reading in read_them(paths, load_digit_recogniser()):
        if as_json:
            sys.stdout.write(reading.as_json() + "\n")
        elif reading.error:
            typer.echo(f"{reading.photo}: {reading.error.code}: {reading.error.message}")
        else:
            typer.echo(f"{reading.photo}: {reading.label} ({reading.confidence:.4f})")


def _listed(text: str) -> list[Path]:
    return [Path(line) for line in text.splitlines() if line.strip()]

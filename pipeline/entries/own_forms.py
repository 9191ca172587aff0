"""Forms of the user's own: whose columns a table has, and whose folder in Sirekap's tree it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from models.elections import election_of
from models.errors import EntriesFileError
from models.forms.template import (
    PPWP_FORM,
    FormTemplate,
    installed_forms,
    load_form,
    owed_form,
    shipped_forms,
)
from pipeline.entries.whose_election import FOLDERS

FORM_COLUMN = "form"
"""A column that names each row's form, for tables whose columns fit several."""


def form_of_columns(columns: Sequence[str], place: str, *, owed: str | None = None) -> str | None:
    """The one installed form, no copy of another, that has all these fields; ``None`` if none has.

    The form that every TPS owes goes first, where the user chose one. Else columns of C.HASIL-PPWP
    are of that form, and of no other that comes with chasil; a form of the user's own that has them
    too is a question.

    Args:
        columns: Names of fields.
        place: Where they stand, for errors.
        owed: The form that every TPS owes; where ``None``, see ``owed_form``.

    Raises:
        EntriesFileError: several have them, and only the user knows which is meant.
        FormFileError: the form that was chosen is not installed.

    """
    owed = owed or owed_form()
    if owed != PPWP_FORM and _has(load_form(owed), columns):
        return owed
    fitting = [
        form.id
        for form in map(load_form, installed_forms())
        if form.copy_of is None and _has(form, columns)
    ]
    if PPWP_FORM in fitting:
        fitting = [one for one in fitting if one == PPWP_FORM or one not in shipped_forms()]
    if len(fitting) > 1:
        raise EntriesFileError(
            f"{place}: these are fields of {' and of '.join(fitting)}: "
            f"add a column {FORM_COLUMN} with the form's id",
            place=place,
        )
    return fitting[0] if fitting else None


def forms_of_folders() -> Mapping[str, str]:
    """Folder of Sirekap's tree to the form of the user's own whose data file claims it.

    Raises:
        EntriesFileError: two forms claim the same one.
        FormFileError: a form's file is broken.

    """
    found: dict[str, str] = {}
    for form in map(load_form, installed_forms()):
        folder = form.sirekap.folder if form.sirekap else None
        if folder is None or form.id in shipped_forms():
            continue
        if folder in found or folder in FOLDERS:
            other = found.get(folder) or FOLDERS[folder].form
            raise EntriesFileError(
                f"the folder {folder} is of {other} and of {form.id} as their data files say: "
                "change `folder` under `sirekap` in one of them",
                form=form.id,
            )
        found[folder] = form.id
    return found


def form_of_path(path: Path, folders: Mapping[str, str], told: str | None) -> str | None:
    """The form of the user's own that the user or a folder in the path names; ``None``: neither.

    Args:
        path: Of a JSON file.
        folders: See ``forms_of_folders``.
        told: What the user says; a form of an election of 2024 is not of interest here.

    Raises:
        EntriesFileError: two are named.

    """
    named = {folders[part.lower()] for part in path.parts if part.lower() in folders}
    if told is not None and election_of(told) is None:
        named.add(told)
    if len(named) > 1 or (named and told is not None and told not in named):
        said = sorted(named | ({told} if told else set()))
        raise EntriesFileError(
            f"{path}: named as {' and as '.join(said)} at once", source=str(path)
        )
    return next(iter(named), None)


def _has(form: FormTemplate, columns: Sequence[str]) -> bool:
    return set(columns) <= set(form.field_names)

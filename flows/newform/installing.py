"""Putting a form of one's own among the installed ones: only where it can't be taken for another.

A form that clashes would be found out at the next reading anyhow, and stop all of it; here it is
said before, to the one who can mend it.
"""

from __future__ import annotations

from pathlib import Path

import cv2

from flows.newform.twins import taken_for_another
from models.errors import InputFileError
from models.forms.template import (
    FormTemplate,
    installed_forms,
    load_form,
    load_form_file,
    own_forms_folder,
    shipped_forms,
)


class FormNotInstalled(InputFileError):
    """The folder of one's own forms can't be written."""

    code = "form_not_installed"
    remedy = "See that the folder may be written, or name another with CHASIL_FORMS."


class FormIdTaken(FormNotInstalled):
    """Another installed form has the id already."""

    code = "form_id_taken"
    remedy = (
        "Give the form another id (`id` in the answers or in its data file); a form of your own "
        "is replaced with --replace."
    )


class TwinCode(FormNotInstalled):
    """A page carries the square code of another installed form's page."""

    code = "twin_code"
    remedy = (
        "If the sheet really carries that code, only one of the two forms can be installed: remove "
        "the other one's file. If it does not, correct `tag` in the data file."
    )


class TwinSheet(FormNotInstalled):
    """Its sheet is that of another installed form."""

    code = "twin_sheet"
    remedy = (
        "Use the form that is installed, or remove it if it is one of your own (`chasil forms "
        "list` says where it lies). Two forms on one template need square codes to be told apart."
    )


class UnknownCode(FormNotInstalled):
    """The square codes are of no family that can be read, or have no such number."""

    code = "unknown_code"
    remedy = (
        "`tag_family` is the name of a dictionary of OpenCV, such as DICT_APRILTAG_36h10; "
        "leave it out, with `tag`, where the sheet has no square code."
    )


class NoCopy(FormNotInstalled):
    """What it says to be a copy of is not there, or has other fields."""

    code = "no_copy"
    remedy = (
        "Install the form itself first, give both the same names of fields, or take out `copy_of`."
    )


def install_form(draft: Path, *, replace: bool = False) -> tuple[FormTemplate, Path]:
    """Copy a form's data file into the folder of one's own forms.

    Args:
        draft: The data file.
        replace: Whether one's own form of the same id may be replaced.

    Returns:
        The form, and where it lies now.

    Raises:
        FormFileError: it is no right form; or the file of another own form is broken.
        FormIdTaken, TwinCode, TwinSheet, UnknownCode, NoCopy: it clashes, as their names say.
        FormNotInstalled: the folder can't be written.

    """
    form = load_form_file(draft)
    target = own_forms_folder() / f"{form.id}.json"
    require_own_id(form.id)
    if target.exists() and not replace:
        raise FormIdTaken(f"{target} is there already; --replace puts this one in its place")
    _require_known_codes(form)
    others = {name: load_form(name) for name in installed_forms() if name != form.id}
    for other in others.values():
        _require_other_codes(form, other)
    if form.copy_of is not None:
        _require_original(form, others.get(form.copy_of))
    alike = taken_for_another(form, tuple(others.values()))
    if alike is not None:
        raise TwinSheet(f"{alike}: no photo of either would be read any more", form=form.id)
    partial = target.with_suffix(".json.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(draft.read_bytes())
        partial.replace(target)
    except OSError as error:
        raise FormNotInstalled(f"{target}: {error.strerror}", file=str(target)) from error
    return form, target


def require_own_id(form_id: str) -> None:
    """Raise ``FormIdTaken`` for the id of a form that comes with chasil."""
    if form_id in shipped_forms():
        raise FormIdTaken(f"{form_id} is the id of a form that comes with chasil", form=form_id)


def _require_known_codes(form: FormTemplate) -> None:
    if form.tag_family is None:
        return
    family = getattr(cv2.aruco, form.tag_family, None)
    if not form.tag_family.startswith("DICT_") or not isinstance(family, int):
        raise UnknownCode(f"there is no family of square codes {form.tag_family!r}", form=form.id)
    many = len(cv2.aruco.getPredefinedDictionary(family).bytesList)
    for page in form.pages:
        if page.tag is not None and page.tag.id >= many:
            raise UnknownCode(
                f"page {page.number}: {form.tag_family} has the codes 0 to {many - 1}, "
                f"not {page.tag.id}",
                form=form.id,
            )


def _require_other_codes(form: FormTemplate, other: FormTemplate) -> None:
    if other.tag_family != form.tag_family:
        return
    known = {page.tag.id: page.number for page in other.pages if page.tag is not None}
    for page in form.pages:
        if page.tag is not None and page.tag.id in known:
            raise TwinCode(
                f"page {page.number} of {form.id} carries the square code {page.tag.id} of "
                f"{form.tag_family}, which is that of {other.id}, page {known[page.tag.id]}: "
                "a photo of one would be read as the other",
                form=form.id,
            )


def _require_original(form: FormTemplate, original: FormTemplate | None) -> None:
    if original is None:
        raise NoCopy(
            f"{form.id} says that it is a copy of {form.copy_of}, which is not installed",
            form=form.id,
        )
    if original.copy_of is not None:
        raise NoCopy(f"{original.id} is a copy itself, of {original.copy_of}", form=form.id)
    strange = sorted(set(form.field_names) - set(original.field_names))
    if strange:
        raise NoCopy(
            f"{form.id} says that it is a copy of {original.id}, which has no field "
            f"{', '.join(strange)}",
            form=form.id,
        )

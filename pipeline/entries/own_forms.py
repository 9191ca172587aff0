"""Which form the columns of a table are fields of, where nobody said so."""

from __future__ import annotations

from collections.abc import Sequence

from models.errors import EntriesFileError
from models.forms.template import (
    PPWP_FORM,
    FormTemplate,
    installed_forms,
    load_form,
    owed_form,
    shipped_forms,
)

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


def _has(form: FormTemplate, columns: Sequence[str]) -> bool:
    return set(columns) <= set(form.field_names)

"""Which form the columns of a table are fields of, where it is not C.HASIL-PPWP."""

from __future__ import annotations

from collections.abc import Sequence

from models.errors import EntriesFileError
from models.forms.template import installed_forms, load_form

FORM_COLUMN = "form"
"""A column that names each row's form, for tables whose columns fit several."""


def form_of_columns(columns: Sequence[str], place: str) -> str | None:
    """The one installed form, no copy of another, that has all these fields; ``None`` if none has.

    Raises:
        EntriesFileError: several have them, and only the user knows which is meant.

    """
    fitting = [
        form.id
        for form in map(load_form, installed_forms())
        if form.copy_of is None and set(columns) <= set(form.field_names)
    ]
    if len(fitting) > 1:
        raise EntriesFileError(
            f"{place}: the columns are fields of {' and of '.join(fitting)}: "
            f"add a column {FORM_COLUMN} with the form's id",
            place=place,
        )
    return fitting[0] if fitting else None

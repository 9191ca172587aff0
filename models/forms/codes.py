"""Square codes over all installed forms: each names one page."""

from __future__ import annotations

from collections.abc import Iterable

from models.errors import FormFileError
from models.forms.template import FormTemplate


def require_own_codes(forms: Iterable[FormTemplate]) -> None:
    """See that no two pages carry the same square code of the same family.

    Raises:
        FormFileError: two do: a photo of one could be read as the other.

    """
    known: dict[tuple[str, int], str] = {}
    for form in forms:
        for page in form.pages:
            if form.tag_family is None or page.tag is None:
                continue
            here = f"{form.id} page {page.number}"
            there = known.setdefault((form.tag_family, page.tag.id), here)
            if there != here:
                raise FormFileError(
                    f"{there} and {here} carry the same square code {page.tag.id} of "
                    f"{form.tag_family}: remove one of the forms, or give its page the code that "
                    "is printed on it",
                    form=form.id,
                )

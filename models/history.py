"""How things were at the end of a run: fields, and the parts a recipe is made of."""

from __future__ import annotations

from collections.abc import Mapping

from models.records import Probability, Record, Sha256, TpsCode


class FieldState(Record):
    """One field of one TPS as one run saw it."""

    tps: TpsCode
    form: str
    field: str
    entry: int | None = None
    """Votes reported; ``None`` where none are."""
    reading: int | None = None
    """Votes read; ``None`` for blank, not in view, or no single value."""
    status: str | None = None
    """A ``FieldStatus``; ``None`` where no photo shows the field."""
    confidence: Probability | None = None
    sha256: Sha256 | None = None
    """The photo that the reading stands on."""
    pdf_page: int | None = None
    recipe: str | None = None
    """What read it; ``None`` where no photo shows it, or the store did not keep it yet."""

    @property
    def key(self) -> tuple[str, str, str]:
        """TPS, form and field."""
        return self.tps, self.form, self.field

    @property
    def is_gone(self) -> bool:
        """Nothing shows and nothing reports it."""
        return self.status is None and self.entry is None


RECIPE_PARTS = {
    "code": "reading code",
    "recogniser": "recognisers",
    "form": "forms",
    "decision": "decision",
}
"""First word of a part's name to what a person calls it."""


def changed_parts(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """Which parts two recipes differ in, in the words of ``RECIPE_PARTS``.

    Empty where one of the two was never written down.
    """
    if not before or not after:
        return ()
    differing = {
        name.partition("/")[0]
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
    }
    return tuple(word for part, word in RECIPE_PARTS.items() if part in differing)

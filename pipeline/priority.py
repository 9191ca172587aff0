"""What a person should look at first.

::

    priority = weight × max(votes, 1) × chance          where a chance is known, at most BELOW_FIRST
    priority = FIRST + votes                             where none is: always before all others

* **votes** are the votes (or voters, or papers) that may be wrong: what an error costs. Unknown
  votes count as ``ALL_VOTES``: missing is not zero. No conflict counts for nothing, so that equal
  numbers that are still to be confirmed keep an order among themselves.
* **chance** is how likely a person will find something to put right. Where paper and system
  differ it is the confidence of the reading: a sure reading of another number is a sure error,
  an unsure one may be our own. Where the machine could not settle a field it is one minus the
  confidence. A rule broken in an entry is certain (1). Where nothing was read (a page missing, a
  photo rejected, filed twice or wrongly) there is no chance to weigh, so a person looks first:
  anything may hide there.
* **weight** is a product of the factors below, each with its reason. They are judgements, not
  measurements; the order they give is what matters, not their size.
"""

from __future__ import annotations

from models.forms.votes import BEGINNING, holds_votes, template_of

ALL_VOTES = 300
"""Votes at stake where nothing is known: a TPS of 2024 was planned for 300 voters at most."""

FIRST = 1_000_000.0
BELOW_FIRST = FIRST - 1

NO_VOTES = 0.25
"""Voters, ballot papers, disability: a wrong number there moves no vote, though it may show how
one was moved."""

ENTRY_ALONE_BREAKS_A_RULE = 2.0
"""The paper adds up and the entry does not: arithmetic is on the paper's side."""

PAPER_ALONE_BREAKS_A_RULE = 0.5
"""The entry adds up and the paper as read does not: the reading may be at fault."""

UNSETTLED_AND_BREAKS_A_RULE = 2.0
"""A reading that is in doubt already and does not add up is likely wrong."""

ROWS_SWAPPED = 2.0
"""Every sum is kept: if it is not looked at here, nothing else will ever show it."""

ENTRY_MISSING = 0.5
"""The system shows nothing wrong, it shows nothing: later work, not a false number."""

AGREES = 0.1
"""An unsure reading that equals the entry (or blank paper and 0): two sources say the same."""

NOT_REPORTED = 0.1
"""The system publishes no such number, so nothing can differ; only rules use it."""

WARNING = 0.1
"""The rule has known exceptions."""


def weight_of_field(field: str, form: str | None = None) -> float:
    """What a field weighs by itself: numbers of votes count whole.

    Args:
        field: Its name.
        form: Id of its form, which may say that other fields than ``suara_…`` hold votes.

    """
    if field.startswith(BEGINNING):
        return 1.0
    return 1.0 if holds_votes(template_of(form), field) else NO_VOTES


def priority(*, votes: int | None, chance: float | None, weight: float = 1.0) -> float:
    """The priority of a conflict; higher is sooner.

    Args:
        votes: Votes affected, 0 or more; ``None`` where that can't be known.
        chance: 0 to 1; ``None`` where there is none to weigh.
        weight: Product of the factors that hold, above 0.

    """
    if chance is None:
        return FIRST + (ALL_VOTES if votes is None else votes)
    product = weight * max(ALL_VOTES if votes is None else votes, 1) * chance
    return min(round(product, 6), BELOW_FIRST)

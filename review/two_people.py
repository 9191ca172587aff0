"""When one person's word is not enough."""

from __future__ import annotations

from models.queue import ItemFacts, Outcome
from models.records import FieldStatus
from review.outcomes import Finding


def votes_changed(item: ItemFacts, finding: Finding) -> int:
    """By how many votes a finding would change the reported number; 0 where it changes none.

    A number where none was reported, and none where one was, change it by the whole number:
    missing is not zero, but it is that many votes that come or go.
    """
    if finding.number is None:
        return (item.entry or 0) if finding.empty else 0
    return abs(finding.number - (item.entry or 0))


def needs_second(item: ItemFacts, finding: Finding, votes: int) -> bool:
    """Whether a second auditor must look, who has not seen the first one's answer.

    Args:
        item: What is decided.
        finding: The first auditor's.
        votes: A change of more than so many votes needs two people.

    """
    if finding.outcome is Outcome.MACHINE_WRONG and item.field_status == FieldStatus.CLEAR:
        return True
    return votes_changed(item, finding) > votes

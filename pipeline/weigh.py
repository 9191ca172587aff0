"""One field: from what each witness saw to one number, its confidence and its status.

Read what is written: the reading is the number that stands in the digit boxes. The other
witnesses say what the writers meant, and that is nearly always the same number; so they move the
confidence, and tell apart what the digits leave in doubt. A witness that surely says another
number sends the field to a person. How far each one is trusted was measured
(``models.reliability``), so that a weak witness can't outvote a strong one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from models.records import (
    BubbleColumn,
    DigitBox,
    FieldReading,
    FieldStatus,
    ReviewReason,
    Witness,
)
from models.reliability import Reliabilities, WitnessReliability
from pipeline.witnesses.bubbles import bubbles_answer, bubbles_witness
from pipeline.witnesses.digits import LEAST_NUMBER, digits_answer, digits_witness

NUMBERS = 1000
"""Three boxes hold 0 to 999: what a witness that knows nothing spreads its belief over."""


def is_heard(name: str, witness: Witness) -> bool:
    """Whether what a witness says of the number counts.

    One besides the digits that sees no single number is not heard: what a network makes of a
    picture that is like none it learnt from is spread over many numbers, and means none.
    """
    return name == "digits" or (witness.value is not None and witness.confidence >= LEAST_NUMBER)


@dataclass(frozen=True, slots=True)
class Belief:
    """What the witnesses of one field make of the number in its digit boxes."""

    probabilities: Mapping[int, float]
    """Number to probability; only numbers that a witness read."""
    elsewhere: float
    """Probability of any other number, or of none."""

    @property
    def best(self) -> tuple[int | None, float]:
        """The likeliest number with its probability; ``None`` where no witness read any."""
        if not self.probabilities:
            return None, 0.0
        number = max(self.probabilities, key=lambda one: (self.probabilities[one], -one))
        return number, self.probabilities[number]


def belief(witnesses: Mapping[str, Witness], known: Reliabilities) -> Belief:
    """Put the witnesses of one field together.

    With D the number in the digit boxes and N the one that was meant, D is N but for a slip, and
    each other witness saw N, but for the share of answers that have nothing to do with it::

        P(D = d) ∝ digits(d) · [(1 - slip) · M(d) + slip · mean of M]
        M(n)     = Π of (1 - wrong) · witness(n) + wrong / 1000

    where every witness's probabilities are first made true by its power.
    """
    digits = witnesses.get("digits")
    if digits is None:
        return Belief({}, 1.0)
    others = [
        _said(witness, known.witnesses[name], may_be_any=True)
        for name, witness in witnesses.items()
        if name in known.witnesses and name != "digits" and is_heard(name, witness)
    ]
    written = _said(digits, known.witnesses["digits"], may_be_any=False)
    numbers = set(written.numbers).union(*(other.numbers for other in others))
    meant = {number: prod(other.of(number) for other in others) for number in numbers}
    of_unread = prod(other.background for other in others)
    unread = NUMBERS - len(numbers)
    mean = (sum(meant.values()) + unread * of_unread) / NUMBERS
    kept = 1 - known.slip
    weights = {
        number: written.of(number) * (kept * meant[number] + known.slip * mean)
        for number in numbers
    }
    rest = written.no_number * mean
    rest += unread * written.background * (kept * of_unread + known.slip * mean)
    total = sum(weights.values()) + rest
    if total <= 0.0:
        return Belief({}, 1.0)
    return Belief({number: weight / total for number, weight in weights.items()}, rest / total)


@dataclass(frozen=True, slots=True)
class _Said:
    """One witness's probabilities, made true."""

    numbers: Mapping[int, float]
    no_number: float
    """Share of "no number", and of numbers too unlikely to be listed."""
    background: float
    """Probability of any single number that it did not read."""

    def of(self, number: int) -> float:
        return self.numbers.get(number, 0.0) + self.background


def _said(witness: Witness, known: WitnessReliability, *, may_be_any: bool) -> _Said:
    """``may_be_any``: what the witness leaves open may be any number, rather than none."""
    missing = max(0.0, 1.0 - sum(p for _, p in witness.distribution))
    sharpened = {number: p**known.power for number, p in witness.distribution}
    rest = missing**known.power if missing > 0 else 0.0
    total = sum(sharpened.values()) + rest
    right = (1 - known.wrong) / total if total else 0.0
    no_number = rest * right
    return _Said(
        numbers={number: p * right for number, p in sharpened.items()},
        no_number=no_number,
        background=(known.wrong + (no_number if may_be_any else 0.0)) / NUMBERS,
    )


def weigh(
    boxes: Sequence[DigitBox],
    columns: Sequence[BubbleColumn],
    more: Mapping[str, Witness],
    doubts: Sequence[ReviewReason],
    known: Reliabilities,
) -> FieldReading:
    """Decide one field.

    Args:
        boxes: Its digit boxes, most significant first.
        columns: Its bubble columns in the same order; empty where there are none.
        more: Its other witnesses (``tally``, ``words``), where there are any.
        doubts: Reasons from the steps before (a cell out of place, too coarse a photo).
        known: How far each witness is to be trusted, and from which confidence a field is clear.

    """
    digits = digits_answer(boxes)
    bubbles = bubbles_answer(columns)
    witnesses = {"digits": digits_witness(boxes, digits)}
    if columns:
        witnesses["bubbles"] = bubbles_witness(columns, bubbles)
    witnesses |= more
    reasons = [*doubts, *digits.reasons]
    seen = belief(witnesses, known)
    value, confidence = seen.best
    if digits.blank:
        value, confidence = None, digits.confidence
    elif digits.value is not None and _is_sure("digits", witnesses["digits"], known):
        # What the digits surely say stands, however many say otherwise: that is for a person.
        value, confidence = digits.value, seen.probabilities.get(digits.value, 0.0)
    elif confidence < LEAST_NUMBER:
        value = None
    if bubbles.unclear:
        reasons.append(ReviewReason.BUBBLES_UNCLEAR)
    if ReviewReason.NOT_MEASURED in reasons and _confirmed(witnesses, value, known):
        reasons.remove(ReviewReason.NOT_MEASURED)
    if any(_disagrees(name, witnesses[name], value, known) for name in witnesses):
        reasons.append(ReviewReason.WITNESSES_DISAGREE)
    return settled(
        FieldReading(
            value=value,
            confidence=_rounded(confidence),
            status=FieldStatus.REVIEW,
            reasons=tuple(reasons),
            witnesses=witnesses,
        ),
        blank=digits.blank,
        known=known,
    )


PLACING_DOUBTS = frozenset(
    {ReviewReason.CELL_OUT_OF_PLACE, ReviewReason.TOO_COARSE, ReviewReason.NOT_MEASURED}
)
"""Doubts that come from before the witnesses."""


def weigh_again(
    field: FieldReading, known: Reliabilities, names: Collection[str] | None = None
) -> FieldReading:
    """Decide a field again from what is on its record.

    Args:
        field: As it was read; one out of view stays so.
        known: How far each witness is to be trusted.
        names: Which witnesses besides the digits to hear; all where ``None``.

    """
    heard = {
        name: witness
        for name, witness in field.witnesses.items()
        if name == "digits" or names is None or name in names
    }
    if "digits" not in heard:
        return field
    bubbles = heard.pop("bubbles", None)
    return weigh(
        heard.pop("digits").boxes,
        bubbles.columns if bubbles else (),
        heard,
        [reason for reason in field.reasons if reason in PLACING_DOUBTS],
        known,
    )


def settled(field: FieldReading, *, blank: bool, known: Reliabilities) -> FieldReading:
    """The same field with the status that its confidence and its reasons allow."""
    reasons: list[ReviewReason] = [
        reason for reason in field.reasons if reason != ReviewReason.LOW_CONFIDENCE
    ]
    no_number = field.value is None and not blank
    if no_number and not reasons:
        reasons.append(ReviewReason.LOW_CONFIDENCE)
    least = known.blank if blank else known.clear
    if field.confidence < least and not reasons:
        reasons.append(ReviewReason.LOW_CONFIDENCE)
    settled_as = FieldStatus.BLANK if blank else FieldStatus.CLEAR
    status = FieldStatus.REVIEW if reasons else settled_as
    return field.model_copy(update={"status": status, "reasons": tuple(reasons)})


def _confirmed(witnesses: Mapping[str, Witness], value: int | None, known: Reliabilities) -> bool:
    """Whether the digits and another witness both surely say this number."""
    sure = {
        name
        for name, witness in witnesses.items()
        if name in known.witnesses
        and value is not None
        and witness.value == value
        and is_heard(name, witness)
        and _is_sure(name, witness, known)
    }
    return "digits" in sure and len(sure) > 1


def _disagrees(name: str, witness: Witness, value: int | None, known: Reliabilities) -> bool:
    if witness.value is None or witness.value == value or name not in known.witnesses:
        return False
    return is_heard(name, witness) and _is_sure(name, witness, known)


def _is_sure(name: str, witness: Witness, known: Reliabilities) -> bool:
    return trust(witness, known.witnesses[name]) >= known.witnesses[name].sure


def trust(witness: Witness, known: WitnessReliability) -> float:
    """Probability of a witness's own number, made true; 0 where it saw none."""
    if witness.value is None:
        return 0.0
    return _said(witness, known, may_be_any=True).numbers.get(witness.value, 0.0)


def _rounded(confidence: float) -> float:
    return round(min(1.0, max(0.0, confidence)), 6)

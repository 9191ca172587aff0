"""Rules over the forms of several elections of one TPS.

The five elections of 2024 were held on one day at one TPS, with one list of voters. Each number
is on five forms. Which of them is wrong no arithmetic can tell; the one that most forms have is
what the others are held against, only so that few findings come of one slip.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from models.elections import Election
from models.rules.rule import Numbers, RuleResult, Severity, Verdict


@dataclass(frozen=True, slots=True)
class SameOnAllForms:
    """Some fields have the same number on the forms of all elections."""

    code: str
    severity: Severity
    source: str
    fields: tuple[str, ...]

    def evaluate(self, by_form: Mapping[str, Numbers]) -> tuple[tuple[str, RuleResult], ...]:
        """Hold each form against the number that most of them have.

        Args:
            by_form: Id of a form of one TPS to its numbers. Forms that belong to none of the
                elections are left out.

        Returns:
            Each form but the one that the others are held against, with its result. Where a
            number is missing on either, the verdict is ``not_computable``.

        """
        forms = {
            election: by_form[election.form] for election in Election if election.form in by_form
        }
        return tuple(one for field in self.fields for one in self._of_field(field, forms))

    def _of_field(
        self, field: str, forms: Mapping[Election, Numbers]
    ) -> list[tuple[str, RuleResult]]:
        numbers = {election: forms[election].get(field) for election in forms}
        known = {election: one for election, one in numbers.items() if one is not None}
        if len(numbers) < 2:
            return []
        most = Counter(known.values()).most_common(1)  # of equally many, the first election's
        reference = next((one for one, number in known.items() if number == most[0][0]), None)
        reference = reference or next(iter(numbers))
        return [
            (election.form, self._result(field, election, reference, numbers, forms))
            for election in numbers
            if election is not reference
        ]

    def _result(
        self,
        field: str,
        election: Election,
        reference: Election,
        numbers: Mapping[Election, int | None],
        forms: Mapping[Election, Numbers],
    ) -> RuleResult:
        here, there = numbers[election], numbers[reference]
        formula = f"{field} ({election}) = {field} ({reference})"
        difference = None if here is None or there is None else here - there
        if difference is None:
            missing = " and ".join(one for one in (election, reference) if numbers[one] is None)
            verdict = Verdict.NOT_COMPUTABLE
            message = f"{formula} can't be worked out without the number of {missing}."
        else:
            verdict = Verdict.VIOLATED if difference else Verdict.OK
            others = [one for one in forms if numbers[one] == there and one is not election]
            said = ", ".join(others)
            message = (
                f"{field} is {here} for {election} and {there} for {said}"
                f" (difference {difference:+}): one TPS has one list of voters."
                if difference
                else f"{field} is {here} for {election}, as for {said}."
            )
        return RuleResult(
            rule=self.code,
            field=field,
            verdict=verdict,
            severity=self.severity,
            inputs={f"{field}@{election}": here, f"{field}@{reference}": there},
            formula=formula,
            tolerance=0,
            source=self.source,
            difference=difference,
            message=message,
        )


def at_election(name: str) -> tuple[str, Election | None]:
    """Field and election of an input of these rules (``FIELD@ELECTION``)."""
    field, _, election = name.partition("@")
    return field, Election(election) if election else None

"""What a rule is: lines of arithmetic over a form's numbers, each judged ok, violated or unknown.

A rule never fills in a number: where one input is missing, its verdict is ``not_computable``.
A result carries the whole arithmetic, so that a page can show it without knowing the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from models.elections import Election, election_of
from models.records import Record

Numbers = Mapping[str, int | None]
"""Field to votes, voters or ballot papers; ``None``, like an absent field, means unknown."""


class Verdict(StrEnum):
    """What a rule says of one line of arithmetic."""

    OK = "ok"
    VIOLATED = "violated"
    NOT_COMPUTABLE = "not_computable"


class Severity(StrEnum):
    """How much a violation says."""

    ERROR = "error"
    """On a form that is filled in rightly this can't be."""
    WARNING = "warning"
    """Seldom right; exceptions are known."""


class Relation(StrEnum):
    """How the number stands to what is expected."""

    EQUAL = "="
    AT_MOST = "≤"


class RuleResult(Record):
    """One line of arithmetic, worked out."""

    rule: str
    """The rule's code."""
    field: str
    """The number on the left-hand side: what the rule is about."""
    verdict: Verdict
    severity: Severity
    inputs: dict[str, int | None]
    """Every number that goes in, the left-hand side first."""
    formula: str
    tolerance: int
    """Votes by which the sides may differ."""
    source: str
    """The regulation, form or system that asks for it."""
    difference: int | None
    """Left minus right, in votes; ``None`` where not computable."""
    message: str
    """One sentence for a person."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of arithmetic: a field against what other fields make one expect."""

    field: str
    """Left-hand side."""
    terms: tuple[str, ...]
    """Fields on the right-hand side."""
    right: str
    """The right-hand side as text."""
    expected: Callable[[Sequence[int]], int] = sum
    """The values of ``terms``, in order, to the right-hand side in votes."""
    relation: Relation = Relation.EQUAL

    @property
    def formula(self) -> str:
        """The whole line as text."""
        return f"{self.field} {self.relation} {self.right}"


TERMS_WRITTEN_OUT = 4
"""A longer sum stands in a sentence by its first two and its last row."""


def sum_of(terms: tuple[str, ...], field: str) -> Check:
    """``field`` is the sum of ``terms`` (of one term: equals it)."""
    right = " + ".join(terms)
    if len(terms) > TERMS_WRITTEN_OUT:
        right = f"{terms[0]} + {terms[1]} + … + {terms[-1]} ({len(terms)} rows)"
    return Check(field=field, terms=terms, right=right)


def at_most(field: str, limit: str) -> Check:
    """``field`` is not more than the field ``limit``."""
    return Check(field=field, terms=(limit,), right=limit, relation=Relation.AT_MOST)


EVERY_ELECTION = frozenset(Election)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule over numbers, whether read from paper or reported by a system."""

    code: str
    severity: Severity
    source: str
    checks: tuple[Check, ...] = ()
    """Lines that every form has for which the rule holds."""
    tolerance: int = 0
    elections: frozenset[Election] = EVERY_ELECTION
    """Elections on whose forms the rule holds; a form of none of them is held to all rules."""
    checks_of: Callable[[Collection[str], Election | None], tuple[Check, ...]] | None = None
    """Lines that depend on which fields a form has: from their names, and the form's election.
    Parties and candidates differ from place to place."""

    def checks_for(self, fields: Collection[str], form: str | None = None) -> tuple[Check, ...]:
        """The lines that hold on a form.

        Args:
            fields: Names of its fields, as far as they are known.
            form: Its id; ``None`` where it is not known: then every rule holds.

        """
        election = election_of(form)
        if election is not None and election not in self.elections:
            return ()
        depending = self.checks_of(fields, election) if self.checks_of else ()
        return (*self.checks, *depending)

    def evaluate(self, numbers: Numbers, form: str | None = None) -> tuple[RuleResult, ...]:
        """Work out each check; takes any mapping and never fails on missing numbers."""
        return tuple(self._result(check, numbers) for check in self.checks_for(numbers, form))

    def violations(self, numbers: Numbers, form: str | None = None) -> tuple[RuleResult, ...]:
        """Those of ``evaluate`` that are violated: most lines hold, and need no sentence."""
        return tuple(
            self._result(check, numbers)
            for check in self.checks_for(numbers, form)
            if self._is_violated(check, numbers)
        )

    def _is_violated(self, check: Check, numbers: Numbers) -> bool:
        left = numbers.get(check.field)
        if left is None:
            return False
        values: list[int] = []
        for term in check.terms:
            value = numbers.get(term)
            if value is None:
                return False
            values.append(value)
        return self._is_off(check, left - check.expected(values))

    def _is_off(self, check: Check, difference: int) -> bool:
        off = difference if check.relation is Relation.AT_MOST else abs(difference)
        return off > self.tolerance

    def _result(self, check: Check, numbers: Numbers) -> RuleResult:
        left = numbers.get(check.field)
        inputs: dict[str, int | None] = {check.field: left}
        values: list[int] = []
        for term in check.terms:
            value = inputs[term] = numbers.get(term)
            if value is not None:
                values.append(value)
        difference: int | None = None
        if left is None or len(values) < len(check.terms):
            verdict = Verdict.NOT_COMPUTABLE
            missing = ", ".join(name for name, value in inputs.items() if value is None)
            message = f"{check.formula} can't be worked out without {missing}."
        else:
            right = check.expected(values)
            difference = left - right
            verdict = Verdict.VIOLATED if self._is_off(check, difference) else Verdict.OK
            not_quite = " not" if verdict is Verdict.VIOLATED else ""
            message = (
                f"{check.formula} does{not_quite} hold: {left} against {right}"
                f" (difference {difference:+})."
            )
        return RuleResult(
            rule=self.code,
            field=check.field,
            verdict=verdict,
            severity=self.severity,
            inputs=inputs,
            formula=check.formula,
            tolerance=self.tolerance,
            source=self.source,
            difference=difference,
            message=message,
        )

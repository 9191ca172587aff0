"""Exact probabilities of all numbers of a form, given that its sums hold, mostly.

Every field is a variable over the few numbers that its witnesses read, and ``None`` for any
other; every line of arithmetic is a factor that is high where the line holds, and low, not zero,
where it does not: writers miscalculate. Where a number of the line is ``None``, the line says
nothing. Variables are summed out one by one, the cheapest first, and the way back gives each
one's own probabilities: exact, like the junction tree that it is (Lauritzen and Spiegelhalter
1988; Koller and Friedman 2009, chapters 9 and 10).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.reliability import Reliabilities
from models.rules import Relation, Rule, Severity, rules_for
from pipeline.weigh import NUMBERS, Belief

Table = NDArray[np.float64]
"""One axis a variable."""

LEAST = 1e-5
MOST = 4
"""A number less likely than this, or the fifth likeliest, is counted among the other numbers: on
these a sum says nothing. So the tables stay small on a form that is all doubts."""


@dataclass(frozen=True, slots=True)
class Sum:
    """One line of arithmetic: a total and its terms."""

    rule: str
    total: str
    terms: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The total first."""
        return (self.total, *self.terms)


def sums(form: str | None = None) -> tuple[Sum, ...]:
    """The lines that hold on every sheet of a form that is filled in rightly.

    Args:
        form: Its id; see ``models.rules.rules_for``.

    """
    return _sums(rules_for(form))


@lru_cache(maxsize=64)
def _sums(rules: tuple[Rule, ...]) -> tuple[Sum, ...]:
    return tuple(
        Sum(rule.code, check.field, check.terms)
        for rule in rules
        if rule.severity is Severity.ERROR and rule.tolerance == 0
        for check in rule.checks
        if check.relation is Relation.EQUAL and check.expected is sum
    )


def with_sums(
    beliefs: Mapping[str, Belief], known: Reliabilities, form: str | None = None
) -> dict[str, Belief]:
    """The beliefs of a form's fields, given its sums.

    Args:
        beliefs: Field to what its own witnesses make of it. A field that is left out is unknown.
        known: How often writers get each line wrong.
        form: Id of the form, whose sums they are.

    Returns:
        The same fields. No number is in the result that was not in ``beliefs``.

    """
    fields = tuple(name for name, belief in beliefs.items() if belief.probabilities)
    values, tables = {}, {}
    for name in fields:
        likeliest = sorted(beliefs[name].probabilities.items(), key=lambda one: -one[1])[:MOST]
        kept = {number: chance for number, chance in likeliest if chance >= LEAST}
        values[name] = np.array([*kept, np.nan])
        tables[name] = np.array([*kept.values(), max(0.0, 1.0 - sum(kept.values()))])
    factors = [Factor((name,), tables[name]) for name in fields]
    factors += [
        _factor(line, values, known)
        for line in sums(form)
        if all(name in values for name in line.fields)
    ]
    posterior = marginals(factors, {name: len(tables[name]) for name in fields})
    result = dict(beliefs)
    for name in fields:
        numbers = values[name][:-1].astype(int).tolist()
        chances = posterior[name].tolist()
        result[name] = Belief(dict(zip(numbers, chances[:-1], strict=True)), chances[-1])
    return result


@dataclass(frozen=True, slots=True)
class Factor:
    """A table over some variables."""

    names: tuple[str, ...]
    table: Table


def _factor(line: Sum, values: Mapping[str, Table], known: Reliabilities) -> Factor:
    reliability = known.of_sum(line.rule, line.total)
    shape = [1] * len(line.fields)
    difference = np.zeros(shape)
    for axis, name in enumerate(line.fields):
        along = list(shape)
        along[axis] = -1
        sign = -1.0 if axis else 1.0
        difference = difference + sign * values[name].reshape(along)
    holds = 1.0 - reliability.wrong
    # Any other number is as likely to make one difference as another.
    unknown = 1.0 / NUMBERS
    table = np.where(difference == 0, holds, reliability.wrong / reliability.ways)
    return Factor(line.fields, np.where(np.isnan(difference), unknown, table))


def marginals(factors: Sequence[Factor], sizes: Mapping[str, int]) -> dict[str, Table]:
    """Each variable's own probabilities under the product of all factors, (size,) each.

    Args:
        factors: Tables, not negative, with at least one way to have a product above 0.
        sizes: Variable to how many values it has.

    """
    order = elimination_order(tuple(sizes), tuple(factor.names for factor in factors))
    cliques: list[Factor] = []
    parents: list[list[tuple[int, Factor]]] = []
    pool: list[tuple[Factor, int]] = [(factor, -1) for factor in factors]
    for name in order:
        touching = [one for one in pool if name in one[0].names]
        pool = [one for one in pool if name not in one[0].names]
        clique = _product([factor for factor, _ in touching], sizes, first=name)
        parents.append([(made, factor) for factor, made in touching if made >= 0])
        if len(clique.names) > 1:
            message = Factor(clique.names[1:], clique.table.sum(axis=0))
            pool.append((_scaled(message), len(cliques)))
        cliques.append(clique)
    # Back again: each clique, made true by its parent, gives its children their share.
    answers: dict[str, Table] = {}
    for place in range(len(cliques) - 1, -1, -1):
        clique = cliques[place]
        of_name = clique.table.reshape(clique.table.shape[0], -1).sum(axis=1)
        answers[order[place]] = of_name / of_name.sum()
        for child, message in parents[place]:
            over = tuple(k for k, name in enumerate(clique.names) if name not in message.names)
            known = clique.table.sum(axis=over)
            # Both name their variables in one order, the clique's first one apart.
            kept = [name for name in clique.names if name in message.names]
            known = known.transpose([kept.index(name) for name in message.names])
            ratio = np.divide(known, message.table, out=np.zeros_like(known), where=known > 0)
            made = cliques[child]
            cliques[child] = _scaled(Factor(made.names, made.table * ratio[None]))
    return answers


@lru_cache(maxsize=64)
def elimination_order(
    names: tuple[str, ...], scopes: tuple[tuple[str, ...], ...]
) -> tuple[str, ...]:
    """In which order to sum out variables: always one with the fewest others in its tables."""
    pool = [frozenset(scope) for scope in scopes]
    left, order = set(names), []
    while left:
        neighbours = {
            name: frozenset().union(*(scope for scope in pool if name in scope)) | {name}
            for name in left
        }
        name = min(left, key=lambda one: (len(neighbours[one]), one))
        pool = [scope for scope in pool if name not in scope]
        pool.append(neighbours[name] - {name})
        order.append(name)
        left.remove(name)
    return tuple(order)


def _product(factors: Sequence[Factor], sizes: Mapping[str, int], *, first: str) -> Factor:
    names = (first, *sorted({one for factor in factors for one in factor.names} - {first}))
    place = {name: k for k, name in enumerate(names)}
    table = np.ones([sizes[name] for name in names])
    for factor in factors:
        axes = sorted(range(len(factor.names)), key=lambda k: place[factor.names[k]])
        shape = [1] * len(names)
        for name in factor.names:
            shape[place[name]] = sizes[name]
        table *= factor.table.transpose(axes).reshape(shape)
    return Factor(names, table)


def _scaled(factor: Factor) -> Factor:
    largest = float(factor.table.max())
    return Factor(factor.names, factor.table / largest) if largest > 0 else factor

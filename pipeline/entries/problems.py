"""What to do with one broken entry among many good ones.

Every reader in this package takes ``on_problem``. It is called with an ``EntriesFileError`` for
each object, row or file that can't be used, and reading goes on with the next. The default raises,
so that nothing is ever lost unseen; an import hands in ``problems.append`` and reports the list.
"""

from __future__ import annotations

from collections.abc import Callable

from models.errors import EntriesFileError

OnProblem = Callable[[EntriesFileError], None]


def raise_problem(problem: EntriesFileError) -> None:
    """Stop at the first broken entry."""
    raise problem

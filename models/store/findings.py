"""What a run found about some TPS, as rows: looked up by whoever compares, written in one go.

Most of what a comparison finds is what the store has already: fields that are seen as before,
sums' cells that are as they were. To see that takes reading alone, and so it is done where the
comparing is done, also in another process; what is left to write is short.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert

from models.history import FieldState
from models.queue import TpsProgress
from models.records import Conflict
from models.store.connections import Connections
from models.store.history import changed_fields, keep_fields
from models.store.refresh import CellChanges, changed_cells, write_cells
from models.store.tables import ConflictRow
from models.store.worked_out import WorkedOut, keep_worked_out


@dataclass(frozen=True, slots=True)
class Findings:
    """Rows to write; plain data, so that it passes between processes quickly."""

    conflicts: tuple[dict[str, Any], ...]
    fields: tuple[dict[str, Any], ...]
    """Of ``field_history``."""
    cells: CellChanges
    worked_out: tuple[WorkedOut, ...] = ()
    """What was worked out and is to be kept for the next time."""


def find_changes(
    connections: Connections,
    batch: int,
    tps: Collection[str],
    conflicts: Iterable[Conflict],
    states: Sequence[FieldState],
    progress: Sequence[TpsProgress],
) -> Findings:
    """Hold what a run sees against what the store has; only reads.

    Call it within ``one_comparison``: nobody else may write the same fields before this is written.

    Args:
        connections: The store's.
        batch: The run.
        tps: TPS that states and progress say everything about.
        conflicts: All conflicts of these TPS.
        states: Every field that is read or reported.
        progress: How far their forms have come.

    """
    changed: list[dict[str, Any]] = []
    cells = CellChanges((), ())
    if tps:
        changed, cells = connections.read(
            lambda connection: (
                changed_fields(connection, batch, tps, states),
                changed_cells(connection, states, progress, tps),
            )
        )
    return Findings(tuple(conflict_rows(conflicts)), tuple(changed), cells)


def write_findings(connection: Connection, batch: int, findings: Findings) -> None:
    """Write it under a run, inside the connection's writing transaction; it has the room's turn."""
    if findings.conflicts:
        rows = [row | {"batch_id": batch} for row in findings.conflicts]
        connection.execute(insert(ConflictRow), rows)
    write_cells(connection, findings.cells)
    keep_fields(connection, batch, findings.fields)
    keep_worked_out(connection, findings.worked_out)


def conflict_rows(conflicts: Iterable[Conflict]) -> list[dict[str, Any]]:
    """Rows of ``conflicts``, without their run."""
    return [
        {
            "tps": conflict.tps,
            "form": conflict.form,
            "field": conflict.field,
            "kind": conflict.kind.value,
            "cause": conflict.cause.value if conflict.cause else None,
            "votes": conflict.votes,
            "priority": conflict.priority,
            "payload": conflict.model_dump(mode="json"),
        }
        for conflict in conflicts
    ]

"""What one writing transaction may do in the auditors' room."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    exists,
    insert,
    or_,
    select,
    update,
)

from models.queue import ItemStatus, QueueItem
from models.regions import Level
from models.store.item_filter import ItemFilter, conditions
from models.store.room_queries import as_item, item_of
from models.store.room_tables import ItemRow, SettingRow, SkipRow
from models.store.sums import recount_items, recount_tps, settle_cell
from models.store.trail import append, records_of
from models.trail import Act, Facts, TrailRecord


class Acting:
    """Reads and changes inside one transaction: all of it is kept, or nothing."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def append(
        self,
        *,
        who: str,
        act: Act,
        subject: str,
        before: Facts | None = None,
        after: Facts | None = None,
        why: str | None = None,
    ) -> TrailRecord:
        """Write one act into the trail."""
        return append(
            self.connection,
            who=who,
            act=act,
            subject=subject,
            before=before,
            after=after,
            why=why,
        )

    def item(self, number: int) -> QueueItem | None:
        """One item as it is now; nobody else can change it before this transaction ends."""
        return item_of(self.connection, ItemRow.id == number)

    def records(self, item: QueueItem) -> tuple[TrailRecord, ...]:
        """All acts on an item, the oldest first."""
        return records_of(self.connection, f"item/{item.id}")

    def change_item(self, item: QueueItem, **values: Any) -> QueueItem:  # noqa: ANN401
        """Write an item's new state, and set its cell's sums and its TPS's counts right."""
        self.connection.execute(update(ItemRow).where(ItemRow.id == item.id).values(values))
        changed = item.model_copy(update=values)
        if changed.status is item.status:
            return changed
        recount_items(self.connection, item.tps[: Level.DESA] if item.tps else "")
        if item.tps:
            if item.form and item.field:
                settle_cell(self.connection, item.tps, item.form, item.field)
            recount_tps(self.connection, item.tps)
        return changed

    def next_item(
        self,
        who: str,
        wanted: ItemFilter,
        statuses: Sequence[ItemStatus],
        now: datetime,
        longest: timedelta,
        *,
        besides: int | None = None,
    ) -> QueueItem | None:
        """The most urgent item that waits for this user and that nobody else holds.

        What the user skipped comes when nothing else is left, longest ago first. A claim that
        reaches further ahead than ``longest`` is from before the clock was set back.
        """
        given = {"who": who, "now": now, "beyond": now + longest, "besides": besides or 0}
        candidates = []
        for status in statuses:
            first = self.connection.execute(_first_of(wanted), given | {"status": status.value})
            candidates += [as_item(row) for row in first]
        if candidates:
            return min(candidates, key=lambda item: (-item.priority, item.id))
        query = (
            select(ItemRow.__table__)
            .join(SkipRow, SkipRow.item_id == ItemRow.id)
            .where(
                SkipRow.who == bindparam("who"),
                ItemRow.status.in_([status.value for status in statuses]),
                *_free(wanted),
            )
            .order_by(SkipRow.at, ItemRow.id)
            .limit(1)
        )
        row = self.connection.execute(query, given).one_or_none()
        return None if row is None else as_item(row)

    def skip(self, who: str, item: QueueItem, now: datetime) -> None:
        """Put an item aside for a user."""
        self.unskip(who, item)
        self.connection.execute(insert(SkipRow).values(who=who, item_id=item.id, at=now))

    def unskip(self, who: str, item: QueueItem) -> None:
        """An item the user works on again is put aside no longer."""
        self.connection.execute(
            SkipRow.__table__.delete().where(  # type: ignore[attr-defined]
                SkipRow.who == who, SkipRow.item_id == item.id
            )
        )

    def settings(self) -> dict[str, Any]:
        """The settings that were changed, by name."""
        query = select(SettingRow.name, SettingRow.value)
        return {name: json.loads(value) for name, value in self.connection.execute(query)}

    def change_setting(self, name: str, value: object) -> None:
        """Keep a setting."""
        text = json.dumps(value)
        done = self.connection.execute(
            update(SettingRow).where(SettingRow.name == name).values(value=text)
        )
        if not done.rowcount:
            self.connection.execute(insert(SettingRow).values(name=name, value=text))


@lru_cache(maxsize=256)
def _first_of(wanted: ItemFilter) -> Select[Any]:
    """The most urgent free item of one ``status``; see ``_free`` for what it is asked with.

    Kept by filter: putting a query together takes longer than SQLite takes to answer it.
    """
    skipped = exists().where(SkipRow.who == bindparam("who"), SkipRow.item_id == ItemRow.id)
    return (
        select(ItemRow.__table__)
        .where(ItemRow.status == bindparam("status"), ~skipped, *_free(wanted))
        .order_by(ItemRow.sort, ItemRow.id)
        .limit(1)
    )


def _free(wanted: ItemFilter) -> list[ColumnElement[bool]]:
    """Items of a filter that nobody but ``who`` holds ``now`` and that ``who`` has not decided.

    A claim that reaches ``beyond`` is from before the clock was set back. Without the item
    ``besides``; 0 is none.
    """
    who: BindParameter[str] = bindparam("who")
    return [
        or_(
            ItemRow.claimed_by.is_(None),
            ItemRow.claimed_by == who,
            ItemRow.claimed_until.is_(None),
            ItemRow.claimed_until <= bindparam("now"),
            ItemRow.claimed_until > bindparam("beyond"),
        ),
        or_(ItemRow.first_by.is_(None), ItemRow.first_by != who),
        or_(ItemRow.second_by.is_(None), ItemRow.second_by != who),
        ItemRow.id != bindparam("besides"),
        *conditions(wanted, with_status=False),
    ]

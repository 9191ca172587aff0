"""The queue's filters, as they stand in a page's address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from models.people import User
from models.queue import ItemStatus
from models.store.item_filter import ItemFilter
from review.permissions import Permission, allows

Name = Annotated[str, Query(max_length=64, pattern=r"^[a-z0-9_-]*$")]


@dataclass(frozen=True, slots=True)
class Filters:
    """What was chosen; empty texts limit nothing. Use as ``filters: FiltersDep``."""

    region: str = ""
    form: str = ""
    field: str = ""
    kind: str = ""
    cause: str = ""
    status: str = ""

    def parameters(self) -> dict[str, str]:
        """As parameters of a link, those that are empty too."""
        return {
            "region": self.region,
            "form": self.form,
            "field": self.field,
            "kind": self.kind,
            "cause": self.cause,
            "status": self.status,
        }

    def wanted(self, user: User, *, listed: bool = False) -> ItemFilter:
        """The same for the store, within the user's regions.

        Args:
            user: Who asks.
            listed: For a list: then fields of the sample are left out for whoever works on them.

        """
        return ItemFilter(
            limits=user.regions,
            region=self.region,
            form=self.form or None,
            field=self.field or None,
            kind=self.kind or None,
            cause=self.cause or None,
            statuses=(ItemStatus(self.status),) if self.status else (),
            samples=not listed or allows(user, Permission.SEE_SAMPLE),
        )


async def filters_of(
    region: Annotated[str, Query(max_length=13, pattern=r"^[0-9]*$")] = "",
    form: Name = "",
    field: Name = "",
    kind: Name = "",
    cause: Name = "",
    status: Name = "",
) -> Filters:
    """The filters in an address; a status that does not exist limits nothing."""
    known = status if status in tuple(ItemStatus) else ""
    return Filters(region, form, field, kind, cause, known)


FiltersDep = Annotated[Filters, Depends(filters_of)]
"""From the address of a GET, and of a POST whose form posts to an address with parameters."""

"""How the room works. Supervisors change it; every change is in the trail."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, ValidationError

from models.people import User
from models.queue import LONGEST_CLAIM
from models.records import Record
from models.store.acting import Acting
from models.store.store import Store
from models.trail import Act
from review.errors import BadSetting
from review.permissions import Permission, require


class Settings(Record):
    """All settings, with what they are where nobody changed them."""

    second_person_votes: Annotated[int, Field(ge=0, le=1000)] = 10
    """A decision that changes a number by more votes than this needs two people."""
    sample_share: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Share of the clear, agreeing fields that are looked at all the same."""
    sample_seed: Annotated[int, Field(ge=0, le=2**31)] = 2024
    claim_minutes: Annotated[int, Field(ge=1, le=LONGEST_CLAIM.total_seconds() // 60)] = 10
    """How long an item stays with whoever took it and does nothing."""


def read_settings(acting: Acting) -> Settings:
    """The settings, inside a transaction."""
    changed = acting.settings()
    return Settings(**{name: changed[name] for name in Settings.model_fields if name in changed})


def current_settings(store: Store) -> Settings:
    """The settings now."""
    return store.connections.read(lambda connection: read_settings(Acting(connection)))


def change_setting(store: Store, user: User, name: str, value: Any) -> Settings:  # noqa: ANN401
    """Change one setting.

    Raises:
        NotAllowed: the user is no supervisor.
        BadSetting: there is no such setting, or the value can't be.

    """
    require(user, Permission.CHANGE_SETTINGS)
    if name not in Settings.model_fields:
        raise BadSetting(f"there is no setting {name[:40]!r}", name=name[:40])
    with store.queue.acting() as acting:
        before = read_settings(acting)
        try:
            after = Settings.model_validate(before.model_dump() | {name: value})
        except ValidationError as error:
            raise BadSetting(
                f"{name} can't be {str(value)[:40]!r}: {error.errors()[0]['msg']}", name=name
            ) from error
        old, new = getattr(before, name), getattr(after, name)
        if new != old:
            acting.change_setting(name, new)
            acting.append(
                who=user.name,
                act=Act.SETTING_CHANGED,
                subject=f"setting/{name}",
                before={"value": _plain(old)},
                after={"value": _plain(new)},
            )
    return after


def _plain(value: float) -> int | str:
    """A share goes into the trail as text: a float is not the same text everywhere."""
    return value if isinstance(value, int) else repr(value)

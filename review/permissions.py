"""What each role may do."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from models.people import Role, User
from review.errors import NotAllowed, OutsideRegion


class Permission(StrEnum):
    """Something a user may or may not do."""

    VIEW = "view"
    DECIDE = "decide"
    """Claim, answer, decide, skip, undo one's own."""
    EXPORT = "export"
    SETTLE = "settle"
    """Decide where two auditors disagree, and undo what others decided."""
    SEE_TRAIL = "see_trail"
    SEE_SAMPLE = "see_sample"
    """Which items are of the sample. Whoever works on them must not know."""
    CHANGE_SETTINGS = "change_settings"
    MANAGE_USERS = "manage_users"


_AUDITOR = frozenset({Permission.VIEW, Permission.DECIDE, Permission.EXPORT})

ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.VIEW, Permission.EXPORT}),
    Role.AUDITOR: _AUDITOR,
    Role.SUPERVISOR: frozenset(Permission),
}


def allows(user: User, permission: Permission) -> bool:
    """Whether a user may do something."""
    return not user.disabled and permission in ALLOWED[user.role]


def require(user: User, permission: Permission) -> None:
    """Raise ``NotAllowed`` where a user may not do something."""
    if not allows(user, permission):
        raise NotAllowed(
            f"{user.name} ({user.role}) may not {permission.replace('_', ' ')}",
            role=user.role.value,
            permission=permission.value,
        )


def within(user: User, tps: str | None) -> bool:
    """Whether a TPS lies in a user's regions. What has no TPS is for users without limits."""
    if not user.regions:
        return True
    return tps is not None and tps.startswith(user.regions)


def require_within(user: User, tps: Collection[str | None]) -> None:
    """Raise ``OutsideRegion`` unless one of the TPS lies in the user's regions."""
    if not any(within(user, one) for one in tps):
        raise OutsideRegion(f"outside the regions of {user.name}", regions=", ".join(user.regions))


def overlaps(user: User, region: str) -> bool:
    """Whether a user may see something of a region: it is in a limit, or holds one."""
    return not user.regions or any(
        region.startswith(limit) or limit.startswith(region) for limit in user.regions
    )


def require_region(user: User, region: str) -> None:
    """Raise ``OutsideRegion`` where a user may see nothing of a region."""
    if not overlaps(user, region):
        raise OutsideRegion(
            f"{region} is outside the regions of {user.name}", regions=", ".join(user.regions)
        )


def must_not_see_waiting(user: User) -> bool:
    """Whether numbers of fields that still wait are hidden in lists, so that work stays blind.

    Auditors answer such items; a supervisor shows the list to a plenary, and a viewer answers
    nothing.
    """
    return allows(user, Permission.DECIDE) and not allows(user, Permission.SETTLE)

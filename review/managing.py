"""Supervisors make and change accounts, within their own regions; every change is an act."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from models.people import Role, User, check_regions
from models.store.accounts import NoSuchUser
from models.store.store import Store
from models.trail import Act
from review.errors import NotYourAccount, OutsideRegion
from review.passwords import new_token, token_hash
from review.permissions import Permission, require

LINK_HOURS = 24


def manageable(by: User, account: User) -> bool:
    """Whether a supervisor may change an account: not one's own, nor one that reaches further."""
    return account.name != by.name and _inside(by, account.regions)


def add_user(
    store: Store, by: User, name: str, role: Role, regions: Sequence[str]
) -> tuple[User, str]:
    """Make an account and a link that signs it in once; returns both, the link as its token.

    Raises:
        NotAllowed: who asks is no supervisor.
        OutsideRegion: the account would see more than who makes it.
        BadUserName, BadRegion, UserExists: see ``Accounts.add``.

    """
    require(by, Permission.MANAGE_USERS)
    codes = check_regions(tuple(regions))
    if not _inside(by, codes):
        raise OutsideRegion(
            f"{by.name} can't give out more than its own regions", regions=", ".join(by.regions)
        )
    user = store.accounts.add(name, role, by=by.name, regions=codes)
    return user, _link(store, by, user)


def make_link(store: Store, by: User, name: str) -> str:
    """A new link that signs an account in once; raises as ``managed``."""
    return _link(store, by, managed(store, by, name))


def reset_password(store: Store, by: User, name: str) -> str:
    """For who forgot a password: it no longer counts, and a new link lets them make another.

    Raises as ``managed``.
    """
    user = managed(store, by, name)
    store.accounts.forget_password(name, by=by.name)
    return _link(store, by, user)


def set_role(store: Store, by: User, name: str, role: Role) -> User:
    """Give an account another role; raises as ``managed``."""
    managed(store, by, name)
    return store.accounts.set_role(name, role, by=by.name)


def set_regions(store: Store, by: User, name: str, regions: Sequence[str]) -> User:
    """Limit an account to regions; none: no limit. Raises ``OutsideRegion``, and as ``managed``."""
    managed(store, by, name)
    codes = check_regions(tuple(regions))
    if not _inside(by, codes):
        raise OutsideRegion(
            f"{by.name} can't give out more than its own regions", regions=", ".join(by.regions)
        )
    return store.accounts.limit(name, codes, by=by.name)


def set_disabled(store: Store, by: User, name: str, disabled: bool) -> User:
    """Close an account, or open it again; raises as ``managed``."""
    managed(store, by, name)
    return store.accounts.set_disabled(name, disabled, by=by.name)


def managed(store: Store, by: User, name: str) -> User:
    """The account, if who asks may change it.

    Raises:
        NotAllowed: who asks is no supervisor.
        NoSuchUser: there is no such account.
        NotYourAccount: it is one's own, or reaches further than one's own regions.

    """
    require(by, Permission.MANAGE_USERS)
    user = store.accounts.find(name)
    if user is None:
        raise NoSuchUser(f"there is no user {name[:40]!r}", name=name[:40])
    if not manageable(by, user):
        raise NotYourAccount(f"{by.name} may not change {name}", name=name)
    return user


def _inside(by: User, regions: Sequence[str]) -> bool:
    if not by.regions:
        return True
    return bool(regions) and all(code.startswith(by.regions) for code in regions)


def _link(store: Store, by: User, user: User) -> str:
    token = new_token()
    expires_at = datetime.now(UTC) + timedelta(hours=LINK_HOURS)
    store.accounts.add_link(user.name, token_hash(token), expires_at)
    with store.queue.acting() as acting:
        acting.append(
            who=by.name,
            act=Act.LINK_MADE,
            subject=f"user/{user.name}",
            after={"until": expires_at.isoformat(timespec="seconds")},
        )
    return token

"""Accounts, sessions, one-time links, failed sign-ins. Every change of an account is an act.

The store never sees a password or a token: passwords come as hashes of ``review.passwords``, tokens
as their SHA-256.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from models.errors import ChasilError
from models.people import Role, User, check_name, check_regions
from models.store.connections import Connections, Turn
from models.store.room_tables import AttemptRow, LinkRow, SessionRow, UserRow
from models.store.trail import append
from models.trail import Act

CLOCKS_DIFFER = timedelta(minutes=1)
"""Between machines that serve the same store."""


class NoSuchUser(ChasilError):
    """There is no account of that name."""

    code = "no_such_user"
    remedy = "See the names with `chasil users list`."


class UserExists(ChasilError):
    """The name is taken."""

    code = "user_exists"
    remedy = "Choose another name. Names are never given again, so that the trail stays clear."


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser."""

    token_hash: str
    user: User
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class Accounts:
    """Who may sign in, and who is signed in."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    # Users

    def users(self) -> tuple[User, ...]:
        """All accounts, by name."""
        query = select(UserRow.__table__).order_by(UserRow.name)
        with self._connections.reading() as connection:
            return tuple(_user(row) for row in connection.execute(query))

    def find(self, name: str) -> User | None:
        """The account of that name, or ``None``."""
        with self._connections.reading() as connection:
            row = _row(connection, name)
        return None if row is None else _user(row)

    def add(
        self,
        name: str,
        role: Role,
        *,
        by: str,
        password_hash: str | None = None,
        regions: Iterable[str] = (),
    ) -> User:
        """Make an account.

        Raises:
            BadUserName: the name can't be one.
            BadRegion: a region's code can't be one.
            UserExists: the name is taken.

        """
        check_name(name)
        codes = check_regions(tuple(regions))
        with self._connections.writing() as connection:
            if _row(connection, name) is not None:
                raise UserExists(f"there is a user {name} already", name=name)
            connection.execute(
                insert(UserRow).values(
                    name=name,
                    role=role.value,
                    regions=" ".join(codes),
                    password_hash=password_hash,
                    disabled=False,
                    created_at=_now(),
                )
            )
            append(
                connection,
                who=by,
                act=Act.USER_ADDED,
                subject=f"user/{name}",
                after={"role": role.value, "regions": list(codes)},
            )
            return _user(_known(connection, name))

    def set_role(self, name: str, role: Role, *, by: str) -> User:
        """Give a user another role; raises ``NoSuchUser``."""
        with self._connections.writing() as connection:
            user = _user(_known(connection, name))
            self._change(connection, name, role=role.value)
            append(
                connection,
                who=by,
                act=Act.ROLE_CHANGED,
                subject=f"user/{name}",
                before={"role": user.role.value},
                after={"role": role.value},
            )
            return _user(_known(connection, name))

    def limit(self, name: str, regions: Iterable[str], *, by: str) -> User:
        """Limit a user to regions; none: no limit. Raises ``NoSuchUser``, ``BadRegion``."""
        codes = check_regions(tuple(regions))
        with self._connections.writing() as connection:
            user = _user(_known(connection, name))
            self._change(connection, name, regions=" ".join(codes))
            append(
                connection,
                who=by,
                act=Act.REGION_LIMITED,
                subject=f"user/{name}",
                before={"regions": list(user.regions)},
                after={"regions": list(codes)},
            )
            return _user(_known(connection, name))

    def set_password(self, name: str, password_hash: str, *, by: str) -> None:
        """Keep a new password and sign the user out everywhere; raises ``NoSuchUser``."""
        with self._connections.writing() as connection:
            _known(connection, name)
            self._change(connection, name, password_hash=password_hash)
            _revoke(connection, name)
            append(connection, who=by, act=Act.PASSWORD_CHANGED, subject=f"user/{name}")

    def forget_password(self, name: str, *, by: str) -> None:
        """Take the password away and sign the user out everywhere; raises ``NoSuchUser``."""
        with self._connections.writing() as connection:
            _known(connection, name)
            self._change(connection, name, password_hash=None)
            _revoke(connection, name)
            append(connection, who=by, act=Act.PASSWORD_RESET, subject=f"user/{name}")

    def rehash(self, name: str, password_hash: str) -> None:
        """Keep the same password, hashed anew with today's parameters: no act of anybody."""
        with self._connections.writing(Turn.NONE) as connection:
            self._change(connection, name, password_hash=password_hash)

    def set_disabled(self, name: str, disabled: bool, *, by: str) -> User:
        """Close an account (and sign it out everywhere), or open it again."""
        with self._connections.writing() as connection:
            _known(connection, name)
            self._change(connection, name, disabled=disabled)
            if disabled:
                _revoke(connection, name)
            act = Act.USER_DISABLED if disabled else Act.USER_ENABLED
            append(connection, who=by, act=act, subject=f"user/{name}")
            return _user(_known(connection, name))

    def password_hash(self, name: str) -> str | None:
        """The stored hash of an account that may sign in; ``None`` for all others."""
        with self._connections.reading() as connection:
            row = _row(connection, name)
        return None if row is None or row.disabled else row.password_hash

    @staticmethod
    def _change(connection: Connection, name: str, **values: Any) -> None:  # noqa: ANN401
        connection.execute(update(UserRow).where(UserRow.name == name).values(values))

    # Sessions

    def begin_session(self, name: str, token_hash: str, expires_at: datetime, *, how: str) -> None:
        """Record a sign-in. ``how`` is ``password`` or ``link``."""
        with self._connections.writing() as connection:
            _begin_session(connection, name, token_hash, expires_at, how)

    def session(self, token_hash: str) -> Session | None:
        """The session of a token that is neither ended nor expired, of an open account."""
        given = {"token_hash": token_hash, "now": _now()}
        with self._connections.reading() as connection:
            row = connection.execute(_SESSION, given).one_or_none()
        if row is None:
            return None
        user = _user(row, created_at=row.user_created_at)
        return Session(token_hash, user, row.created_at, row.seen_at, row.expires_at)

    def touch_session(self, token_hash: str) -> None:
        """Note that a session is in use."""
        with self._connections.writing(Turn.NONE) as connection:
            connection.execute(
                update(SessionRow).where(SessionRow.token_hash == token_hash).values(seen_at=_now())
            )

    def end_session(self, token_hash: str) -> None:
        """Sign out."""
        with self._connections.writing() as connection:
            name = connection.scalars(
                update(SessionRow)
                .where(SessionRow.token_hash == token_hash, SessionRow.revoked_at.is_(None))
                .values(revoked_at=_now())
                .returning(SessionRow.name)
            ).one_or_none()
            if name is not None:
                append(connection, who=name, act=Act.SIGNED_OUT, subject=f"user/{name}")

    # One-time links

    def add_link(self, name: str, token_hash: str, expires_at: datetime) -> None:
        """Make a link that signs a user in once; raises ``NoSuchUser``."""
        with self._connections.writing() as connection:
            _known(connection, name)
            connection.execute(
                insert(LinkRow).values(
                    token_hash=token_hash, name=name, expires_at=expires_at, used_at=None
                )
            )

    def use_link(
        self, link_hash: str, session_hash: str, session_expires_at: datetime
    ) -> str | None:
        """Sign in by a link, once; the user's name, or ``None`` for a link that no longer works."""
        now = _now()
        with self._connections.writing() as connection:
            name = connection.scalars(
                update(LinkRow)
                .where(
                    LinkRow.token_hash == link_hash,
                    LinkRow.used_at.is_(None),
                    LinkRow.expires_at > now,
                )
                .values(used_at=now)
                .returning(LinkRow.name)
            ).one_or_none()
            if name is None or _known(connection, name).disabled:
                return None
            _begin_session(connection, name, session_hash, session_expires_at, "link")
            return name

    # Failed sign-ins

    def failures(self, since: datetime, *, name: str | None, address: str | None) -> int:
        """Failed sign-ins since a moment: under a name, from an address, or both.

        Those of the future are from before the clock was set back, and nobody is locked out for
        them.
        """
        recent = AttemptRow.at.between(since, _now() + CLOCKS_DIFFER)
        query = select(func.count()).select_from(AttemptRow).where(recent)
        if name is not None:
            query = query.where(AttemptRow.name == name)
        if address is not None:
            query = query.where(AttemptRow.address == address)
        with self._connections.reading() as connection:
            return connection.scalars(query).one()

    def add_failure(self, name: str, address: str, *, forget_before: datetime) -> None:
        """Note a failed sign-in; failures before a moment are forgotten."""
        with self._connections.writing(Turn.NONE) as connection:
            connection.execute(
                AttemptRow.__table__.delete().where(  # type: ignore[attr-defined]
                    AttemptRow.at < forget_before
                )
            )
            connection.execute(
                insert(AttemptRow).values(name=name[:64], address=address[:64], at=_now())
            )


_SESSION = (
    select(
        SessionRow.created_at,
        SessionRow.seen_at,
        SessionRow.expires_at,
        *(column for column in UserRow.__table__.columns if column.name != "created_at"),
        UserRow.created_at.label("user_created_at"),
    )
    .join(UserRow, UserRow.name == SessionRow.name)
    .where(
        SessionRow.token_hash == bindparam("token_hash"),
        SessionRow.revoked_at.is_(None),
        SessionRow.expires_at > bindparam("now"),
        ~UserRow.disabled,
    )
)
"""Asked at every request, so put together once."""


def _begin_session(
    connection: Connection, name: str, token_hash: str, expires_at: datetime, how: str
) -> None:
    now = _now()
    connection.execute(
        insert(SessionRow).values(
            token_hash=token_hash,
            name=name,
            created_at=now,
            seen_at=now,
            expires_at=expires_at,
            revoked_at=None,
        )
    )
    append(connection, who=name, act=Act.SIGNED_IN, subject=f"user/{name}", after={"how": how})


def _revoke(connection: Connection, name: str) -> None:
    connection.execute(
        update(SessionRow)
        .where(SessionRow.name == name, SessionRow.revoked_at.is_(None))
        .values(revoked_at=_now())
    )


def _row(connection: Connection, name: str) -> Row[Any] | None:
    query = select(UserRow.__table__).where(UserRow.name == name)
    return connection.execute(query).one_or_none()


def _known(connection: Connection, name: str) -> Row[Any]:
    row = _row(connection, name)
    if row is None:
        raise NoSuchUser(f"there is no user {name!r}", name=name)
    return row


def _user(row: Row[Any], created_at: datetime | None = None) -> User:
    return User(
        name=row.name,
        role=Role(row.role),
        regions=tuple(row.regions.split()),
        disabled=row.disabled,
        created_at=created_at or row.created_at,
        has_password=row.password_hash is not None,
    )


def _now() -> datetime:
    return datetime.now(UTC)

"""Passwords and tokens: Argon2id by argon2-cffi (RFC 9106), tokens from the system's randomness."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from models.errors import ChasilError

SHORTEST = 10
LONGEST = 256
"""Characters. Longer ones would only cost time to hash."""

TOKEN_BYTES = 32

_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash(secrets.token_urlsafe(TOKEN_BYTES))
"""Compared where there is no such user, so that the answer takes as long."""


class WeakPassword(ChasilError):
    """A password that is too easy to guess."""

    code = "weak_password"
    remedy = (
        f"Choose {SHORTEST} to {LONGEST} characters that are not your name; four words do well."
    )


def check_password(password: str, name: str) -> str:
    """The password, if it may be one; raises ``WeakPassword``."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(f"the password has {len(password)} characters")
    if name in password.lower() and len(password) < len(name) + SHORTEST:
        raise WeakPassword("the password is little more than the name")
    if len(set(password)) < 4:
        raise WeakPassword("the password repeats the same few characters")
    return password


def hash_password(password: str, name: str) -> str:
    """Hash a password that may be one; raises ``WeakPassword``."""
    return _HASHER.hash(check_password(password, name))


def is_password(password: str, stored: str | None) -> bool:
    """Whether a password is the one that was hashed; as slow where there is none."""
    try:
        return _HASHER.verify(stored or _NOBODY, password[:LONGEST]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def renewed(password: str, stored: str) -> str | None:
    """A new hash where the stored one was made with older parameters, else ``None``."""
    return _HASHER.hash(password) if _HASHER.check_needs_rehash(stored) else None


def new_token() -> str:
    """A token that nobody can guess, for a cookie or a link."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> str:
    """What the store keeps of a token. It is random, so a fast hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_token(cookie: str) -> str:
    """The token that a page's forms carry: only who can read the page and has the cookie has it."""
    return hmac.new(cookie.encode(), b"chasil form", hashlib.sha256).hexdigest()


def is_csrf_token(given: str, cookie: str) -> bool:
    """Whether a form carries the token that goes with its cookie."""
    return hmac.compare_digest(given.encode(), csrf_token(cookie).encode())

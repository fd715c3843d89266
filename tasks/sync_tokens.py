"""The tokens of `changes`: what `next` holds. See docs/decisions/0013-a-version-per-user.md."""

from __future__ import annotations

import time
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from django.conf import settings
from django.core.signing import BadSignature, Signer
from rest_framework.exceptions import APIException, ValidationError

from tasks.changes import Changes, Position

SIGNER = Signer(salt="tasks.changes")
HOUR = 3600  # seconds; a token has the hour in which it was made, so it stays the same while nothing changes


class SyncExpired(APIException):
    """The changes since a token are no longer known."""

    status_code = 410
    default_code = "sync_expired"
    default_detail = "The changes since this token are no longer known. Read all tasks again."


class Token(NamedTuple):
    """A position in the changes of a user, and the hour from which on the client needs the deleted tasks after it."""

    position: Position
    hour: int


def encode_token(user_id: str, changes: Changes, since: Token | None = None) -> str:
    """Return the position after a page, signed, with the time.

    While more pages follow, the time is that of the first page: a client that has paused between two pages may need a
    deleted task that is as old as the first.
    """
    hour = since.hour if since and changes.more else this_hour()
    return _signed(_owner(user_id), *changes.next, hour)


def decode_token(user_id: str, token: str) -> Token:
    """Return the token. Raise ValidationError for other text, SyncExpired for an old or foreign token."""
    try:
        owner, version, task_id, hour = _unsigned(token)
    except (BadSignature, ValueError):
        raise ValidationError({"since": ["This is not a token of changes."]}, code="invalid") from None
    # One hour more, because the token may be from the end of its hour.
    if owner != _owner(user_id) or hour < this_hour() - settings.SYNC_RETENTION_DAYS * 24 - 1:
        raise SyncExpired
    return Token(Position(version, task_id), hour)


# Most clients ask again with the same token, and get it back, because nothing has changed.
@lru_cache(maxsize=1024)
def _signed(*values: int | str) -> str:
    return SIGNER.sign_object(list(values))


@lru_cache(maxsize=1024)
def _unsigned(token: str) -> tuple[Any, ...]:
    return tuple(SIGNER.unsign_object(token))


def _owner(user_id: str) -> str:
    return sha256(f"{settings.SYNC_EPOCH}:{user_id}".encode()).hexdigest()[:16]


def this_hour() -> int:
    return int(time.time()) // HOUR

"""Tokens for the tests, signed as the issuer would sign them."""

from __future__ import annotations

import time
from typing import Any

import jwt
from django.conf import settings


def make_token(
    user_id: Any = "alice",
    *,
    secret: Any = "",
    algorithm: str = "HS256",
    headers: dict[str, Any] | None = None,
    **claims: Any,
) -> str:
    """Return a token that is valid for 15 minutes. `...` leaves a claim out. `secret` may be a private key."""
    now = int(time.time())
    payload = {"sub": user_id, "iat": now, "exp": now + 900} | claims
    payload = {name: value for name, value in payload.items() if value is not ...}
    return jwt.encode(payload, secret or settings.BETTER_AUTH_SECRET, algorithm=algorithm, headers=headers)

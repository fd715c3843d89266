"""Hashes of operators' passwords, without a block of gunicorn's worker."""

from __future__ import annotations

import gevent
from django.contrib.auth import hashers
from gevent import monkey


class PBKDF2PasswordHasher(hashers.PBKDF2PasswordHasher):
    """Django's hasher, in a native thread where greenlets serve requests. hashlib releases the interpreter's lock.

    See docs/decisions/0018-the-admins-sign-in-is-bounded.md.
    """

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        if not monkey.is_module_patched("threading"):
            return super().encode(password, salt, iterations)
        encoded: str = gevent.get_hub().threadpool.apply(super().encode, (password, salt, iterations))
        return encoded

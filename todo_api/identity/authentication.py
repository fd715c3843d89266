"""Identifies the caller by the Authorization header. An API request reads and creates no Django user.

See docs/decisions/0001-token-users-are-not-django-users.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication

from todo_api.identity.current_user import current_user
from todo_api.identity.jwks import KEY_TYPES, KeySetUnavailable, KeyStore
from todo_api.identity.tokens import Claims, KeysFor, TokenError, TokenVerifier, shared_secret


@dataclass(frozen=True, slots=True)
class Caller:
    """The user that a valid token identifies. No other claim of the token gives a right."""

    user_id: str
    is_authenticated: ClassVar[bool] = True


@cache  # read once: see settings.py. wsgi.py calls it before the first request, so that all threads share one key set
def token_verifier() -> TokenVerifier:
    """Return the verifier that the settings describe."""
    return TokenVerifier(
        algorithm=settings.JWT_ALGORITHM,
        keys_for=key_set() if settings.JWT_ALGORITHM in KEY_TYPES else shared_secrets(),
        audiences=tuple(settings.JWT_AUDIENCE),
        issuer=settings.JWT_ISSUER,
        leeway=settings.JWT_LEEWAY,
    )


def shared_secrets() -> KeysFor:
    """Return the current secret and, during a rotation, the previous one. The keys are the secrets' UTF-8 bytes."""
    secrets = [settings.BETTER_AUTH_SECRET, settings.BETTER_AUTH_SECRET_PREVIOUS]
    keys = tuple(shared_secret(secret, settings.JWT_ALGORITHM) for secret in secrets if secret)
    return lambda header: keys


def key_set() -> KeysFor:
    """Return the lookup in the issuer's current key set."""
    return key_store().keys_for


@cache
def key_store() -> KeyStore:
    return KeyStore(settings.JWKS_URL, settings.JWT_ALGORITHM)


def key_set_age() -> float | None:
    """Return the seconds since the request for the key set in use; None when no key set is in use."""
    return key_store().age if settings.JWT_ALGORITHM in KEY_TYPES else None


@receiver(setting_changed)
def clear_token_verifier(**kwargs: Any) -> None:
    """Build the verifier again after a change of settings, which only tests make."""
    token_verifier.cache_clear()
    key_store.cache_clear()


class IdentityUnavailable(APIException):
    """No key set of the issuer has been loaded yet, so a token can be neither accepted nor refused (503)."""

    status_code = 503
    default_detail = "The issuer's keys cannot be reached. Try again in a moment."
    default_code = "identity_unavailable"


class BetterAuthAuthentication(JWTAuthentication):
    """`Authorization: Bearer <JWT of Better Auth>`; the scheme is case-insensitive (RFC 9110, section 11.1)."""

    def __init__(self) -> None:
        """Do not look up the user model, as simplejwt does for each request."""

    def get_raw_token(self, header: bytes) -> bytes | None:
        """Return the token of a bearer header; None for an empty header and for another scheme."""
        parts = header.split()
        if len(parts) < 2 or parts[0].lower() != b"bearer":
            return None
        if len(parts) > 2:
            raise AuthenticationFailed("Invalid token: it has spaces in it", code="token_invalid")
        return parts[1]

    def get_validated_token(self, raw_token: bytes) -> Claims:  # type: ignore[override]  # not a token of simplejwt's own
        """Return the claims of the token. Raise AuthenticationFailed (401) or IdentityUnavailable (503)."""
        try:
            return token_verifier().verify(raw_token)
        except TokenError as error:
            raise AuthenticationFailed(str(error), code=error.code) from error
        except KeySetUnavailable as error:
            raise IdentityUnavailable from error

    def get_user(self, validated_token: Claims) -> Caller:  # type: ignore[override]
        caller = Caller(user_id=validated_token["sub"])
        current_user.set(caller.user_id)
        return caller

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401 (RFC 6750, section 3)."""
        return f'Bearer realm="{self.www_authenticate_realm}"'


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The description of BetterAuthAuthentication in the OpenAPI document."""

    target_class = "todo_api.identity.authentication.BetterAuthAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The JWT of Better Auth for the signed-in user.",
        }

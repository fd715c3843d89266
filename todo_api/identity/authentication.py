"""From the Authorization header to the caller. No Django user is made or read for an API call; see decision 1."""

from __future__ import annotations

import logging
import threading
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

from todo_api.identity.jwks import KEY_TYPES, KeySetUnavailable, KeyStore
from todo_api.identity.tokens import Claims, KeysFor, TokenError, TokenVerifier, shared_secret

logger = logging.getLogger(__name__)
one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a valid token speaks for. Nothing else in a token gives any right."""

    user_id: str
    is_authenticated: ClassVar[bool] = True


def token_verifier() -> TokenVerifier:
    """The verifier that the settings describe; the first requests, which come at once, share it and its key set."""
    with one_at_a_time:
        return _make_verifier()


@cache
def _make_verifier() -> TokenVerifier:
    return TokenVerifier(
        algorithm=settings.JWT_ALGORITHM,
        keys_for=key_set() if settings.JWT_ALGORITHM in KEY_TYPES else shared_secrets(),
        audiences=tuple(settings.JWT_AUDIENCE),
        issuer=settings.JWT_ISSUER,
        leeway=settings.JWT_LEEWAY,
    )


def shared_secrets() -> KeysFor:
    """The current secret, and the previous one while it is being rotated, as raw UTF-8 bytes."""
    secrets = [settings.BETTER_AUTH_SECRET, settings.BETTER_AUTH_SECRET_PREVIOUS]
    keys = tuple(shared_secret(secret, settings.JWT_ALGORITHM) for secret in secrets if secret)
    return lambda header: keys


def key_set() -> KeysFor:
    """The public keys of the issuer, as they are when they are asked for."""
    return KeyStore(settings.JWKS_URL, settings.JWT_ALGORITHM).keys_for


@receiver(setting_changed)
def forget_verifier(**kwargs: Any) -> None:
    """Tests change settings; production does not."""
    _make_verifier.cache_clear()


class IdentityUnavailable(APIException):
    """No key set of the issuer has been loaded yet, so a token can be neither accepted nor refused (503)."""

    status_code = 503
    default_detail = "The issuer's keys cannot be reached. Try again in a moment."
    default_code = "identity_unavailable"


class BetterAuthAuthentication(JWTAuthentication):
    """`Authorization: Bearer <JWT of Better Auth>`, the scheme in any case (RFC 9110, 11.1)."""

    def __init__(self) -> None:
        """Without the user model that simplejwt would look up for each request: no Django user is read."""

    def get_raw_token(self, header: bytes) -> bytes | None:
        """The token in a bearer header, None for an empty header or another scheme."""
        parts = header.split()
        if len(parts) < 2 or parts[0].lower() != b"bearer":
            return None
        if len(parts) > 2:
            raise AuthenticationFailed("Invalid token: it has spaces in it", code="token_invalid")
        return parts[1]

    def get_validated_token(self, raw_token: bytes) -> Claims:  # type: ignore[override]  # not a token of simplejwt's own
        """The claims of the token; AuthenticationFailed (401) with the reason otherwise."""
        try:
            return token_verifier().verify(raw_token)
        except TokenError as error:
            raise AuthenticationFailed(str(error), code=error.code) from error
        except KeySetUnavailable as error:
            raise IdentityUnavailable from error

    def get_user(self, validated_token: Claims) -> Caller:  # type: ignore[override]
        """The caller that the claims name."""
        return Caller(user_id=validated_token["sub"])

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401 (RFC 6750, 3)."""
        return f'Bearer realm="{self.www_authenticate_realm}"'


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document describes the class above."""

    target_class = "todo_api.identity.authentication.BetterAuthAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """An `http` scheme, for which Swagger UI offers *Authorize*."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The JWT that Better Auth made for the signed-in user.",
        }

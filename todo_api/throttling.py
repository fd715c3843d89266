"""Rate limits per user and per address without a valid token, and a bound on a user's requests at the same time.

See docs/decisions/0010-requests-are-counted-in-clock-windows.md.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import Any, Protocol

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import RedisStorage
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

logger = logging.getLogger(__name__)

RATES = {  # limit -> its setting
    "user": "RATE_LIMIT",
    "anonymous": "RATE_LIMIT_ANON",
    "sign-in": "ADMIN_LOGIN_LIMIT",
    "sign-ins": "ADMIN_LOGIN_LIMIT_TOTAL",
}
REDIS_TIMEOUT = 0.1  # seconds
REDIS_PAUSE = 5  # seconds between two attempts while Redis is down


class Counts(Protocol):
    """A store of request counts."""

    def hit(self, key: str, window: int, seconds: int) -> int:
        """Count one request and return the count of this window; 0 when it cannot be counted."""


class ProcessCounts:
    """Counts of this process. All counts of a window are dropped when the next window begins."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.window = 0
        self.counts: Counter[str] = Counter()

    def hit(self, key: str, window: int, seconds: int) -> int:
        with self.lock:
            if window > self.window:  # a late request of the last window is counted in this one
                self.window, self.counts = window, Counter()
            self.counts[key] += 1
            return self.counts[key]


class RedisCounts:
    """Counts of all workers and machines, in one round trip.

    If Redis is down, requests are neither counted nor slowed.
    """

    def __init__(self, url: str) -> None:
        self.storage = redis_storage(url)
        self.lock = threading.Lock()
        self.down_until = 0.0  # 0 while Redis responds

    def hit(self, key: str, window: int, seconds: int) -> int:
        was_down = self.down_until > 0
        if was_down and not self.may_retry():
            return 0
        try:
            used = self.storage.incr(key, seconds)
        except (StorageError, OSError, ValueError) as error:  # ValueError: a host name that the resolver refuses
            self.mark_down(error)
            return 0
        if was_down:
            self.mark_up()
        return used

    def may_retry(self) -> bool:
        """Return True for one request after each pause."""
        with self.lock:
            now = time.monotonic()
            if now < self.down_until:
                return False
            self.down_until = now + REDIS_PAUSE
            return True

    def mark_down(self, error: Exception) -> None:
        with self.lock:
            was_down = self.down_until > 0
            self.down_until = time.monotonic() + REDIS_PAUSE
        if not was_down:
            logger.error("Redis does not respond. Requests are not limited: %s", error)

    def mark_up(self) -> None:
        with self.lock:
            self.down_until = 0.0
        logger.warning("Redis responds again. Requests are limited.")


def redis_storage(url: str) -> RedisStorage:
    """Return a client of the Redis at `url` without connecting. Raise ValueError for another URL."""
    from redis import ConnectionPool  # 5 MB, loaded only where REDIS_URL is set

    # An explicit pool, because its connections do not retry. A client's own connections retry for seconds.
    pool = ConnectionPool.from_url(url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT)
    return RedisStorage(url, connection_pool=pool, key_prefix="todo_api", wrap_exceptions=True)


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of requests in each window. Windows follow the clock, so one increment is all that a count needs."""

    name: str
    item: RateLimitItem
    counts: Counts

    def hit(self, key: str) -> Usage:
        """Count one request of `key` (a user id or an address)."""
        seconds = self.item.get_expiry()
        window, passed = divmod(time.time(), seconds)
        used = self.counts.hit(self.item.key_for(self.name, key, int(window)), int(window), seconds)
        return Usage(self, used, math.ceil(seconds - passed))


@dataclass(frozen=True, slots=True)
class Usage:
    """The used part of a limit, including this request."""

    limit: Limit
    used: int
    seconds: int  # until the next window

    @property
    def is_over(self) -> bool:
        return self.used > self.limit.item.amount

    def headers(self) -> dict[str, str]:
        """Return the headers of draft-ietf-httpapi-ratelimit-headers."""
        name, quota = self.limit.name, self.limit.item.amount
        return {
            "RateLimit-Policy": f'"{name}";q={quota};w={self.limit.item.get_expiry()}',
            "RateLimit": f'"{name}";r={max(0, quota - self.used)};t={self.seconds}',
        }


class RateLimitThrottle(BaseThrottle):
    """RATE_LIMIT for a caller with a valid token; installed only where RATE_LIMIT is set."""

    usage: Usage | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        caller: Any = request.user
        if caller is not None:  # None in views without authentication
            self.usage = count("user", caller.user_id, view)
        return self.usage is None or not self.usage.is_over

    def wait(self) -> float | None:
        """Return the seconds until the next window."""
        return self.usage.seconds if self.usage else None


class ConcurrencyThrottle(BaseThrottle):
    """USER_CONCURRENCY: the requests of one user that this process works on at the same time."""

    def allow_request(self, request: Request, view: Any) -> bool:
        caller: Any = request.user
        return caller is None or in_flight.start(caller.user_id, settings.USER_CONCURRENCY)

    def wait(self) -> float:
        return 1


class InFlight:
    """The number of requests in work for each user. RequestMiddleware calls finish() at the end of each request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._user_id: ContextVar[str | None] = ContextVar("user_id", default=None)

    def start(self, user_id: str, bound: int) -> bool:
        """Add the current request to the user's. Return False instead when the user has `bound` requests in work."""
        with self._lock:
            if self._counts[user_id] >= bound:
                return False
            self._counts[user_id] += 1
        self._user_id.set(user_id)
        return True

    def finish(self) -> None:
        """Take the current request off its user's, if it was added."""
        user_id = self._user_id.get()
        if user_id is None:
            return
        self._user_id.set(None)
        with self._lock:
            self._counts[user_id] -= 1
            if not self._counts[user_id]:
                del self._counts[user_id]


in_flight = InFlight()


def count_anonymous(request: Request, view: Any) -> Usage | None:
    """Count a request without a valid token for its address; None where RATE_LIMIT_ANON is not set."""
    return count("anonymous", client_address(request), view)


def count(name: str, key: str, view: Any) -> Usage | None:
    """Count a request and add the rate-limit headers to the view's response; None where the limit is not set."""
    limit = rate_limits().get(name)
    if limit is None:
        return None
    usage = limit.hit(key)
    view.headers |= usage.headers()
    return usage


@cache  # read once: see settings.py. wsgi.py calls it before the first request
def rate_limits() -> dict[str, Limit]:
    """Return the limits that the settings describe, by name."""
    redis = RedisCounts(settings.REDIS_URL) if settings.REDIS_URL else None
    rates = {name: rate(getattr(settings, variable)) for name, variable in RATES.items()}
    return {
        name: Limit(name, item if redis else divide_among_workers(item), redis or ProcessCounts())
        for name, item in rates.items()
        if item
    }


def rate(text: str) -> RateLimitItem | None:
    """Parse a rate such as `600/minute` or `5 per 2 hours`. Return None for "". Raise ValueError for other text."""
    if not text.strip():
        return None
    [item] = parse_many(text)
    if item.amount < 1:
        raise ValueError(text)
    return item


def divide_among_workers(item: RateLimitItem) -> RateLimitItem:
    """Return one worker's part of a rate, at least one request."""
    return type(item)(max(1, item.amount // settings.WEB_CONCURRENCY), item.multiples)


def client_address(request: Any) -> str:
    """Return the peer's address, or with TRUSTED_PROXIES the address that the outermost trusted proxy added.

    Each proxy appends an address to X-Forwarded-For. The client controls the entries to the left of these. A shorter
    list has not passed through all proxies. Text that is not an IP address is ignored.
    """
    if proxies := settings.TRUSTED_PROXIES:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(forwarded) >= proxies and (address := ip_address_or_none(forwarded[-proxies])):
            return address
    return str(request.META.get("REMOTE_ADDR", ""))


def ip_address_or_none(text: str) -> str | None:
    """Return the address in its shortest form; None for other text, and for an IPv6 address with a zone."""
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    return None if getattr(address, "scope_id", None) else str(address)


@receiver(setting_changed)
def clear_rate_limits(**kwargs: Any) -> None:
    """Build the limits again after a change of settings, which only tests make."""
    rate_limits.cache_clear()

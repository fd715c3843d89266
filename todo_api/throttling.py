"""How often one may ask: each user, and each address without a valid token. See decision 10."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.http.response import HttpResponseBase
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import RedisStorage
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from todo_api.logging import client_address

logger = logging.getLogger(__name__)
one_at_a_time = threading.Lock()

RATES = {"user": "RATE_LIMIT", "anonymous": "RATE_LIMIT_ANON"}  # limit -> its setting
USAGE = "todo_api.usage"  # where a request keeps what it left of its limit, in META
REDIS_TIMEOUT = 0.1  # seconds
REDIS_PAUSE = 5  # seconds in which a lost Redis is not asked


class Counts(Protocol):
    """Where requests are counted."""

    def hit(self, key: str, window: int, seconds: int) -> int:
        """Count one more, and say how many that makes; 0 when they cannot be counted."""


class ProcessCounts:
    """The counts of this process. A window's are forgotten together when the next one begins."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.window = 0
        self.counts: Counter[str] = Counter()

    def hit(self, key: str, window: int, seconds: int) -> int:
        """One more, at once with finding out how many."""
        with self.lock:
            if window > self.window:  # a straggler of the last one is counted in this one
                self.window, self.counts = window, Counter()
            self.counts[key] += 1
            return self.counts[key]


class RedisCounts:
    """The counts of all workers and machines. Without Redis nothing is counted, and nobody waits for it."""

    def __init__(self, url: str) -> None:
        self.storage = redis_storage(url)
        self.lock = threading.Lock()
        self.away_until = 0.0  # 0 while Redis answers

    def hit(self, key: str, window: int, seconds: int) -> int:
        """One more, in one round trip; 0 without Redis."""
        trying = self.away_until > 0
        if trying and not self.may_try():
            return 0
        try:
            used = self.storage.incr(key, seconds)
        except (StorageError, OSError, ValueError) as error:  # ValueError: a host name that no resolver takes
            self.lost(error)
            return 0
        if trying:
            self.found()
        return used

    def may_try(self) -> bool:
        """True for one request after each pause."""
        with self.lock:
            now = time.monotonic()
            if now < self.away_until:
                return False
            self.away_until = now + REDIS_PAUSE
            return True

    def lost(self, error: Exception) -> None:
        """Pause; the first to notice says so."""
        with self.lock:
            known = self.away_until > 0
            self.away_until = time.monotonic() + REDIS_PAUSE
        if not known:
            logger.error("Redis does not answer, so no request is limited: %s", error)

    def found(self) -> None:
        """Count again."""
        with self.lock:
            self.away_until = 0.0
        logger.warning("Redis answers again; requests are limited.")


def redis_storage(url: str) -> RedisStorage:
    """A client of the Redis at `url`, which is not asked yet; ValueError for what is no address of one."""
    from redis import ConnectionPool  # 5 MB, for those who have a Redis

    # A pool of our own, because its connections do not try again; a client's would, with seconds in between.
    pool = ConnectionPool.from_url(url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT)
    return RedisStorage(url, connection_pool=pool, key_prefix="todo_api", wrap_exceptions=True)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in each window; windows begin with the clock, so that a count needs no other question."""

    name: str
    item: RateLimitItem
    counts: Counts

    def hit(self, who: str) -> Usage:
        """Count one request of `who`."""
        seconds = self.item.get_expiry()
        window, passed = divmod(time.time(), seconds)
        used = self.counts.hit(self.item.key_for(self.name, who, int(window)), int(window), seconds)
        return Usage(self, used, math.ceil(seconds - passed))


@dataclass(frozen=True, slots=True)
class Usage:
    """What a request found of its limit."""

    limit: Limit
    used: int
    seconds: int  # until the next window

    @property
    def is_over(self) -> bool:
        """Whether this request is one too many."""
        return self.used > self.limit.item.amount

    def tell(self, response: HttpResponseBase) -> None:
        """Set the headers of draft-ietf-httpapi-ratelimit-headers."""
        name, quota = self.limit.name, self.limit.item.amount
        response["RateLimit-Policy"] = f'"{name}";q={quota};w={self.limit.item.get_expiry()}'
        response["RateLimit"] = f'"{name}";r={max(0, quota - self.used)};t={self.seconds}'


class RateLimitThrottle(BaseThrottle):
    """RATE_LIMIT for a caller with a valid token; installed only where that is set."""

    usage: Usage | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """False for one request too many. Views that ask nobody for a token have no caller to count."""
        caller: Any = request.user
        if caller is not None:
            self.usage = count(request, "user", caller.user_id)
        return self.usage is None or not self.usage.is_over

    def wait(self) -> float | None:
        """Seconds until the next window."""
        return self.usage.seconds if self.usage else None


def count_refused(request: Request) -> Usage | None:
    """Count a request that was refused before the throttles ran: for its user, or for its address without one."""
    if USAGE in request.META or not request.authenticators:
        return None
    caller: Any = getattr(request._request, "user", None)  # `request.user` would authenticate again
    if caller is not None:
        return count(request, "user", caller.user_id)
    return count(request, "anonymous", client_address(request))


def count(request: Request, name: str, who: str) -> Usage | None:
    """Count a request, and leave on it what RequestMiddleware tells the client."""
    with one_at_a_time:
        limit = _make_limits().get(name)
    if limit is None:
        return None
    usage: Usage = limit.hit(who)
    request.META[USAGE] = usage
    return usage


@cache
def _make_limits() -> dict[str, Limit]:
    redis = RedisCounts(settings.REDIS_URL) if settings.REDIS_URL else None
    rates = {name: rate(getattr(settings, variable)) for name, variable in RATES.items()}
    return {
        name: Limit(name, item if redis else share(item), redis or ProcessCounts())
        for name, item in rates.items()
        if item
    }


def rate(text: str) -> RateLimitItem | None:
    """`600/minute`, `5 per 2 hours` and the like; None for an empty text, ValueError for anything else."""
    if not text.strip():
        return None
    [item] = parse_many(text)
    if item.amount < 1:
        raise ValueError(text)
    return item


def share(item: RateLimitItem) -> RateLimitItem:
    """One worker's part of a rate; each has one request at least."""
    return type(item)(max(1, item.amount // settings.WEB_CONCURRENCY), item.multiples)


@receiver(setting_changed)
def forget_limits(**kwargs: Any) -> None:
    """Tests change settings; production does not."""
    _make_limits.cache_clear()

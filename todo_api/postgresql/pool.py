"""The pool of database connections of a process, with a bounded size and a bounded wait."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any
from weakref import WeakSet

import psycopg
from gevent.monkey import get_original
from psycopg.pq import TransactionStatus

from todo_api.postgresql.connection import Connection
from todo_api.postgresql.time_limit import remaining_seconds

LONGEST_WAIT = 10  # seconds, outside of a request's time limit

poll_now = get_original("select", "poll")  # gevent's poll takes ten times as long, and this one does not wait


def is_usable(connection: psycopg.Connection[Any]) -> bool:
    """Return whether the server still listens, without a round trip.

    When an idle socket is readable, the server has closed the connection or is about to.
    """
    if connection.closed or connection.pgconn.transaction_status != TransactionStatus.IDLE:
        return False
    return not is_readable(connection.fileno())


def is_readable(fileno: int) -> bool:
    """Return whether a socket can be read now, without a switch to another greenlet."""
    poll = poll_now()
    poll.register(fileno, select.POLLIN | select.POLLPRI)
    return bool(poll.poll(0))


class Pool:
    """The interface that Django's DatabaseWrapper expects, without the threads of psycopg_pool.

    See docs/decisions/0015-greenlets-and-a-pool-of-our-own.md.

    A slot is an idle connection, or None for one that may be opened. The request opens it, so that an outage fails at
    once with the reason. Returned slots go to the waiting requests in their order. When no slot is returned for `wait`
    seconds, the waiting requests fail.
    """

    def __init__(self, connect: Callable[[], Connection], *, size: int, wait: float, max_age: int) -> None:
        self.connect, self.size, self.wait, self.max_age = connect, size, wait, max_age
        self.lock = threading.Lock()
        self.slots: list[Connection | None] = [None] * size
        self.waiting: deque[SimpleQueue[Connection | None]] = deque()
        self.last_given = 0.0
        pools.add(self)

    def open(self) -> None:
        """Do nothing. Django calls this to start the threads of a pool."""

    def getconn(self) -> Connection:
        """Return a usable connection, the last one used. Raise OperationalError when none is returned in time."""
        connection = self.take_slot()
        try:
            return connection if connection and self.is_good(connection) else self.replace(connection)
        except BaseException:
            self.give_slot(None)
            raise

    def putconn(self, connection: Connection) -> None:
        """Keep the connection for the next request, unless it is broken."""
        if connection.pgconn.transaction_status != TransactionStatus.IDLE:
            connection.close()
        self.give_slot(None if connection.closed else connection)

    def take_slot(self) -> Connection | None:
        with self.lock:
            if self.slots:
                return self.slots.pop()
            place: SimpleQueue[Connection | None] = SimpleQueue()
            self.waiting.append(place)
        limit = remaining_seconds()
        give_up_at = time.monotonic() + (LONGEST_WAIT if limit is None else limit)
        while True:
            with suppress(Empty):
                return place.get(timeout=max(0, min(self.wait, give_up_at - time.monotonic())))
            now = time.monotonic()
            if now >= give_up_at or now - self.last_given > self.wait:
                return self.leave(place)

    def leave(self, place: SimpleQueue[Connection | None]) -> Connection | None:
        with self.lock:
            if place in self.waiting:
                self.waiting.remove(place)
                raise psycopg.OperationalError(f"all {self.size} connections are in use, and others wait for them")
        return place.get()  # a slot was returned just now

    def give_slot(self, connection: Connection | None) -> None:
        with self.lock:
            self.last_given = time.monotonic()
            if self.waiting:
                self.waiting.popleft().put(connection)
            else:
                self.slots.append(connection)

    def is_good(self, connection: Connection) -> bool:
        return time.monotonic() < connection.expires_at and is_usable(connection)

    def replace(self, connection: Connection | None) -> Connection:
        if connection:
            connection.close()
        fresh = self.connect()
        fresh._pool, fresh.expires_at = self, time.monotonic() + self.max_age
        return fresh

    def close(self) -> None:
        """Close the idle connections."""
        with self.lock:
            idle, self.slots = self.slots, [None] * len(self.slots)
        for connection in filter(None, idle):
            connection.close()


pools: WeakSet[Pool] = WeakSet()


def usage() -> Counter[str]:
    """Return the numbers of connections in use, idle connections and waiting requests of this process."""
    numbers: Counter[str] = Counter()
    for pool in pools:
        idle = sum(connection is not None for connection in pool.slots)
        numbers.update(in_use=pool.size - len(pool.slots), idle=idle, waiting=len(pool.waiting))
    return numbers


def close_all() -> None:
    for pool in pools:
        pool.close()


os.register_at_fork(before=close_all)  # two processes must not use one connection


def resolved(params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with the host's addresses. libpq's own look-up would block a gevent worker."""
    host = params.get("host", "")
    if not host or host.startswith("/") or "," in host or "hostaddr" in params:
        return params
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise psycopg.OperationalError(f"the database's host name has no address: {error}") from error
    addresses = [str(address[0]) for *_, address in found]
    return params | {"host": ",".join([host] * len(addresses)), "hostaddr": ",".join(addresses)}

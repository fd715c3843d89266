"""Timings and lookups for the tests of the key store."""

import threading
import time

import pytest

from todo_api.identity.jwks import KeySetUnavailable, Timing

LONG_BUDGET = Timing(budget=10)
SHORT_BUDGET = Timing(budget=0.4)
A = {"kid": "a"}  # the header of a token that the issuer's key "a" has signed


def names(keys):
    return [key.key_id for key in keys]


def lookup(store):
    """Return the names of the keys for the header A, None when the store is unavailable."""
    try:
        return names(store.keys_for(A))
    except KeySetUnavailable:
        return None


def seconds_until_unavailable(store):
    begin = time.perf_counter()
    with pytest.raises(KeySetUnavailable):
        store.keys_for(A)
    return time.perf_counter() - begin


def is_fetching():
    return "key-set" in [thread.name for thread in threading.enumerate()]


def wait_for_timers():
    """Return the timers that still run after 5 seconds."""
    timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    for timer in timers:
        timer.join(5)
    return [timer for timer in timers if timer.is_alive()]

"""The times of fetches, and the requests that wait for them."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import astuple

import pytest

from todo_api.identity.jwks import MAX_WAITING, KeySetUnavailable, KeyStore, shut_down_at
from todo_api.identity.tests.issuer import hang, jwk, key_set, private_key, reply, wait_for_fetches
from todo_api.identity.tests.key_stores import (
    LONG_BUDGET,
    SHORT_BUDGET,
    A,
    is_fetching,
    lookup,
    names,
    seconds_until_unavailable,
    wait_for_timers,
)
from todo_api.identity.tokens import TokenError, TokenVerifier

DAY = 24 * 60 * 60


def test_the_default_times_of_a_store():
    assert astuple(KeyStore("", "EdDSA")._timing) == (2, 5, 300, DAY)


def test_nothing_is_fetched_before_the_first_request(store, issuer):
    assert (issuer.fetches, is_fetching()) == ([], False)


@pytest.mark.parametrize(("address", "sent"), [("/keys?tenant=1#first", "/keys?tenant=1"), ("", "/")])
def test_the_path_and_the_query_of_the_address_are_sent(issuer, address, sent):
    KeyStore(issuer.url.replace("/api/auth/jwks", address), "EdDSA").keys_for(A)

    assert issuer.fetches == [sent]


def test_the_age_of_the_key_set_begins_with_its_request(store, issuer, clock):
    before = store.age
    store.keys_for(A)
    clock.now += 3

    assert (before, store.age) == (None, 3)


def test_10_000_requests_for_a_known_key_cause_one_fetch(store, issuer):
    for _ in range(10_000):
        assert names(store.keys_for(A)) == ["a"]

    assert len(issuer.fetches) == 1


def test_1_000_unknown_kids_cause_one_fetch(store, issuer, clock, token_for):
    store.keys_for(A)
    clock.now += 5
    verifier = TokenVerifier("EdDSA", store.keys_for)
    for number in range(1000):
        token = token_for("alice", secret=private_key(), algorithm="EdDSA", headers={"kid": f"unknown-{number}"})
        with pytest.raises(TokenError):
            verifier.verify(token.encode())

    assert len(issuer.fetches) == 2


def test_a_new_key_is_fetched_at_its_first_use(store, issuer, clock):
    store.keys_for(A)
    clock.now += 5
    issuer.publish(jwk(name="a"), jwk(name="b"))

    assert names(store.keys_for({"kid": "b"})) == ["b"]


def test_a_key_published_just_after_a_fetch_works_5_seconds_later(store, issuer, clock):
    store.keys_for(A)
    issuer.publish(jwk(name="b"))
    clock.now += 4.9
    before = names(store.keys_for({"kid": "b"}))
    clock.now += 0.1

    assert (before, names(store.keys_for({"kid": "b"}))) == ([], ["b"])


def test_a_removed_key_is_refused(store, issuer, clock):
    store.keys_for(A)
    clock.now += 5
    issuer.publish(jwk(name="b"))
    store.keys_for({"kid": "b"})

    assert store.keys_for(A) == ()


def test_the_set_is_refreshed_every_5_minutes(store, issuer, clock):
    fetches = []
    for seconds in (0, 299, 1, 299, 1):
        clock.now += seconds
        store.keys_for(A)
        wait_for_fetches()
        fetches.append(len(issuer.fetches))

    assert fetches == [1, 1, 2, 2, 3]


def test_a_known_key_does_not_wait_for_a_refresh(store, issuer, clock):
    store.keys_for(A)
    issuer.respond = hang
    issuer.requested.clear()
    clock.now += 300
    begin = time.perf_counter()

    assert names(store.keys_for(A)) == ["a"]
    assert issuer.requested.wait(5)
    assert time.perf_counter() - begin < 1


def test_a_hanging_fetch_does_not_delay_the_end_of_the_process(store, issuer, clock):
    store.keys_for(A)
    issuer.respond = hang
    issuer.requested.clear()
    clock.now += 300
    store.keys_for(A)

    assert issuer.requested.wait(5)
    threads = [one for one in threading.enumerate() if one.name == "key-set" or isinstance(one, threading.Timer)]
    assert [thread.daemon for thread in threads] == [True, True]


def test_no_timer_runs_after_a_fetch(store):
    store.keys_for(A)
    wait_for_fetches()

    assert wait_for_timers() == []


def test_a_socket_that_is_closed_at_its_deadline_is_no_error():
    closed = socket.socket()
    closed.close()

    with pytest.raises(TimeoutError), shut_down_at(time.monotonic(), closed):
        assert wait_for_timers() == []  # an exception in a thread fails the test


def test_four_simultaneous_requests_wait_for_one_hanging_fetch(quick_store, issuer):
    issuer.respond = hang
    waits = []
    threads = [threading.Thread(target=lambda: waits.append(seconds_until_unavailable(quick_store))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(waits) == 4
    assert max(waits) < SHORT_BUDGET.budget + 0.5
    assert len(issuer.fetches) == 1


def test_four_simultaneous_requests_get_their_key_from_one_fetch(issuer):
    store, found = KeyStore(issuer.url, "EdDSA", LONG_BUDGET, clock=yielding_clock), []
    threads = [threading.Thread(target=lambda: found.append(lookup(store))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (found, len(issuer.fetches)) == ([["a"]] * 4, 1)


def test_any_number_of_requests_may_wait_for_the_first_key_set(store, issuer):
    def respond_late(handler):
        issuer.released.wait(10)
        reply(key_set(jwk()))(handler)

    issuer.respond = respond_late
    with ThreadPoolExecutor(2 * MAX_WAITING) as threads:
        lookups = [threads.submit(lookup, store) for _ in range(2 * MAX_WAITING)]
        ended = wait(lookups, timeout=0.3).done
        issuer.released.set()

    assert (ended, [one.result() for one in lookups]) == (set(), [["a"]] * 2 * MAX_WAITING)


def test_32_lookups_of_unknown_keys_do_not_delay_known_keys(store, issuer, clock):
    store.keys_for(A)
    issuer.respond = hang
    clock.now += 5
    with ThreadPoolExecutor(8) as threads:  # as in a worker
        attackers = [threads.submit(store.keys_for, {"kid": f"unknown-{number}"}) for number in range(32)]
        begin = time.perf_counter()
        known = [names(one.result()) for one in [threads.submit(store.keys_for, A) for _ in range(20)]]
        seconds = time.perf_counter() - begin
        issuer.released.set()

    assert (known, seconds < 1) == ([["a"]] * 20, True)
    unavailable = [isinstance(one.exception(), KeySetUnavailable) for one in attackers]
    assert (unavailable.count(False), unavailable.count(True)) == (MAX_WAITING, 32 - MAX_WAITING)


def test_a_request_may_wait_when_others_have_waited(quick_store, issuer, clock):
    quick_store.keys_for(A)
    issuer.respond = hang
    for number in range(MAX_WAITING + 1):
        clock.now += 5
        assert quick_store.keys_for({"kid": f"unknown-{number}"}) == ()
        wait_for_fetches()


def yielding_clock():
    """A clock that lets the other threads run."""
    threading.Event().wait(0.001)
    return 1000.0


def test_a_late_request_waits_only_for_the_rest_of_a_fetch(store, issuer, clock):
    issuer.respond = hang
    first = threading.Thread(target=lookup, args=[store])
    first.start()
    assert issuer.requested.wait(5)
    clock.now += LONG_BUDGET.budget

    assert seconds_until_unavailable(store) < 1
    issuer.released.set()
    first.join()


@pytest.fixture
def no_thread(monkeypatch):
    """`with no_thread(): …`: no thread can start."""

    def start(thread):
        raise RuntimeError("can't start new thread")

    @contextmanager
    def no_thread():
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", start)
            yield

    return no_thread


def test_the_store_is_unavailable_when_no_thread_can_start(store, no_thread):
    with no_thread(), pytest.raises(KeySetUnavailable):
        store.keys_for(A)


def test_the_store_fetches_when_threads_can_start_again(quick_store, clock, no_thread):
    with no_thread():
        lookup(quick_store)
    clock.now += 5

    assert lookup(quick_store) == ["a"]

"""An issuer with invalid, slow or missing responses."""

import socket
from contextlib import ExitStack

import pytest

from todo_api.identity.jwks import MAX_BYTES, KeySetUnavailable, KeyStore
from todo_api.identity.tests.issuer import hang, hang_up, jwk, key_set, reply, send_slowly, wait_for_fetches
from todo_api.identity.tests.key_stores import (
    LONG_BUDGET,
    SHORT_BUDGET,
    A,
    is_fetching,
    lookup,
    names,
    seconds_until_unavailable,
)

DAY = 24 * 60 * 60
CLOSED_PORT = "http://127.0.0.1:1/api/auth/jwks"
TOO_LONG = key_set(jwk()) + b" " * MAX_BYTES
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BAD_RESPONSES = {
    "500": reply(key_set(jwk()), 500),
    "404": reply(key_set(jwk()), 404),
    "204": reply(b"", 204),
    "a redirect": reply(key_set(jwk()), 302, Location="/elsewhere"),
    "HTML": reply(b"<!doctype html><title>Down for maintenance</title>"),
    "an empty set": reply(b'{"keys": []}'),
    "cut short": reply(key_set(jwk())[:-5]),
    "a byte too long": reply(TOO_LONG[: MAX_BYTES + 1]),
    "10 MB": reply(b" " * 10_000_000),
    "hang up": hang_up,
    "not HTTP": send_slowly(b"SSH-2.0-OpenSSH\r\n"),
    "hang": hang,
    "a body byte by byte": send_slowly(b"HTTP/1.0 200 OK\r\n\r\n" + key_set(jwk())),
    "chunks one by one": send_slowly(CHUNKED, byte=b"1\r\n \r\n"),
    "a header byte by byte": send_slowly(b"HTTP/1.1 200 OK\r\nX-Long: ", byte=b"x"),
    "headers one by one": send_slowly(b"HTTP/1.1 200 OK\r\n", byte=b"X: x\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("problem", BAD_RESPONSES)
def test_good_keys_stay_in_use_after_a_bad_response(quick_store, issuer, clock, warnings_of, problem):
    quick_store.keys_for(A)
    issuer.respond = BAD_RESPONSES[problem]
    clock.now += 300
    quick_store.keys_for(A)
    wait_for_fetches()
    clock.now += 4  # too soon after the failure to try again
    found = [names(quick_store.keys_for({"kid": kid})) for kid in "ax" * 100]

    assert (found, len(issuer.fetches), len(warnings_of())) == ([["a"], []] * 100, 2, 1)


@pytest.mark.parametrize("problem", BAD_RESPONSES)
def test_without_keys_a_bad_response_makes_the_store_unavailable(quick_store, issuer, clock, warnings_of, problem):
    issuer.respond = BAD_RESPONSES[problem]
    waits = [seconds_until_unavailable(quick_store) for _ in range(100)]

    assert waits[0] < SHORT_BUDGET.budget + 0.5
    assert sum(waits[1:]) < 1
    assert (len(issuer.fetches), len(warnings_of())) == (1, 1)


@pytest.mark.parametrize("url", [CLOSED_PORT, "http://", "", "http://127.0.0.1:1/\r\nX: x", "::"])
def test_an_invalid_address_makes_the_store_unavailable(url, warnings_of):
    store = KeyStore(url, "EdDSA")

    with pytest.raises(KeySetUnavailable):
        store.keys_for(A)
    assert len(warnings_of()) == 1


@pytest.mark.parametrize(("age", "served"), [(DAY, True), (DAY + 1, False)])
def test_keys_are_used_for_24_hours_without_the_issuer(store, issuer, clock, age, served):
    store.keys_for(A)
    issuer.respond = hang_up
    for _ in range(20):
        clock.now += age / 20
        found = lookup(store)
        wait_for_fetches()

    assert found == (["a"] if served else None)


def test_a_failed_fetch_is_repeated_after_5_seconds(store, issuer, clock):
    issuer.respond = hang_up
    first = lookup(store)
    issuer.publish(jwk())
    clock.now += 4.9
    second = lookup(store)
    clock.now += 0.1

    assert [first, second, lookup(store)] == [None, None, ["a"]]


def test_the_5_seconds_begin_when_the_fetch_has_failed(store, issuer, clock):
    def fail_slowly(handler):
        clock.now += 2

    issuer.respond = fail_slowly
    lookup(store)
    clock.now += 4.9
    lookup(store)

    assert len(issuer.fetches) == 1


def test_a_failure_is_logged_once_until_its_reason_changes(store, issuer, clock, warnings_of):
    for response in [
        hang_up,
        hang_up,
        reply(b"", 500),
        reply(b"", 500),
        reply(key_set(jwk())),
        reply(b"", 500),
    ]:
        issuer.respond = response
        store.keys_for(A) if warnings_of()[3:] else lookup(store)
        wait_for_fetches()
        clock.now += 300

    assert [message.rpartition(" ")[2] for message in warnings_of()] == ["response", "500", "500"]


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (reply(b"", 500), "BadKeySet: the issuer responded with 500"),
        (reply(b"{}"), "BadKeySet: the response is not a key set"),
        (hang, "TimeoutError: no complete response in time"),
    ],
    ids=["500", "no key set", "hang"],
)
def test_the_log_names_the_kind_of_a_failure_and_the_reason(quick_store, issuer, warnings_of, response, reason):
    issuer.respond = response
    lookup(quick_store)
    wait_for_fetches()

    assert warnings_of() == [f"The key set could not be loaded: {reason}"]


def test_the_exception_names_the_reason(store, issuer):
    issuer.respond = reply(b"", 500)

    with pytest.raises(KeySetUnavailable, match="the issuer responded with 500"):
        store.keys_for(A)


def test_the_longest_response_is_used(store, issuer):
    issuer.respond = reply(TOO_LONG[:MAX_BYTES])

    assert lookup(store) == ["a"]


def test_reading_stops_at_the_size_limit(issuer):
    def endless(handler):
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
        while True:
            handler.wfile.write(b" " * 100_000)

    issuer.respond = endless

    with pytest.raises(KeySetUnavailable, match="longer than 65536 bytes"):
        KeyStore(issuer.url, "EdDSA", LONG_BUDGET).keys_for(A)


def test_a_fetch_from_an_address_that_drops_packets_ends():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as others:
        for _ in range(2):  # they fill the queue of the kernel, because nothing accepts them
            other = others.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        store = KeyStore(f"http://127.0.0.1:{full.getsockname()[1]}", "EdDSA", SHORT_BUDGET)

        assert seconds_until_unavailable(store) < SHORT_BUDGET.budget + 0.5
        wait_for_fetches()
        assert not is_fetching()


def test_a_redirect_is_not_followed(store, issuer):
    issuer.respond = BAD_RESPONSES["a redirect"]
    lookup(store)

    assert issuer.fetches == ["/api/auth/jwks"]

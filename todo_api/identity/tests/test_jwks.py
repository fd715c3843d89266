"""The key store: what it fetches, how often, how long it waits, and which keys it believes."""

import datetime
import ipaddress
import logging
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from django.conf import settings

from todo_api.identity.jwks import MAX_BYTES, KeySetUnavailable, KeyStore, Timing, public_keys
from todo_api.identity.tests.issuer import (
    MAKERS,
    MISFITS,
    Issuer,
    answer,
    described,
    drip,
    hang,
    hang_up,
    jwk,
    key_set,
    private_key,
    serving,
    settle,
)
from todo_api.identity.tokens import TokenError, TokenVerifier

PATIENT = Timing(budget=10)
BRISK = Timing(budget=0.4)
DAY = 24 * 60 * 60
CLOSED_PORT = "http://127.0.0.1:1/api/auth/jwks"
A = {"kid": "a"}
TOO_LONG = key_set(jwk()) + b" " * MAX_BYTES
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

REFUSED = {
    "500": answer(key_set(jwk()), 500),
    "404": answer(key_set(jwk()), 404),
    "204": answer(b"", 204),
    "a redirect": answer(key_set(jwk()), 302, Location="/elsewhere"),
    "HTML": answer(b"<!doctype html><title>Down for maintenance</title>"),
    "an empty body": answer(b""),
    "no UTF-8": answer(b'{"keys": ["\xff"]}'),
    "nested 30,000 deep": answer(b"[" * 30_000),
    "a list": answer(b"[]"),
    "keys that are no list": answer(b'{"keys": {"a": 1}}'),
    "an empty set": answer(b'{"keys": []}'),
    "a set of what is no keys": answer(b'{"keys": [null, 5, "a", [], {}]}'),
    "cut short": answer(key_set(jwk())[:-5]),
    "a byte too long": answer(TOO_LONG[: MAX_BYTES + 1]),
    "10 MB": answer(b" " * 10_000_000),
    "hang up": hang_up,
    "no HTTP": drip(b"SSH-2.0-OpenSSH\r\n"),
    "hang": hang,
    "a body byte by byte": drip(b"HTTP/1.0 200 OK\r\n\r\n" + key_set(jwk())),
    "chunks one by one": drip(CHUNKED, byte=b"1\r\n \r\n"),
    "a header byte by byte": drip(b"HTTP/1.1 200 OK\r\nX-Long: ", byte=b"x"),
    "headers one by one": drip(b"HTTP/1.1 200 OK\r\n", byte=b"X: x\r\n"),
    "a private key": answer(key_set(described(private_key(), "EdDSA") | A)),
    "a shared secret": answer(key_set({"kty": "oct", "k": "AAAA", "kid": "a", "alg": "EdDSA"})),
    "a key of another type": answer(key_set(jwk("RS256", alg="EdDSA"))),
    "a key of another curve": answer(key_set(described(MISFITS["EdDSA"]().public_key(), "EdDSA") | A)),
    "a key for another algorithm": answer(key_set(jwk(alg="ES256"))),
    "a key for encryption": answer(key_set(jwk(use="enc"))),
    "a key for signing": answer(key_set(jwk(key_ops=["sign"]))),
    "a key with operations that are no list": answer(key_set(jwk(key_ops=5))),
    "a key of the wrong length": answer(key_set(jwk(x="AAAA"))),
    "a key that is a number": answer(key_set(jwk(x=5))),
}  # fmt: skip


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def issuer():
    with serving(Issuer()) as issuer:
        yield issuer


@pytest.fixture
def store(issuer, clock):
    return KeyStore(issuer.url, "EdDSA", PATIENT, clock)


@pytest.fixture
def brisk_store(issuer, clock):
    return KeyStore(issuer.url, "EdDSA", BRISK, clock)


@pytest.fixture
def warnings_of(caplog):
    """The messages that the store has logged."""
    caplog.set_level(logging.INFO, "todo_api.identity.jwks")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "todo_api.identity.jwks"]


def names(keys):
    return [key.key_id for key in keys]


def seconds_of(call):
    begin = time.perf_counter()
    with pytest.raises(KeySetUnavailable):
        call()
    return time.perf_counter() - begin


def test_it_is_as_patient_as_promised():
    assert Timing() == Timing(budget=2, pause=5, refresh=300, keep=DAY)


@pytest.mark.parametrize("algorithm", MAKERS)
def test_a_token_of_each_algorithm_is_verified(issuer, token_for, algorithm):
    issuer.publish(jwk(algorithm))
    verifier = TokenVerifier(algorithm, KeyStore(issuer.url, algorithm).keys_for)
    token = token_for("alice", secret=private_key(algorithm), algorithm=algorithm, headers=A)

    assert verifier.verify(token.encode())["sub"] == "alice"


@pytest.mark.parametrize(("published", "configured"), [("RS256", "PS256"), ("PS256", "RS256"), ("ES256", "ES512")])
def test_a_key_serves_the_algorithm_that_it_names_alone(issuer, published, configured):
    issuer.publish(jwk(published))

    with pytest.raises(KeySetUnavailable, match=f"no public key for {configured}"):
        KeyStore(issuer.url, configured).keys_for(A)


def test_a_key_that_names_no_algorithm_serves_the_configured_one(issuer):
    issuer.publish(jwk("RS256", alg=..., use="sig", key_ops=["verify"]))

    [key] = KeyStore(issuer.url, "PS256").keys_for(A)

    assert key.algorithm_name == "PS256"


def test_a_curve_that_is_not_the_algorithms_is_ignored(issuer):
    issuer.publish(jwk("ES256"), described(MISFITS["ES256"]().public_key(), "ES256") | {"kid": "P-384"})

    assert KeyStore(issuer.url, "ES256").keys_for({"kid": "P-384"}) == ()


def test_a_short_rsa_key_is_ignored(issuer):
    issuer.publish(jwk("RS256"), jwk("RS256", "short", n="w" * 171))

    assert KeyStore(issuer.url, "RS256").keys_for({"kid": "short"}) == ()


def test_nothing_is_fetched_before_the_first_question(store, issuer):
    assert (issuer.fetches, is_fetching()) == ([], False)


def test_the_address_is_asked_with_its_query(issuer):
    KeyStore(f"{issuer.url}?tenant=1", "EdDSA").keys_for(A)

    assert issuer.fetches == ["/api/auth/jwks?tenant=1"]


def test_each_of_several_keys_is_found(store, issuer):
    issuer.publish(jwk(name="a"), jwk(name="b"), jwk(name="c", alg="ES256"), jwk("ES256", "d"))

    assert [names(store.keys_for({"kid": kid})) for kid in "abcd"] == [["a"], ["b"], [], []]


def test_two_keys_of_one_name_are_both_tried(store, issuer):
    issuer.publish(jwk(name="b", kid="a"), jwk(name="c", kid="a"))

    assert len(store.keys_for(A)) == 2


@pytest.mark.parametrize(("published", "found"), [("a", ["a"]), ("ab", [])])
def test_a_token_without_kid_is_tried_with_the_only_key(store, issuer, published, found):
    issuer.publish(*(jwk(name=name) for name in published))

    assert names(store.keys_for({})) == found


ODD_KIDS = [None, True, 1, 1e308, [], {}, {"a": "a"}, "", "\x00", "../../etc/passwd", "' OR 1=1 --", "a" * 10_000]


@pytest.mark.parametrize("kid", ODD_KIDS, ids=lambda kid: repr(kid)[:20])
def test_an_odd_kid_finds_no_key(store, issuer, kid):
    store.keys_for(A)

    assert store.keys_for({"kid": kid}) == ()
    assert len(issuer.fetches) == 1


def test_10_000_questions_for_a_known_key_are_one_fetch(store, issuer):
    for _ in range(10_000):
        assert names(store.keys_for(A)) == ["a"]

    assert len(issuer.fetches) == 1


def test_1_000_unknown_kids_are_refused_with_one_fetch(store, issuer, clock, token_for):
    store.keys_for(A)
    clock.now += 5
    verifier = TokenVerifier("EdDSA", store.keys_for)
    for number in range(1000):
        token = token_for("alice", secret=private_key(), algorithm="EdDSA", headers={"kid": f"unknown-{number}"})
        with pytest.raises(TokenError):
            verifier.verify(token.encode())

    assert len(issuer.fetches) == 2


def test_a_new_key_works_at_its_first_use(store, issuer, clock):
    store.keys_for(A)
    clock.now += 5
    issuer.publish(jwk(name="a"), jwk(name="b"))

    assert names(store.keys_for({"kid": "b"})) == ["b"]


def test_a_key_newer_than_the_last_fetch_works_5_seconds_later(store, issuer, clock):
    store.keys_for(A)
    issuer.publish(jwk(name="b"))
    clock.now += 4.9
    before = names(store.keys_for({"kid": "b"}))
    clock.now += 0.1

    assert (before, names(store.keys_for({"kid": "b"}))) == ([], ["b"])


def test_a_key_that_was_taken_out_is_refused(store, issuer, clock):
    store.keys_for(A)
    clock.now += 5
    issuer.publish(jwk(name="b"))
    store.keys_for({"kid": "b"})

    assert store.keys_for(A) == ()


def test_a_set_is_fetched_anew_every_5_minutes_behind_the_requests(store, issuer, clock):
    for _ in range(4):
        store.keys_for(A)
        settle()
        clock.now += 150

    assert len(issuer.fetches) == 2


def test_a_known_key_does_not_wait_for_that_fetch(store, issuer, clock):
    store.keys_for(A)
    issuer.answer = hang
    clock.now += 300
    begin = time.perf_counter()

    assert names(store.keys_for(A)) == ["a"]
    assert issuer.asked.wait(5)
    assert time.perf_counter() - begin < 1


@pytest.mark.parametrize("problem", REFUSED)
def test_a_bad_answer_leaves_the_good_keys_for_24_hours(brisk_store, issuer, clock, warnings_of, problem):
    brisk_store.keys_for(A)
    issuer.answer = REFUSED[problem]
    clock.now += 300
    brisk_store.keys_for(A)
    settle()
    clock.now += 4  # soon enough after the failure not to try again
    found = [names(brisk_store.keys_for({"kid": kid})) for kid in "ax" * 100]

    assert (found, len(issuer.fetches), len(warnings_of())) == ([["a"], []] * 100, 2, 1)


@pytest.mark.parametrize("problem", REFUSED)
def test_a_bad_answer_and_no_keys_is_unavailable_at_once_afterwards(brisk_store, issuer, clock, warnings_of, problem):
    issuer.answer = REFUSED[problem]
    waits = [seconds_of(lambda: brisk_store.keys_for(A)) for _ in range(100)]

    assert waits[0] < BRISK.budget + 0.5
    assert sum(waits[1:]) < 1
    assert (len(issuer.fetches), len(warnings_of())) == (1, 1)


@pytest.mark.parametrize("url", [CLOSED_PORT, "http://", "", "http://127.0.0.1:1/\r\nX: x", "::"])
def test_an_address_that_cannot_be_asked_is_unavailable(url, warnings_of):
    store = KeyStore(url, "EdDSA")

    with pytest.raises(KeySetUnavailable):
        store.keys_for(A)
    assert len(warnings_of()) == 1


@pytest.mark.parametrize(("age", "served"), [(DAY, True), (DAY + 1, False)])
def test_keys_are_served_for_24_hours_without_the_issuer(store, issuer, clock, age, served):
    store.keys_for(A)
    issuer.answer = hang_up
    for _ in range(20):
        clock.now += age / 20
        found = ask(store)
        settle()

    assert found == (["a"] if served else None)


def ask(store):
    try:
        return names(store.keys_for(A))
    except KeySetUnavailable:
        return None


def test_a_failure_is_tried_again_after_5_seconds(store, issuer, clock):
    issuer.answer = hang_up
    first = ask(store)
    issuer.publish(jwk())
    clock.now += 4.9
    second = ask(store)
    clock.now += 0.1

    assert [first, second, ask(store)] == [None, None, ["a"]]


def test_those_5_seconds_begin_when_it_has_failed(store, issuer, clock):
    def fail_slowly(handler):
        clock.now += 2

    issuer.answer = fail_slowly
    ask(store)
    clock.now += 4.9
    ask(store)

    assert len(issuer.fetches) == 1


def test_a_lasting_trouble_is_logged_once_and_a_new_one_again(store, issuer, clock, warnings_of):
    for trouble in [hang_up, hang_up, answer(b"", 500), answer(b"", 500), answer(key_set(jwk())), answer(b"", 500)]:
        issuer.answer = trouble
        store.keys_for(A) if warnings_of()[3:] else ask(store)
        settle()
        clock.now += 300

    assert [message.rpartition(" ")[2] for message in warnings_of()] == ["response", "500", "500"]


def test_it_says_why(store, issuer):
    issuer.answer = answer(b"", 500)

    with pytest.raises(KeySetUnavailable, match="the issuer answered 500"):
        store.keys_for(A)


def test_no_more_is_read_than_a_key_set_may_have(issuer):
    def endless(handler):
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
        while True:
            handler.wfile.write(b" " * 100_000)

    issuer.answer = endless

    with pytest.raises(KeySetUnavailable, match="longer than 65536 bytes"):
        KeyStore(issuer.url, "EdDSA", PATIENT).keys_for(A)


def test_an_address_that_swallows_packets_is_given_up():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as others:
        for _ in range(2):  # nobody accepts them, and the kernel takes no more
            other = others.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        store = KeyStore(f"http://127.0.0.1:{full.getsockname()[1]}", "EdDSA", BRISK)

        assert seconds_of(lambda: store.keys_for(A)) < BRISK.budget + 0.5
        settle()
        assert not is_fetching()


def is_fetching():
    return "key-set" in [thread.name for thread in threading.enumerate()]


def test_a_redirect_is_not_followed(store, issuer):
    issuer.answer = REFUSED["a redirect"]
    ask(store)

    assert issuer.fetches == ["/api/auth/jwks"]


def test_four_at_once_wait_for_one_fetch_together(brisk_store, issuer):
    issuer.answer = hang
    waits = []
    threads = [
        threading.Thread(target=lambda: waits.append(seconds_of(lambda: brisk_store.keys_for(A)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(waits) == 4
    assert max(waits) < BRISK.budget + 0.5
    assert len(issuer.fetches) == 1


def test_four_at_once_get_their_key_by_one_fetch(issuer):
    store, found = KeyStore(issuer.url, "EdDSA", PATIENT, clock=give_way), []
    threads = [threading.Thread(target=lambda: found.append(ask(store))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (found, len(issuer.fetches)) == ([["a"]] * 4, 1)


def give_way():
    """A clock that lets the other threads go first."""
    threading.Event().wait(0.001)
    return 1000.0


def test_who_comes_late_waits_for_the_rest_of_a_fetch_alone(store, issuer, clock):
    issuer.answer = hang
    first = threading.Thread(target=ask, args=[store])
    first.start()
    assert issuer.asked.wait(5)
    clock.now += PATIENT.budget

    assert seconds_of(lambda: store.keys_for(A)) < 1
    issuer.released.set()
    first.join()


def test_no_thread_to_be_had_is_unavailable(store, monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)

    with pytest.raises(KeySetUnavailable):
        store.keys_for(A)


# Each program gives up by itself (SIGALRM), so that a hang is a failure.
FETCHING = """
import os, signal, sys, threading
from todo_api.identity.jwks import KeyStore, Timing

signal.alarm(20)
store = KeyStore(sys.argv[1], "EdDSA", Timing(budget=10))
threading.Thread(target=store.keys_for, args=[{"kid": "a"}], daemon=True).start()
while sys.stdin.readline() != "now\\n":
    pass
child = os.fork()
if child == 0:
    signal.alarm(10)
    os._exit(0 if store.keys_for({"kid": "a"}) else 1)
os._exit(os.waitpid(child, 0)[1] != 0)
"""


def test_a_process_forked_during_a_fetch_fetches_for_itself(issuer):
    issuer.answer = hang
    command = [sys.executable, "-W", "ignore", "-c", FETCHING, issuer.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=settings.BASE_DIR, text=True) as process:
        assert issuer.asked.wait(10)
        issuer.publish(jwk())
        process.communicate("now\n")

    assert (process.returncode, len(issuer.fetches)) == (0, 2)


STOPPED = """
import os, signal, sys, threading, time
from todo_api.identity.jwks import KeyStore, Timing

signal.alarm(20)
reached, start = threading.Event(), threading.Thread.start

def stop_at(moment):
    if sys.argv[2] == moment and threading.current_thread().name == "asks":
        reached.set()
        time.sleep(60)

def clock():
    stop_at("deciding")
    return time.monotonic()

def stop_or_start(thread):
    stop_at("starting")
    start(thread)

threading.Thread.start = stop_or_start
store = KeyStore(sys.argv[1], "EdDSA", Timing(budget=10), clock)
threading.Thread(target=store.keys_for, args=[{"kid": "a"}], name="asks", daemon=True).start()
reached.wait()
child = os.fork()
if child == 0:
    signal.alarm(10)
    os._exit(0 if store.keys_for({"kid": "a"}) else 1)
os._exit(os.waitpid(child, 0)[1] != 0)
"""


@pytest.mark.parametrize("moment", ["deciding", "starting"])
def test_a_process_forked_while_a_thread_begins_a_fetch_fetches_for_itself(issuer, moment):
    command = [sys.executable, "-W", "ignore", "-c", STOPPED, issuer.url, moment]

    assert subprocess.run(command, cwd=settings.BASE_DIR).returncode == 0
    assert len(issuer.fetches) == 1


IMPORTING = """
import sys
from todo_api.identity.jwks import KeyStore

before = set(sys.modules)
KeyStore(sys.argv[1], "EdDSA").keys_for({"kid": "a"})
sys.exit(" ".join(set(sys.modules) - before) or 0)
"""


def test_a_fetch_imports_no_module(issuer):
    """A process forked in the middle of another thread's import waits for that import when it needs the module."""
    command = [sys.executable, "-c", IMPORTING, issuer.url]

    assert subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True).stderr == b""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """The path of a certificate for 127.0.0.1 and its key."""
    key, name = private_key("ES256", "tls"), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now.replace(year=2999))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + made.public_bytes(serialization.Encoding.PEM)
    path = tmp_path_factory.mktemp("tls") / "issuer.pem"
    path.write_bytes(pem)
    return path


@pytest.fixture
def tls_issuer(issuer, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    issuer.socket = context.wrap_socket(issuer.socket, server_side=True, do_handshake_on_connect=False)
    issuer.url = issuer.url.replace("http:", "https:")
    return issuer


def test_keys_come_over_tls(tls_issuer, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    assert names(KeyStore(tls_issuer.url, "EdDSA").keys_for(A)) == ["a"]


def test_a_certificate_that_nobody_vouches_for_is_refused(tls_issuer):
    with pytest.raises(KeySetUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        KeyStore(tls_issuer.url, "EdDSA").keys_for(A)


@pytest.mark.parametrize("problem", ["hang", "a body byte by byte", "a header byte by byte"])
def test_a_slow_answer_over_tls_is_cut_off(tls_issuer, certificate, monkeypatch, problem):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls_issuer.answer = REFUSED[problem]
    store = KeyStore(tls_issuer.url, "EdDSA", BRISK)

    assert seconds_of(lambda: store.keys_for(A)) < BRISK.budget + 0.5
    settle()
    assert not is_fetching()


def test_a_key_that_is_no_point_of_its_curve_spoils_no_other():
    good = jwk("ES256", "a")
    bad = good | {"kid": "b", "y": good["x"]}

    keys = public_keys(key_set(bad, good), "ES256")

    assert [key.key_id for key in keys] == ["a"]

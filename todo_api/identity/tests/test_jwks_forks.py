"""A key store in a process that was forked."""

import subprocess
import sys

import pytest
from django.conf import settings

from todo_api.identity.jwks import _reset_fetches
from todo_api.identity.tests.issuer import hang, jwk
from todo_api.identity.tests.key_stores import A

# Each program ends itself after some seconds (SIGALRM), so that a hang is a failure.
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
    issuer.respond = hang
    command = [sys.executable, "-W", "ignore", "-c", FETCHING, issuer.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=settings.BASE_DIR, text=True) as process:
        assert issuer.requested.wait(10)
        issuer.publish(jwk())
        process.communicate("now\n")

    assert (process.returncode, len(issuer.fetches)) == (0, 2)


STOPPED = """
import os, signal, sys, threading, time
from todo_api.identity.jwks import KeyStore, Timing

signal.alarm(20)
reached, start = threading.Event(), threading.Thread.start

def stop_at(moment):
    if sys.argv[2] == moment and threading.current_thread().name == "lookup":
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
threading.Thread(target=store.keys_for, args=[{"kid": "a"}], name="lookup", daemon=True).start()
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


def test_a_child_may_fetch_at_once(store, issuer):
    store.keys_for(A)
    _reset_fetches()  # what a child runs first
    store.keys_for({"kid": "b"})

    assert len(issuer.fetches) == 2

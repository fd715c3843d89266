"""An issuer, a clock, and key stores that use both."""

import logging

import pytest

from todo_api.identity.jwks import KeyStore
from todo_api.identity.tests.issuer import Issuer, serving
from todo_api.identity.tests.key_stores import LONG_BUDGET, SHORT_BUDGET


class Clock:
    """Returns `now`, which only a test changes."""

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
    return KeyStore(issuer.url, "EdDSA", LONG_BUDGET, clock)


@pytest.fixture
def quick_store(issuer, clock):
    return KeyStore(issuer.url, "EdDSA", SHORT_BUDGET, clock)


@pytest.fixture
def warnings_of(caplog):
    """`warnings_of()`: the messages that key stores have logged."""
    caplog.set_level(logging.INFO, "todo_api.identity.jwks")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "todo_api.identity.jwks"]

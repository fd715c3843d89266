"""Fixtures: an operator, the statements that run, a position in the changes, and a long time limit."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks.tests.sync import changes


@pytest.fixture
def operator(client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("operator"))
    return client


@pytest.fixture
def statements():
    with CaptureQueriesContext(connection) as captured:
        yield captured


@pytest.fixture
def token(alice):
    """The position after the latest change of alice."""
    return lambda: changes(alice)["next"]


@pytest.fixture
def patient(configured):
    """Of thousands of requests one may wait for longer than 4.5 seconds on a busy machine."""
    with configured(DB_TIME_LIMIT=60):
        yield

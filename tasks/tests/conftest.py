"""Fixtures: an operator of the admin, the statements that run, and a position in the changes."""

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

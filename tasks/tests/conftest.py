"""Fixtures of the admin's tests: an operator, and the statements that run."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext


@pytest.fixture
def operator(client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("operator"))
    return client


@pytest.fixture
def statements():
    with CaptureQueriesContext(connection) as captured:
        yield captured

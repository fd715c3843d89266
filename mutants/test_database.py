"""The first test of a run: it creates the database."""

import pytest

from tasks.models import Task


@pytest.mark.django_db
def test_the_database_has_the_table_of_tasks():
    assert Task.objects.count() == 0

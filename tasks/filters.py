"""The query parameters of a list: one declaration that validates them and documents them."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from rest_framework import serializers

from tasks.models import Priority
from tasks.statements import SORTS

MAX_LIMIT = 1000
COMPLETED = {"all": None, "pending": False, "completed": True}


class ListParameters(serializers.Serializer[Any]):
    """Unknown parameters are ignored, unknown values are refused."""

    status = serializers.ChoiceField(list(COMPLETED), default="all", help_text="Which tasks.")
    priority = serializers.ChoiceField(Priority.choices, required=False, help_text="Only tasks of this priority.")
    sort = serializers.ChoiceField(
        list(SORTS),
        default=settings.TASKS_DEFAULT_SORT,
        help_text="`title` is alphabetical, `priority` has high first; a leading `-` reverses. Ties go by id.",
    )
    search = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=200,
        help_text="Words that all occur in title or description, in any case; `%` and `_` are ordinary characters.",
    )
    limit = serializers.IntegerField(
        default=MAX_LIMIT, min_value=1, max_value=MAX_LIMIT, help_text="At most so many tasks in one answer."
    )
    cursor = serializers.CharField(
        required=False, max_length=4096, help_text='Opaque; from the `Link: <…>; rel="next"` header of a page.'
    )


@cache
def list_parameters() -> ListParameters:
    """One for all requests, as in serializers.py."""
    return ListParameters()

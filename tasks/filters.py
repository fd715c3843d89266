"""The query parameters of a list, declared once for validation and documentation."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

from django.conf import settings
from rest_framework import serializers

from tasks.models import Priority
from tasks.serializers import StrictSerializer
from tasks.statements import SORTS

MAX_LIMIT = 1000
MAX_WORDS = 10
COMPLETED = {"all": None, "pending": False, "completed": True}


class ListParameters(StrictSerializer):
    """The parameters of a list. Unknown parameters and unknown values are refused."""

    default_error_messages: ClassVar[dict[str, Any]] = {"unknown": "This parameter is unknown."}

    status = serializers.ChoiceField(list(COMPLETED), default="all", help_text="All, pending or completed tasks.")
    priority = serializers.ChoiceField(Priority.choices, required=False, help_text="Only tasks of this priority.")
    sort = serializers.ChoiceField(
        list(SORTS),
        default=settings.TASKS_DEFAULT_SORT,  # read once
        help_text="`title` is alphabetical, `priority` is high first. A leading `-` reverses. Ties are broken by `id`.",
    )
    search = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=200,
        help_text=f"At most {MAX_WORDS} words. Each occurs in title or description, case-insensitive. "
        "`%` and `_` are ordinary characters.",
    )
    limit = serializers.IntegerField(default=MAX_LIMIT, min_value=1, max_value=MAX_LIMIT, help_text="Page size.")
    cursor = serializers.CharField(
        required=False, max_length=4096, help_text='Opaque. It comes from the `Link: <…>; rel="next"` header of a page.'
    )

    def validate_search(self, text: str) -> list[str]:
        """Return the different words."""
        words = list(dict.fromkeys(text.split()))
        if len(words) > MAX_WORDS:
            raise serializers.ValidationError(
                f"Ensure this field has no more than {MAX_WORDS} words.", code="max_words"
            )
        return words


@cache
def list_parameters() -> ListParameters:
    """Return the validator of the query string; one instance, as in serializers.py."""
    return ListParameters()

"""The query parameters of the collection, declared once for validation and documentation."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any, ClassVar

from django.conf import settings
from django.http import QueryDict
from rest_framework import serializers
from rest_framework.request import Request

from tasks.export import FORMATS
from tasks.models import Priority
from tasks.queries import SORTS, Filters
from tasks.serializers import UUID, OffsetDateTimeField, StrictSerializer, Tag

MAX_LIMIT = 1000
MAX_WORDS = 10
MAX_TAG_FILTERS = 20
MAX_IDS = 100
COMPLETED = {"all": None, "pending": False, "completed": True}
TASK_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
DIGITS = re.compile(r"[0-9]{1,9}", re.ASCII)
KEY = f"({TASK_ID.pattern}|{UUID.pattern})"
MAX_TASK_ID = 2**63 - 1


def task_key(text: str) -> int | str | None:
    """Return a task's id as a positive 64-bit integer, a client id as a UUID in lower case, None for other text."""
    if TASK_ID.fullmatch(text) and int(text) <= MAX_TASK_ID:
        return int(text)
    return text.lower() if UUID.fullmatch(text) else None


class Parameters(StrictSerializer):
    """Query parameters. Unknown parameters are refused."""

    default_error_messages: ClassVar[dict[str, Any]] = {"unknown": "This parameter is unknown."}


class Limit(serializers.IntegerField):
    """The size of a page, in digits. DRF takes signs, underscores, decimals and the digits of other scripts too."""

    def __init__(self) -> None:
        super().__init__(default=MAX_LIMIT, min_value=1, max_value=MAX_LIMIT, help_text="Page size.")

    def to_internal_value(self, data: Any) -> int:
        if not DIGITS.fullmatch(str(data)):
            self.fail("invalid")
        return int(data)


class Ids(serializers.RegexField):
    """Ids and client ids, separated by commas. Too many have a code of their own."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": "Ids and client ids are expected, separated by commas.",
        "max_ids": f"Ensure this field has no more than {MAX_IDS} ids.",
        "max_value": f"Ensure each id is less than or equal to {MAX_TASK_ID}.",
    }

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text.count(",") >= MAX_IDS:
            self.fail("max_ids")
        return text


class FilterParameters(Parameters):
    """Which tasks. All filters have to match."""

    status = serializers.ChoiceField(list(COMPLETED), required=False, help_text="All, pending or completed tasks.")
    priority = serializers.ChoiceField(Priority.choices, required=False, help_text="Only tasks of this priority.")
    tag = serializers.ListField(
        child=Tag(),
        required=False,
        max_length=MAX_TAG_FILTERS,
        help_text="Only tasks with this tag, case-insensitive. Repeated: with all of them.",
    )
    due_before = OffsetDateTimeField(required=False, help_text="Only tasks that are due before this time.")
    due_after = OffsetDateTimeField(required=False, help_text="Only tasks that are due after this time.")
    search = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=200,
        help_text=f"At most {MAX_WORDS} words. Each occurs in title or description, case-insensitive. "
        "`%` and `_` are ordinary characters.",
    )

    def validate_search(self, text: str) -> list[str]:
        """Return the different words."""
        words = list(dict.fromkeys(text.split()))
        if len(words) > MAX_WORDS:
            raise serializers.ValidationError(
                f"Ensure this field has no more than {MAX_WORDS} words.", code="max_words"
            )
        return words


class ListParameters(FilterParameters):
    """The parameters of a list."""

    sort = serializers.ChoiceField(
        list(SORTS),
        default=settings.TASKS_DEFAULT_SORT,  # read once
        help_text="`title` is alphabetical, `priority` is high first, `due` is soonest first and none last. "
        "A leading `-` reverses. Ties are broken by `id`.",
    )
    limit = Limit()
    cursor = serializers.CharField(
        required=False, max_length=4096, help_text='Opaque. It comes from the `Link: <…>; rel="next"` header of a page.'
    )


class BulkParameters(FilterParameters):
    """The parameters of a change of many tasks. At least one filter is demanded."""

    ids = Ids(
        f"^{KEY}(,{KEY}){{0,{MAX_IDS - 1}}}$",
        required=False,
        help_text=f"Only these tasks: up to {MAX_IDS} ids or client ids, separated by commas.",
    )

    def validate_ids(self, text: str) -> list[int | str]:
        keys = [task_key(part) for part in text.split(",")]
        if None in keys:
            raise serializers.ValidationError(self.fields["ids"].error_messages["max_value"], code="invalid")
        return [key for key in keys if key is not None]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not any(attrs.values()):
            raise serializers.ValidationError("A filter is missing; `status=all` stands for all tasks.", "required")
        return attrs


class ChangesParameters(Parameters):
    """The parameters of the changes."""

    since = serializers.CharField(
        required=False, max_length=4096, help_text="The `next` of the previous response. Without it: every task."
    )
    limit = Limit()


class ExportParameters(Parameters):
    """The parameter of an export."""

    format = serializers.ChoiceField(list(FORMATS), required=False, help_text="Without it `Accept` decides.")


def validated(parameters: Parameters, request: Request) -> dict[str, Any]:
    """Return the valid values of the query string. Only `tag` may be repeated."""
    return _validated(parameters, request.META.get("QUERY_STRING", ""))


@lru_cache(maxsize=1000)  # most requests repeat a query string, and its validation takes longer than the statement
def _validated(parameters: Parameters, query_string: str) -> dict[str, Any]:
    query = QueryDict(query_string.encode("latin-1"))  # as Django reads it (PEP 3333)
    values: dict[str, Any] = query.dict()
    repeated = [name for name, given in query.lists() if len(given) > 1 and name != "tag"]
    if repeated:
        message = "This parameter is there more than once."
        raise serializers.ValidationError({name: [message] for name in repeated}, code="repeated")
    if "tag" in values:
        values["tag"] = query.getlist("tag")
    return dict(parameters.run_validation(values))


def filters_of(values: dict[str, Any]) -> Filters:
    """Return the filters of validated parameters."""
    ids = values.get("ids", ())
    return Filters(
        completed=COMPLETED[values.get("status", "all")],
        priority=values.get("priority"),
        tags=values.get("tag", ()),
        due_before=values.get("due_before"),
        due_after=values.get("due_after"),
        words=values.get("search", ()),
        ids=[key for key in ids if isinstance(key, int)],
        client_ids=[key for key in ids if isinstance(key, str)],
    )


# One instance of each validator serves all requests, as in serializers.py.
@cache
def list_parameters() -> ListParameters:
    return ListParameters()


@cache
def filter_parameters() -> FilterParameters:
    return FilterParameters()


@cache
def bulk_parameters() -> BulkParameters:
    return BulkParameters()


@cache
def changes_parameters() -> ChangesParameters:
    return ChangesParameters()


@cache
def export_parameters() -> ExportParameters:
    return ExportParameters()

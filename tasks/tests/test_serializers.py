"""The values that the fields of a task refuse, on create and on update."""

import pytest
from rest_framework.exceptions import ValidationError

from tasks.serializers import create_serializer, update_serializer

WRONG = [
    ("title", None), ("title", ""), ("title", "  \t\n"), ("title", "\u3000\u00a0\n"), ("title", "x" * 201),
    ("title", 5),
    ("title", True), ("title", ["a"]), ("title", {"a": 1}), ("title", "nul\x00"),
    ("description", 5), ("description", True), ("description", ["a"]), ("description", "x" * 1001),
    ("description", "nul\x00"),
    ("completed", None), ("completed", "yes"), ("completed", "true"), ("completed", 1), ("completed", 0.0),
    ("completed", []),
    ("priority", None), ("priority", "urgent"), ("priority", "Low"), ("priority", ""), ("priority", 3),
    ("priority", ["low"]), ("priority", {"low": 1}), ("priority", True),
]  # fmt: skip


@pytest.mark.parametrize("serializer", [create_serializer, update_serializer])
@pytest.mark.parametrize(("field", "value"), WRONG, ids=[f"{name}={str(value)[:12]!r}" for name, value in WRONG])
def test_a_wrong_value_is_refused(serializer, field, value):
    with pytest.raises(ValidationError) as error:
        serializer().run_validation({"title": "Buy milk", field: value})

    assert list(error.value.detail) == [field]

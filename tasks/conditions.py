"""Conditional requests (RFC 9110, section 13): entity tags, If-Match and If-None-Match."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.utils.http import parse_etags
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from tasks.rows import Row

FORMAT = 2  # raise it when the JSON of a task or a page changes, so that no client keeps the old form
ANY = "*"
TASK_TAG = re.compile(r'"(0|[1-9][0-9]{0,17})"', re.ASCII)  # one spelling of a version: "05" is another tag than "5"
LIST_TAG = re.compile(r'(?:W/)?"([1-9][0-9]{0,17})-([0-9a-f]+)"', re.ASCII)


class PreconditionFailed(APIException):
    """The task has another version than If-Match names. The problem has the current task."""

    status_code = 412
    default_code = "precondition_failed"

    def __init__(self, current: Row) -> None:
        super().__init__(f"Task {current['id']} has changed: its version is {current['version']}.")
        self.members = {"current": current}
        self.headers = {"ETag": task_tag(current)}


def task_tag(task: Row) -> str:
    return f'"{task["version"]}"'


def list_tag(version: int, of_list: str, *, is_empty: bool) -> str:
    """Return the tag of a list.

    The version is 0 for a user without a counter: nothing has changed since versions were introduced, or every task was
    deleted long ago and `manage.py forget_deleted` has removed the counter.
    """
    state = version or ("empty" if is_empty else 0)
    return f'"{state}-{of_list}"'


def digest(*parts: Any) -> str:
    """Return a text that differs between two responses: users have equal versions, and a cache may hold both."""
    return sha256(repr((FORMAT, settings.SYNC_EPOCH, *parts)).encode()).hexdigest()[:16]


def demanded_versions(request: Request) -> list[int] | None:
    """Return the versions that If-Match names, None when any will do. The comparison is strong: W/"5" names none."""
    header = request.headers.get("If-Match")
    if header is None or header.strip() == ANY:
        return None
    return [int(match[1]) for tag in parse_etags(header) if (match := TASK_TAG.fullmatch(tag))]


def known_version(request: Request, of_list: str) -> int | None:
    """Return the version in the tag of this list that If-None-Match names, None without one."""
    tags = parse_etags(request.headers.get("If-None-Match", ""))
    versions = [int(match[1]) for tag in tags if (match := LIST_TAG.fullmatch(tag)) and match[2] == of_list]
    return max(versions, default=None)


def is_known(request: Request, tag: str) -> bool:
    """Return whether If-None-Match names the tag. The comparison is weak."""
    header = request.headers.get("If-None-Match")
    return header is not None and any(known in (ANY, tag, f"W/{tag}") for known in parse_etags(header))

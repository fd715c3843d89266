"""The title of each status. Python 3.11 and 3.12 have names of an older RFC for some."""

from __future__ import annotations

from http import HTTPStatus

TITLES = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Content Too Large",
    414: "URI Too Long",
    422: "Unprocessable Content",
}

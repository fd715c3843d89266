"""What no OpenAPI document can say about a valid request. schemathesis calls `before_call` before each request.

After it, schemathesis decides again whether the request is valid. So a request that was to be invalid, and is not, is
expected to succeed.
"""

import re

import schemathesis
from schemathesis.core.parameters import ParameterLocation

FILTERS = ("status", "priority", "tag", "due_before", "due_after", "ids")
MADE_BY_THE_SERVICE = re.compile(r"[\w:-]+:[\w-]{43}")  # a cursor or a token of changes
WORDS = 10
MAX_ID = 2**63 - 1


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None:
        return
    if not case.meta.is_negative_at(ParameterLocation.PATH):
        use_own_path(case.path_parameters)
    if not case.meta.is_negative_at(ParameterLocation.QUERY):
        drop_made_up_positions(case.query)
        shorten_search(case.query)
        keep_ids_of_64_bits(case.query)
        if case.method in ("PATCH", "DELETE") and case.path.endswith("/tasks"):
            demand_filter(case.query)
    if isinstance(case.body, list):
        use_each_key_once(case.body, case.headers)
    for task in case.body if isinstance(case.body, list) else [case.body]:
        if isinstance(task, dict):
            use_one_key(task, case.headers)
            trim(task)


def use_own_path(parameters):
    """The path's user is the caller. An invalid path keeps its user, so that 403 and 404 occur too."""
    if "user_id" in parameters:
        parameters["user_id"] = "alice"


def drop_made_up_positions(query):
    """`cursor` and `since` come from an earlier response."""
    for name in ("cursor", "since"):
        if not MADE_BY_THE_SERVICE.fullmatch(str(query.get(name, ""))):
            query.pop(name, None)


def shorten_search(query):
    """`search` takes ten words."""
    words = str(query.get("search", "")).split()
    if len(words) > WORDS:
        query["search"] = " ".join(words[:WORDS])


def keep_ids_of_64_bits(query):
    """A pattern has no bound for a number of 19 digits."""
    if "ids" in query:  # a link may set a number
        keys = str(query["ids"]).split(",")
        query["ids"] = ",".join(str(min(int(key), MAX_ID)) if key.isdecimal() else key for key in keys)


def demand_filter(query):
    """A change of many tasks needs a filter."""
    if not any(query.get(name) for name in FILTERS) and not str(query.get("search", "")).strip():
        query["priority"] = "low"


def use_each_key_once(tasks, headers):
    """An array has each client_id once, and no Idempotency-Key."""
    headers.pop("Idempotency-Key", None)
    seen = set()
    for task in tasks:
        if isinstance(task, dict) and isinstance(key := task.get("client_id"), str):
            if key.lower() in seen:
                del task["client_id"]
            seen.add(key.lower())


def use_one_key(task, headers):
    """The header Idempotency-Key and a client_id in the body are not sent together."""
    if "Idempotency-Key" in headers:
        task.pop("client_id", None)


def trim(task):
    """White space around a title and a tag does not count, nor does the same tag in another case."""
    if isinstance(task.get("title"), str):
        task["title"] = task["title"].strip() or task["title"]
    if isinstance(tags := task.get("tags"), list) and all(isinstance(tag, str) for tag in tags):
        task["tags"] = list({tag.strip().lower(): tag.strip() or tag for tag in tags}.values())

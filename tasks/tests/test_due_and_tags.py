"""`due_at` and `tags`: the values that are taken, the filters, and the order by due date."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from tasks.models import Task

pytestmark = pytest.mark.django_db

URL = "/api/tasks"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
DUE = {
    "2026-01-31T08:30:00Z": "2026-01-31T08:30:00Z",
    "2026-01-31T08:30:00+00:00": "2026-01-31T08:30:00Z",
    "2026-01-31T08:30:00-00:00": "2026-01-31T08:30:00Z",
    "2026-01-31T08:30:00+01:00": "2026-01-31T07:30:00Z",
    "2026-01-31T23:30:00-05:45": "2026-02-01T05:15:00Z",
    "2026-01-31t08:30:00z": "2026-01-31T08:30:00Z",
    "2026-01-31 08:30:00Z": "2026-01-31T08:30:00Z",
    "2026-01-31T08:30:00.5Z": "2026-01-31T08:30:00.500000Z",
    "2026-01-31T08:30:00.123456Z": "2026-01-31T08:30:00.123456Z",
    "2026-01-31T08:30:00.123456789Z": "2026-01-31T08:30:00.123456Z",
    "2028-02-29T00:00:00Z": "2028-02-29T00:00:00Z",
    "0001-01-01T00:00:00Z": "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z": "9999-12-31T23:59:59.999999Z",
}
NOT_DUE = [
    "2026-01-31T08:30:00", "2026-01-31", "2026-01-31T08:30Z", "08:30:00Z", "2026-01-31T08:30:00+0100",
    "20260131T083000Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-31T25:00:00Z",
    "2026-01-31T08:60:00Z", "2026-01-31T08:30:60Z", "2026-01-31T08:30:00+24:00", "2026-01-31T08:30:00 +01:00",
    "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "12026-01-31T08:30:00Z",
    "2026-01-31T08:30:001Z", "2026-01-31T08:30:00.Z", "2026-W05-6T08:30:00Z", "-2026-01-31T08:30:00Z", "tomorrow",
    "now", "infinity", "", " ", "2026-01-31T08:30:00Z\n", "\u0662026-01-31T08:30:00Z", "2026-01-31T08:30:00Z\x00",
    1769848200, 1769848200.5, True, False, [], {}, ["2026-01-31T08:30:00Z"],
]  # fmt: skip
TAGS = [
    ([], []),
    (["home"], ["home"]),
    ([" home ", "\twork\n"], ["home", "work"]),
    (["Home", "home", "HOME", "work"], ["Home", "work"]),
    (["b", "a"], ["b", "a"]),
    (
        ["a,b", "%", "_", '"', "\\", "<b>", "🥛", "שלום", "a b"],
        ["a,b", "%", "_", '"', "\\", "<b>", "🥛", "שלום", "a b"],
    ),
    (["é", "É"], ["é"]),
    (["a"] * 21, ["a"]),
    (["x" * 50, "🥛" * 50], ["x" * 50, "🥛" * 50]),
    ([f"t{number}" for number in range(20)], [f"t{number}" for number in range(20)]),
]
NOT_TAGS = [
    (["x" * 51], "tags.0", "max_length"),
    (["a", ""], "tags.1", "blank"),
    (["a", " \t"], "tags.1", "blank"),
    ([f"t{number}" for number in range(21)], "tags", "max_length"),
    ([5], "tags.0", "invalid"),
    ([None], "tags.0", "null"),
    ([["a"]], "tags.0", "invalid"),
    (["a\x00"], "tags.0", "null_characters_not_allowed"),
    (None, "tags", "null"),
    ("home", "tags", "not_a_list"),
    ({"home": 1}, "tags", "not_a_list"),
    (5, "tags", "not_a_list"),
]


def errors(response):
    assert response.status_code == 422, response.content
    return [(error["field"], error["code"]) for error in response.json()["errors"]]


def titles(response):
    assert response.status_code == 200, response.content
    return [task["title"] for task in response.json()]


@pytest.fixture
def dated(make_task):
    """Two ties, times of all precisions, and two tasks without a due date."""
    days = {"b": 0, "B": 0, "a": -1, "c": 0.5, "later": 400, "none": None, "also none": None}
    for title, day in days.items():
        make_task(title=title, due_at=None if day is None else NOON + timedelta(days=day))
    make_task(title="micro", due_at=NOON + timedelta(microseconds=500))
    make_task(title="milli", due_at=NOON + timedelta(milliseconds=10))


@pytest.fixture
def tagged(make_task):
    for title, tags in {
        "one": ["Home"],
        "two": ["home", "Work"],
        "three": ["homework"],
        "none": [],
        "ä": ["%"],
    }.items():
        make_task(title=title, tags=tags)


@pytest.mark.parametrize(("sent", "answered"), DUE.items())
def test_a_due_date_is_answered_in_utc(alice, sent, answered):
    created = alice.post(URL, {"title": "x", "due_at": sent}).json()

    assert created["due_at"] == answered
    assert alice.patch(f"{URL}/{created['id']}", {"due_at": sent}).json()["due_at"] == answered
    assert alice.post(URL, [{"title": "x", "due_at": sent}]).json()[0]["due_at"] == answered


@pytest.mark.parametrize("due_at", NOT_DUE, ids=ascii)
def test_another_due_date_is_422(alice, make_task, django_assert_num_queries, due_at):
    url = f"{URL}/{make_task().id}"

    with django_assert_num_queries(0):
        for response in (alice.post(URL, {"title": "x", "due_at": due_at}), alice.patch(url, {"due_at": due_at})):
            assert [field for field, _ in errors(response)] == ["due_at"]


def test_a_due_date_without_an_offset_has_its_own_code(alice):
    assert errors(alice.post(URL, {"title": "x", "due_at": "2026-01-31T08:30:00"})) == [("due_at", "offset")]


def test_a_due_date_can_be_removed(alice, make_task):
    url = f"{URL}/{make_task(due_at=NOON).id}"

    assert alice.patch(url, {"title": "x"}).json()["due_at"] == "2026-01-31T12:00:00Z"
    assert alice.patch(url, {"due_at": None}).json()["due_at"] is None


@pytest.mark.parametrize(("sent", "stored"), TAGS)
def test_tags_are_trimmed_and_a_tag_in_another_case_is_dropped(alice, sent, stored):
    created = alice.post(URL, {"title": "x", "tags": sent}).json()

    assert created["tags"] == stored
    assert alice.patch(f"{URL}/{created['id']}", {"tags": sent}).json()["tags"] == stored
    assert alice.get(f"{URL}/{created['id']}").json()["tags"] == stored


@pytest.mark.parametrize(("tags", "field", "code"), NOT_TAGS)
def test_other_tags_are_422_and_the_place_is_named(alice, make_task, django_assert_num_queries, tags, field, code):
    url = f"{URL}/{make_task().id}"

    with django_assert_num_queries(0):
        assert errors(alice.post(URL, {"title": "x", "tags": tags})) == [(field, code)]
        assert errors(alice.patch(url, {"tags": tags})) == [(field, code)]


def test_a_tag_with_a_lone_surrogate_is_422(alice):
    response = alice.generic("POST", URL, b'{"title": "x", "tags": ["\\ud800"]}', "application/json")

    assert [field for field, _ in errors(response)] == ["tags.0"]


def test_tags_are_replaced_as_a_whole(alice, make_task):
    url = f"{URL}/{make_task(tags=['a', 'b']).id}"

    assert alice.patch(url, {"title": "x"}).json()["tags"] == ["a", "b"]
    assert alice.patch(url, {"tags": ["c"]}).json()["tags"] == ["c"]
    assert alice.patch(url, {"tags": []}).json()["tags"] == []


@pytest.mark.parametrize("count", [20, 21])
def test_the_database_takes_at_most_20_tags(db, count):
    tags = [str(number) for number in range(count)]

    if count == 20:
        assert Task.objects.create(user_id="alice", title="x", tags=tags).tags == tags
        return
    with pytest.raises(IntegrityError, match="tasks_tags_at_most_20"), transaction.atomic():
        Task.objects.create(user_id="alice", title="x", tags=tags)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("tag=home", ["one", "two"]), ("tag=HOME", ["one", "two"]), ("tag=home&tag=work", ["two"]),
        ("tag=%20work", ["two"]), ("tag=home&tag=home", ["one", "two"]), ("tag=hom", []), ("tag=%25", ["ä"]),
        ("tag=_", []), ("tag=home,work", []), ("tag=homework&tag=home", []), ("tag=home&status=completed", []),
        ("tag=home&search=two", ["two"]),
        ("tag='%20OR%201=1", []), ('tag=["home"]', []),
    ],
)  # fmt: skip
def test_tag_finds_whole_tags_in_any_case(alice, tagged, query, expected):
    assert titles(alice.get(f"{URL}?{query}")) == expected


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite ignores the case of ASCII letters only")
def test_tag_ignores_case_in_other_alphabets(alice, make_task):
    make_task(title="x", tags=["Молоко"])

    assert titles(alice.get(URL, {"tag": "МОЛОКО"})) == ["x"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("due_before=2026-01-31T12:00:00Z", ["a"]),
        ("due_before=2026-01-31T12:00:00.000001Z", ["b", "B", "a"]),
        ("due_before=2026-01-31T13:00:00.0005%2B01:00", ["b", "B", "a"]),
        ("due_before=2026-01-31T12:00:00.000501Z", ["b", "B", "a", "micro"]),
        ("due_after=2026-01-31T12:00:00Z", ["c", "later", "micro", "milli"]),
        ("due_after=2026-01-31T12:00:00.0005Z", ["c", "later", "milli"]),
        ("due_after=2026-01-31T12:00:00.01Z", ["c", "later"]),
        ("due_after=2026-01-31T12:00:00Z&due_before=2026-02-01T12:00:00Z", ["c", "micro", "milli"]),
        ("due_after=2026-02-01T12:00:00Z&due_before=2026-01-31T12:00:00Z", []),
        ("due_after=0001-01-01T00:00:00Z", ["b", "B", "a", "c", "later", "micro", "milli"]),
        ("due_before=9999-12-31T23:59:59Z", ["b", "B", "a", "c", "later", "micro", "milli"]),
    ],
)
def test_tasks_without_a_due_date_match_neither_bound(alice, dated, query, expected):
    assert titles(alice.get(f"{URL}?{query}")) == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("tag=", "tag.0"), ("tag=a&tag=", "tag.1"), (f"tag={'x' * 51}", "tag.0"), ("tag=%00", "tag.0"),
        ("&".join(["tag=a"] * 21), "tag"), ("due_before=", "due_before"), ("due_before=tomorrow", "due_before"),
        ("due_before=2026-01-31T12:00:00", "due_before"), ("due_after=2026-01-31", "due_after"),
        ("due_before=2026-01-31T12:00:00+01:00", "due_before"), ("due=2026-01-31T12:00:00Z", "due"), ("tags=a", "tags"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["tasks", "tasks/counts"])
def test_a_wrong_filter_is_422(alice, django_assert_num_queries, path, query, field):
    with django_assert_num_queries(0):
        response = alice.get(f"/api/{path}?{query}")

    assert [name for name, _ in errors(response)] == [field]


def test_sort_due_is_soonest_first_and_none_last(alice, dated):
    order = ["a", "b", "B", "micro", "milli", "c", "later", "none", "also none"]

    assert titles(alice.get(f"{URL}?sort=due")) == order
    assert titles(alice.get(f"{URL}?sort=-due")) == order[::-1]


def test_sort_due_orders_times_that_are_less_than_a_minute_apart(alice, make_task):
    seconds = [20, 1, 0, 0.5, 11, 10, 0.05]
    for number in seconds:
        make_task(title=f"{number}", due_at=NOON + timedelta(seconds=number))

    assert titles(alice.get(f"{URL}?sort=due")) == [f"{number}" for number in sorted(seconds)]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 8, 9])
@pytest.mark.parametrize("sort", ["due", "-due"])
def test_pages_by_due_date_skip_and_repeat_nothing(alice, dated, sort, limit):
    whole = titles(alice.get(f"{URL}?sort={sort}"))
    response = alice.get(f"{URL}?sort={sort}&limit={limit}")
    pages = [titles(response)]
    while "Link" in response:
        response = alice.get(response["Link"].split(">")[0][1:])
        pages.append(titles(response))

    assert pages == [whole[begin : begin + limit] for begin in range(0, 9, limit)]

"""GET /api/{user_id}/tasks: filters, order, and the number of statements."""

import importlib.util
import time
from datetime import UTC, datetime

import pytest
from django.db import connection

from tasks import filters
from tasks.models import Task
from tasks.queries import Filters, TaskQuery
from tasks.statements import OwnedTasks

pytestmark = pytest.mark.django_db

# sort -> the titles of `four_tasks`; in each order the id decides a tie
ORDERS = {
    "created": ["C", "a", "b", "B"],
    "updated": ["B", "a", "b", "C"],
    "title": ["a", "b", "B", "C"],
    "priority": ["C", "B", "b", "a"],
}
SEARCHES = {
    "milk": ["Buy 100% milk", "Walk"],
    "MILK": ["Buy 100% milk", "Walk"],
    "ilk uy": ["Buy 100% milk"],
    "walk milk": ["Walk"],
    "milk butter": [],
    "%": ["Buy 100% milk"],
    "100%": ["Buy 100% milk"],
    "b%milk": [],
    "_": ["snake_case!"],
    "snake_": ["snake_case!"],
    "snak_": [],
    "!": ["snake_case!"],
    "!%": [],
    "!!": [],
    "\\": ["""back\\slash 'n "quotes" """.strip()],
    "\\s": ["""back\\slash 'n "quotes" """.strip()],
    "'": ["""back\\slash 'n "quotes" """.strip()],
    '"quotes"': ["""back\\slash 'n "quotes" """.strip()],
    "'; DROP TABLE tasks; --": [],
    "' OR 1=1 --": [],
    "%s": [],
    "%(user_id)s": [],
    "{}": [],
}
WRONG = [
    ("status", "done"), ("status", "ALL"), ("status", ""), ("status", "true"),
    ("sort", "id"), ("sort", "user_id"), ("sort", "--created"), ("sort", "created,title"), ("sort", ""),
    ("sort", "created; DROP TABLE tasks"),
    ("priority", "urgent"), ("priority", "HIGH"), ("priority", ""),
    ("limit", "0"), ("limit", "-1"), ("limit", "1001"), ("limit", "1000000000"), ("limit", "1e9"), ("limit", "x"),
    ("limit", ""), ("limit", "1.5"), ("limit", "9" * 5000), ("limit", "\x00"), ("limit", "inf"),
    ("limit", "+5"), ("limit", "1_0"), ("limit", "5.0"), ("limit", " 5"), ("limit", "\u0665"),
    ("search", "a" * 201), ("search", "a" * 10_000), ("search", "a\x00b"),
]  # fmt: skip


def titles(response):
    assert response.status_code == 200, response.content
    return [task["title"] for task in response.json()]


@pytest.fixture
def four_tasks(make_task):
    def at(minute):
        return datetime(2026, 1, 31, 10, minute, tzinfo=UTC)

    make_task(title="b", priority="medium", created_at=at(2), updated_at=at(5), completed=True)
    make_task(title="C", priority="high", created_at=at(1), updated_at=at(5))
    make_task(title="a", priority="low", created_at=at(1), updated_at=at(4), completed=True)
    make_task(title="B", priority="high", created_at=at(3), updated_at=at(3))


@pytest.fixture
def searchable_tasks(make_task):
    make_task(title="Buy 100% milk")
    make_task(title="snake_case!", description="")
    make_task(title="""back\\slash 'n "quotes" """.strip())
    make_task(title="Walk", description="for the MILK\nand bread")


def test_a_new_user_has_no_tasks(alice):
    response = alice.get(alice.tasks_url)

    assert response.status_code == 200
    assert response.content == b"[]"


def test_it_is_an_array_of_whole_tasks(alice, make_task):
    make_task(created_at=datetime(2026, 1, 31, 8, 30, 0, 123456, UTC), updated_at=datetime(2026, 2, 1, tzinfo=UTC))
    task = Task.objects.get()

    response = alice.get(alice.tasks_url)

    assert response["Content-Type"] == "application/json"
    assert response.json() == [
        {
            "id": task.id,
            "user_id": "alice",
            "title": "Buy groceries",
            "description": None,
            "completed": False,
            "priority": "medium",
            "due_at": None,
            "tags": [],
            "client_id": None,
            "version": task.version,
            "created_at": "2026-01-31T08:30:00.123456Z",
            "updated_at": "2026-02-01T00:00:00Z",
        }
    ]


@pytest.mark.parametrize("url", ["/api/alice/tasks", "/api/tasks"])
def test_only_own_tasks_are_listed(alice, make_task, url):
    make_task(title="Mine")
    for other in ("bob", "Alice", "alice ", "alic_", "%"):
        make_task(user_id=other)

    assert titles(alice.get(url)) == ["Mine"]


def test_it_is_one_statement_for_any_number_of_tasks(alice, four_tasks, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert len(titles(alice.get(alice.tasks_url))) == 4


def test_it_is_one_statement_with_every_parameter(alice, four_tasks, django_assert_num_queries):
    parameters = {"status": "pending", "priority": "high", "sort": "-title", "search": "b", "limit": 1}

    with django_assert_num_queries(1):
        assert titles(alice.get(alice.tasks_url, parameters)) == ["B"]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"status": "all"}, {"a", "b", "B", "C"}),
        ({"status": "pending"}, {"B", "C"}),
        ({"status": "completed"}, {"a", "b"}),
        ({"priority": "high"}, {"B", "C"}),
        ({"priority": "medium"}, {"b"}),
        ({"priority": "low"}, {"a"}),
        ({"status": "completed", "priority": "low"}, {"a"}),
        ({"status": "pending", "priority": "low"}, set()),
    ],
)
def test_status_and_priority_filter(alice, four_tasks, parameters, expected):
    assert set(titles(alice.get(alice.tasks_url, parameters))) == expected


@pytest.mark.parametrize("sort", ORDERS)
def test_each_sort_has_its_order(alice, four_tasks, sort):
    assert titles(alice.get(alice.tasks_url, {"sort": sort})) == ORDERS[sort]


def test_sort_priority_is_high_then_medium_then_low(alice, make_task):
    for priority in ("low", "medium", "high"):
        make_task(priority=priority)

    tasks = alice.get(f"{alice.tasks_url}?sort=priority").json()

    assert [task["priority"] for task in tasks] == ["high", "medium", "low"]


@pytest.mark.parametrize("sort", ORDERS)
def test_a_leading_minus_reverses(alice, four_tasks, sort):
    assert titles(alice.get(alice.tasks_url, {"sort": f"-{sort}"})) == ORDERS[sort][::-1]


def test_the_default_order_is_oldest_first(alice, four_tasks):
    assert titles(alice.get(alice.tasks_url)) == ORDERS["created"]


def test_times_of_all_precisions_sort_as_times(alice, make_task):
    for microsecond in (500, 0, 123_000, 120_000, 123_456, 999_999):
        make_task(title=f"{microsecond}", created_at=datetime(2026, 1, 31, 10, 10, 10, microsecond, UTC))

    assert titles(alice.get(alice.tasks_url)) == ["0", "500", "120000", "123000", "123456", "999999"]


def test_a_deployment_can_set_the_default_sort(configured):
    spec = importlib.util.spec_from_file_location("filters_of_another_deployment", filters.__file__)
    module = importlib.util.module_from_spec(spec)

    with configured(TASKS_DEFAULT_SORT="-updated"):
        spec.loader.exec_module(module)

    assert module.list_parameters().run_validation({})["sort"] == "-updated"


@pytest.mark.parametrize(("search", "expected"), SEARCHES.items())
def test_search_finds_words_in_title_and_description(alice, searchable_tasks, search, expected):
    assert titles(alice.get(alice.tasks_url, {"search": search})) == expected


@pytest.mark.parametrize("search", ["", "   ", "\t\n"])
def test_an_empty_search_finds_all(alice, searchable_tasks, search):
    assert len(titles(alice.get(alice.tasks_url, {"search": search}))) == 4


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite ignores the case of ASCII letters only")
@pytest.mark.parametrize("search", ["ÉTÉ", "été", "МОЛОКО", "молоко"])
def test_search_ignores_case_in_other_alphabets(alice, make_task, search):
    make_task(title="Été", description="Молоко")

    assert titles(alice.get(alice.tasks_url, {"search": search})) == ["Été"]


@pytest.mark.parametrize("search", ["🥛", "שלום", "e\u0301"])
def test_search_finds_the_exact_spelling(alice, make_task, search):
    make_task(title=f"Buy {search}!")

    assert titles(alice.get(alice.tasks_url, {"search": search})) == [f"Buy {search}!"]


@pytest.mark.parametrize("search", ["b w k a l f o r t m", "walk " * 11, "Walk\tfor\nthe milk"])
def test_ten_different_words_can_be_searched(alice, searchable_tasks, search):
    assert titles(alice.get(alice.tasks_url, {"search": search})) == ["Walk"]


def test_an_eleventh_word_is_refused(alice, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = alice.get(alice.tasks_url, {"search": "a b c d e f g h i j k"})

    [error] = response.json()["errors"]
    assert (response.status_code, error["field"], error["code"]) == (422, "search", "max_words")


@pytest.mark.parametrize("words", [[*("a" * n for n in range(1, 10)), "b"], ["a" * 199 + "b"], ["b" + "a" * 199]])
def test_no_search_takes_much_longer_than_the_search_for_one_word(words):
    Task.objects.bulk_create(Task(user_id="alice", title="Long", description="a" * 1000) for _ in range(500))

    def seconds(words):
        begin = time.perf_counter()
        assert OwnedTasks("alice").select(TaskQuery("created", 1, Filters(words=words))).rows == []
        return time.perf_counter() - begin

    runs = [(seconds(["b"]), seconds(words)) for _ in range(20)]
    shortest, longest = map(min, zip(*runs, strict=True))
    assert longest < 3 * shortest, (shortest, longest)


def test_search_never_finds_other_users_tasks(alice, bob, searchable_tasks):
    assert titles(bob.get(bob.tasks_url, {"search": "milk"})) == []


def test_limit_shortens_the_list(alice, four_tasks):
    assert titles(alice.get(alice.tasks_url, {"limit": 3})) == ORDERS["created"][:3]


def test_a_page_has_1000_tasks_by_default(alice):
    Task.objects.bulk_create(Task(user_id="alice", title="One of many") for _ in range(1000))

    assert "Link" not in alice.head(alice.tasks_url)

    Task.objects.create(user_id="alice", title="One more")
    assert "Link" in alice.head(alice.tasks_url)


@pytest.mark.parametrize("name", ["statu", "Status", "page", "offset", "format", "user_id", "\x00", ""])
def test_it_refuses_an_unknown_parameter(alice, django_assert_num_queries, name):
    with django_assert_num_queries(0):
        response = alice.get(alice.tasks_url, {name: "pending"})

    [error] = response.json()["errors"]
    assert (response.status_code, error["code"], error["detail"]) == (422, "unknown", "This parameter is unknown.")
    assert error["field"] == (name or None)


@pytest.mark.parametrize(("parameter", "value"), WRONG, ids=[f"{name}={value[:12]!r}" for name, value in WRONG])
def test_an_unknown_value_is_refused(alice, django_assert_num_queries, parameter, value):
    with django_assert_num_queries(0):
        response = alice.get(alice.tasks_url, {parameter: value})

    assert response.status_code == 422
    assert {error["field"] for error in response.json()["errors"]} == {parameter}
    assert set(response.json()) == {"status", "title", "code", "detail", "errors", "request_id"}


def test_every_wrong_parameter_is_named(alice):
    response = alice.get(alice.tasks_url, {"status": "x", "limit": "x"})

    assert [error["field"] for error in response.json()["errors"]] == ["status", "limit"]


@pytest.mark.parametrize("query", ["search=%ff%fe", "search=%ED%A0%80", "search=%", "status=%ff", "%ff=%ff"])
def test_a_query_string_that_is_not_utf_8_is_never_500(alice, four_tasks, query):
    assert alice.get(f"{alice.tasks_url}?{query}").status_code in (200, 422)


def test_sql_in_a_search_has_no_effect(alice, searchable_tasks):
    alice.get(alice.tasks_url, {"search": "'); DELETE FROM tasks; --"})

    assert connection.introspection.table_names().count("tasks") == 1
    assert Task.objects.count() == 4

"""The id in a path: a positive 64-bit integer. Any other text is a 404."""

import pytest

pytestmark = pytest.mark.django_db

INVALID_IDS = {
    "0": "0", "negative": "-1", "plus": "%2B1", "20 digits": "9" * 20, "5000 digits": "1" * 5000, "2**63": str(2**63),
    "Arabic digits": "%D9%A1%D9%A2", "full-width digits": "%EF%BC%91", "superscript": "%C2%B2", "float": "1.0",
    "exponent": "1e3", "hexadecimal": "0x1", "underscore": "1_000", "leading zero": "01", "leading zeros": "0001",
    "space": "%20", "space before": "%201", "newline after": "1%0A", "NUL": "%00", "NUL after": "1%00", "word": "seven",
    "null": "null", "list": "1,2", "quote": "1'", "SQL": "1%20OR%201=1", "percent": "%25", "not UTF-8": "%FF",
    "dots": "..%00", "semicolon": "1;2", "emoji": "%F0%9F%A5%9B",
}  # fmt: skip
OPERATIONS = [
    ("get", ""),
    ("put", ""),
    ("patch", ""),
    ("delete", ""),
    ("patch", "/complete"),
    ("patch", "/toggle-status"),
]


@pytest.mark.parametrize("task_id", INVALID_IDS.values(), ids=INVALID_IDS)
def test_an_invalid_id_is_404(alice, django_assert_num_queries, task_id):
    with django_assert_num_queries(0):
        response = alice.get(f"{alice.tasks_url}/{task_id}")

    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    assert set(response.json()) == {"status", "title", "code", "detail", "request_id"}
    assert response.json()["detail"].startswith("Task ")


@pytest.mark.parametrize("task_id", ["0", "seven"])
@pytest.mark.parametrize(("method", "suffix"), OPERATIONS[1:])
def test_an_invalid_id_is_404_for_each_operation(alice, django_assert_num_queries, method, suffix, task_id):
    with django_assert_num_queries(0):
        response = getattr(alice, method)(f"{alice.tasks_url}/{task_id}{suffix}", {"completed": True})

    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("task_id", ["0", "%00"])
def test_an_invalid_id_below_another_users_path_is_403(alice, bob, django_assert_num_queries, task_id):
    with django_assert_num_queries(0):
        response = alice.get(f"{bob.tasks_url}/{task_id}")

    assert response.status_code == 403
    assert response.json()["code"] == "forbidden"


@pytest.mark.parametrize("task_id", ["0", "%00"])
def test_an_invalid_id_without_a_token_is_401(anonymous, django_assert_num_queries, task_id):
    with django_assert_num_queries(0):
        response = anonymous.get(f"/api/alice/tasks/{task_id}")

    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"


@pytest.mark.parametrize(
    "path", ["/api/alice/tasks//", "/api/alice/tasks//complete", "/api/tasks//", "/api/tasks//complete"]
)
def test_an_empty_id_is_404(client, token_for, django_assert_num_queries, path):
    with django_assert_num_queries(0):
        response = client.get(path, headers={"Authorization": f"Bearer {token_for('alice')}"})

    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["detail"] == "There is nothing at this address."


@pytest.mark.parametrize(("method", "suffix"), OPERATIONS)
def test_the_greatest_id_is_looked_up_in_the_database(alice, django_assert_num_queries, method, suffix):
    with django_assert_num_queries(1):
        response = getattr(alice, method)(f"{alice.tasks_url}/{2**63 - 1}{suffix}", {"completed": True})

    assert response.status_code == 404
    assert response.json()["detail"] == f"Task {2**63 - 1} not found"


def test_the_greatest_id_works(alice, make_task):
    make_task(id=2**63 - 1)

    assert alice.get(f"{alice.tasks_url}/{2**63 - 1}").json()["id"] == 2**63 - 1


def test_a_long_id_is_not_repeated_in_full(alice):
    response = alice.get(f"{alice.tasks_url}/{'9' * 5000}")

    assert response.json()["detail"] == f"Task {'9' * 36} not found"

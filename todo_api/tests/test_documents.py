"""The OpenAPI document."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import yaml
from django.conf import settings
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer

from todo_api import __version__
from todo_api.tests.server import Server

ALWAYS = {"401", "405", "406", "414", "431", "500", "503"}
WITH_BODY = {"400", "413", "415", "422"}


@pytest.fixture(scope="module")
def committed():
    return yaml.safe_load((settings.BASE_DIR / "docs/openapi.yaml").read_text())


@pytest.fixture(scope="module")
def generated():
    """The document as `manage.py spectacular` writes it."""
    return yaml.safe_load(OpenApiYamlRenderer().render(SchemaGenerator().get_schema(request=None, public=True)))


@pytest.fixture(scope="module")
def operations(generated):
    return {
        f"{method.upper()} {path}": operation
        for path, methods in generated["paths"].items()
        for method, operation in methods.items()
    }


def test_sixteen_first_requests_at_once_all_get_the_document(tmp_path):
    server = Server(tmp_path)
    barrier = Barrier(16)

    def status(_):
        barrier.wait()
        return server.get("/openapi.json")[0]

    try:
        with ThreadPoolExecutor(16) as pool:
            assert list(pool.map(status, range(16))) == [200] * 16
    finally:
        server.stop()


def test_the_document_is_openapi_3_1(client):
    response = client.get("/openapi.json")

    assert response.headers["Content-Type"] == "application/vnd.oai.openapi+json"
    assert response.json()["openapi"].startswith("3.1")
    assert response.json()["info"]["version"] == __version__


def test_the_served_document_is_the_generated_one(client, generated):
    assert client.get("/openapi.json").json() == generated


def test_the_committed_document_is_the_generated_one(committed, generated):
    assert committed == generated, "run `make schema`"


def test_the_document_has_every_operation_with_and_without_a_user_id(operations):
    tasks = {f"{method} tasks" for method in ("GET", "POST", "PATCH", "DELETE")}
    tasks |= {f"GET tasks/{name}" for name in ("counts", "changes", "export")}
    task = {f"{method} tasks/{{id}}" for method in ("GET", "PUT", "PATCH", "DELETE")}
    state = {f"PATCH tasks/{{id}}/{name}" for name in ("complete", "toggle-status")}

    expected = {name.replace(" ", prefix) for name in tasks | task | state for prefix in (" /api/", " /api/{user_id}/")}

    assert set(operations) == expected


def test_every_operation_has_a_unique_name(operations):
    names = [operation["operationId"] for operation in operations.values()]

    assert len(set(names)) == len(names)


def test_every_operation_requires_the_bearer_token(operations, generated):
    scheme = generated["components"]["securitySchemes"]["bearer"]

    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert all(operation["security"] == [{"bearer": []}] for operation in operations.values())


def test_every_operation_has_the_problems_that_it_can_return(operations):
    for name, operation in operations.items():
        expected = ALWAYS | (WITH_BODY if "requestBody" in operation else set())
        expected |= {"403", "404"} if "{user_id}" in name else set()
        expected |= {"404"} if "{id}" in name else {"422"}

        assert expected <= operation["responses"].keys(), name


def test_every_problem_has_the_same_schema_and_a_412_has_the_task(operations, generated):
    for name, operation in operations.items():
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                problem = generated["components"]["responses"][response["$ref"].rpartition("/")[2]]
                media = problem["content"]["application/problem+json"]
                schema = "ProblemWithTask" if status == "412" else "Problem"
                assert media["schema"] == {"$ref": f"#/components/schemas/{schema}"}, name
                assert ("current" in media["example"]) == (status == "412"), name
                assert media["example"]["status"] == int(status), name


def test_every_response_has_a_request_id(operations, generated):
    for name, operation in operations.items():
        for response in operation["responses"].values():
            reference = response.get("$ref", "").rpartition("/")[2]
            described = generated["components"]["responses"].get(reference, response)
            assert "X-Request-ID" in described["headers"], name


def test_every_field_of_a_task_is_required_in_responses(generated):
    task = generated["components"]["schemas"]["Task"]

    assert set(task["required"]) == set(task["properties"]) == {
        "id", "user_id", "title", "description", "completed", "priority", "due_at", "tags", "client_id", "version",
        "created_at", "updated_at",
    }  # fmt: skip


def test_a_new_task_requires_only_a_title(generated):
    schemas = generated["components"]["schemas"]

    assert schemas["TaskRequest"]["required"] == ["title"]
    assert "required" not in schemas["PatchedTaskRequest"]


def test_only_complete_may_have_no_body(operations):
    optional = {
        name.rpartition("/")[2]
        for name, operation in operations.items()
        if "requestBody" in operation and not operation["requestBody"].get("required")
    }

    assert optional == {"complete", "toggle-status"}


def test_a_body_has_no_unknown_field(generated):
    schemas = generated["components"]["schemas"]
    task = set(schemas["Task"]["properties"])

    for name, fields in {
        "TaskRequest": task,
        "PatchedTaskRequest": task,
        "PatchedCompletionRequest": {"completed"},
    }.items():
        assert schemas[name]["additionalProperties"] is False
        assert schemas[name]["properties"].keys() == fields


def test_a_link_leads_to_an_operation_that_has_its_parameters(operations):
    by_id = {operation["operationId"]: operation for operation in operations.values()}
    responses = [response for operation in operations.values() for response in operation["responses"].values()]
    links = [link for response in responses for link in response.get("links", {}).values()]

    assert len(links) == 2 * (5 + 4 + 1)
    for link in links:
        names = {parameter["name"] for parameter in by_id[link["operationId"]]["parameters"]}
        assert {name.removeprefix("header.") for name in link["parameters"]} <= names


@pytest.mark.parametrize(
    ("text", "is_valid"), [("x", True), (" x\n", True), (" \x1c\x85", False), ("a\x00", False), ("", False)]
)
def test_a_title_is_neither_blank_nor_has_a_null_character(generated, text, is_valid):
    pattern = generated["components"]["schemas"]["TaskRequest"]["properties"]["title"]["pattern"]

    assert bool(re.search(pattern, text)) == is_valid


@pytest.mark.parametrize("name", ["tasks_update_many", "tasks_destroy_many"])
def test_a_change_of_many_tasks_says_that_it_demands_a_filter(operations, name):
    [operation] = [operation for operation in operations.values() if operation["operationId"] == name]

    assert "At least one filter is demanded" in operation["description"]

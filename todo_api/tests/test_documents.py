"""The root page, Swagger UI, Redoc, and the OpenAPI document."""

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

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
PAGES = ["/", "/docs", "/redoc"]
DOCUMENTED = ["/docs", "/redoc"]
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


@pytest.fixture
def page(client, path):
    return client.get(path, headers={"Accept": BROWSER}).content.decode()


def assets(page):
    return re.findall(r'(?:src|href)="(/static/[^"]+)"', page)


# Without the `db` fixture a query fails.
@pytest.mark.parametrize("accept", ["*/*", "", "application/json", "application/json, text/html", "image/png", "x;q=z"])
def test_the_root_is_json(client, accept):
    response = client.get("/", headers={"Accept": accept})

    assert response.json() == {
        "name": "Task API", "version": __version__, "docs": "/docs", "schema": "/openapi.json", "health": "/health",
    }  # fmt: skip


def test_the_root_is_a_page_for_a_browser(client):
    response = client.get("/", headers={"Accept": BROWSER})

    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert f"<small>{__version__}</small>" in response.content.decode()


@pytest.mark.parametrize("accept", [BROWSER, "*/*"])
def test_the_vary_header_of_the_root_contains_accept(client, accept):
    assert "Accept" in re.split(r",\s*", client.get("/", headers={"Accept": accept})["Vary"])


@pytest.mark.django_db
def test_the_links_of_the_root_work(client):
    links = re.findall('<a href="([^"]+)"', client.get("/", headers={"Accept": BROWSER}).content.decode())

    assert {"/docs", "/redoc", "/openapi.json", "/admin/", "/health", "/health/ready"} <= set(links)
    assert {client.get(link, follow=True).status_code for link in links} == {200}


@pytest.mark.parametrize("switched_on", [True, False])
def test_the_root_links_to_the_browsable_api_when_it_is_on(client, configured, switched_on):
    with configured(BROWSABLE_API=switched_on):
        page = client.get("/", headers={"Accept": BROWSER}).content.decode()

    assert ('<a href="/api/tasks">' in page) == switched_on


def test_there_is_an_icon(client):
    response = client.get("/favicon.ico")

    assert response["Content-Type"] == "image/x-icon"
    assert response.content.startswith(b"\x00\x00\x01\x00")


@pytest.mark.parametrize("name", ["docs", "schema", "health"])
def test_the_addresses_in_the_json_of_the_root_exist(client, name):
    address = client.get("/").json()[name]

    assert client.get(address).status_code == 200


@pytest.mark.parametrize("path", [*PAGES, "/openapi.json"])
def test_a_browser_can_open_a_page_without_a_token(client, path):
    response = client.get(path, headers={"Accept": BROWSER})

    assert response.status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_a_page_contains_no_address_of_another_host(page, path):
    assert not re.search(r"(https?:)?//(?!testserver)[a-z0-9.-]+\.?[a-z]{2,}", page)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_a_language_and_no_inline_script(page, path):
    assert '<html lang="en">' in page
    assert not re.search(r"<script(?![^>]*(\ssrc=|application/json))|\son[a-z]+=|<style", page)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_gets_its_assets_from_the_service(client, page, path):
    addresses = assets(page)

    assert len(addresses) >= 2
    for address in addresses:
        response = client.get(address)
        assert response.status_code == 200, address
        assert response.getvalue(), address


@pytest.mark.parametrize("path", PAGES)
def test_a_style_sheet_loads_nothing_from_another_host(client, page, path):
    for address in assets(page):
        if address.endswith(".css"):
            assert b"url(http" not in client.get(address).getvalue()


def test_the_policy_of_redoc_blocks_images_of_other_hosts(client):
    policy = client.get("/redoc")["Content-Security-Policy"]

    assert "img-src 'self' data:;" in f"{policy};"


def test_swagger_ui_sends_the_document_to_no_validator(client):
    assert '"validatorUrl": null' in client.get("/docs").content.decode()


def test_swagger_ui_keeps_no_token_in_production(client):
    assert '"persistAuthorization": false' in client.get("/docs").content.decode()


@pytest.mark.parametrize("path", DOCUMENTED)
def test_a_page_shows_the_document_of_the_service(client, path):
    assert "/openapi.json" in client.get(path).content.decode()


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

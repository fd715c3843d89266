"""DRF's browsable API: HTML pages below /api/."""

import re

import pytest

from tasks.models import Task
from todo_api.tests.client import BROWSER

pytestmark = pytest.mark.django_db

CREATE_TOKEN = "python manage.py create_token alice"


def shown_status(response):
    return int(re.search(r"<b>HTTP (\d+) ", response.text)[1])


@pytest.mark.parametrize("path", ["/api/tasks", "/api/alice/tasks", "/api/tasks/7", "/api/tasks/7/complete"])
def test_a_browser_without_a_token_gets_a_page_with_the_401(browser, path):
    response = browser.get(path)

    assert response.status_code == shown_status(response) == 401
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'


def test_the_page_has_a_token_form_and_says_how_to_get_a_token(browser):
    page = browser.get("/api/tasks").text

    assert 'id="token-form"' in page
    assert "Use this token" in page
    assert "Remove the token" in page
    assert CREATE_TOKEN in page


def test_the_token_form_is_hidden_without_javascript_and_its_field_has_no_name(browser):
    page = browser.get("/api/tasks").text

    [field] = re.findall(r'<input id="token".*?>', page, re.DOTALL)
    assert "name=" not in field
    assert re.search(r'<form id="token-form" hidden>', page)


def test_a_page_with_a_token_shows_its_user_and_no_token_form(alices_browser):
    page = alices_browser.get("/api/tasks").text

    assert "<strong>alice</strong>" in page
    assert 'id="token-form"' not in page


def test_a_page_with_an_expired_token_says_so_and_has_a_token_form(browser, token_for):
    response = browser.get("/api/tasks", HTTP_AUTHORIZATION=f"Bearer {token_for('alice', exp=0)}")

    assert response.status_code == 401
    assert "<strong>Token has expired.</strong>" in response.text
    assert 'id="token-form"' in response.text


def test_a_list_links_to_its_tasks(alices_browser, make_task):
    task = make_task(title="Paint")

    page = alices_browser.get("/api/alice/tasks?limit=5").text

    assert f'<a href="/api/alice/tasks/{task.pk}">{task.pk}</a> Paint' in page


def test_a_list_links_to_its_next_page(alices_browser, make_task):
    make_task()
    make_task()

    page = alices_browser.get("/api/tasks?limit=1").text

    [address] = re.findall(r'href="(http://testserver[^"]*cursor=[^"]+)"', page)
    assert alices_browser.get(address.replace("&amp;", "&")).status_code == 200


@pytest.mark.parametrize("base", ["/api/tasks", "/api/alice/tasks"])
def test_a_task_has_a_button_for_each_operation(alices_browser, make_task, base):
    address = f"{base}/{make_task().pk}"

    page = alices_browser.get(address).text

    forms = re.findall(r'action="(?:http://testserver)?([^"]+)"\s+data-method="(\w+)"', page)
    assert set(forms) == {
        (address, "DELETE"), (address, "PUT"), (f"{address}/complete", "PATCH"), (f"{address}/toggle-status", "PATCH"),
    }  # fmt: skip
    assert '<button data-method="PATCH"' in page


def test_a_list_links_to_counts_and_changes(alices_browser):
    page = alices_browser.get("/api/alice/tasks").text

    links = re.findall(r'<a class="button" href="(?:http://testserver)?([^"]+)"', page)
    assert links == ["/api/alice/tasks", "/api/alice/tasks/changes", "/api/alice/tasks/counts"]
    assert all(alices_browser.get(link).status_code == 200 for link in links)


def test_a_list_has_forms_for_the_tasks_that_match(alices_browser, make_task):
    address = "/api/tasks?status=all"
    make_task()

    page = alices_browser.get(address).text

    assert set(re.findall(r'action="([^"]+)"\s+data-method="(\w+)"', page)) == {(address, "DELETE"), (address, "PUT")}
    assert '<button data-method="PATCH" class="primary">' in page
    assert "Delete all tasks that match permanently?" in page
    assert alices_browser.delete(address).text.count("<li><a") == 1  # the ids are no links; a breadcrumb is


def test_a_page_shows_the_tag_of_its_json_and_has_none(alices_browser, make_task):
    response = alices_browser.get(f"/api/tasks/{make_task().pk}")

    assert "ETag" not in response
    assert "<b>ETag:</b>" in response.text


def test_the_form_of_a_task_contains_its_values(alices_browser, make_task):
    page = alices_browser.get(f"/api/tasks/{make_task(title='Paint').pk}").text

    [content] = re.findall(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
    assert "&quot;title&quot;: &quot;Paint&quot;" in content
    assert "created_at" not in content


def test_the_breadcrumbs_have_no_slash_at_the_end(alices_browser, make_task):
    pk = make_task().pk

    page = alices_browser.patch(f"/api/tasks/{pk}/complete").text

    breadcrumbs = re.search(r'<ol class="breadcrumb">(.*?)</ol>', page, re.DOTALL)[1]
    assert re.findall('href="([^"]+)"', breadcrumbs) == ["/api/tasks", f"/api/tasks/{pk}", f"/api/tasks/{pk}/complete"]


@pytest.mark.parametrize("path", ["/api/tasks", "/api/tasks/{pk}"])
def test_a_page_offers_no_formats_and_no_options(alices_browser, make_task, path):
    page = alices_browser.get(path.format(pk=make_task().pk)).text

    assert "OPTIONS" not in page
    assert "format=" not in page


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("get", "/api/tasks", None, 200),
        ("post", "/api/tasks", {"title": "Buy milk"}, 201),
        ("post", "/api/tasks", {"title": ""}, 422),
        ("get", "/api/tasks?limit=x", None, 422),
        ("get", "/api/tasks/{pk}", None, 200),
        ("put", "/api/tasks/{pk}", {"title": "Buy oat milk"}, 200),
        ("patch", "/api/tasks/{pk}", {"completed": True}, 200),
        ("patch", "/api/tasks/{pk}", {"completed": 1}, 422),
        ("patch", "/api/tasks/{pk}", [], 422),
        ("patch", "/api/tasks/{pk}/complete", None, 200),
        ("patch", "/api/tasks/{pk}/toggle-status", {"completed": True}, 200),
        ("get", "/api/tasks/{pk}/complete", None, 405),
        ("put", "/api/tasks", {}, 405),
        ("get", "/api/tasks/counts", None, 200),
        ("get", "/api/tasks/changes", None, 200),
        ("get", "/api/tasks/changes?since=x", None, 422),
        ("post", "/api/tasks", [{"title": "Buy milk"}, {"title": "Buy oat milk"}], 201),
        ("patch", "/api/tasks?status=all", {"completed": True}, 200),
        ("patch", "/api/tasks", {"completed": True}, 422),
        ("delete", "/api/tasks?status=all", None, 200),
        ("get", "/api/tasks/0", None, 404),
        ("put", "/api/tasks/0", {"title": "x"}, 404),
        ("get", "/api/bob/tasks", None, 403),
    ],
)
def test_every_response_is_a_page_with_the_same_status(alices_browser, make_task, method, path, body, status):
    path = path.format(pk=make_task().pk)

    response = getattr(alices_browser, method)(path, body, **({} if method == "get" else {"format": "json"}))

    assert response.status_code == shown_status(response) == status
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert ("application/problem+json" in response.text) == (status >= 400)


def test_a_body_that_is_not_json_is_a_page_with_the_400(alices_browser):
    response = alices_browser.generic("POST", "/api/tasks", '{"title": ', "application/json")

    assert response.status_code == shown_status(response) == 400


def test_a_delete_is_a_page_that_shows_the_204(alices_browser, make_task):
    """A response with the status 204 has no body."""
    response = alices_browser.delete(f"/api/tasks/{make_task().pk}")

    assert (response.status_code, shown_status(response)) == (200, 204)
    assert not Task.objects.exists()
    assert "data-method" not in response.text


def test_a_page_costs_no_more_statements_than_json(alices_browser, make_task, django_assert_num_queries):
    make_task()

    with django_assert_num_queries(1):
        alices_browser.get("/api/tasks")


def test_vary_contains_accept(alices_browser):
    assert "Accept" in re.split(r",\s*", alices_browser.get("/api/tasks")["Vary"])


@pytest.mark.parametrize("accept", ["application/json", "*/*", "", "application/json, text/plain, */*"])
@pytest.mark.parametrize(("path", "status"), [("/api/tasks", 200), ("/api/tasks/0", 404), ("/api/bob/tasks", 403)])
def test_a_client_that_accepts_json_gets_json(alice, switched_on, accept, path, status):
    response = alice.get(path, headers={"accept": accept})

    assert response.status_code == status
    assert response["Content-Type"] == ("application/json" if status == 200 else "application/problem+json")


@pytest.mark.parametrize("path", ["/api/tasks", "/api/tasks/0"])
def test_a_browser_gets_json_when_the_browsable_api_is_off(alice, path):
    response = alice.get(path, headers={"accept": BROWSER})

    assert "json" in response["Content-Type"]

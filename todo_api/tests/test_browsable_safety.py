"""The pages of the browsable API are safe: escaped text, own assets, a strict policy, no token and no cookie."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

pytestmark = pytest.mark.django_db

NASTY = "<script>alert(1)</script> \"'><img src=x onerror=alert(2)> javascript:alert(3)"


def test_the_token_is_not_on_the_page(browser, token_for):
    token = token_for("alice")

    page = browser.get("/api/tasks", HTTP_AUTHORIZATION=f"Bearer {token}").text

    assert token.rpartition(".")[2] not in page


def test_no_page_sets_a_cookie(browser, alices_browser):
    assert not browser.get("/api/tasks").cookies
    assert not alices_browser.get("/api/tasks").cookies


@pytest.mark.parametrize("field", ["title", "description"])
@pytest.mark.parametrize("path", ["/api/tasks", "/api/tasks/{pk}"])
def test_the_text_of_a_task_is_escaped(alices_browser, make_task, field, path):
    task = make_task(**{field: NASTY})

    page = alices_browser.get(path.format(pk=task.pk)).text

    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert 'href="javascript' not in page


def test_the_text_of_an_address_is_escaped(alices_browser):
    page = alices_browser.get("/api/<script>alert(1)<").text
    page += alices_browser.get('/api/tasks?search="><script>alert(1)</script>').text
    page += alices_browser.get("/api/tasks/<script>alert(1)").text

    assert "<script>alert" not in page


def test_a_page_has_a_language_no_inline_script_and_no_other_host(browser, alices_browser):
    for client in (browser, alices_browser):
        response = client.get("/api/tasks")
        page = response.text

        assert '<html lang="en">' in page
        assert not re.search(r"(https?:)?//[a-z0-9.-]+\.[a-z]{2,}", page)
        assert not re.search(r"<script(?![^>]*\ssrc=)|\son[a-z]+=|<style", page)
        assert {"default-src 'none'", "script-src 'self'"} <= set(response["Content-Security-Policy"].split("; "))


def test_a_page_gets_its_assets_from_the_service(browser, client):
    page = browser.get("/api/tasks").text

    assets = [address for address in re.findall(r'(?:src|href)="([^"]+)"', page) if address.startswith("/static/")]
    assert len(assets) >= 5
    for address in assets:
        response = client.get(address)
        assert response.status_code == 200, address
        assert response.getvalue(), address


def test_the_script_stores_the_token_in_session_storage_only():
    source = Path(finders.find("todo_api/browsable.js")).read_text()

    assert "sessionStorage" in source
    assert not re.search("localStorage|cookie|innerHTML|document.write|console", source)

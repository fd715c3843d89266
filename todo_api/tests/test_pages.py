"""The root page, Swagger UI and Redoc."""

import re

import pytest

from todo_api import __version__
from todo_api.tests.client import BROWSER

PAGES = ["/", "/docs", "/redoc"]
DOCUMENTED = ["/docs", "/redoc"]


@pytest.fixture
def page(client, path):
    return client.get(path, headers={"Accept": BROWSER}).text


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
    assert f"<small>{__version__}</small>" in response.text


@pytest.mark.parametrize("accept", [BROWSER, "*/*"])
def test_the_vary_header_of_the_root_contains_accept(client, accept):
    assert "Accept" in re.split(r",\s*", client.get("/", headers={"Accept": accept})["Vary"])


@pytest.mark.django_db
def test_the_links_of_the_root_work(client):
    links = re.findall('<a href="([^"]+)"', client.get("/", headers={"Accept": BROWSER}).text)

    assert {"/docs", "/redoc", "/openapi.json", "/admin/", "/health", "/health/ready"} <= set(links)
    assert {client.get(link, follow=True).status_code for link in links} == {200}


@pytest.mark.parametrize("switched_on", [True, False])
def test_the_root_links_to_the_browsable_api_when_it_is_on(client, configured, switched_on):
    with configured(BROWSABLE_API=switched_on):
        page = client.get("/", headers={"Accept": BROWSER}).text

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
    assert '"validatorUrl": null' in client.get("/docs").text


def test_swagger_ui_keeps_no_token_in_production(client):
    assert '"persistAuthorization": false' in client.get("/docs").text


@pytest.mark.parametrize("path", DOCUMENTED)
def test_a_page_shows_the_document_of_the_service(client, path):
    assert "/openapi.json" in client.get(path).text

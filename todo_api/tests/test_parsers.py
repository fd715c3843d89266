"""The body of a request: complete JSON in UTF-8, at most 64 KiB. A refused body causes no query."""

import gzip
import json
from io import BytesIO
from types import SimpleNamespace

import pytest
from django.test import RequestFactory
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from tasks.models import Task
from todo_api.parsers import StrictJSONParser
from todo_api.wsgi import application

pytestmark = pytest.mark.django_db

TASK = b'{"title": "Buy milk"}'
LIMIT = 64 * 1024
SEND_JSON = 'Send the body as JSON, with the header "Content-Type: application/json".'


def post(client, body, content_type="application/json", **environ):
    return client.generic("POST", client.tasks_url, body, content_type, **environ)


def through_wsgi(client, body, **environ):
    """Return status and JSON of a POST that has only these headers, sent through the WSGI application."""
    environ |= client._credentials | {"wsgi.input": BytesIO(body)}
    environ = RequestFactory().generic("POST", client.tasks_url, **environ).environ
    statuses = []
    content = b"".join(application(environ, lambda status, headers: statuses.append(int(status[:3]))))
    return statuses[0], json.loads(content)


def post_chunked(client, body):
    return through_wsgi(client, body, CONTENT_TYPE="application/json", HTTP_TRANSFER_ENCODING="chunked")


def body_of_length(length):
    return b'{"title": "Buy milk", "description": null}'.ljust(length)


def parse(body, content_type="application/json", **meta):
    request = SimpleNamespace(META=meta)
    return StrictJSONParser().parse(BytesIO(body), content_type, {"request": request})


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"title=Buy milk", id="not JSON"),
        pytest.param(b'{"title": "Buy mi', id="cut short"),
        pytest.param(b'{"title": "Buy \xff milk"}', id="bad UTF-8"),
        pytest.param(b'{"title": "Buy \xed\xa0\x80 milk"}', id="UTF-8 of a surrogate"),
        pytest.param(b'{"title": "\xc3"}', id="half a character"),
        pytest.param(b"\xef\xbb\xbf" + TASK, id="a BOM"),
        pytest.param(TASK.decode().encode("utf-16"), id="UTF-16"),
        pytest.param(TASK + b" {}", id="trailing data"),
        pytest.param(b'{"title": "Buy milk",, "completed": true}', id="duplicate commas"),
        pytest.param(b'{"title": "Buy milk",}', id="trailing comma"),
        pytest.param(b"{'title': 'Buy milk'}", id="single quotes"),
        pytest.param(b'{"title": "Buy\nmilk"}', id="a raw line break in a string"),
        pytest.param(b"  \n ", id="only white space"),
        pytest.param(b'{"title": NaN}', id="NaN"),
        pytest.param(b'{"title": Infinity}', id="Infinity"),
        pytest.param(b'{"title": -Infinity}', id="-Infinity"),
        pytest.param(b'{"title": 1e999}', id="1e999"),
        pytest.param(b'{"title": -1e999}', id="-1e999"),
        pytest.param(b'{"title": "Buy milk", "unknown": 1e999}', id="1e999 in an unknown field"),
        pytest.param(b'{"title": ' + b"9" * 5_000 + b"}", id="5,000 digits"),
        pytest.param(b'{"title": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", id="30,000 deep"),
        pytest.param(b'{"a":' * 13_000, id="13,000 objects deep, cut short"),
    ],
)
def test_the_parser_refuses_what_is_not_json(body):
    with pytest.raises(ParseError):
        parse(body)


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", "unicode_escape", "bz2", "nonsense"])
def test_the_parser_refuses_another_charset(charset):
    with pytest.raises(UnsupportedMediaType):
        parse(TASK, f"application/json; charset={charset}")


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "gzip, identity"])
def test_the_parser_refuses_a_compressed_body(encoding):
    with pytest.raises(UnsupportedMediaType, match="must not be compressed"):
        parse(gzip.compress(TASK), HTTP_CONTENT_ENCODING=encoding)


@pytest.mark.parametrize("body", [b'{"title": "Buy mi', b"\xef\xbb\xbf" + TASK, b'{"title": 1e999}'])
def test_a_body_that_is_not_json_is_400(alice, django_assert_num_queries, body):
    with django_assert_num_queries(0):
        response = post(alice, body)

    assert response.status_code == 400
    assert response.json()["code"] == "parse_error"


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_nesting_of_100_000_is_400_where_the_limit_allows_its_size(alice, configured, opening):
    with configured(DATA_UPLOAD_MAX_MEMORY_SIZE=1_000_000):
        response = post(alice, opening * 100_000)

    assert response.status_code == 400
    assert response.json()["detail"] == "The body is nested too deeply."


def test_the_detail_names_the_place_and_no_internals(alice):
    broken = post(alice, b'{"title": }').json()["detail"]
    long = post(alice, b'{"title": ' + b"9" * 5_000 + b"}").json()["detail"]

    assert broken == "The body is not JSON: Expecting value: line 1 column 11 (char 10)"
    assert long == "The body is not JSON: a number is out of range"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/json",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "json",
        "/",
        "",
    ],
)
def test_another_content_type_is_415(alice, django_assert_num_queries, content_type):
    with django_assert_num_queries(0):
        response = post(alice, TASK, content_type)

    assert response.status_code == 415
    assert response.json()["code"] == "unsupported_media_type"


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "json", ""])
def test_a_415_names_the_header_to_send(alice, content_type):
    assert post(alice, TASK, content_type).json()["detail"] == SEND_JSON


def test_a_body_without_a_content_type_is_415(alice, django_assert_num_queries):
    with django_assert_num_queries(0):
        status, problem = through_wsgi(alice, TASK, CONTENT_LENGTH=str(len(TASK)))

    assert status == 415
    assert problem["code"] == "unsupported_media_type"
    assert problem["detail"] == SEND_JSON


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        'application/json; charset="UTF-8"',
        "application/json;charset=utf8",
    ],
)
def test_json_in_utf_8_is_accepted(alice, content_type):
    assert post(alice, TASK, content_type).status_code == 201


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_a_compressed_body_is_415(alice, django_assert_num_queries, encoding):
    with django_assert_num_queries(0):
        response = post(alice, gzip.compress(TASK), HTTP_CONTENT_ENCODING=encoding)

    assert response.status_code == 415
    assert response.json()["detail"] == "The body must not be compressed."


def test_the_identity_encoding_is_accepted(alice):
    assert post(alice, TASK, HTTP_CONTENT_ENCODING="identity").status_code == 201


def test_a_body_over_64_kib_is_413(alice, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = post(alice, body_of_length(LIMIT + 1))

    assert response.status_code == 413
    assert response.json()["code"] == "payload_too_large"


def test_a_body_of_64_kib_is_accepted(alice):
    assert post(alice, body_of_length(LIMIT)).status_code == 201


def test_a_body_that_is_too_large_is_not_read(alice):
    source = BytesIO(b"{")

    response = post(alice, b"", **{"wsgi.input": source, "CONTENT_LENGTH": str(10**12)})

    assert response.status_code == 413
    assert source.tell() == 0


def test_a_chunked_body_over_64_kib_is_413(alice, django_assert_num_queries):
    with django_assert_num_queries(0):
        status, problem = post_chunked(alice, body_of_length(LIMIT + 1))

    assert status == 413
    assert problem["code"] == "payload_too_large"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("length", [50, LIMIT])
def test_a_chunked_body_within_the_limit_is_accepted(alice, length):
    status, task = post_chunked(alice, body_of_length(length))

    assert status == 201
    assert task["title"] == "Buy milk"


def test_an_empty_chunked_body_is_422(alice):
    status, problem = post_chunked(alice, b"")

    assert status == 422
    assert problem["errors"][0]["field"] == "title"


@pytest.mark.parametrize("sent", [TASK, TASK[:-1], b""])
def test_a_body_shorter_than_announced_is_400_and_writes_nothing(alice, django_assert_num_queries, sent):
    with django_assert_num_queries(0):
        response = post(alice, b"", **{"wsgi.input": BytesIO(sent), "CONTENT_LENGTH": str(len(TASK) + 1)})

    assert response.status_code == 400
    assert response.json()["detail"] == "The body ended before its announced length."
    assert not Task.objects.exists()


def test_escapes_are_decoded(alice):
    response = post(alice, rb'{"title": "\ud83d\uded2 \u00e9"}')

    assert response.json()["title"] == "🛒 é"


def test_the_last_of_two_equal_keys_is_used(alice):
    response = post(alice, b'{"title": "Buy milk", "title": "Buy bread"}')

    assert response.json()["title"] == "Buy bread"

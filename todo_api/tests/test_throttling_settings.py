"""The settings of the rate limit."""

import pytest
from django.test import RequestFactory

from todo_api.checks import check_settings
from todo_api.tests.counting import ADDRESS, NO_TASK, statuses
from todo_api.tests.settings import read_settings
from todo_api.throttling import client_address, rate


def test_the_default_limits():
    module = read_settings(RATE_LIMIT=None, RATE_LIMIT_ANON=None, USER_CONCURRENCY=None)

    assert (module["RATE_LIMIT"], module["RATE_LIMIT_ANON"], module["USER_CONCURRENCY"]) == (
        "600/minute",
        "60/minute",
        8,
    )
    assert module["REST_FRAMEWORK"]["DEFAULT_THROTTLE_CLASSES"] == [
        "todo_api.throttling.RateLimitThrottle",
        "todo_api.throttling.ConcurrencyThrottle",
    ]


@pytest.mark.parametrize("empty", ["", " "])
def test_without_a_limit_no_throttle_runs(empty):
    module = read_settings(RATE_LIMIT=empty, USER_CONCURRENCY="0")

    assert module["REST_FRAMEWORK"]["DEFAULT_THROTTLE_CLASSES"] == []


@pytest.mark.parametrize(
    ("text", "workers", "quota"),
    [("600/minute", 1, 600), ("600/minute", 2, 300), ("5/minute", 2, 2), ("1/minute", 4, 1)],
)
def test_each_worker_allows_its_part_of_a_limit(alice, limited, text, workers, quota):
    with limited(RATE_LIMIT=text, WEB_CONCURRENCY=workers):
        assert alice.get(NO_TASK)["RateLimit-Policy"] == f'"user";q={quota};w=60'


@pytest.mark.parametrize(
    ("text", "amount", "seconds"),
    [("600/minute", 600, 60), ("10 per 2 hours", 10, 7200), ("1/second", 1, 1), (" 5/day ", 5, 86_400)],
)
def test_a_rate_is_a_number_and_a_period(text, amount, seconds):
    item = rate(text)

    assert (item.amount, item.get_expiry()) == (amount, seconds)


@pytest.mark.parametrize("variable", ["RATE_LIMIT", "RATE_LIMIT_ANON"])
@pytest.mark.parametrize("text", ["600", "0/minute", "-1/minute", "1/fortnight", "minute", "1/second; 9/minute"])
def test_a_wrong_rate_stops_the_start(configured, variable, text):
    with configured(**{variable: text}):
        [message] = check_settings(None)

    assert (message.id, message.msg) == ("todo_api.E006", f"{variable} is {text!r}, which is not a rate.")
    assert message.hint


@pytest.mark.parametrize("url", ["localhost:6379", "http://:hunter2@h", "redis://:hunter2@h:port", "redis://h?db=x"])
def test_a_wrong_address_of_redis_stops_the_start_and_its_password_is_not_shown(configured, url):
    with configured(REDIS_URL=url):
        [message] = check_settings(None)

    assert message.id == "todo_api.E007"
    assert message.hint
    assert "hunter2" not in message.msg


@pytest.mark.parametrize("url", ["redis://h", "rediss://u:p@h:6380/1", "unix:///run/redis.sock"])
def test_the_start_does_not_need_redis(configured, url):
    with configured(REDIS_URL=url, RATE_LIMIT="600/minute"):
        assert check_settings(None) == []


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, None, "192.0.2.1"),
        (0, "203.0.113.9", "192.0.2.1"),
        (1, None, "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "invented, 203.0.113.9", "203.0.113.9"),
        (1, "invented,2001:db8::1 ", "2001:db8::1"),
        (1, "203.0.113.9, ", "192.0.2.1"),
        (2, "invented, 203.0.113.9, 198.51.100.1", "203.0.113.9"),
        (2, "203.0.113.9", "192.0.2.1"),
        (1, "2001:0DB8:0:0::1", "2001:db8::1"),
        *((1, text, "192.0.2.1") for text in ("unknown", "203.0.113.9:443", "fe80::1%eth0", "203.0.113", "9", "\x00")),
    ],
)
def test_the_address_is_the_one_that_the_outermost_trusted_proxy_added(configured, proxies, forwarded, address):
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", **headers)

    with configured(TRUSTED_PROXIES=proxies):
        assert client_address(request) == address


def test_behind_a_proxy_each_client_has_a_separate_limit(anonymous, limited):
    with limited(RATE_LIMIT_ANON="1/day", TRUSTED_PROXIES=1):
        assert statuses(anonymous, 2, HTTP_X_FORWARDED_FOR=f"1, {ADDRESS}") == [401, 429]
        assert statuses(anonymous, 1, HTTP_X_FORWARDED_FOR=f"2, {ADDRESS}") == [429]
        assert statuses(anonymous, 1, HTTP_X_FORWARDED_FOR=f"{ADDRESS}, 203.0.113.9") == [401]

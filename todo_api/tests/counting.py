"""Requests that count for a rate limit and need no database."""

import re
from concurrent.futures import ThreadPoolExecutor

NO_TASK = "/api/tasks/x"  # a 404 that needs no query, so that no test of counting needs a database
ADDRESS = "203.0.113.66"


def remaining(response):
    return int(re.search(r";r=(\d+);", response["RateLimit"])[1])


def statuses(client, times, path=NO_TASK, **headers):
    return [client.get(path, **headers).status_code for _ in range(times)]


def hit_at_once(limit, times=400):
    """Count `times` requests of one user in 8 threads. Return how many are within the limit."""
    with ThreadPoolExecutor(8) as pool:
        return [usage.is_over for usage in pool.map(lambda _: limit.hit("alice"), range(times))].count(False)

"""Random requests of three users, whose responses are compared with a plain model. See model.py.

`make model` tries more of them.
"""

import csv
import io
from itertools import chain, count, cycle
from urllib.parse import quote, urlencode

import orjson
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tasks import sync_tokens
from tasks.models import LatestVersion
from tasks.tests.model import Account
from tasks.tests.strategies import KEYS, TIMES_MORE, changes, examples, filters, limits, new_tasks, sorts
from todo_api.tests.client import quick_client

RUNS = count()
PATHS = ["/api/{user}/tasks{rest}{query}", "/api/tasks{rest}{query}", "/api/tasks{rest}/{query}"]
WRONG = [
    ("POST", "", {"title": " "}),
    ("POST", "", {"title": "x", "titel": "y"}),
    ("POST", "", [{"title": "x"}, {"title": 5}]),
    ("POST", "", [{"title": "x", "client_id": KEYS[0]}, {"title": "y", "client_id": KEYS[0].upper()}]),
    ("PATCH", "", {"completed": True}),
    ("PATCH", "?ids=", {"completed": True}),
    ("PATCH", "?status=all&statu=all", {"completed": True}),
    ("DELETE", "", None),
    ("DELETE", "?ids=1;2", None),
    ("GET", "?sort=id", None),
    ("GET", "/changes?since=x", None),
]

users = st.integers(0, 2)
draws = st.data()


class Requests(RuleBasedStateMachine):
    """Each run has users of its own, so that the tasks of earlier runs do not matter."""

    def __init__(self):
        super().__init__()
        run = next(RUNS)
        self.accounts = [Account(f"{name}-{run}") for name in ("alice", "Alice", "auth0|ä b")]
        # Two users have equal versions. No counter depends on the clock, so that each run can be repeated.
        for account, account.version in zip(self.accounts, (1000, 1000, 2000), strict=True):
            LatestVersion.objects.create(user_id=account.user_id, version=account.version)
        self.clients = {account.user_id: quick_client(account.user_id) for account in self.accounts}
        self.paths = cycle(PATHS)
        self.tagged = []  # (account, its number of writes, address, ETag, body)
        self.replicas = []  # (account, token or None, what a client has that has read until the token)
        self.walks = []  # (account, address of the next page, tasks at the first page, versions of the tasks seen)

    def send(self, account, method, rest="", body=None, **headers):
        rest, mark, query = rest.partition("?")
        path = next(self.paths).format(user=quote(account.user_id), rest=rest, query=mark + query)
        return self.request(account, method, path, body, **headers)

    def request(self, account, method, path, body=None, **headers):
        data = b"" if body is None else orjson.dumps(body)
        response = self.clients[account.user_id].generic(method, path, data, "application/json", headers=headers)
        if method == "GET" and "ETag" in response and response.status_code == 200:
            self.tagged.append((account, account.writes, path, response["ETag"], response.json()))
        return response

    def get(self, account, rest):
        response = self.send(account, "GET", rest)
        assert response.status_code == 200, response.content
        return response.json()

    def pick(self, data, account):
        """Draw what a path names: mostly an own task, by id or client id. Return None for a task of no user."""
        own = [key for task in account.tasks.values() for key in (task["id"], task["client_id"]) if key]
        others = chain.from_iterable(other.tasks for other in self.accounts if other is not account)
        strange = [2**63 - 1, *KEYS, *account.deleted, *others]
        key = data.draw(st.sampled_from(own if own and data.draw(st.integers(0, 4)) else strange))
        return key, account.find(key)

    def condition(self, data, account, task):
        """Draw an If-Match, mostly none. Return it and whether it names the current version."""
        version = task["version"] if task else 1
        others = [other.version for other in self.accounts if other is not account]
        choices = [(f'"{version}"', True), ("*", True), (f'"{version - 1}", "{version}"', True)]
        choices += [(f'"{version - 1}"', False), (f'W/"{version}"', False), (f'"0{version}"', False), ("", False)]
        choices += [(f'"{other}"', other == version) for other in others]
        header, is_current = data.draw(st.sampled_from([(None, True)] * 5 + choices))
        return ({} if header is None else {"If-Match": header}), is_current

    def write(self, data, account, method, suffix, make_body):
        """Change or delete one task. Return the task as it was and the response, None when nothing was to be done."""
        key, task = self.pick(data, account)
        headers, is_current = self.condition(data, account, task)
        response = self.send(account, method, f"/{key}{suffix}", make_body(task or {}), **headers)
        if task is None:
            assert response.status_code == 404
            return None
        if not is_current:
            assert (response.status_code, response.json()["current"]) == (412, task)
            assert response["ETag"] == f'"{task["version"]}"'
            return None
        return task, response

    def changed(self, account, task, changes, response):
        assert response.status_code == 200, response.content
        account.change([task["id"]], changes, [response.json()])
        assert response["ETag"] == f'"{response.json()["version"]}"'

    @rule(user=users, body=new_tasks, in_header=st.booleans())
    def create(self, user, body, in_header):
        account = self.accounts[user]
        sent, headers = body, {}
        if in_header and body.get("client_id"):
            sent, headers = body | {"client_id": None}, {"Idempotency-Key": body["client_id"]}
        response = self.send(account, "POST", "", sent, **headers)
        assert response.status_code == 201, response.content
        account.create([body], [response.json()])
        assert response["ETag"] == f'"{response.json()["version"]}"'
        assert self.request(account, "GET", response["Location"]).json() == response.json()

    @rule(user=users, bodies=st.lists(new_tasks, min_size=1, max_size=4))
    def create_many(self, user, bodies):
        keys = [body["client_id"].lower() for body in bodies if body.get("client_id")]
        response = self.send(self.accounts[user], "POST", "", bodies)
        if len(set(keys)) < len(keys):
            assert response.status_code == 422
        else:
            assert response.status_code == 201, response.content
            self.accounts[user].create(bodies, response.json())

    @rule(user=users, data=draws, method=st.sampled_from(["PUT", "PATCH"]), changes=changes, is_whole=st.booleans())
    def change(self, user, data, method, changes, is_whole):
        account = self.accounts[user]
        done = self.write(data, account, method, "", lambda task: task | changes if is_whole else changes)
        if done and (is_whole or changes):
            self.changed(account, done[0], changes, done[1])
        elif done:
            assert done[1].json() == done[0]

    @rule(user=users, data=draws, name=st.sampled_from(["complete", "toggle-status"]), value=st.none() | st.booleans())
    def complete(self, user, data, name, value):
        account = self.accounts[user]
        body = None if value is None else {"completed": value}
        if done := self.write(data, account, "PATCH", f"/{name}", lambda task: body):
            self.changed(account, done[0], body or {"completed": not done[0]["completed"]}, done[1])

    @rule(user=users, data=draws)
    def delete(self, user, data):
        account = self.accounts[user]
        if done := self.write(data, account, "DELETE", "", lambda task: None):
            assert (done[1].status_code, done[1].content) == (204, b"")
            account.delete([done[0]["id"]])

    @rule(user=users, data=draws, filters=filters, method=st.sampled_from(["PATCH", "DELETE"]), changes=changes)
    def write_many(self, user, data, filters, method, changes):
        account = self.accounts[user]
        if data.draw(st.booleans()):
            filters = filters | {"ids": [str(self.pick(data, account)[0]) for _ in range(data.draw(st.integers(1, 3)))]}
        query = urlencode(filters | {"ids": ",".join(filters["ids"])} if "ids" in filters else filters, doseq=True)
        response = self.send(account, method, f"?{query}", changes if method == "PATCH" else None)
        found = sorted(task["id"] for task in account.list(**filters))
        if not any(filters.get(name, "").split() if name == "search" else filters[name] for name in filters):
            assert response.status_code == 422
        elif method == "DELETE":
            assert (response.status_code, response.json()) == (200, found)
            account.delete(found)
        elif not changes:
            assert response.status_code == 422
        else:
            assert response.status_code == 200, response.content
            account.change(found, changes, response.json())

    @rule(user=users, data=draws)
    def read(self, user, data):
        key, task = self.pick(data, self.accounts[user])
        response = self.send(self.accounts[user], "GET", f"/{key}")
        assert (response.status_code, response.json()) == (200, task) if task else response.status_code == 404

    @rule(user=users, filters=filters, sort=sorts, limit=limits)
    def read_list(self, user, filters, sort, limit):
        account = self.accounts[user]
        response = self.send(account, "GET", f"?{urlencode(filters | {'sort': sort, 'limit': limit}, doseq=True)}")
        found = account.list(sort, **filters)
        assert response.json() == found[:limit]
        assert ("Link" in response) == (len(found) > limit)
        if "Link" in response:
            before = {task["id"]: task["version"] for task in found}
            self.walks.append((account, next_url(response), before, versions(response.json())))

    @rule(data=draws)
    def read_the_next_page(self, data):
        if not self.walks:
            return
        walk = data.draw(st.sampled_from(self.walks))
        self.walks.remove(walk)
        self.walks += self.walk_on(*walk)

    def walk_on(self, account, url, before, seen):
        """Read a page. A task that has not changed is seen once."""
        response = self.request(account, "GET", url)
        page = versions(response.json())
        assert not page.items() & seen.items()
        assert all(account.tasks[task["id"]] == task for task in response.json())
        if "Link" in response:
            return [(account, next_url(response), before, seen | page)]
        assert before.items() & versions(account.tasks.values()).items() <= (seen | page).items()
        return []

    @rule(user=users, filters=filters)
    def read_counts(self, user, filters):
        counts = self.get(self.accounts[user], f"/counts?{urlencode(filters, doseq=True)}")
        assert counts == self.accounts[user].counts(**filters)

    @rule(user=users)
    def start_a_replica(self, user):
        self.replicas.append((self.accounts[user], None, {}))

    @rule(data=draws, limit=limits)
    def read_changes(self, data, limit):
        if self.replicas:
            self.follow(*data.draw(st.sampled_from(self.replicas)), limit)

    def follow(self, account, token, replica, limit):
        """Read a page of changes as a client does. After the last page it has what the service has."""
        page = self.get(account, f"/changes?{urlencode({'limit': limit} | ({'since': token} if token else {}))}")
        deleted = {task["id"]: task["client_id"] for task in page["deleted"]}
        assert len(page["changed"]) + len(deleted) <= limit
        assert all(account.tasks[task["id"]] == task for task in page["changed"])
        assert deleted.items() <= account.deleted.items()
        assert token or not deleted
        replica = {task_id: task for task_id, task in replica.items() if task_id not in deleted}
        replica |= {task["id"]: task for task in page["changed"]}
        assert page["more"] or replica == account.tasks
        self.replicas.append((account, page["next"], replica))

    @rule(user=users, data=draws)
    def use_what_belongs_to_another_user(self, user, data):
        account = self.accounts[user]
        tokens = [token for owner, token, _ in self.replicas if token and owner is not account]
        if tokens:
            since = urlencode({"since": data.draw(st.sampled_from(tokens))})
            assert self.send(account, "GET", f"/changes?{since}").status_code == 410
        pages = [url.partition("?")[2] for owner, url, *_ in self.walks if owner is not account]
        if pages:
            assert self.send(account, "GET", f"?{data.draw(st.sampled_from(pages))}").status_code == 422
        other = self.accounts[user - 1]
        assert self.request(account, "GET", f"/api/{quote(other.user_id)}/tasks").status_code == 403

    @rule(data=draws)
    def read_again(self, data):
        """304 is for what is the same, and always when nothing was written."""
        if not self.tagged:
            return
        account, writes, path, tag, body = data.draw(st.sampled_from(self.tagged))
        response = self.request(account, "GET", path, None, **{"If-None-Match": tag})
        if response.status_code == 304:
            assert self.request(account, "GET", path).json() == body
        else:
            assert account.writes > writes

    @rule(user=users)
    def export(self, user):
        account = self.accounts[user]
        assert orjson.loads(self.send(account, "GET", "/export").getvalue()) == account.list()
        lines = self.send(account, "GET", "/export?format=csv").getvalue().decode()
        assert [row["id"] for row in csv.DictReader(io.StringIO(lines, newline=""))] == [
            str(task["id"]) for task in account.list()
        ]

    @rule(user=users, wrong=st.sampled_from(WRONG))
    def send_a_wrong_request(self, user, wrong):
        assert self.send(self.accounts[user], *wrong).status_code == 422

    def teardown(self):
        for account in self.accounts:
            assert self.get(account, "") == account.list()
        for replica in self.replicas[-10:]:
            self.follow(*replica, 1000)
        while self.walks:
            self.walks += self.walk_on(*self.walks.pop())


def next_url(response):
    return response["Link"].partition(">")[0][1:]


def versions(tasks):
    return {task["id"]: task["version"] for task in tasks}


@pytest.mark.django_db
@pytest.mark.timeout(300 * TIMES_MORE)
def test_the_api_does_what_the_model_does(monkeypatch, patient):
    monkeypatch.setattr(sync_tokens, "this_hour", lambda: 500_000)  # a token has the hour in it
    run_state_machine_as_test(Requests, settings=examples(40, stateful_step_count=50))

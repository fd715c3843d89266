"""The service with the real Better Auth: three algorithms, rotation of keys and secrets, outages."""

import sqlite3
from collections import Counter
from contextlib import closing

import psycopg
import pytest

from e2e.background import Background
from e2e.people import Person
from e2e.processes import SECRET, BetterAuth, Service, wait_until

OTHER_SECRET = SECRET[::-1]
ALGORITHMS = ["EdDSA", "ES256", "HS256"]


@pytest.fixture(scope="module", params=ALGORITHMS)
def better_auth(logs, request):
    """A Better Auth server that signs with this algorithm."""
    with BetterAuth(logs, JWT_ALGORITHM=request.param).running() as better_auth:
        yield better_auth


@pytest.fixture(scope="module")
def service(logs, settings_for, better_auth):
    with Service(logs, **settings_for(better_auth)).running() as service:
        yield service


def with_algorithm(algorithm):
    return pytest.mark.parametrize("better_auth", [algorithm], indirect=True)


@pytest.fixture
def alice(better_auth):
    return Person(better_auth, "alice")


@pytest.fixture
def bob(better_auth):
    return Person(better_auth, "bob")


class Client(Background):
    """Lists the user's tasks in a loop until stopped, from the current service."""

    def __init__(self, service, person):
        super().__init__()
        self.service, self.path, self.token = service, person.path, person.token()
        self.served_by, self.statuses = None, Counter()

    def run(self):
        while not self.ended.is_set():
            service = self.service
            self.statuses[service.call(self.token, "GET", self.path).status_code] += 1
            self.served_by = service

    def move_to(self, service):
        """Continue with another service, and stop the old one after its last request."""
        old, self.service = self.service, service
        wait_until(lambda: self.served_by is service)
        old.stop()


def code(response):
    return response.status_code, response.json()["code"]


def test_a_new_user_runs_the_six_operations(service, alice):
    token = alice.token()

    task = service.call(token, "POST", alice.path, {"title": "Buy milk"}).json()
    one = f"{alice.path}/{task['id']}"
    changed = service.call(token, "PUT", one, {"priority": "high"}).json()
    done = service.call(token, "PATCH", f"{one}/complete").json()

    assert service.call(token, "GET", one).json() == done
    assert (task["user_id"], changed["priority"], done["completed"]) == (alice.id, "high", True)
    assert service.call(token, "GET", alice.path).json() == [done]
    assert service.call(token, "DELETE", one).status_code == 204
    assert service.call(token, "GET", alice.path).json() == []


def test_another_users_tasks_are_403_or_404(service, alice, bob):
    task = service.call(alice.token(), "POST", alice.path, {"title": "Buy milk"}).json()

    assert code(service.call(bob.token(), "GET", alice.path)) == (403, "forbidden")
    assert code(service.call(bob.token(), "GET", f"{bob.path}/{task['id']}")) == (404, "not_found")
    assert service.call(bob.token(), "GET", bob.path).json() == []


def test_other_tokens_of_better_auth_are_refused(service, alice):
    for token in (alice.session_token, alice.session_cache(), alice.mailed_token()):
        assert code(service.call(token, "GET", alice.path)) == (401, "token_invalid")

    assert alice.session_cache().count(".") == alice.mailed_token().count(".") == 2  # two of them are JWTs
    assert service.call(alice.token(), "GET", alice.path).status_code == 200


def test_tokens_of_another_better_auth_server_are_refused(start, service, better_auth):
    variables = better_auth.variables | {"BETTER_AUTH_URL": better_auth.url, "BETTER_AUTH_SECRET": OTHER_SECRET}
    mallory = Person(start(BetterAuth, **variables))

    assert code(service.call(mallory.token(), "GET", mallory.path)) == (401, "token_invalid")


@pytest.mark.parametrize("algorithm", ["EdDSA", "HS256"])
def test_a_token_expires_and_the_next_one_works(start, settings_for, algorithm):
    better_auth = start(BetterAuth, JWT_ALGORITHM=algorithm, TOKEN_EXPIRES_IN="3s")
    service = start(Service, JWT_LEEWAY="0", **settings_for(better_auth))
    alice = Person(better_auth)
    token = alice.token()

    assert service.call(token, "GET", alice.path).status_code == 200
    wait_until(lambda: service.call(token, "GET", alice.path).status_code == 401, 5)
    assert code(service.call(token, "GET", alice.path)) == (401, "token_expired")
    assert service.call(alice.token(), "GET", alice.path).status_code == 200


@with_algorithm("EdDSA")
@pytest.mark.parametrize(
    ("rotation", "old_token"), [('UPDATE jwks SET "expiresAt" = "createdAt"', 200), ("DELETE FROM jwks", 401)]
)
def test_a_new_key_is_accepted_within_five_seconds(service, better_auth, alice, rotation, old_token):
    old = alice.token()
    assert service.call(old, "GET", alice.path).status_code == 200
    with closing(sqlite3.connect(better_auth.database)) as users, users:
        users.execute(rotation)

    alice.sign_in()  # the session's cookie is signed with the old key
    new = alice.token()

    wait_until(lambda: service.call(new, "GET", alice.path).status_code == 200, 5)
    assert service.call(old, "GET", alice.path).status_code == old_token


@with_algorithm("EdDSA")
def test_known_keys_work_while_better_auth_is_down(service, better_auth, alice):
    token = alice.token()
    assert service.call(token, "GET", alice.path).status_code == 200

    with better_auth.stopped():
        assert {service.call(token, "GET", alice.path).status_code for _ in range(20)} == {200}

    assert service.call(alice.token(), "GET", alice.path).status_code == 200


@with_algorithm("EdDSA")
def test_the_service_starts_before_better_auth(start, settings_for, better_auth, alice):
    token = alice.token()
    with better_auth.stopped():
        service = start(Service, **settings_for(better_auth))
        refused = service.call(token, "GET", alice.path)
        assert code(refused) == (503, "identity_unavailable")

    seconds = int(refused.headers["Retry-After"]) + 5
    wait_until(lambda: service.call(token, "GET", alice.path).status_code == 200, seconds)


def test_a_secret_is_rotated_without_losing_a_request(start, settings_for):
    better_auth = start(BetterAuth, JWT_ALGORITHM="HS256")
    alice, service = Person(better_auth), start(Service, **settings_for(better_auth))
    old_token = alice.token()
    with Client(service, alice) as client:
        secrets = {"BETTER_AUTH_SECRET": OTHER_SECRET, "BETTER_AUTH_SECRET_PREVIOUS": SECRET}
        client.move_to(start(Service, **settings_for(better_auth), **secrets))
        better_auth.stop()
        better_auth.start(BETTER_AUTH_SECRET=OTHER_SECRET)
        alice.sign_in()
        client.token = alice.token()
        client.move_to(start(Service, **settings_for(better_auth), BETTER_AUTH_SECRET=OTHER_SECRET))

        assert code(client.service.call(old_token, "GET", alice.path)) == (401, "token_invalid")
    assert client.statuses == {200: client.statuses.total()}


def test_a_deleted_user_is_refused_with_require_known_user(start, new_database, settings_for):
    url = new_database("with_users")
    better_auth = start(BetterAuth, JWT_ALGORITHM="EdDSA", DATABASE_URL=url)
    service = start(Service, REQUIRE_KNOWN_USER="true", **settings_for(better_auth) | {"DATABASE_URL": url})
    alice, bob = Person(better_auth, "alice"), Person(better_auth, "bob")
    token = alice.token()
    assert service.call(token, "POST", alice.path, {"title": "Buy milk"}).status_code == 201

    with psycopg.connect(url) as users:
        users.execute('DELETE FROM "user" WHERE id = %s', [alice.id])

    assert code(service.call(token, "GET", alice.path)) == (401, "token_invalid")
    assert service.call(bob.token(), "GET", bob.path).status_code == 200

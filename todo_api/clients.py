"""The connections of clients: deadlines for the client, and an even distribution over the workers."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import math
import struct
import sys
import termios
import time
from contextlib import suppress
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

from gevent.monkey import get_original
from gevent.server import StreamServer
from gevent.socket import socket
from gunicorn import util

HEADERS = 10  # seconds
BODY = 30
RESPONSE = 60
LINGER = 2
TURN = 65_536  # bytes that a client may send without a pause before others are served
HEAD_START = 0.0002

sleep = get_original("time", "sleep")


class TooSlow(BrokenPipeError):
    """The client missed its deadline. gunicorn closes the connection without a log line."""

    def __init__(self) -> None:
        super().__init__(errno.EPIPE, "the client is too slow")


class Connection(socket):  # type: ignore[misc]  # gevent is not typed
    """A client's socket with a deadline for what the client does now. Single bytes do not extend it."""

    client_closed = closing = was_cut = False
    received = 0  # bytes since other clients were served
    read_by = math.inf  # the end of the time for reading the last response

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.await_request(HEADERS)

    def await_request(self, seconds: float) -> None:
        """Set the deadline for the first byte of a request, in seconds from now. The headers then have their own."""
        self.idle, self.sending = True, False
        self.deadline = time.monotonic() + seconds

    def await_body(self) -> None:
        self.deadline = time.monotonic() + BODY

    def is_late(self, now: float) -> bool:
        """Return whether the client has missed its deadline. The kernel may hold a response that it has not read."""
        if self.read_by < now:
            self.read_by = math.inf
            if self.unread():
                return True
        return self.deadline < now

    def cut(self) -> None:
        """End the wait for the client. A request that waits for something else is not affected."""
        self.was_cut = True
        if self.sending or self.unread():  # it would keep the kernel's memory for minutes
            self.abort()
        self.hub.cancel_wait(self._read_event, TooSlow())
        self.hub.cancel_wait(self._write_event, TooSlow())

    def abort(self) -> None:
        """Let close() reset the connection. A client of HTTP/1.0 takes any other end for the end of the response."""
        self.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self.closing = True

    def unread(self) -> int:
        """Bytes of the response that the client has not taken; the kernel may hold all of it."""
        return int.from_bytes(fcntl.ioctl(self.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)

    def recv(self, size: int, *args: Any) -> bytes:
        """Return received bytes; wait for some when there are none.

        Other clients are served before the next request, and after each TURN, even if more has arrived.
        """
        if self.idle or self.received >= TURN:
            self._wait(self._read_event)
            self.received = 0
        if self.idle:
            self.idle, self.deadline = False, time.monotonic() + HEADERS
        data: bytes = super().recv(min(size, TURN), *args)
        self.received += len(data)
        self.client_closed = not data
        return data

    def sendall(self, data: bytes, flags: int = 0) -> None:
        if not self.sending:
            self.sending, self.read_by = True, time.monotonic() + RESPONSE
            self.deadline = self.read_by
        super().sendall(data, flags)

    def close(self) -> None:
        """Close without a reset, because the client may not have read all of the response yet."""
        if self.closing or self.client_closed:
            super().close()
        else:
            self.closing, self.idle, self.deadline = True, False, math.inf
            util.close_graceful(self, LINGER)


class Server(StreamServer):  # type: ignore[misc]  # gevent is not typed
    """gevent's server, with `Connection` for clients and an even distribution over the workers."""

    max_accept = 2  # in a turn of the event loop

    def _do_read(self) -> None:
        """Accept 0.2 ms later than an idle worker, or the first worker to wake accepts every pending connection."""
        if self.pool:
            sleep(HEAD_START)
        super()._do_read()

    def do_read(self) -> tuple[Connection, Any] | None:
        try:
            descriptor, address = self.socket._accept()
        except BlockingIOError:
            return None
        return Connection(self.socket.family, self.socket.type, self.socket.proto, fileno=descriptor), address


# A packet filter (bpf(4)): load the byte of TCP's flags, drop the packet if SYN is among them, keep it if not.
SO_ATTACH_FILTER = 26
DROP_SYN = b"".join(
    struct.pack("HBBI", *step) for step in [(0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFF)]
)


def refuse_new_connections(listener: socket) -> None:
    """Drop new connections in the kernel, and accept those that have begun. Closing the socket would reset them.

    A client repeats its SYN after a second. By then the socket is closed, and the client is refused. Linux only.
    """
    code = ctypes.create_string_buffer(DROP_SYN, len(DROP_SYN))
    with suppress(OSError):
        listener.setsockopt(SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(DROP_SYN) // 8, ctypes.addressof(code)))

"""The sockets of a worker's clients: a deadline for everything a client does, and a fair share for each worker."""

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
HEAD_START = 0.0002

sleep = get_original("time", "sleep")


class TooSlow(BrokenPipeError):
    """A client has not done in time what it had to do. gunicorn closes the connection without a word in the log."""

    def __init__(self) -> None:
        super().__init__(errno.EPIPE, "the client is too slow")


class Connection(socket):  # type: ignore[misc]  # gevent is not typed
    """A client's socket with a deadline for what the client does now, however many bytes trickle until then."""

    client_closed = closing = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.await_request(HEADERS)

    def await_request(self, seconds: float) -> None:
        """What the client is late with is the first byte of a request, and then the rest of its headers."""
        self.idle, self.sending = True, False
        self.deadline = time.monotonic() + seconds

    def await_body(self) -> None:
        self.deadline = time.monotonic() + BODY

    def cut(self) -> None:
        """Wake who waits for the client. Nothing happens to a request that waits for something else."""
        if self.sending or self.unread():  # it would keep the kernel's memory for minutes
            self.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            self.closing = True
        self.hub.cancel_wait(self._read_event, TooSlow())
        self.hub.cancel_wait(self._write_event, TooSlow())

    def unread(self) -> int:
        """Bytes of the response that the client has not taken; the kernel may hold all of it."""
        return int.from_bytes(fcntl.ioctl(self.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)

    def recv(self, *args: Any) -> bytes:
        """What has come, or the next that comes."""
        if self.idle:
            self._wait(self._read_event)  # even if the next request is here already: the other clients go first
            self.idle, self.deadline = False, time.monotonic() + HEADERS
        data: bytes = super().recv(*args)
        self.client_closed = not data
        return data

    def sendall(self, data: bytes, flags: int = 0) -> None:
        if not self.sending:
            self.sending, self.deadline = True, time.monotonic() + RESPONSE
        super().sendall(data, flags)

    def close(self) -> None:
        """Close without a reset: the client may not have read all of the response yet."""
        if self.closing or self.client_closed:
            super().close()
        else:
            self.closing, self.idle, self.deadline = True, False, math.inf
            util.close_graceful(self, LINGER)


class Server(StreamServer):  # type: ignore[misc]  # gevent is not typed
    """gevent's server, which shares connections out among the workers, and whose clients are `Connection`s."""

    max_accept = 2  # in a turn of the event loop

    def _do_read(self) -> None:
        """Accept, a moment later than an idle worker would: who wakes first would take all that come at once."""
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
    """Ignore who begins to connect; who has begun is still accepted. Closing the socket alone would reset those.

    The client repeats its SYN after a second, when the socket is closed, and is refused. Linux alone can do this.
    """
    code = ctypes.create_string_buffer(DROP_SYN, len(DROP_SYN))
    with suppress(OSError):
        listener.setsockopt(SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(DROP_SYN) // 8, ctypes.addressof(code)))

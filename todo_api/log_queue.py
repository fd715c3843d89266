"""A handler of log lines that waits for no reader. See docs/decisions/0021-the-log-waits-for-no-reader.md."""

from __future__ import annotations

import atexit
import logging
import os
import select
from collections.abc import Iterable, Iterator
from contextlib import suppress

from gevent.monkey import get_original

LENGTH = 1000  # lines
PAUSE = 0.005  # seconds between two batches: a busy service writes many lines at once
LAST_WAIT = 1.0  # seconds at the end of the process

# The originals, because those of gevent would run in the loop that serves requests.
SimpleQueue = get_original("queue", "SimpleQueue")
start_new_thread = get_original("_thread", "start_new_thread")
sleep = get_original("time", "sleep")


class QueueHandler(logging.Handler):
    """Writes lines to standard error in a native thread. A line that finds the queue full is dropped and counted.

    The handlers of the standard library start a thread of Python, which is a greenlet here.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reset()
        os.register_at_fork(after_in_child=self.reset)
        atexit.register(self.flush)  # logging.config forgets handlers that are older than its configuration

    def reset(self) -> None:
        """Begin with an empty queue and no thread, in each process: a fork copies the lines, and no thread."""
        self.lines = SimpleQueue()
        self.queued = self.written = self.dropped = 0
        self.running = False

    def emit(self, record: logging.LogRecord) -> None:
        if self.queued - self.written >= LENGTH:
            self.dropped += 1
            return
        try:
            self.lines.put(self.encode(record))
        except Exception:  # noqa: BLE001  # as in the handlers of the standard library
            self.handleError(record)
            return
        self.queued += 1
        if not self.running:
            self.running = True
            start_new_thread(self.write_lines, ())

    def encode(self, record: logging.LogRecord) -> bytes:
        return f"{self.format(record)}\n".encode(errors="backslashreplace")

    def write_lines(self) -> None:
        """Write the lines of the queue, for ever. This runs in the thread."""
        reported = 0
        while True:
            lines = [self.lines.get()]
            while not self.lines.empty():
                lines.append(self.lines.get())
            write(lines)
            self.written += len(lines)
            if self.lines.empty() and (dropped := self.dropped - reported):
                write([self.encode(dropped_record(dropped))])
                reported += dropped
            sleep(PAUSE)

    def flush(self) -> None:
        """Wait for the thread, but not for a reader that stalls."""
        for _ in range(int(LAST_WAIT / PAUSE)):
            if self.queued == self.written:
                return
            sleep(PAUSE)


def write(lines: Iterable[bytes]) -> None:
    """Write to standard error. Lines are lost when the disk is full, or when the pipe is closed."""
    for data in pieces(lines):
        with suppress(OSError):
            while data:
                data = data[os.write(2, data) :]


def pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Join lines to pieces that a pipe takes as one, because other processes write to it too."""
    piece = b""
    for line in lines:
        if piece and len(piece) + len(line) > select.PIPE_BUF:
            yield piece
            piece = b""
        piece += line
    yield piece


def dropped_record(count: int) -> logging.LogRecord:
    message = "%d log lines were dropped, because the log was not read"
    record = logging.LogRecord(__name__, logging.WARNING, "", 0, message, (count,), None)
    record.request_id = "-"
    return record

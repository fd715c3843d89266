"""The process that serves: gunicorn's threads, with connections shared out among the workers."""

from __future__ import annotations

import socket
import time

from gunicorn.workers.gthread import ThreadWorker

HEAD_START = 0.0002  # seconds


class EvenThreadWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn is not typed
    """Lets a worker that has fewer connections take the next one. See decision 14.

    Whoever wakes first takes all connections that come at once, and keeps them; its siblings sit idle.
    """

    def accept(self, listener: socket.socket) -> None:
        """Accept one connection, a moment later than an idle worker would."""
        if self.nr_conns:
            time.sleep(HEAD_START)
        super().accept(listener)

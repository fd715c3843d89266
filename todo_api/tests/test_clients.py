"""The deadlines of a client's connection."""

import socket
import time

import pytest

from todo_api.clients import RESPONSE, Connection

KEEP_ALIVE = 75
ROUNDING = 1


@pytest.fixture
def connected():
    """The server's and the client's end of a connection after a response of which the kernel holds all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
    connection = Connection(accepted.family, accepted.type, fileno=accepted.detach())
    connection.sendall(b"x" * 100_000)
    connection.await_request(KEEP_ALIVE)
    yield connection, client
    client.close()
    connection.closing = True
    connection.close()


def test_a_response_that_is_not_read_is_late_after_60_seconds(connected):
    connection, _ = connected
    now = time.monotonic()

    late = [connection.is_late(now + seconds) for seconds in (RESPONSE - ROUNDING, RESPONSE + ROUNDING)]

    assert late == [False, True]


def test_a_client_that_has_read_the_response_may_be_idle_for_75_seconds(connected):
    connection, client = connected
    client.recv(100_000, socket.MSG_WAITALL)
    now = time.monotonic()

    late = [connection.is_late(now + seconds) for seconds in (RESPONSE + ROUNDING, KEEP_ALIVE + ROUNDING)]

    assert late == [False, True]

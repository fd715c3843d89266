"""The address that the service listens on, and the default of ALLOWED_HOSTS that follows from it."""

import socket
from contextlib import closing

import pytest

from todo_api.address import LOOPBACK_HOSTS, AddressUnavailable, allowed_hosts, check_is_free, public_name
from todo_api.tests.server import free_port


@pytest.mark.parametrize(
    ("host", "debug", "expected"),
    [
        ("127.0.0.1", True, LOOPBACK_HOSTS),
        ("localhost", True, LOOPBACK_HOSTS),
        ("::1", True, LOOPBACK_HOSTS),
        ("192.0.2.1", True, [*LOOPBACK_HOSTS, "192.0.2.1"]),
        ("2001:db8::1", True, [*LOOPBACK_HOSTS, "[2001:db8::1]"]),
        ("0.0.0.0", True, ["*"]),
        ("::", True, ["*"]),
        ("0.0.0.0", False, LOOPBACK_HOSTS),
    ],
)
def test_any_host_is_allowed_only_in_development_on_all_addresses(host, debug, expected):
    assert allowed_hosts(host, debug) == expected


@pytest.mark.parametrize(
    ("host", "name"),
    [("127.0.0.1", "localhost"), ("0.0.0.0", "localhost"), ("::", "localhost"), ("2001:db8::1", "[2001:db8::1]")],
)
def test_the_printed_name_can_be_opened_on_this_machine(host, name):
    assert public_name(host) == name


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_a_free_port_is_accepted(host):
    check_is_free(host, free_port())


@pytest.mark.parametrize("other", ["127.0.0.1", "0.0.0.0", "::1"])
def test_a_port_that_another_program_uses_on_localhost_is_refused(other):
    try:
        listener = socket.create_server((other, 0), family=socket.AF_INET6 if ":" in other else socket.AF_INET)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with closing(listener):
        port = listener.getsockname()[1]

        with pytest.raises(AddressUnavailable, match=f"PORT {port} is in use .* PORT={port + 1}"):
            check_is_free("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(AddressUnavailable, match=r"HOST 192.0.2.1 is not an address of this machine"):
        check_is_free("192.0.2.1", free_port())

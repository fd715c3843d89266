"""The address that the service listens on (HOST and PORT), and origins. gunicorn.conf.py imports this module too."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from environs import ValidationError, validate

LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]  # as they are in a Host header
DEFAULT_PORTS = {"http": 80, "https": 443}
PORTS = validate.Range(min=1, max=65535)


class AddressUnavailable(Exception):
    """The service cannot listen on this address. The message has the reason and the cure."""


def check_host(host: str) -> None:
    """Raise ValidationError unless `host` is an IP address or localhost."""
    try:
        ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise ValidationError("Use an IP address of this machine; 0.0.0.0 listens on all of them.") from None


def default_host(debug: bool) -> str:
    """Return the default of HOST. In development only this machine can connect."""
    return "127.0.0.1" if debug else "0.0.0.0"  # noqa: S104


def allowed_hosts(host: str, debug: bool) -> list[str]:
    """Return the default of ALLOWED_HOSTS. In development on all addresses it is any Host, because the names of this
    machine are not known.
    """
    if not debug or is_loopback(host):
        return LOOPBACK_HOSTS
    return ["*"] if ip_address(host).is_unspecified else [*LOOPBACK_HOSTS, bracketed(host)]


def is_loopback(host: str) -> bool:
    return host == "localhost" or ip_address(host).is_loopback


def public_name(host: str) -> str:
    """Return the host for a URL that a browser on this machine can open."""
    return "localhost" if is_loopback(host) or ip_address(host).is_unspecified else bracketed(host)


def bracketed(host: str) -> str:
    """Return the host as it is written in a URL: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def origin(url: str) -> str:
    """Return scheme, host and port of an http URL as browsers write them; "" for text that checks.py refuses."""
    try:
        parts = urlsplit(url.lower())
        host, port = bracketed(parts.hostname or ""), parts.port
    except ValueError:
        return ""
    if not host or parts.scheme not in DEFAULT_PORTS:
        return ""
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != DEFAULT_PORTS[parts.scheme] else "")


def check_is_free(host: str, port: int) -> None:
    """Raise AddressUnavailable when another program uses the address, or the same port of 127.0.0.1 or ::1."""
    try_to_listen(host, port)
    for loopback in ("127.0.0.1", "::1"):  # the banner shows http://localhost:PORT, which can be either
        try:
            try_to_listen(loopback, port)
        except AddressUnavailable as error:
            if in_use(error):
                raise


def try_to_listen(host: str, port: int) -> None:
    """Listen and stop at once. Raise AddressUnavailable when that fails."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
    except OSError as error:
        cures = {
            errno.EADDRINUSE: f"PORT {port} is in use by another program. Stop it, or use another: PORT={port + 1}",
            errno.EADDRNOTAVAIL: f"HOST {host} is not an address of this machine. Use 127.0.0.1 or 0.0.0.0.",
            errno.EACCES: f"PORT {port} needs root. Use a port above 1023: PORT=8000",
        }
        raise AddressUnavailable(cures.get(error.errno or 0, f"HOST {host}, PORT {port}: {error.strerror}.")) from error


def in_use(error: AddressUnavailable) -> bool:
    return isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE

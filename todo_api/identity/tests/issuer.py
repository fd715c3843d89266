"""An issuer on 127.0.0.1 with real keys. Its responses can be valid, invalid, slow or missing."""

import json
import threading
from contextlib import contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

MAKERS = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "PS256": lambda: rsa.generate_private_key(65537, 2048),
}
OTHER_CURVES = {"EdDSA": ed448.Ed448PrivateKey.generate, "ES256": lambda: ec.generate_private_key(ec.SECP384R1())}


@cache
def key_pair(algorithm, name):
    return MAKERS[algorithm]()


def private_key(algorithm="EdDSA", name="a"):
    return key_pair(algorithm, name)


def jwk(algorithm="EdDSA", name="a", **members):
    """Return a public key as Better Auth publishes it. `members` replace its members; `...` removes one."""
    published = as_jwk(private_key(algorithm, name).public_key(), algorithm) | {"kid": name} | members
    return {name: value for name, value in published.items() if value is not ...}


def as_jwk(key, algorithm):
    """Return any key as a JWK that names `algorithm`."""
    members = jwt.get_algorithm_by_name(algorithm).to_jwk(key, as_dict=True) | {"alg": algorithm}
    members.pop("key_ops", None)
    return members


def key_set(*keys):
    return json.dumps({"keys": keys}).encode()


def reply(body, status=200, **headers):
    def serve(handler):
        handler.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return serve


def hang(handler):
    """Keep the connection open without a response."""
    handler.server.released.wait(10)


def hang_up(handler):
    """Close the connection without a response."""


def send_slowly(head, byte=b" "):
    """Send `head`, and then `byte` again and again, faster than the timeout of a socket."""

    def serve(handler):
        handler.wfile.write(head)
        while not handler.server.released.wait(0.02):
            handler.wfile.write(byte)

    return serve


class Issuer(ThreadingTCPServer):
    """Records the paths of its requests in `fetches`. A test sets `respond`, which writes the response."""

    daemon_threads = True

    def __init__(self, *keys):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/api/auth/jwks"
        self.fetches, self.requested, self.released = [], threading.Event(), threading.Event()
        self.publish(*keys or [jwk()])

    def publish(self, *keys):
        self.respond = reply(key_set(*keys))

    def handle_error(self, request, client_address):
        """Do not log a client that closes the connection."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.fetches.append(self.path)
        self.server.requested.set()
        self.server.respond(self)

    def log_message(self, *args):
        pass


@contextmanager
def serving(issuer):
    thread = threading.Thread(target=issuer.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield issuer
    finally:
        issuer.released.set()
        wait_for_fetches()
        issuer.shutdown()
        issuer.server_close()
        thread.join()


def wait_for_fetches():
    for thread in threading.enumerate():
        if thread.name == "key-set":
            with suppress(RuntimeError):
                thread.join(10)

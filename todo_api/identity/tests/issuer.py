"""An issuer on 127.0.0.1: real keys, and a key set that it answers well, badly, slowly or not at all."""

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
MISFITS = {"EdDSA": ed448.Ed448PrivateKey.generate, "ES256": lambda: ec.generate_private_key(ec.SECP384R1())}


@cache
def made(algorithm, name):
    """A key pair."""
    return MAKERS[algorithm]()


def private_key(algorithm="EdDSA", name="a"):
    """The issuer's key of that name."""
    return made(algorithm, name)


def jwk(algorithm="EdDSA", name="a", **members):
    """A public key as Better Auth publishes it; `members` overrides, and takes away what is `...`."""
    published = described(private_key(algorithm, name).public_key(), algorithm) | {"kid": name} | members
    return {name: value for name, value in published.items() if value is not ...}


def described(key, algorithm):
    """Any key as a JWK that claims to be for `algorithm`."""
    members = jwt.get_algorithm_by_name(algorithm).to_jwk(key, as_dict=True) | {"alg": algorithm}
    members.pop("key_ops", None)
    return members


def key_set(*keys):
    """The body of a key set."""
    return json.dumps({"keys": keys}).encode()


def answer(body, status=200, **headers):
    """Serve `body`."""

    def serve(handler):
        handler.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return serve


def hang(handler):
    """Accept and say nothing."""
    handler.server.released.wait(10)


def hang_up(handler):
    """Close the connection without a word."""


def drip(head, byte=b" "):
    """Serve `head`, and then one byte after the other, each long before a socket would time out."""

    def serve(handler):
        handler.wfile.write(head)
        while not handler.server.released.wait(0.02):
            handler.wfile.write(byte)

    return serve


class Issuer(ThreadingTCPServer):
    """Counts what it is asked for; `answer` says what it answers."""

    daemon_threads = True

    def __init__(self, *keys):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/api/auth/jwks"
        self.fetches, self.asked, self.released = [], threading.Event(), threading.Event()
        self.publish(*keys or [jwk()])

    def publish(self, *keys):
        """Answer with a set of these keys from now on."""
        self.answer = answer(key_set(*keys))

    def handle_error(self, request, client_address):
        """A client that hangs up is no news."""


class Handler(BaseHTTPRequestHandler):
    """Passes a request on to the issuer's answer of the moment."""

    def do_GET(self):
        self.server.fetches.append(self.path)
        self.server.asked.set()
        self.server.answer(self)

    def log_message(self, *args):
        """Says nothing."""


@contextmanager
def serving(issuer):
    """The issuer, at work until the end of the block."""
    thread = threading.Thread(target=issuer.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield issuer
    finally:
        issuer.released.set()
        settle()
        issuer.shutdown()
        issuer.server_close()
        thread.join()


def settle():
    """Wait for the fetches that are running behind the requests."""
    for thread in threading.enumerate():
        if thread.name == "key-set":
            with suppress(RuntimeError):
                thread.join(10)

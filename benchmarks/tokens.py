"""The cost of verifying a token: `.venv/bin/python -m benchmarks.tokens`. One thread, no network."""

from __future__ import annotations

import statistics
import time

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from todo_api.identity.tokens import TokenVerifier, shared_secret

SECRET = "the secret of the benchmark alone: 0123456789"
COUNT = 2000


def tokens(key: object, algorithm: str) -> list[bytes]:
    """Return COUNT different tokens, as long as the shortest tokens of Better Auth."""
    now = int(time.time())
    origin = "http://localhost:3000"
    claims = {"iat": now, "exp": now + 900, "iss": origin, "aud": origin}
    return [
        jwt.encode(claims | {"sub": f"{number:032}"}, key, algorithm=algorithm, headers={"kid": "k"}).encode()
        for number in range(COUNT)
    ]


def median_microseconds(verifier: TokenVerifier, presented: list[bytes]) -> float:
    spent = []
    for token in presented:
        begin = time.perf_counter_ns()
        verifier.verify(token)
        spent.append(time.perf_counter_ns() - begin)
    return statistics.median(spent) / 1000


def main() -> None:
    private = Ed25519PrivateKey.generate()
    public = jwt.PyJWK(OKPAlgorithm.to_jwk(private.public_key(), as_dict=True) | {"kid": "k"}, "EdDSA")
    cases = {"HS256": (SECRET, shared_secret(SECRET, "HS256")), "EdDSA": (private, public)}
    print(f"{'':8}{'first time':>14}{'seen before':>14}   p50 of {COUNT} tokens, µs")
    for algorithm, (signing, verifying) in cases.items():
        verifier = TokenVerifier(algorithm, keys_for=lambda header, key=verifying: [key])
        presented = tokens(signing, algorithm)
        first = median_microseconds(verifier, presented)
        again = median_microseconds(verifier, presented[-1:] * COUNT)
        print(f"{algorithm:8}{first:14.1f}{again:14.1f}")


if __name__ == "__main__":
    main()

"""TokenVerifier with random input: it returns claims or raises TokenError, and does nothing else."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from todo_api.identity.tests.forging import (
    ACCEPTED,
    END_OF_TIME,
    OURS,
    SHARED,
    STRICT,
    forge,
    now,
    payload,
    result_of,
    segment,
)

# derandomize: each run uses the same examples, so that a new failure is caused by a change of the code.
examples = settings(max_examples=150, deadline=None, derandomize=True, database=None)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
times = json_values | st.integers(-1, 2**40) | st.floats(0, 1e12)
claim_sets = st.fixed_dictionaries(
    {},
    optional={
        "sub": json_values | st.text(min_size=1, max_size=300),
        "exp": times | st.integers(2**31, 2**37),
        "nbf": times,
        "iat": times,
        "aud": json_values | st.sampled_from([OURS, [OURS], "better-auth:session-cache"]),
        "iss": json_values | st.just(OURS),
    },
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "alg": json_values | st.just("HS256"),
        "kid": json_values,
        "typ": json_values,
        "crit": json_values | st.lists(st.sampled_from(["b64", "exp"]), max_size=2),
        "b64": json_values,
        "jwk": json_values,
    },
)


@examples
@given(st.binary(max_size=5000))
def test_random_bytes_are_refused(token):
    assert result_of(SHARED, token).startswith("token_invalid: ")


@examples
@given(st.tuples(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=60)))
def test_random_segments_are_refused(parts):
    assert result_of(SHARED, b".".join(map(segment, parts))).startswith("token_invalid: ")


@examples
@given(st.binary(max_size=300))
def test_a_signed_payload_of_random_bytes_is_refused(body):
    assert result_of(SHARED, forge(body=body)) != ACCEPTED


@examples
@given(headers)
def test_a_signed_random_header_passes_only_with_the_configured_algorithm(header):
    token = forge(header=json.dumps(header).encode())

    assert result_of(SHARED, token) != ACCEPTED or header["alg"] == "HS256"


@examples
@given(claim_sets, st.sampled_from([SHARED, STRICT]))
def test_signed_random_claims_pass_only_when_they_are_valid(claims, verifier):
    claims = payload(**claims)

    if result_of(verifier, forge(body=claims)) == ACCEPTED:
        assert 1 <= len(claims["sub"]) <= 255
        assert now() - 11 < claims["exp"] <= END_OF_TIME
        assert verifier is SHARED or claims["iss"] == OURS

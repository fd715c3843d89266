"""Claims of signed tokens that TokenVerifier accepts or refuses."""

import math

import pytest

from todo_api.identity import tokens
from todo_api.identity.tests.forging import (
    ACCEPTED,
    CURRENT_KEY,
    END_OF_TIME,
    EXPIRED,
    KEY_SET,
    NO_LEEWAY,
    NOT_JSON,
    OURS,
    SESSION_COOKIE,
    SHARED,
    STRICT,
    always,
    case,
    ed25519,
    forge,
    now,
    refused,
    result_of,
)
from todo_api.identity.tokens import TokenVerifier

BAD_EXP = refused("'exp' is not a time in seconds")
BAD_NBF = refused("'nbf' is not a time in seconds")
BAD_IAT = refused("'iat' is not a time in seconds")
NO_SUB = refused("'sub' is missing or not a string")
BAD_SUB = refused("'sub' is not 1 to 255 printable characters")
OTHER_AUDIENCE = refused("'aud' is not an expected audience")
OTHER_ISSUER = refused("'iss' is not the expected issuer")
# fmt: off
TIMES = [
    # exp
    case("exp an hour ago", lambda: forge(exp=int(now()) - 3600), EXPIRED),
    case("exp a minute ago", lambda: forge(exp=int(now()) - 60), EXPIRED),
    case("exp just out of the leeway", lambda: forge(exp=now() - 10), EXPIRED),
    case("exp within the leeway", lambda: forge(exp=int(now()) - 4), ACCEPTED),
    case("exp now", lambda: forge(exp=int(now())), ACCEPTED),
    case("exp now, without leeway", lambda: forge(exp=now()), EXPIRED, NO_LEEWAY),
    case("exp 1970", lambda: forge(exp=0), EXPIRED),
    case("exp a minute ago, of the key set", lambda: forge(sign=ed25519, exp=int(now()) - 60), EXPIRED, KEY_SET),
    case("exp a float", lambda: forge(exp=now() + 900.5), ACCEPTED),
    case("exp a float long ago", lambda: forge(exp=1.5e9), EXPIRED),
    case("exp the last second of 9999", lambda: forge(exp=END_OF_TIME), ACCEPTED),
    case("exp the first second of 10000", lambda: forge(exp=END_OF_TIME + 1), BAD_EXP),
    case("exp missing", lambda: forge(exp=...), refused("'exp' is missing")),
    case("exp null", lambda: forge(exp=None), BAD_EXP),
    case("exp true", lambda: forge(exp=True), BAD_EXP),
    case("exp a list", lambda: forge(exp=[int(now()) + 900]), BAD_EXP),
    case("exp an object", lambda: forge(exp={}), BAD_EXP),
    case("exp words", lambda: forge(exp="tomorrow"), BAD_EXP),
    case("exp a date", lambda: forge(exp="2099-01-01T00:00:00Z"), BAD_EXP),
    case("exp a string of digits", lambda: forge(exp=str(int(now()) + 900)), BAD_EXP),
    case("exp negative", lambda: forge(exp=-1), BAD_EXP),
    case("exp in milliseconds", lambda: forge(exp=int(now()) * 1000), BAD_EXP),
    case("exp 10^18", lambda: forge(exp=10**18), BAD_EXP),
    case("exp 10^30", lambda: forge(exp=10**30), BAD_EXP),
    case("exp 10^400", lambda: forge(exp=10**400), NOT_JSON),
    case("exp NaN", lambda: forge(exp=math.nan), NOT_JSON),
    case("exp Infinity", lambda: forge(exp=math.inf), NOT_JSON),
    case("exp 1e999", lambda: forge(body=b'{"sub": "alice", "exp": 1e999}'), NOT_JSON),
    # nbf and iat
    case("nbf now", lambda: forge(nbf=int(now())), ACCEPTED),
    case("nbf within the leeway", lambda: forge(nbf=int(now()) + 5), ACCEPTED),
    case("nbf in ten minutes", lambda: forge(nbf=int(now()) + 600), refused("'nbf' is in the future")),
    case("nbf in 60 s, without leeway", lambda: forge(nbf=now() + 60), refused("'nbf' is in the future"), NO_LEEWAY),
    case("nbf null", lambda: forge(nbf=None), BAD_NBF),
    case("nbf true", lambda: forge(nbf=True), BAD_NBF),
    case("nbf a string of digits", lambda: forge(nbf="0"), BAD_NBF),
    case("nbf a list", lambda: forge(nbf=[0]), BAD_NBF),
    case("nbf 10^30", lambda: forge(nbf=10**30), BAD_NBF),
    case("iat missing", lambda: forge(iat=...), ACCEPTED),
    case("iat a float", lambda: forge(iat=now() - 0.5), ACCEPTED),
    case("iat 3 s ahead", lambda: forge(iat=int(now()) + 3), ACCEPTED),
    case("iat 10 min ahead", lambda: forge(iat=int(now()) + 600), refused("'iat' is in the future")),
    case("iat null", lambda: forge(iat=None), BAD_IAT),
    case("iat false", lambda: forge(iat=False), BAD_IAT),
    case("iat words", lambda: forge(iat="yesterday"), BAD_IAT),
    case("iat an object", lambda: forge(iat={}), BAD_IAT),
    case("iat negative", lambda: forge(iat=-1), BAD_IAT),
]
# fmt: on


@pytest.mark.parametrize(("verifier", "make", "expected"), TIMES)
def test_exp_nbf_and_iat_are_checked(verifier, make, expected):
    assert result_of(verifier, make()) == expected


def test_a_verifier_has_no_leeway_unless_one_is_given():
    verifier = TokenVerifier("HS256", always(CURRENT_KEY))

    assert result_of(verifier, forge(exp=now() - 0.1)) == EXPIRED


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": 1990}, EXPIRED),
        ({"exp": 1991}, ACCEPTED),
        ({"nbf": 2010}, ACCEPTED),
        ({"nbf": 2011}, refused("'nbf' is in the future")),
        ({"iat": 2010}, ACCEPTED),
        ({"iat": 2011}, refused("'iat' is in the future")),
    ],
    ids=str,
)
def test_the_leeway_of_10_s_ends_at_the_exact_second(monkeypatch, claims, expected):
    monkeypatch.setattr(tokens.time, "time", lambda: 2000.0)

    assert result_of(SHARED, forge(**{"iat": 2000} | claims)) == expected


# fmt: off
SUBJECTS = [
    case("sub of Better Auth", lambda: forge(sub="uX2mWvQd8sKf0ZyTq7LbNc4RjHe1AgPi"), ACCEPTED),
    case("sub a UUID", lambda: forge(sub="0191e7a8-3c5e-7b1a-9f60-2d4c8a1b3e5f"), ACCEPTED),
    case("sub a number in a string", lambda: forge(sub="1"), ACCEPTED),
    case("sub with dots, @ and |", lambda: forge(sub="oauth2|alice.b@example.com"), ACCEPTED),
    case("sub with spaces inside", lambda: forge(sub="Alice B C"), ACCEPTED),
    case("sub of non-Latin letters", lambda: forge(sub="алиса愛麗絲أليس"), ACCEPTED),
    case("sub of 255 characters", lambda: forge(sub="ж" * 255), ACCEPTED),
    case("sub of 256 characters", lambda: forge(sub="a" * 256), BAD_SUB),
    case("sub empty", lambda: forge(sub=""), BAD_SUB),
    case("sub with NUL", lambda: forge(sub="alice\x00"), BAD_SUB),
    case("sub with a line break", lambda: forge(sub="alice\n"), BAD_SUB),
    case("sub with a tab", lambda: forge(sub="al\tice"), BAD_SUB),
    case("sub with DEL", lambda: forge(sub="alice\x7f"), BAD_SUB),
    case("sub with a C1 control", lambda: forge(sub="alice\x85"), BAD_SUB),
    case("sub with a zero-width space", lambda: forge(sub="alice\u200b"), BAD_SUB),
    case("sub written from right to left", lambda: forge(sub="\u202ealice"), BAD_SUB),
    case("sub missing", lambda: forge(sub=...), NO_SUB),
    case("sub null", lambda: forge(sub=None), NO_SUB),
    case("sub a number", lambda: forge(sub=1), NO_SUB),
    case("sub true", lambda: forge(sub=True), NO_SUB),
    case("sub a list", lambda: forge(sub=["alice"]), NO_SUB),
    case("sub an object", lambda: forge(sub={"id": "alice"}), NO_SUB),
    case("sub missing, with an id", lambda: forge(sub=..., id="alice"), NO_SUB),
]
# fmt: on


@pytest.mark.parametrize(("verifier", "make", "expected"), SUBJECTS)
def test_sub_is_checked(verifier, make, expected):
    assert result_of(verifier, make()) == expected


# fmt: off
AUDIENCES = [
    # other things that Better Auth signs
    case("session-cache cookie without sub",
         lambda: forge(sub=..., session={"userId": "alice"}, user={"id": "alice"}), NO_SUB),
    case("session-cache cookie of the key set",
         lambda: forge(sign=ed25519, aud="better-auth:session-cache"), SESSION_COOKIE, KEY_SET),
    case("session-cache cookie of a shared secret", lambda: forge(aud="better-auth:session-cache"), SESSION_COOKIE),
    case("session-cache cookie with two audiences",
         lambda: forge(iss=OURS, aud=[OURS, "better-auth:session-cache"]), SESSION_COOKIE, STRICT),
    case("e-mail verification token", lambda: forge(sub=..., email="alice@example.com"), NO_SUB),
    # aud and iss
    case("any aud when none is configured", lambda: forge(aud="https://other.example.com"), ACCEPTED),
    case("aud any list when none is configured", lambda: forge(aud=["a", "b"]), ACCEPTED),
    case("aud missing when none is configured", lambda: forge(aud=...), ACCEPTED),
    case("aud ours", lambda: forge(iss=OURS, aud=OURS), ACCEPTED, STRICT),
    case("aud the second of ours", lambda: forge(iss=OURS, aud="https://ops.example.com"), ACCEPTED, STRICT),
    case("aud a list with ours", lambda: forge(iss=OURS, aud=["https://other.example.com", OURS]), ACCEPTED, STRICT),
    case("aud a list without ours", lambda: forge(iss=OURS, aud=["https://other.example.com"]), OTHER_AUDIENCE, STRICT),
    case("aud an empty list", lambda: forge(iss=OURS, aud=[]), OTHER_AUDIENCE, STRICT),
    case("aud wrong", lambda: forge(iss=OURS, aud="https://other.example.com"), OTHER_AUDIENCE, STRICT),
    case("aud missing although configured", lambda: forge(iss=OURS), OTHER_AUDIENCE, STRICT),
    case("aud null", lambda: forge(iss=OURS, aud=None), OTHER_AUDIENCE, STRICT),
    case("aud a number", lambda: forge(iss=OURS, aud=1), OTHER_AUDIENCE, STRICT),
    case("aud an object with ours", lambda: forge(iss=OURS, aud={OURS: True}), OTHER_AUDIENCE, STRICT),
    case("aud a list in a list", lambda: forge(iss=OURS, aud=[[OURS]]), OTHER_AUDIENCE, STRICT),
    case("aud with a trailing slash", lambda: forge(iss=OURS, aud=OURS + "/"), OTHER_AUDIENCE, STRICT),
    case("aud a part of ours", lambda: forge(iss=OURS, aud="https://app"), OTHER_AUDIENCE, STRICT),
    case("aud in capital letters", lambda: forge(iss=OURS, aud=OURS.upper()), OTHER_AUDIENCE, STRICT),
    case("any iss when none is configured", lambda: forge(iss="https://other.example.com"), ACCEPTED),
    case("iss wrong", lambda: forge(iss="https://other.example.com", aud=OURS), OTHER_ISSUER, STRICT),
    case("iss missing although configured", lambda: forge(aud=OURS), OTHER_ISSUER, STRICT),
    case("iss with a trailing slash", lambda: forge(iss=OURS + "/", aud=OURS), OTHER_ISSUER, STRICT),
    case("iss null", lambda: forge(iss=None, aud=OURS), OTHER_ISSUER, STRICT),
    case("iss a list with ours", lambda: forge(iss=[OURS], aud=OURS), OTHER_ISSUER, STRICT),
]
# fmt: on


@pytest.mark.parametrize(("verifier", "make", "expected"), AUDIENCES)
def test_aud_and_iss_are_checked(verifier, make, expected):
    assert result_of(verifier, make()) == expected

"""Random changes of a text that a client must send back unchanged: a token, a cursor."""

from functools import cache

from hypothesis import strategies as st

SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:="


@cache
def mutated(text):
    """Return a strategy of other texts: signs replaced, inserted, removed, exchanged; parts repeated and reordered."""
    places = st.integers(0, len(text) - 1)
    signs = st.sampled_from(SIGNS) | st.characters(codec="utf-8")
    one = st.one_of(
        st.builds(lambda place, sign: text[:place] + sign + text[place + 1 :], places, signs),
        st.builds(lambda place, sign: text[:place] + sign + text[place:], places | st.just(len(text)), signs),
        st.builds(lambda begin, end: text[:begin] + text[end:], places, places | st.just(len(text))),
        st.builds(lambda begin, end: text[begin:end], places, places),
        st.builds(lambda first, second: exchanged(text, first, second), places, places),
        st.builds(lambda sign, count: text + sign * count, signs, st.integers(1, 3)),
        st.sampled_from([text.swapcase(), text.lower(), text.upper(), text[::-1], text + text, f'"{text}"']),
        *(st.lists(st.sampled_from(text.split(sign)), max_size=5).map(sign.join) for sign in ".:"),
    )
    return one.filter(lambda other: other != text)


def exchanged(text, first, second):
    signs = list(text)
    signs[first], signs[second] = signs[second], signs[first]
    return "".join(signs)

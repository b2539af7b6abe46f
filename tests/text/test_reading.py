"""Texts that call for reading, and the signs that say so."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.text.reading import MARKS, WORDS, call_for_reading, kind_of_reading

SPACES = st.sampled_from([" ", "  ", "\n", "\u00a0"])
PHRASES = st.sampled_from([(kind, word) for kind, words in WORDS.items() for word in words.split(", ")])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("I do NOT like it", "negation"),
        ("It isn't bad", "contraction"),
        ("it wasn’t", "contraction"),
        ("it wasn´t", "contraction"),
        ("it wasn`t", "contraction"),
        ("They couldnt be better", "negation"),
        ("Slow, but good", "contrast"),
        ("I wish it were good", "condition"),
        ("I used\n to love it", "time"),
        ("They said it was better than that?", None),
        ("I love it", None),
        ("nothingness, butter, iffy, notable", None),
        ("", None),
        ("n't", "contraction"),
    ],
)
def test_each_kind_is_found(text: str, kind: str | None) -> None:
    assert kind_of_reading(text) == kind
    assert call_for_reading([text]).tolist() == [kind is not None]


@given(PHRASES, SPACES, st.sampled_from([str.lower, str.upper, str.title]), st.sampled_from(["{}", "so, {}!", "({})"]))
def test_every_word_of_the_lists_is_found_in_any_case(phrase, space, in_case, within) -> None:  # type: ignore[no-untyped-def]
    kind, words = phrase
    assert kind_of_reading(within.format(in_case(words.replace(" ", space)))) is not None, kind


@given(PHRASES, st.sampled_from("abcxyz"))
def test_a_word_is_not_found_within_a_longer_one(phrase: tuple[str, str], letter: str) -> None:
    longer = letter + phrase[1].replace(" ", "")
    if longer not in {word for words in WORDS.values() for word in words.split(", ")}:
        assert kind_of_reading(longer) is None


def test_the_words_are_plain_words_and_each_is_there_once() -> None:
    words = [word for line in WORDS.values() for word in line.split(", ")]
    assert all(re.fullmatch(r"[a-z]+( [a-z]+)*", word) for word in words)
    assert len(words) == len(set(words))
    assert not WORDS.keys() & MARKS.keys()

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_trax_sentiment.bulk.byte_patterns import (
    EXAMPLES,
    MARKS,
    N_BEFORE,
    case_keys,
    marked_words,
    one_token_patterns,
    patterns_among,
)
from spacy_trax_sentiment.bulk.whitespace import Chunks, split
from spacy_trax_sentiment.text.arrays import Array
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms

TOKENIZER = spacy.blank("en").tokenizer
CASES = case_keys(TOKENIZER.rules)

TEXTS = st.lists(
    st.from_regex(r"[\"'(\[*#@]?[A-Za-z]{1,10}[.,:;!?\"')\]*]?", fullmatch=True)
    | st.from_regex(r"@[A-Za-z0-9_]{1,6}(km|G|mph)?", fullmatch=True)
    | st.from_regex(r"https?://t\.co/[A-Za-z0-9]{1,12}(km|G|mph)?", fullmatch=True)
    | st.from_regex(r"[0-9]{1,9}(km|G|mph)?", fullmatch=True)
    | st.sampled_from(sorted(TOKENIZER.rules))
    | st.text(),
    max_size=8,
).map(" ".join)


def _all(text: str) -> tuple[Chunks, Array]:
    """Return the chunks of a text and the indices of all of them."""
    chunks = split([text])
    return chunks, np.arange(len(chunks.keys))


@pytest.mark.slow
@settings(max_examples=500)
@given(TEXTS)
def test_words_and_marks_are_the_tokens_that_spacy_finds(text: str) -> None:
    chunks, indices = _all(text)
    words = marked_words(chunks, indices, CASES)
    for place, mark, start, end in zip(words.places, words.marks, words.starts, words.ends, strict=True):
        tokens = [chunks.data[start:end].decode()]
        if mark:
            tokens.insert(0 if mark <= N_BEFORE else 1, MARKS[mark - 1])
        assert [token.text for token in TOKENIZER(chunks.texts([place])[0])] == tokens


@pytest.mark.parametrize("chunk", ["word", "Word,", "#word", "word.", '"Word', "(word", "word)"])
def test_a_word_with_at_most_one_mark_matches(chunk: str) -> None:
    assert len(marked_words(*_all(chunk), CASES).places) == 1


@pytest.mark.parametrize("chunk", ["", "#", "Mr.", "don't", "gotta", "gotta,", "USA.", "a1", "(word)", "é", "5"])
def test_special_cases_and_other_chunks_do_not_match(chunk: str) -> None:
    assert len(marked_words(*_all(chunk), CASES).places) == 0


@pytest.mark.slow
@settings(max_examples=500)
@given(TEXTS)
def test_a_mention_link_or_number_is_one_token_with_the_terms_of_its_example(text: str) -> None:
    terms = SentimentTerms(informal=False)
    chunks, indices = _all(text)
    for i, pattern in enumerate(one_token_patterns(chunks, indices).tolist()):
        if pattern and [*EXAMPLES][pattern - 1] in terms.alike:
            [token] = TOKENIZER(chunks.texts([i])[0])
            assert terms.lexeme(token.text) == terms.lexeme([*EXAMPLES.values()][pattern - 1])


@pytest.mark.parametrize(
    ("pattern", "chunk"),
    [*EXAMPLES.items(), ("mention", "@user_9"), ("number", "123456"), ("link", "http://t.co/aB12")],
)
def test_examples_have_their_patterns(pattern: str, chunk: str) -> None:
    assert patterns_among(["nothing", f"more text {chunk}"]) == {pattern}


@pytest.mark.parametrize(
    "chunk", ["@", "@_", "@user_", "@a.b", "5km", "@foo5km", "https://t.co/", "https://t.co/a5km", "1.5"]
)
def test_chunks_that_spacy_may_split_have_no_pattern(chunk: str) -> None:
    assert patterns_among([chunk]) == set()

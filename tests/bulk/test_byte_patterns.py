from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokenizer import Tokenizer

from spacy_trax_sentiment.bulk.byte_patterns import MARKS, N_BEFORE, case_keys, marked_words
from spacy_trax_sentiment.bulk.chunk_cache import ChunkCache
from spacy_trax_sentiment.bulk.chunk_tokenizer import ChunkTokenizer
from spacy_trax_sentiment.bulk.kinds import EXAMPLES, kinds_among, kinds_of
from spacy_trax_sentiment.bulk.whitespace import Chunks, split
from spacy_trax_sentiment.text.lexeme_cache import LexemeCache
from spacy_trax_sentiment.text.preprocessor import Lexeme
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms
from spacy_trax_sentiment.text.vocabulary import build_vocabulary

TOKENIZER = spacy.blank("en").tokenizer
CASES = case_keys([case for case in TOKENIZER.rules if not any(map(str.isspace, case))])

CHUNKS = st.lists(
    st.from_regex(r"[\"'(\[*#@]?[A-Za-z]{1,10}[.,:;!?\"')\]*]?", fullmatch=True)
    | st.from_regex(r"@[A-Za-z0-9_]{1,6}(km|G|mph)?", fullmatch=True)
    | st.from_regex(r"https?://t\.co/[A-Za-z0-9]{1,12}(km|G|mph)?", fullmatch=True)
    | st.from_regex(r"[0-9]{1,9}(km|G|mph)?", fullmatch=True)
    | st.sampled_from(sorted(TOKENIZER.rules))
    | st.text(),
    max_size=8,
).map(" ".join)


def _all(text: str) -> tuple[Chunks, Any]:
    chunks = split([text])
    return chunks, np.arange(len(chunks.keys))


@settings(max_examples=500)
@given(CHUNKS)
def test_words_and_marks_are_the_tokens_that_spacy_finds(text: str) -> None:
    chunks, indices = _all(text)
    words = marked_words(chunks, indices, CASES)
    for place, mark, start, end in zip(words.places, words.marks, words.starts, words.ends, strict=True):
        tokens = [chunks.data[start:end].decode()]
        if mark:
            tokens.insert(0 if mark <= N_BEFORE else 1, MARKS[mark - 1])
        assert [token.text for token in TOKENIZER(chunks.texts([place])[0])] == tokens


@pytest.mark.parametrize("chunk", ["word", "Word,", "#word", "word.", '"Word', "(word", "word)"])
def test_most_chunks_are_words_with_a_mark(chunk: str) -> None:
    assert len(marked_words(*_all(chunk), CASES).places) == 1


@pytest.mark.parametrize("chunk", ["", "#", "Mr.", "don't", "gotta", "gotta,", "USA.", "a1", "(word)", "é", "5"])
def test_what_is_not_sure_is_left(chunk: str) -> None:
    assert len(marked_words(*_all(chunk), CASES).places) == 0


@settings(max_examples=500)
@given(CHUNKS)
def test_a_chunk_of_a_kind_is_one_token_alike_to_the_kinds_example(text: str) -> None:
    terms = SentimentTerms()
    chunks, indices = _all(text)
    for i, kind in enumerate(kinds_of(chunks, indices).tolist()):
        if kind:
            [token] = TOKENIZER(chunks.texts([i])[0])
            assert terms.lexeme(token.text) == terms.lexeme([*EXAMPLES.values()][kind - 1])


@pytest.mark.parametrize(("kind", "chunk"), [*EXAMPLES.items(), ("number", "123456"), ("link", "http://t.co/aB12")])
def test_examples_are_of_their_kinds(kind: str, chunk: str) -> None:
    assert kinds_among(["nothing", f"more text {chunk}"]) == {kind}


def _rows(tokenizer: Tokenizer, terms: SentimentTerms, text: str) -> tuple[list[int], list[int]]:
    """RETURNS: The rows of the text's chunks by a ChunkCache, and of the tokenizer's tokens."""
    lexemes = LexemeCache(terms, build_vocabulary([["0", "good", "home", "at"]]))
    rows, _, _ = ChunkCache(ChunkTokenizer(tokenizer), lexemes).rows(split([text]))
    return rows.tolist(), lexemes.indices_of_texts([token.text for token in tokenizer(text)]).tolist()


def test_a_special_case_may_be_a_mention() -> None:
    nlp: Language = spacy.blank("en")
    nlp.tokenizer.add_special_case("@home", [{"ORTH": "@"}, {"ORTH": "home"}])
    rows, expected = _rows(nlp.tokenizer, SentimentTerms(), "good text then @home @you")
    assert rows == expected


def test_a_special_case_may_be_a_mark() -> None:
    nlp: Language = spacy.blank("en")
    nlp.tokenizer.add_special_case("!", [{"ORTH": "!", "NORM": "good"}])
    rows, expected = _rows(nlp.tokenizer, SentimentTerms(), "good home! #good")
    assert rows == expected


def test_a_subclass_may_tell_numbers_apart() -> None:
    class Numbers(SentimentTerms):
        def lexeme(self, text: str) -> Lexeme:
            return Lexeme("good" if text == "100000" else None)

    rows, expected = _rows(TOKENIZER, Numbers(), "word text 100000 200000 good")
    assert rows == expected
    assert len(set(rows)) == 2

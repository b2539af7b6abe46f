from collections.abc import Collection, Iterable

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokenizer import Tokenizer

from spacy_trax_sentiment.bulk.chunk_tokenizer import ChunkTokenizer
from spacy_trax_sentiment.bulk.ladder import Ladder
from spacy_trax_sentiment.bulk.whitespace import split
from spacy_trax_sentiment.text.lexeme_cache import LexemeCache
from spacy_trax_sentiment.text.preprocessor import Lexeme
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms
from spacy_trax_sentiment.text.vocabulary import build_vocabulary

TOKENIZERS = {language: spacy.blank(language).tokenizer for language in ("en", "de")}
TOKENIZER = TOKENIZERS["en"]
CASES = sorted(case for case in TOKENIZER.rules if not any(map(str.isspace, case)))
CHUNKS = ["good", "#good", "good!", "(good", "@you", "https://t.co/ab", "https://t.co/ab5km", "42", "42km", "it's"]
CHUNKS += ["don't", "so:)", ":):(", "-:", "!!!", "...", "a-b", "U.S.", "“good”", "é", "🎉🎉", "http://a.b/c?d", "\x00"]
CHUNK = st.lists(st.sampled_from(CHUNKS) | st.sampled_from(CASES), min_size=1, max_size=3).map("".join) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6
).filter(lambda text: len(text.split()) == 1 and text.split()[0] == text)


def _lexemes(words: Iterable[str], terms: SentimentTerms | None = None) -> LexemeCache:
    return LexemeCache(terms or SentimentTerms(), build_vocabulary([list(words)]))


def _tokens(
    tokenizer: Tokenizer, lexemes: LexemeCache, chunks: list[str], alike: Collection[str] = SentimentTerms().alike
) -> list[list[int]]:
    """Return the tokens that a new ladder finds for each chunk."""
    split_chunks = split([" ".join(chunks)])
    assert split_chunks.texts(range(len(chunks))) == chunks
    found: dict[int, list[int]] = {}
    ladder = Ladder(ChunkTokenizer(tokenizer, lexemes), lexemes, alike)
    for indices, tokens in ladder.tokens(split_chunks, np.arange(len(chunks))):
        for i, of_chunk in zip(indices.tolist(), tokens.split(), strict=True):
            assert i not in found
            found[i] = of_chunk.tolist()
    return [found[i] for i in range(len(chunks))]


def _expected(tokenizer: Tokenizer, lexemes: LexemeCache, chunks: list[str]) -> list[list[int]]:
    """Return the tokens that spaCy's tokenizer finds for each chunk."""
    return [lexemes.indices_of_texts([token.text for token in tokenizer(chunk)]).tolist() for chunk in chunks]


@settings(max_examples=100)
@given(chunks=st.lists(CHUNK, min_size=1, max_size=12, unique=True))
@pytest.mark.parametrize("language", TOKENIZERS)
def test_each_chunk_gets_the_tokens_that_spacy_finds(language: str, chunks: list[str]) -> None:
    tokenizer = TOKENIZERS[language]
    lexemes = _lexemes([*CHUNKS, *CASES])
    assert _tokens(tokenizer, lexemes, chunks) == _expected(tokenizer, lexemes, chunks)


@settings(max_examples=60)
@given(texts=st.lists(st.lists(CHUNK, min_size=1, max_size=4), min_size=1, max_size=4))
def test_special_cases_are_added_as_chunks_need_them(texts: list[list[str]]) -> None:
    lexemes = _lexemes([*CHUNKS, *CASES])
    tokenizer = ChunkTokenizer(TOKENIZER, lexemes)
    for chunks in texts:
        found = tokenizer.tokens(chunks)
        assert [tokens.tolist() for tokens in found.split()] == _expected(TOKENIZER, lexemes, chunks)


def test_a_special_case_may_be_a_mention() -> None:
    nlp: Language = spacy.blank("en")
    nlp.tokenizer.add_special_case("@home", [{"ORTH": "@"}, {"ORTH": "home"}])  # type: ignore[union-attr]
    lexemes, chunks = _lexemes(["good", "home"]), ["good", "@home", "@you"]
    assert _tokens(nlp.tokenizer, lexemes, chunks) == _expected(nlp.tokenizer, lexemes, chunks)


def test_a_special_case_may_be_a_mark() -> None:
    nlp: Language = spacy.blank("en")
    nlp.tokenizer.add_special_case("!", [{"ORTH": "!", "NORM": "good"}])  # type: ignore[union-attr]
    lexemes, chunks = _lexemes(["good", "home"]), ["good", "home!", "#good", "!"]
    assert _tokens(nlp.tokenizer, lexemes, chunks) == _expected(nlp.tokenizer, lexemes, chunks)


def test_a_preprocessor_may_tell_numbers_apart() -> None:
    class Numbers(SentimentTerms):
        def lexeme(self, text: str) -> Lexeme:
            return Lexeme("good" if text == "100000" else None)

    lexemes = _lexemes(["good"], Numbers())
    [word], [first], [second] = _tokens(TOKENIZER, lexemes, ["word", "100000", "200000"], Numbers().alike)
    assert first != second == word

import spacy

from spacy_trax_sentiment.bulk.chunk_cache import ChunkCache
from spacy_trax_sentiment.bulk.chunk_tokenizer import ChunkTokenizer
from spacy_trax_sentiment.bulk.ladder import Ladder
from spacy_trax_sentiment.bulk.whitespace import split
from spacy_trax_sentiment.text.lexeme_cache import LexemeCache
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms
from spacy_trax_sentiment.text.vocabulary import build_vocabulary

TOKENIZER = spacy.blank("en").tokenizer
LEXEMES = LexemeCache(SentimentTerms(), build_vocabulary([["good", "bad", "not"]]))


def _cache(max_chunks: int) -> ChunkCache:
    return ChunkCache(Ladder(ChunkTokenizer(TOKENIZER, LEXEMES), LEXEMES, SentimentTerms().alike), max_chunks)


def _look_up(cache: ChunkCache, texts: list[str]) -> ChunkCache:
    """Check the tokens of the texts, and return the cache to go on with."""
    if cache.is_full:
        cache = cache.renewed()
    expected = [LEXEMES.indices_of_texts([token.text for token in TOKENIZER(text)]).tolist() for text in texts]
    assert [tokens.tolist() for tokens in cache.tokens(split(texts)).split()] == expected
    return cache


def test_the_number_of_chunks_is_bounded() -> None:
    cache = _cache(50)
    for i in range(50):
        cache = _look_up(cache, [f"good word{i}x{j} not bad" for j in range(10)])
        assert len(cache) <= 50 + 13


def test_the_number_of_tokens_is_bounded() -> None:
    cache = _cache(50)
    texts = [f"good {'bad/' * 100}{i}" for i in range(6)]
    for text in [text for text in texts for _ in range(2)]:
        cache = _look_up(cache, [text])
        assert cache.n_tokens <= 50 * 4 + 250


def test_chunks_that_were_seen_again_are_kept() -> None:
    cache = _cache(8)
    for text in ("often good", "often bad a b c d e f g"):
        cache = _look_up(cache, [text])
    assert cache.is_full
    renewed = _look_up(cache, ["new"])
    assert renewed is not cache
    assert len(renewed) == len(["often", "new"])
    _look_up(renewed, ["often good new"])


def test_a_cache_is_renewed_with_the_newest_chunks() -> None:
    cache = _cache(8)
    words = [f"w{i}" for i in range(10)]
    for _ in range(2):
        cache.tokens(split([" ".join(words)]))
    renewed = cache.renewed()
    assert len(renewed) == 4
    renewed.tokens(split([" ".join(words[-4:])]))
    assert len(renewed) == 4

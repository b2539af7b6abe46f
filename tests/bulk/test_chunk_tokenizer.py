import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.bulk.chunk_tokenizer import LONGEST_CHUNK, ChunkTokenizer
from spacy_trax_sentiment.text.lexeme_cache import NO_TERM, LexemeCache
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms
from spacy_trax_sentiment.text.vocabulary import build_vocabulary

NLP = spacy.blank("en")
TERMS = SentimentTerms()
LEXEMES = LexemeCache(TERMS, build_vocabulary([["good", "!", ":)", "😂", "bad"]]))
TOKENIZER = ChunkTokenizer(NLP.tokenizer, LEXEMES)  # type: ignore[arg-type]


@given(st.text(st.sampled_from("!?=-.:)😂ab"), min_size=1, max_size=40), st.integers(1, 40))
def test_up_to_the_limit_the_tokens_are_spacys(run: str, n: int) -> None:
    text = (run * n)[:LONGEST_CHUNK]
    assert TOKENIZER.tokens([text]).values.tolist() == TERMS.tokens([NLP.make_doc(text)], LEXEMES).values.tolist()


@pytest.mark.parametrize("mark", ["!", "😂", "?!"])
def test_a_run_of_marks_of_any_length_has_its_tokens(mark: str) -> None:
    n_tokens = len(NLP.make_doc(mark * 64))
    text = f"good {mark * 32_000} bad"
    tokens = [token for token in TOKENIZER.tokens([text]).values.tolist() if token != NO_TERM]
    assert len(tokens) == n_tokens // 64 * 32_000 + 2
    assert tokens[0] == LEXEMES.indices_of_texts(["good"])[0]
    assert tokens[-1] == LEXEMES.indices_of_texts(["bad"])[0]

"""Texts to Docs in pieces, where spaCy's tokenizer would take too long for a chunk."""

import spacy
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.bulk.chunk_tokenizer import LONGEST_CHUNK, pieces, tokenized

NLP = spacy.blank("en")
PARTS = ["good ", "bad/", "(", "'s", "😀" * 100, "é", "(" * 300, "a" * 300, " \n", "http://a.b/c?d=e&", "$5"]
LONG = ["good", "bad/", "a-", "http://a.b/c?d=e&f=", "x" * 100, "语" * 50, "don't "]


@given(st.lists(st.sampled_from(PARTS), max_size=20).map("".join))
def test_a_doc_in_pieces_has_the_same_text(text: str) -> None:
    assert "".join(pieces(text)) == text
    assert tokenized(NLP.make_doc, text).text == text


@given(st.lists(st.sampled_from(LONG), max_size=50))
def test_long_words_and_addresses_are_not_cut(parts: list[str]) -> None:
    text = "".join(parts)
    doc = tokenized(NLP.make_doc, text)
    assert [token.text for token in doc] == [token.text for token in NLP(text)]


def test_the_pieces_of_punctuation_are_short() -> None:
    for mark in ("(", "😀", "_", "'s", ":)", "“", "..."):
        assert max(map(len, pieces(f"good {mark * 5000} day"))) < 200


@given(st.text(st.sampled_from("!?=-.:)(😂ab"), min_size=1, max_size=40), st.integers(1, 40))
def test_up_to_the_limit_the_tokens_are_spacys(run: str, n: int) -> None:
    text = f"good {(run * n)[:LONGEST_CHUNK]}"
    assert [token.text for token in tokenized(NLP.make_doc, text)] == [token.text for token in NLP(text)]


def test_a_run_of_marks_of_any_length_has_its_tokens() -> None:
    doc = tokenized(NLP.make_doc, f"good {'!' * 32_000} bad")
    assert [token.text for token in doc if not token.is_space] == ["good", *"!" * 32_000, "bad"]

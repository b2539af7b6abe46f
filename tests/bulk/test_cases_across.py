import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_trax_sentiment.bulk.cases_across import CasesAcross
from spacy_trax_sentiment.bulk.chunk_tokenizer import ChunkTokenizer
from spacy_trax_sentiment.bulk.whitespace import split
from spacy_trax_sentiment.text.lexeme_cache import LexemeCache
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms
from spacy_trax_sentiment.text.vocabulary import build_vocabulary
from spacy_trax_sentiment.training.labelled import LabelledText

TOKENIZER = spacy.blank("en").tokenizer
ACROSS = CasesAcross(ChunkTokenizer(TOKENIZER, LexemeCache(SentimentTerms(), build_vocabulary([[]]))))
CASES = sorted(case for case in TOKENIZER.rules if not any(map(str.isspace, case)))
PIECES = [":)", ":-(", "( -:-)", ": )", ":", "-", ")", "(-:", ":-)", "o.O", "O", "Of", "8)", "d.", "'em", "a.m.", "Mr."]
PIECES += ["-:", "w/o", "(via", "“good”", "!!!", "Jay-Z.", "it's", "don't", "...", "(not", "good)", "n't", "’s", "-_-"]


def _with_spaces(case: str) -> st.SearchStrategy[str]:
    """Draw the special case with white space between some of its characters."""
    return st.lists(st.sampled_from(["", "", " "]), min_size=len(case), max_size=len(case)).map(
        lambda spaces: "".join(character + space for character, space in zip(case, spaces, strict=True))
    )


def _stands_alone(text: str) -> bool:
    """Return whether the text's chunks have the tokens that each of them has alone."""
    tokens = [token.text for token in TOKENIZER(text) if not token.is_space]
    return tokens == [token.text for chunk in text.split() for token in TOKENIZER(chunk)]


@settings(max_examples=500)
@given(parts=st.lists(st.sampled_from(CASES) | st.sampled_from(CASES).flatmap(_with_spaces) | st.sampled_from(PIECES)))
def test_the_chunks_of_all_other_texts_stand_alone(parts: list[str]) -> None:
    text = "".join(parts)
    assert ACROSS.texts(split([text])) or _stands_alone(text)


@pytest.mark.parametrize("text", ["( -:(:", "so: (((:", "8):( ("])
def test_a_case_across_white_space_that_overlaps_another_is_found(text: str) -> None:
    assert ACROSS.texts(split(["fine", text, "fine"])) == [1]


@pytest.mark.parametrize("text", ["", ":)", "good", ": )", "- - -", "it is - so", "don't (you)", "he 's", "a. m."])
def test_texts_without_one_are_not(text: str) -> None:
    assert _stands_alone(text)
    assert ACROSS.texts(split([text])) == []


def test_few_texts_of_a_corpus_are_found(tweets: tuple[list[LabelledText], list[LabelledText]]) -> None:
    texts = [text for part in tweets for text, _ in part]
    found = set(ACROSS.texts(split(texts)))
    assert len(found) < 0.02 * len(texts)
    assert all(i in found or _stands_alone(text) for i, text in enumerate(texts))


def test_the_ends_of_neighbouring_texts_do_not_meet() -> None:
    texts = [case[i:] + " x y " + case[:i] for case in ("a.m.", ":-)", "I'm") for i in range(1, len(case))]
    assert ACROSS.texts(split(["", *texts, " "])) == []

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.strings import hash_string

from spacy_trax_sentiment.text import lexemes
from spacy_trax_sentiment.text.forms import KnownForms, contents_of, forms_to_bytes
from spacy_trax_sentiment.text.lexemes import Lexeme, LexemeMemory, TokenPreprocessor
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms
from spacy_trax_sentiment.text.vocabulary import build_vocabulary

TERMS = SentimentTerms()
WORDS = [
    "good",
    "loving",
    "awful",
    "not",
    "but",
    "i",
    "naïve",
    ":)",
    ":d",
    "don't",
    "e\u0301",
    "😍",
    "parcel",
    "usa",
]
TOKENS = [*WORDS, *map(str.title, WORDS), *map(str.upper, WORDS), "lovING", "", "unseen", "Unseen", "0", "@you", ":-("]
# Not all terms of the words are in it, as after `compact`.
KNOWN = [
    term for word in WORDS for term in TERMS.lexeme(word).terms if term not in ("love", "prefix parce", "opinion -")
]
VOCABULARY = build_vocabulary([KNOWN])


class Shouting(SentimentTerms):
    """Capitals stand for something else."""

    def lexeme(self, text: str) -> Lexeme:
        return Lexeme("shout") if text.isupper() else super().lexeme(text)


def _forms(preprocessor: TokenPreprocessor) -> bytes:
    saved = forms_to_bytes(preprocessor, VOCABULARY)
    assert saved is not None
    return saved


def _keys(texts: list[str]) -> np.ndarray:
    return np.array(list(map(hash_string, texts)), dtype=np.uint64)


@pytest.mark.parametrize("preprocessor", [TERMS, Shouting()])
@given(texts=st.lists(st.sampled_from(TOKENS)))
def test_what_was_saved_of_forms_is_what_is_found_out_anew(preprocessor: TokenPreprocessor, texts: list[str]) -> None:
    is_known, saved = KnownForms(_forms(preprocessor), preprocessor, VOCABULARY).find(_keys(texts))
    known = [text for text, found in zip(texts, is_known, strict=True) if found]
    assert set(texts).intersection(WORDS) <= set(known)
    if known:
        anew = contents_of(known, preprocessor, VOCABULARY)
        for of_saved, of_anew in zip(saved[1:], anew[1:], strict=True):
            np.testing.assert_array_equal(of_saved, of_anew)
        for ids, expected in zip(saved.ids.T.tolist(), anew.ids.T.tolist(), strict=True):
            assert [i for i in ids if i] == [i for i in expected if i]


@given(st.from_regex(r"[a-z]+", fullmatch=True) | st.sampled_from([word for word in WORDS if word.isalpha()]))
def test_capitals_stand_for_the_same(word: str) -> None:
    assert TERMS.ignores_case
    if word.isascii():
        assert TERMS.lexeme(word) == TERMS.lexeme(word.capitalize()) == TERMS.lexeme(word.upper())


def test_words_are_known_in_capitals_too_unless_a_subclass_says_what_they_stand_for() -> None:
    spelled = ["loving", "Loving", "LOVING", "LoViNG", ":D"]
    is_known, _ = KnownForms(_forms(TERMS), TERMS, VOCABULARY).find(_keys(spelled))
    assert is_known.tolist() == [True, True, True, False, False]
    is_known, _ = KnownForms(_forms(Shouting()), Shouting(), VOCABULARY).find(_keys(spelled))
    assert is_known.tolist() == [True, False, False, False, False]


@given(batches=st.lists(st.lists(st.sampled_from(TOKENS))))
def test_a_memory_that_knows_forms_holds_the_same(batches: list[list[str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lexemes, "_WORTH_FORMS", 0)
        memory, without = LexemeMemory(TERMS, VOCABULARY, _forms(TERMS)), LexemeMemory(TERMS, VOCABULARY)
        for batch in batches:
            ours, others = (np.array(each.rows_of_texts(batch), dtype=np.int64) for each in (memory, without))
            for is_negated in (np.zeros(len(batch), dtype=bool), np.ones(len(batch), dtype=bool)):
                for mine, other in zip(
                    memory.ids_of(ours, is_negated), without.ids_of(others, is_negated), strict=True
                ):
                    np.testing.assert_array_equal(mine, other)
            np.testing.assert_array_equal(memory.hashes[ours], without.hashes[others])
            np.testing.assert_array_equal(memory.leanings[ours], without.leanings[others])
        assert memory.n_rows == without.n_rows


def test_forms_are_read_once_there_are_many_lexemes(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    monkeypatch.setattr(lexemes, "KnownForms", lambda *arguments: read.append(arguments) or KnownForms(*arguments))
    monkeypatch.setattr(lexemes, "_WORTH_FORMS", 10)
    memory = LexemeMemory(TERMS, VOCABULARY, _forms(TERMS))
    memory.rows_of_texts(["good", "day"])
    assert not read
    for start in (0, 8, 16):
        memory.rows_of_texts([f"unseen{i}" for i in range(start, start + 8)])
    assert len(read) == 1


def test_a_preprocessor_without_forms_saves_none() -> None:
    class Spelled(TokenPreprocessor):
        def lexeme(self, text: str) -> Lexeme:
            return Lexeme(text)

    assert forms_to_bytes(Spelled(), VOCABULARY) is None
    assert forms_to_bytes(TERMS, build_vocabulary([["good"]])) is None
    assert forms_to_bytes(TERMS, build_vocabulary([["form good", "form \ud800"]])) is None


def test_what_is_saved_is_the_same_each_time() -> None:
    assert _forms(TERMS) == _forms(SentimentTerms())

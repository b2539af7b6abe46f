from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.text.lexeme_cache import LexemeCache
from spacy_trax_sentiment.text.preprocessor import ENDS_NEGATION, NEGATES, PLAIN, Lexeme
from spacy_trax_sentiment.text.process_tweet import ProcessTweet
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms
from spacy_trax_sentiment.text.token_preprocessor import TokenPreprocessor, WholeDocTerms, align, by_tokens
from spacy_trax_sentiment.text.vocabulary import SPECIAL_TERMS, UNK, build_vocabulary, terms_to_ids

VOCAB = Vocab()


class Letters(TokenPreprocessor):
    """The terms of a token are its letters; a token of digits has none."""

    def lexeme(self, text: str) -> Lexeme:
        term, *more = [letter for letter in text if letter.isalpha()] or [None]
        return Lexeme(term, PLAIN, tuple(filter(None, more)))


LETTERS = build_vocabulary(["abcde"])


def _docs(*texts: str) -> list[Doc]:
    return [Doc(VOCAB, words=text.split()) for text in texts]


def test_the_terms_of_a_lexeme_begin_with_its_own() -> None:
    assert Lexeme("a", NEGATES, ("b", "c")).terms == ("a", "b", "c")
    assert Lexeme("a").terms == ("a",)
    assert Lexeme(None).terms == Lexeme(None, PLAIN, ("b",)).terms == ()


def test_a_doc_has_the_terms_of_its_tokens() -> None:
    docs = _docs("abc 1 d0 x2", "", "abc a")
    expected = [["a", "b", "c", "d", "x"], [], ["a", "b", "c", "a"]]
    assert list(map(Letters(), docs)) == expected
    for max_tokens in (0, 100):
        assert list(map(list, Letters().terms(docs, max_tokens))) == expected


def test_the_terms_of_many_docs_are_looked_up_once() -> None:
    calls = []

    class Counting(Letters):
        def lexeme(self, text: str) -> Lexeme:
            calls.append(text)
            return super().lexeme(text)

    assert [len(list(terms)) for terms in Counting().terms(_docs("a b a", "b c"), max_tokens=100)] == [3, 2]
    assert calls == ["a", "b", "c"]


@pytest.mark.parametrize(("scope", "buckets", "distance"), [(0, 0, 1), (3, 0, 2), (0, 8, 1), (0, 8, 3), (3, 8, 3)])
def test_there_are_ids_for_terms_negated_terms_and_buckets(scope: int, buckets: int, distance: int) -> None:
    preprocessor = Letters()
    preprocessor.negation_scope, preprocessor.bigram_buckets, preprocessor.bigram_distance = scope, buckets, distance
    assert preprocessor.first_bucket(10) == (20 if scope else 10)
    assert preprocessor.n_ids(10) == preprocessor.first_bucket(10) + distance * buckets


def test_docs_have_the_indices_of_their_tokens() -> None:
    cache, docs = LexemeCache(Letters(), LETTERS), _docs("a bc a", "", "1", "bc")
    tokens = Letters().tokens(docs, cache)
    assert tokens.lengths.tolist() == [3, 0, 1, 1]
    assert tokens.values.tolist() == cache.indices_of_texts(["a", "bc", "a", "1", "bc"]).tolist()
    none = Letters().tokens([], cache)
    assert (none.values.tolist(), none.lengths.tolist()) == ([], [])
    assert [each.tolist() for each in Letters().spans(docs[0])] == [[0, 1, 2], [0, 1, 2]]


def test_docs_have_the_ids_of_their_tokens_with_or_without_a_cache() -> None:
    docs = _docs("a bc x", "", "1 e")
    a, b, c, e, unknown = (LETTERS[term] for term in ["a", "b", "c", "e", UNK])
    for cache in (None, LexemeCache(Letters(), LETTERS)):
        ids = Letters().ids(docs, LETTERS, cache)
        assert [of_text.tolist() for of_text in ids.split()] == [[a, b, c, unknown], [], [e]]
        assert ids.values.dtype == np.int64


class Chunks:
    """A preprocessor that has `__call__(doc) -> terms` alone: the text's parts between slashes, which may be empty."""

    initialized = False

    def __call__(self, doc: Doc) -> list[str]:
        return doc.text.strip().split("/")

    def initialize(self) -> None:
        self.initialized = True

    def to_bytes(self) -> bytes:
        return b""

    def from_bytes(self, data: bytes) -> "Chunks":
        return self


CHUNKS = st.text("ab ", max_size=3) | st.sampled_from(["good", "food", UNK])
CHUNK_TEXTS = st.lists(st.lists(CHUNKS, max_size=6).map("/".join), max_size=5)


def test_a_preprocessor_of_whole_texts_is_adapted_and_any_other_is_not() -> None:
    tokens, chunks = SentimentTerms(), Chunks()
    assert by_tokens(tokens) is tokens
    assert tokens.by_token
    adapted = by_tokens(chunks)
    assert not adapted.by_token
    assert adapted(_docs("a/b")[0]) == ["a", "b"]
    adapted.initialize()
    assert chunks.initialized


@given(texts=CHUNK_TEXTS, seen=CHUNK_TEXTS)
def test_a_preprocessor_of_whole_texts_gives_each_term_its_id(texts: list[str], seen: list[str]) -> None:
    adapted = WholeDocTerms(Chunks())
    vocabulary = build_vocabulary(adapted.terms(_docs(*seen), max_tokens=2))
    assert vocabulary == build_vocabulary(map(Chunks(), _docs(*seen)))
    docs, cache = _docs(*texts), LexemeCache(adapted, vocabulary)
    expected = [terms_to_ids(Chunks()(doc), vocabulary) for doc in docs]
    for _ in range(2):  # unseen terms, then cached ones
        assert [ids.tolist() for ids in adapted.ids(docs, vocabulary, cache).split()] == expected
    assert adapted.n_ids(len(vocabulary)) == len(vocabulary)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The food is good", {"food": (1, 1), "good": (3, 3)}),
        ("good :-) food", {"good": (0, 0), ":-)": (1, 1), "food": (2, 2)}),
        ("good : ) food", {"good": (0, 0), "food": (3, 3)}),
        ("see http://a.b/c good", {"see": (0, 0)}),
        ("", {}),
    ],
)
def test_the_terms_of_whole_texts_are_traced_to_tokens(text: str, expected: dict[str, tuple[int, int]]) -> None:
    doc = spacy.blank("en")(text)
    preprocessor = by_tokens(ProcessTweet(["the", "is"]))
    found = zip(*map(np.ndarray.tolist, preprocessor.spans(doc)), strict=True)
    assert dict(zip(preprocessor(doc), found, strict=True)) == expected


def test_a_term_of_several_tokens_is_traced_to_the_first_and_the_last() -> None:
    doc = Doc(VOCAB, words=["Foods", ":", ")", "tasted"], spaces=[True, False, True, False])
    first, last = align(ProcessTweet([]), doc)
    assert ProcessTweet([])(doc) == ["food", ":)", "tast"]
    assert (first.tolist(), last.tolist()) == ([0, 1, 3], [0, 2, 3])


@pytest.mark.slow
@given(text=st.text(max_size=40))
def test_every_term_is_traced_to_a_token(text: str) -> None:
    doc = spacy.blank("en")(text)
    preprocessor = ProcessTweet([])
    first, last = align(preprocessor, doc)
    assert len(first) == len(last) == len(preprocessor(doc))
    assert ((first >= 0) & (first <= last) & (last < len(doc))).all()


class Lowered(TokenPreprocessor):
    """A preprocessor as a user may write it: lower-cased words."""

    def __init__(self, negation_scope: int = 0, bigram_buckets: int = 0, dropped: list[str] | None = None) -> None:
        self.negation_scope, self.bigram_buckets, self.dropped = negation_scope, bigram_buckets, dropped or []

    def lexeme(self, text: str) -> Lexeme:
        word = text.strip().lower()
        role = NEGATES if word == "not" else ENDS_NEGATION if word == "." else PLAIN
        return Lexeme(None if not word or word in self.dropped else word, role)


SETTINGS: dict[str, Any] = {"negation_scope": 2, "bigram_buckets": 32, "dropped": ["the"]}


@pytest.fixture(scope="module")
def registered() -> None:
    spacy.registry.misc("tests.Lowered.v1", func=Lowered)


def _blank(**settings: Any) -> Language:
    nlp = spacy.blank("en")
    preprocessor = {"@misc": "tests.Lowered.v1", **settings}
    nlp.add_pipe(
        "trax_sentiment", config={"model": {"embedding_dim": 8, "preprocessor": preprocessor}, "pretrained": None}
    )
    return nlp


@pytest.fixture(scope="module")
def lowered(registered: None, require_trax: None) -> Language:
    """A pipeline with that preprocessor, trained by `nlp.update`. Tests must not change it."""
    spacy.util.fix_random_seed(0)
    nlp = _blank(**SETTINGS)
    data = [("GOOD the film", 1.0), ("not bad", 1.0), ("bad film", 0.0), ("not good .", 0.0)]
    examples = [
        Example.from_dict(nlp.make_doc(text), {"cats": {"positive": value, "negative": 1 - value}})
        for text, value in data
    ]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.05
    for _ in range(80):
        nlp.update(examples, sgd=optimizer)
    return nlp


def test_a_pipeline_learns_with_a_preprocessor_of_the_user(lowered: Language) -> None:
    vocabulary = find_component(lowered).model.attrs["vocabulary"]
    assert set(vocabulary) == {*SPECIAL_TERMS, "good", "film", "not", "bad", "."}
    for text in ("Good film", "NOT bad"):
        assert lowered(text).cats["positive"] > 0.9
    for text in ("Bad the film", "not GOOD ."):
        assert lowered(text).cats["negative"] > 0.9


def test_the_settings_of_such_a_preprocessor_are_saved(lowered: Language) -> None:
    other = _blank().from_bytes(lowered.to_bytes())
    preprocessor = find_component(other).model.attrs["preprocessor"]
    assert isinstance(preprocessor, Lowered)
    assert vars(preprocessor) == SETTINGS
    for text in ("Good film", "not good . bad the film", ""):
        assert other(text).cats == lowered(text).cats


def test_settings_survive_bytes() -> None:
    assert vars(Lowered().from_bytes(Lowered(**SETTINGS).to_bytes())) == SETTINGS


def test_a_subclass_must_say_what_tokens_stand_for() -> None:
    with pytest.raises(NotImplementedError):
        LexemeCache(TokenPreprocessor(), build_vocabulary([])).indices_of_texts(["a"])

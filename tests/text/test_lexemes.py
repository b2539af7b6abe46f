from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.strings import StringStore, hash_string
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_trax_sentiment.component import find_component
from spacy_trax_sentiment.model import thinc_model
from spacy_trax_sentiment.text import lexemes
from spacy_trax_sentiment.text.lexemes import (
    ENDS_NEGATION,
    NEGATES,
    PLAIN,
    Lexeme,
    LexemeMemory,
    TokenPreprocessor,
    compose,
    doc_orths,
    flatten,
    orths_to_rows,
)
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms
from spacy_trax_sentiment.text.vocabulary import PAD_ID, SPECIAL_TERMS, UNK, build_vocabulary

VOCAB = Vocab()
MULTIPLIER = 0x9E3779B97F4A7C15
WORDS = ["not", "n't", "never", "but", ".", "!", "good", "goood", "loved", "food", "0.5", ":)", "🎉", "e\u0301"]
WORDS += [" ", "\n", "\u00a0", "@you", "#", "https://t.co/x", "_NEG", UNK]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS) | st.text(st.characters(codec="utf-8"), min_size=1), max_size=20))


def _docs(texts: Iterable[list[str]]) -> list[Doc]:
    return [Doc(VOCAB, words=words) for words in texts]


def _composed(memory: LexemeMemory, docs: list[Doc]) -> tuple[Any, Any]:
    ids, lengths = compose(memory, *orths_to_rows(memory, list(map(doc_orths, docs)), VOCAB.strings))
    return ids.T, lengths


def _bucket(first: Lexeme, second: Lexeme, n_buckets: int) -> int:
    hashes = [hash_string(lexeme.term) >> 2 << 2 | lexeme.role for lexeme in (first, second)]  # type: ignore[arg-type]
    return ((hashes[0] * MULTIPLIER + hashes[1]) % 2**64 >> 32) * n_buckets >> 32


def _expected(preprocessor: TokenPreprocessor, vocabulary: dict[str, int], doc: Doc) -> list[list[int]]:
    """RETURNS: The ids of each term, found one token at a time in Python."""
    first_column = [vocabulary.get(term, vocabulary[UNK]) for term in preprocessor(doc)]
    if not preprocessor.bigram_buckets:
        return [[i] for i in first_column]
    lexemes = [lexeme for token in doc if (lexeme := preprocessor.lexeme(token.text)).term is not None]
    known = [vocabulary.get(lexeme.term, 0) >= len(SPECIAL_TERMS) for lexeme in lexemes]  # type: ignore[arg-type]
    second_column = [PAD_ID] * len(lexemes)
    for i in range(1, len(lexemes)):
        if known[i - 1] and known[i]:
            bucket = _bucket(lexemes[i - 1], lexemes[i], preprocessor.bigram_buckets)
            second_column[i] = bucket + len(vocabulary)
    return [list(row) for row in zip(first_column, second_column, strict=True)]


@settings(max_examples=300)
@given(
    texts=TEXTS,
    seen=TEXTS,
    scope=st.sampled_from([0, 1, 2, 5, 1000]),
    buckets=st.sampled_from([0, 1, 3, 1 << 14, 1 << 24]),
)
def test_a_batch_is_composed_as_each_text_is_in_plain_python(
    texts: list[list[str]], seen: list[list[str]], scope: int, buckets: int
) -> None:
    preprocessor = SentimentTerms(scope, buckets)
    vocabulary = build_vocabulary(preprocessor(doc) for doc in _docs(seen))
    docs = _docs(texts)
    expected = [_expected(preprocessor, vocabulary, doc) for doc in docs]
    memory = LexemeMemory(preprocessor, vocabulary)
    for _ in range(2):  # not remembered, then remembered
        ids, lengths = _composed(memory, docs)
        assert lengths.tolist() == list(map(len, expected))
        assert ids.tolist() == [row for rows in expected for row in rows]
    flat, n_flat = flatten(ids.T, lengths)
    assert flat.tolist() == [i for rows in expected for row in rows for i in row if i != PAD_ID]
    assert n_flat.tolist() == [sum(i != PAD_ID for row in rows for i in row) for rows in expected]


@settings(max_examples=100)
@given(TEXTS)
def test_negation_and_bigrams_stay_within_a_text(texts: list[list[str]]) -> None:
    preprocessor = SentimentTerms(5, 64)
    docs = _docs(texts)
    memory = LexemeMemory(preprocessor, build_vocabulary(map(preprocessor, docs)))
    together, _ = _composed(memory, docs)
    alone = [row for doc in docs for row in _composed(memory, [doc])[0].tolist()]
    assert together.tolist() == alone


def _remembered(memory: LexemeMemory, texts: list[str]) -> list[int]:
    strings = {hash_string(text): text for text in texts}
    rows: list[int] = memory.rows(np.array([hash_string(text) for text in texts], dtype=np.uint64), strings).tolist()
    return rows


def test_rows_stay_the_same_as_the_memory_grows() -> None:
    preprocessor = SentimentTerms()
    texts = ["good", "not", " ", "@you", "bad", "unseen"]
    many = ["-".join(f"w{i}x") for i in range(6000)]
    memory = LexemeMemory(preprocessor, build_vocabulary([["good", "bad", "bad_NEG", *many]]))
    before = _remembered(memory, texts)
    known = memory.ids[before], memory.negated_ids[before], memory.hashes[before]
    rows = _remembered(memory, many)
    assert len(memory) == len(texts) + 6000
    assert len(set(rows)) == 6000
    assert _remembered(memory, texts) == memory.rows_of_texts(texts) == before
    for new, old in zip((memory.ids, memory.negated_ids, memory.hashes), known, strict=True):
        np.testing.assert_array_equal(new[before], old)
    assert _remembered(memory, many) == memory.rows_of_texts(many) == rows
    assert len(memory) == len(texts) + 6000
    for text, row in zip(many[::1000], rows[::1000], strict=True):
        term = preprocessor.lexeme(text).term
        assert term is not None
        assert int(memory.hashes[row]) == hash_string(term) >> 2 << 2


def test_what_is_unknown_takes_no_room() -> None:
    memory = LexemeMemory(SentimentTerms(), build_vocabulary([["good"]]))
    rows = _remembered(memory, ["good", "bad", "worse", "never", ".", "@you"])
    assert len(set(rows)) == 5  # the known one, what has no term, and what is unknown by its role
    assert rows[1] == rows[2]


def test_a_lexeme_is_looked_at_once() -> None:
    calls = []

    class Counting(TokenPreprocessor):
        def lexeme(self, text: str) -> Lexeme:
            calls.append(text)
            return Lexeme(text)

    memory = LexemeMemory(Counting(), build_vocabulary([]))
    for _ in range(2):
        _remembered(memory, ["a", "b", "a"])
    assert calls == ["a", "b"]


@given(st.lists(st.sampled_from(WORDS) | st.text(st.characters(codec="utf-8"), min_size=1)))
def test_many_lexemes_at_once_are_those_of_each(texts: list[str]) -> None:
    preprocessor = SentimentTerms()
    terms, roles = preprocessor.lexemes(texts)
    assert list(zip(terms, roles, strict=True)) == [tuple(preprocessor.lexeme(text)) for text in texts]


def test_hashes_that_fall_into_one_slot_are_told_apart() -> None:
    memory = LexemeMemory(SentimentTerms(), build_vocabulary([["a", "b", "c"]]))
    strings = {1 + (i << 40): term for i, term in enumerate(["a", "b", "c", "@you"])}
    rows = memory.rows(np.array([*strings, *strings], dtype=np.uint64), strings)
    assert memory.ids[rows].tolist() == [3, 4, 5, PAD_ID] * 2


def test_unknown_terms_get_the_id_of_unk_and_no_bigrams() -> None:
    preprocessor = SentimentTerms(bigram_buckets=8)
    vocabulary = build_vocabulary([["not", "good"]])
    docs = _docs([["zzzz", "good", "good", "zzzz"], ["not", "good"]])
    ids, lengths = _composed(LexemeMemory(preprocessor, vocabulary), docs)
    unknown, known = vocabulary[UNK], vocabulary["good"]
    assert ids[:4, 0].tolist() == [unknown, known, known, unknown]
    assert [i == PAD_ID for i in ids[:4, 1]] == [True, True, False, True]
    assert ids[4:, 0].tolist() == [vocabulary["not"], unknown]  # "good_NEG" was never seen
    assert lengths.tolist() == [4, 2]


@pytest.mark.parametrize("texts", [[], [[]], [[], []], [[" "], ["@you", "\n"]]])
def test_texts_without_terms_have_no_rows(texts: list[list[str]]) -> None:
    memory = LexemeMemory(SentimentTerms(), build_vocabulary([]))
    ids, lengths = _composed(memory, _docs(texts))
    assert ids.shape == (0, 2)
    assert lengths.tolist() == [0] * len(texts)


def test_a_pipelines_memory_is_bounded_and_forgetting_changes_no_score(
    trained: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = find_component(trained, "").model
    texts = [f"I do not love word{i} :) but good food" for i in range(60)]
    expected = [doc.cats for doc in trained.pipe(texts)]
    monkeypatch.setattr(lexemes, "MAX_LEXEMES", 5)
    for text, cats in zip(texts, expected, strict=True):
        assert trained(text.replace("word", "unseen")).cats == pytest.approx(cats, abs=1e-6)
        assert len(thinc_model.lexeme_memory(model)) <= 5 + 10
    assert [doc.cats for doc in trained.pipe(texts, batch_size=7)] == [pytest.approx(c, abs=1e-6) for c in expected]


class Lowered(TokenPreprocessor):
    """What a user may write: lower-cased words."""

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
def lowered(registered: None) -> Language:
    """A pipeline with a user's preprocessor, trained by `nlp.update`. Not to be changed by a test."""
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


def test_a_users_preprocessor_learns(lowered: Language) -> None:
    vocabulary = find_component(lowered, "").model.attrs["vocabulary"]
    assert {"good", "good_NEG", "bad", "bad_NEG"} <= set(vocabulary)
    assert not {"GOOD", "the"} & set(vocabulary)
    for text in ("Good film", "NOT bad"):
        assert lowered(text).cats["positive"] > 0.9
    for text in ("Bad the film", "not GOOD ."):
        assert lowered(text).cats["negative"] > 0.9


def test_a_users_settings_are_saved(lowered: Language) -> None:
    other = _blank().from_bytes(lowered.to_bytes())
    preprocessor = find_component(other, "").model.attrs["preprocessor"]
    assert isinstance(preprocessor, Lowered)
    assert vars(preprocessor) == SETTINGS
    for text in ("Good film", "not good . bad the film", ""):
        assert other(text).cats == lowered(text).cats


def test_settings_survive_bytes() -> None:
    assert vars(Lowered().from_bytes(Lowered(**SETTINGS).to_bytes())) == SETTINGS


def test_a_lexeme_has_to_be_written() -> None:
    with pytest.raises(NotImplementedError):
        LexemeMemory(TokenPreprocessor(), build_vocabulary([])).rows_of_texts(["a"])


def test_pipelines_may_share_a_memory() -> None:
    memory = LexemeMemory(SentimentTerms(), build_vocabulary([["good"]]))
    first, second = StringStore(["good"]), StringStore(["bad", "good"])
    orths = np.array([first["good"]], dtype=np.uint64)
    assert memory.rows(orths, first).tolist() == memory.rows(orths, second).tolist()
    assert memory.ids[memory.rows(orths, first)].tolist() == [3]

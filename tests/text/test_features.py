import copy
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.strings import hash_string
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_trax_sentiment.text.features import CONTRAST_REACH, Features, compose, feature_ids
from spacy_trax_sentiment.text.lexeme_cache import LexemeCache
from spacy_trax_sentiment.text.preprocessor import CONCEDES, CONTRASTS, ENDS_NEGATION, NEGATES, Lexeme
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms
from spacy_trax_sentiment.text.token_preprocessor import TokenPreprocessor
from spacy_trax_sentiment.text.vocabulary import N_SPECIAL, PAD_ID, UNK, build_vocabulary

VOCAB = Vocab()
MULTIPLIER = 0x9E3779B97F4A7C15
WORDS = ["not", "n't", "never", "but", ".", "!", "good", "goood", "loved", "food", "0.5", ":)", "🎉", "e\u0301"]
WORDS += ["although", ",", " ", "\n", "\u00a0", "@you", "#", "https://t.co/x", "he", UNK]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS) | st.text(st.characters(codec="utf-8"), min_size=1), max_size=15))
SETTINGS: dict[str, Any] = {
    "scope": st.sampled_from([0, 1, 2, 5, 1000]),
    "buckets": st.sampled_from([0, 1, 3, 1 << 14, 1 << 24]),
    "distance": st.integers(1, 3),
}


TERMS = SentimentTerms(informal=False)


def _terms(negation_scope: int, bigram_buckets: int, bigram_distance: int) -> SentimentTerms:
    """Return the preprocessor, with the lexicon that another has read already."""
    terms = copy.copy(TERMS)
    terms.negation_scope, terms.bigram_buckets, terms.bigram_distance = negation_scope, bigram_buckets, bigram_distance
    return terms


def _docs(texts: Iterable[list[str]]) -> list[Doc]:
    return [Doc(VOCAB, words=words) for words in texts]


def _features(cache: LexemeCache, docs: list[Doc]) -> Features:
    return compose(cache, TERMS.tokens(docs, cache))


def _sorted_ids(cache: LexemeCache, features: Features) -> list[list[int]]:
    """Return the ids of each text, sorted, because their order within a text means nothing."""
    ids = feature_ids(cache, features)
    assert ids.lengths.sum() == len(ids.values)
    return [sorted(of_text.tolist()) for of_text in ids.split()]


class Oracle:
    """The features of one text, computed one token at a time in plain Python."""

    def __init__(self, preprocessor: TokenPreprocessor, vocabulary: dict[str, int], doc: Doc) -> None:
        self.preprocessor, self.vocabulary = preprocessor, vocabulary
        lexemes = [preprocessor.lexeme(token.text) for token in doc]
        self.lexemes = [lexeme for lexeme in lexemes if lexeme.term is not None]
        self.is_negated = self._negated()
        distances = range(1, preprocessor.bigram_distance + 1) if preprocessor.bigram_buckets else ()
        self.context = [[self._pair(i, distance) for i in range(len(self.lexemes))] for distance in distances]
        if preprocessor.n_leanings:
            self.context.append([self._side(i) for i in range(len(self.lexemes))])

    def ids(self) -> list[int]:
        ids = [
            i for lexeme, negated in zip(self.lexemes, self.is_negated, strict=True) for i in self._own(lexeme, negated)
        ]
        return sorted(ids + [i for ids_of_kind in self.context for i in ids_of_kind if i != PAD_ID])

    def _own(self, lexeme: Lexeme, is_negated: bool) -> list[int]:
        known = [self.vocabulary[term] for term in lexeme.terms if self.vocabulary.get(term, 0) >= N_SPECIAL]
        return [i + len(self.vocabulary) * is_negated for i in known] or [self.vocabulary[UNK]]

    def _negated(self) -> list[bool]:
        left, is_negated = 0, []
        for lexeme in self.lexemes:
            left = 0 if lexeme.role == ENDS_NEGATION else left
            is_negated.append(left > 0)
            left = self.preprocessor.negation_scope if lexeme.role == NEGATES else max(left - 1, 0)
        return is_negated

    def _pair(self, i: int, distance: int) -> int:
        if i < distance or not all(self._is_known(self.lexemes[j]) for j in (i - distance, i)):
            return PAD_ID
        first, second = self._hash(i - distance), self._hash(i)
        n_buckets = self.preprocessor.bigram_buckets
        bucket = ((first * MULTIPLIER + second) % 2**64 >> 32) * n_buckets >> 32
        first_bucket = len(self.vocabulary) * (2 if self.preprocessor.negation_scope else 1)
        return first_bucket + (distance - 1) * n_buckets + bucket

    def _side(self, i: int) -> int:
        contrasts = [j for j, lexeme in enumerate(self.lexemes) if lexeme.leaning == CONTRASTS]
        concessions = [j for j, lexeme in enumerate(self.lexemes) if lexeme.leaning == CONCEDES]
        mark = max(contrasts or concessions, default=None)
        leaning = self.lexemes[i].leaning
        if mark is None or leaning <= 0 or abs(i - mark) > CONTRAST_REACH:
            return PAD_ID
        after = self.lexemes[mark + 1 : i + 1]
        is_conceded = i > mark and all(lexeme.role != ENDS_NEGATION for lexeme in after)
        is_other = i > mark if contrasts else not is_conceded
        preprocessor = self.preprocessor
        first = len(self.vocabulary) * (2 if preprocessor.negation_scope else 1)
        first += preprocessor.bigram_distance * preprocessor.bigram_buckets
        return first + 4 * (leaning - 1) + 2 * is_other + self.is_negated[i]

    def _is_known(self, lexeme: Lexeme) -> bool:
        return self.vocabulary.get(lexeme.term or "", 0) >= N_SPECIAL

    def _hash(self, i: int) -> int:
        lexeme = self.lexemes[i]
        hashed: int = hash_string(lexeme.term or "") >> 2 << 2 | lexeme.role
        return (hashed + MULTIPLIER * self.is_negated[i]) % 2**64


@settings(max_examples=100)
@given(texts=TEXTS, seen=TEXTS, **SETTINGS)
def test_a_batch_has_the_features_that_plain_python_computes_for_each_text(
    texts: list[list[str]], seen: list[list[str]], scope: int, buckets: int, distance: int
) -> None:
    preprocessor = _terms(scope, buckets, distance)
    vocabulary = build_vocabulary(preprocessor(doc) for doc in _docs(seen))
    docs = _docs(texts)
    expected = [Oracle(preprocessor, vocabulary, doc) for doc in docs]
    cache = LexemeCache(preprocessor, vocabulary)
    for _ in range(2):  # unseen tokens, then cached ones
        features = _features(cache, docs)
        assert features.lengths.tolist() == [len(text.lexemes) for text in expected]
        assert features.is_negated.tolist() == [negated for text in expected for negated in text.is_negated]
        assert features.context.shape == ((distance if buckets else 0) + 1, len(features.indices))
        for i, row in enumerate(features.context):
            assert row.tolist() == [id for text in expected for id in text.context[i]]
        assert _sorted_ids(cache, features) == [text.ids() for text in expected]
        assert feature_ids(cache, features).values.max(initial=0) < preprocessor.n_ids(len(vocabulary))


@settings(max_examples=30)
@given(texts=TEXTS, **SETTINGS)
def test_a_text_has_the_same_features_alone_and_in_a_batch(
    texts: list[list[str]], scope: int, buckets: int, distance: int
) -> None:
    preprocessor = _terms(scope, buckets, distance)
    docs = _docs(texts)
    cache = LexemeCache(preprocessor, build_vocabulary(map(preprocessor, docs)))
    together = feature_ids(cache, _features(cache, docs))
    alone = [feature_ids(cache, _features(cache, [doc])) for doc in docs]
    assert together.values.tolist() == [i for ids in alone for i in ids.values.tolist()]
    assert together.lengths.tolist() == [length for ids in alone for length in ids.lengths.tolist()]


@pytest.mark.parametrize(
    ("text", "scope", "negated"),
    [
        ("I do n't like it , but I love it", 5, "like it"),
        ("I do n't like it but I love it", 5, "like it"),
        ("not a b c d e f", 5, "a b c d e"),
        ("not a b c", 2, "a b"),
        ("not a b c", 0, ""),
        ("not never a b", 1, "never a"),
        ("not a . b not", 5, "a"),
        ("not @you a # b c", 2, "a b"),
        ("a not", 5, ""),
        ("but not a", 5, "a"),
        ("", 5, ""),
    ],
)
def test_terms_are_negated_up_to_the_end_of_the_clause(text: str, scope: int, negated: str) -> None:
    cache = LexemeCache(SentimentTerms(scope, informal=False), build_vocabulary([]))
    words = [word for word in text.split() if word not in ("@you", "#")]
    is_negated = _features(cache, _docs([text.split()])).is_negated.tolist()
    assert [word for word, is_so in zip(words, is_negated, strict=True) if is_so] == negated.split()


def test_negation_and_pairs_stop_at_the_end_of_a_text() -> None:
    preprocessor = SentimentTerms(5, 64, 3, informal=False)
    docs = _docs([["good", "not"], ["food"], [], ["good", "food", "good"], ["@you"], ["food", "food", "food", "food"]])
    cache = LexemeCache(preprocessor, build_vocabulary(map(preprocessor, docs)))
    features = _features(cache, docs)
    assert not features.is_negated.any()
    paired = [[0, 1, 0, 0, 1, 1, 0, 1, 1, 1], [0, 0, 0, 0, 0, 1, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]]
    assert (features.context[:-1] != PAD_ID).astype(int).tolist() == paired


def test_pairs_differ_by_order_distance_and_negation() -> None:
    preprocessor = SentimentTerms(5, 1 << 20, 2, informal=False)
    vocabulary = build_vocabulary([["good", "food", "not", "it"]])
    cache = LexemeCache(preprocessor, vocabulary)

    def pair(words: str, distance: int, i: int = -1) -> int:
        return int(_features(cache, _docs([words.split()])).context[distance - 1, i])

    assert pair("good food", 1) == pair("it good food", 1)
    different = [pair("good food", 1), pair("food good", 1), pair("good it food", 2), pair("not good food", 1)]
    assert len({*different, pair("good not food", 2)}) == 5
    second = preprocessor.first_bucket(len(vocabulary)) + preprocessor.bigram_buckets
    assert [i >= second for i in different] == [False, False, True, False]


def test_unknown_terms_get_the_id_of_unk_and_no_pairs() -> None:
    preprocessor = SentimentTerms(bigram_buckets=8, bigram_distance=1, informal=False)
    vocabulary = build_vocabulary([["not", "good"]])
    cache = LexemeCache(preprocessor, vocabulary)
    features = _features(cache, _docs([["zzzz", "good", "good", "zzzz"], ["not", "good", "zzzz"]]))
    assert (features.context[0] != PAD_ID).tolist() == [False, False, True, False, False, True, False]
    ids, lengths = feature_ids(cache, features)
    unknown, good, n = vocabulary[UNK], vocabulary["good"], len(vocabulary)
    assert ids[:4].tolist() == [unknown, good, good, unknown]
    assert ids[5:8].tolist() == [vocabulary["not"], good + n, unknown]  # unknown terms are not negated
    assert (ids[[4, 8]] >= 2 * n).all()
    assert lengths.tolist() == [5, 4]


def test_a_token_whose_first_term_is_unknown_makes_no_pairs() -> None:
    vocabulary = build_vocabulary([["opinion +", "it"]])
    cache = LexemeCache(SentimentTerms(informal=False), vocabulary)
    features = _features(cache, _docs([["not", "it", "good", "it"]]))
    assert (features.context[:-1] != PAD_ID).astype(int).tolist() == [[0, 0, 0, 0], [0, 0, 0, 1]]
    n, opinion, it = len(vocabulary), vocabulary["opinion +"], vocabulary["it"]
    assert feature_ids(cache, features).values[:4].tolist() == [vocabulary[UNK], it + n, opinion + n, it + n]


@pytest.mark.parametrize("texts", [[], [[]], [[], []], [[" "], ["@you", "\n"]]])
@pytest.mark.parametrize("distance", [1, 3])
def test_texts_without_terms_have_no_ids(texts: list[list[str]], distance: int) -> None:
    cache = LexemeCache(SentimentTerms(bigram_distance=distance, informal=False), build_vocabulary([]))
    features = _features(cache, _docs(texts))
    assert features.indices.shape == features.is_negated.shape == (0,)
    assert features.context.shape == (distance + 1, 0)
    ids, lengths = feature_ids(cache, features)
    assert ids.shape == (0,)
    assert lengths.tolist() == features.lengths.tolist() == [0] * len(texts)


def test_words_of_the_lexicons_have_an_id_for_their_side_of_the_last_contrast() -> None:
    preprocessor = SentimentTerms(5, 0, informal=False)
    cache = LexemeCache(preprocessor, build_vocabulary([]))
    first = preprocessor.first_side(len(cache.vocabulary))
    texts = ["good food but bad service", "good but bad but not good", "good food", "but", "bad however"]
    features = _features(cache, _docs(map(str.split, texts)))
    sides = [i - first if i != PAD_ID else None for i in features.context[-1].tolist()]
    none = None
    assert sides == [
        *(0, none, none, 6, none),
        *(0, none, 4, none, none, 3),
        *(none, none),
        none,
        *(4, none),
    ]
    assert preprocessor.n_ids(len(cache.vocabulary)) == first + 8


def test_without_a_lexicon_there_are_no_ids_for_sides() -> None:
    preprocessor = SentimentTerms(5, 0, lexicon=False, informal=False)
    cache = LexemeCache(preprocessor, build_vocabulary([]))
    features = _features(cache, _docs([["good", "but", "bad"]]))
    assert features.context.shape == (0, 3)
    assert not (cache.leanings != 0).any()

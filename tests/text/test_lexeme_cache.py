from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.strings import StringStore, hash_string
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_trax_sentiment.model.folded import LexemeMatrix
from spacy_trax_sentiment.model.inputs import doc_tokens, scored
from spacy_trax_sentiment.model.thinc_model import folded_classifier
from spacy_trax_sentiment.pipelines import find_component, load
from spacy_trax_sentiment.text.features import compose
from spacy_trax_sentiment.text.lexeme_cache import NO_TERM, LexemeCache
from spacy_trax_sentiment.text.preprocessor import PLAIN, Lexeme, Lexemes
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms
from spacy_trax_sentiment.text.token_preprocessor import TokenPreprocessor
from spacy_trax_sentiment.text.vocabulary import SPECIAL_TERMS, UNK, build_vocabulary

VOCAB = Vocab()


class Spelled(TokenPreprocessor):
    """Reads a lexeme off the token: the first letter is the term, the others are further terms, a digit is the role."""

    def lexeme(self, text: str) -> Lexeme:
        role = int(text[-1]) if text[-1:].isdigit() else PLAIN
        term, *more = text.rstrip("012") or [None]  # type: ignore[list-item]
        return Lexeme(term, role, tuple(more))


# The ids of the letters count from 3.
LETTERS = build_vocabulary(["abcde"])


def _indices(cache: LexemeCache, texts: list[str]) -> list[int]:
    strings = {hash_string(text): text for text in texts}
    indices: list[int] = cache.indices(
        np.array([hash_string(text) for text in texts], dtype=np.uint64), strings
    ).tolist()
    return indices


def _ids(cache: LexemeCache, indices: list[int], is_negated: bool = False) -> list[list[int]]:
    """Return the ids of each lexeme."""
    ids = cache.ids_of(np.array(indices, dtype=np.int64), np.full(len(indices), is_negated))
    assert ids.lengths.sum() == len(ids.values)
    return [of_lexeme.tolist() for of_lexeme in ids.split()]


SPELLINGS = st.lists(st.text("abcxyz", max_size=4).flatmap(lambda s: st.sampled_from([s, f"{s}1", f"{s}2"])))


@given(first=SPELLINGS, second=SPELLINGS, is_negated=st.booleans())
def test_an_index_stands_for_the_ids_of_the_known_terms(first: list[str], second: list[str], is_negated: bool) -> None:
    cache = LexemeCache(Spelled(), LETTERS)
    _indices(cache, first)
    indices = _indices(cache, first + second)
    assert cache.indices_of_texts(first + second).tolist() == indices
    for text, index, ids in zip(first + second, indices, _ids(cache, indices, is_negated), strict=True):
        term, role, more, _ = Spelled().lexeme(text)
        if term is None:
            assert index == NO_TERM
            continue
        known = [LETTERS[letter] for letter in (term, *more) if letter in LETTERS]
        # `__UNK__` is never negated.
        assert ids == ([i + len(LETTERS) * is_negated for i in known] or [LETTERS[UNK]])
        hashed = hash_string(term) >> 2 << 2 if term in LETTERS else 0
        assert int(cache.hashes[index]) == hashed | role


def test_lexemes_that_are_equal_to_the_model_share_an_index() -> None:
    cache = LexemeCache(Spelled(), LETTERS)
    alike = [
        ["ab", "axb", "abx"],
        ["ab1"],
        ["ba"],
        ["a"],
        ["xa", "ya"],
        ["x", "yz", "yx"],
        ["x1", "yz1"],
        ["", "1", "2"],
    ]
    texts = [text for group in alike for text in group]
    index_of = dict(zip(texts, _indices(cache, texts), strict=True))
    shared = [{index_of[text] for text in group} for group in alike]
    assert [len(indices) for indices in shared] == [1] * len(alike)
    assert len(set(index_of.values())) == cache.n_lexemes == len(alike)
    assert index_of[""] == NO_TERM


def test_special_terms_count_as_unknown() -> None:
    class Special(TokenPreprocessor):
        def lexeme(self, text: str) -> Lexeme:
            return Lexeme(text, PLAIN, SPECIAL_TERMS)

    cache = LexemeCache(Special(), LETTERS)
    assert _ids(cache, cache.indices_of_texts(["a", *SPECIAL_TERMS]).tolist()) == [
        [LETTERS["a"]],
        *[[LETTERS[UNK]]] * 3,
    ]


def test_indices_stay_the_same_as_the_cache_grows() -> None:
    preprocessor = SentimentTerms()
    texts = ["good", "not", " ", "@you", "bad", "unseen"]
    many = ["-".join(f"w{i}x") for i in range(6000)]
    cache = LexemeCache(preprocessor, build_vocabulary([["good", "bad", "opinion +", *many]]))

    def known() -> tuple[list[list[int]], list[list[int]], list[int]]:
        return _ids(cache, before), _ids(cache, before, is_negated=True), cache.hashes[before].tolist()

    before = _indices(cache, texts)
    known_before = known()
    indices = _indices(cache, many)
    assert len(cache) == len(texts) + 6000
    assert len(set(indices)) == 6000
    assert _indices(cache, texts) == cache.indices_of_texts(texts).tolist() == before
    assert known() == known_before
    assert _indices(cache, many) == cache.indices_of_texts(many).tolist() == indices
    assert len(cache) == len(texts) + 6000
    assert _ids(cache, indices) == [[cache.vocabulary[text]] for text in many]


def test_unknown_words_share_indices() -> None:
    cache = LexemeCache(SentimentTerms(), build_vocabulary([["good"]]))
    indices = _indices(cache, ["good", "bad", "worse", "never", ".", "@you"])
    # The known one, the one without a term, and the unknown ones by role and leaning.
    assert len(set(indices)) == 5
    assert indices[1] == indices[2]
    before = cache.n_lexemes
    _indices(cache, [f"{a}{b}0" for a in "bcdf" for b in "bcdf"])
    assert cache.n_lexemes == before + 1  # words without a leaning


def test_each_token_is_looked_at_once() -> None:
    calls = []

    class Counting(TokenPreprocessor):
        def lexeme(self, text: str) -> Lexeme:
            calls.append(text)
            return Lexeme(text)

    cache = LexemeCache(Counting(), build_vocabulary([]))
    for _ in range(2):
        _indices(cache, ["a", "b", "a"])
    assert calls == ["a", "b"]


def test_an_exception_of_the_preprocessor_leaves_the_cache_usable() -> None:
    class Failing(Spelled):
        def lexeme(self, text: str) -> Lexeme:
            if text == "?":
                raise ValueError(text)
            return super().lexeme(text)

    cache = LexemeCache(Failing(), LETTERS)
    indices = _indices(cache, ["a", "b"])
    with pytest.raises(ValueError, match=r"\?"):
        _indices(cache, ["c", "d", "?"])
    assert _ids(cache, _indices(cache, ["e", "d", "c"])) == [[LETTERS[letter]] for letter in "edc"]
    assert _indices(cache, ["a", "b"]) == indices


def test_threads_may_share_a_cache() -> None:
    words = [f"{a}{b}{c}" for a in "abcdex" for b in "abcdex" for c in "abcdex012"]
    cache = LexemeCache(Spelled(), LETTERS)

    def look_up(seed: int) -> None:
        order = np.random.default_rng(seed).permutation(len(words))
        for start in range(0, len(order), 10):
            texts = [words[i] for i in order[start : start + 10]]
            for text, ids in zip(texts, _ids(cache, _indices(cache, texts)), strict=True):
                known = [LETTERS[letter] for letter in text if letter in LETTERS]
                assert ids == (known or [LETTERS[UNK]])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(look_up, range(8)))
    assert len(cache) == len(words)


def test_hashes_of_one_slot_are_kept_apart() -> None:
    cache = LexemeCache(Spelled(), LETTERS)
    strings = {1 + (i << 40): term for i, term in enumerate(["a", "b", "c", ""])}
    indices = cache.indices(np.array([*strings, *strings], dtype=np.uint64), strings).tolist()
    assert _ids(cache, indices) == [[3], [4], [5], []] * 2


def test_a_full_cache_is_emptied_and_earlier_indices_stay_valid() -> None:
    cache = LexemeCache(Spelled(), LETTERS, max_tokens=5)
    first = _indices(cache, ["a", "bc", "x1"])
    expected = _ids(cache, first)
    for start in range(0, 60, 6):
        _indices(cache, [f"{'abcdex'[i % 6]}{'abcde' * i}" for i in range(start, start + 6)])
        assert len(cache) <= 6  # a batch is kept whole
        assert _ids(cache, first) == expected
    assert _indices(cache, ["a", "bc", "x1"]) == first


def test_forgetting_changes_no_score() -> None:
    model = find_component(load("en")).model
    preprocessor, vocabulary = model.attrs["preprocessor"], model.attrs["vocabulary"]
    docs = [Doc(VOCAB, f"I do not love word{i} :) but good food".split()) for i in range(60)]
    expected = scored(model, doc_tokens(model, docs)).probabilities
    cache = LexemeCache(preprocessor, vocabulary, max_tokens=5)
    matrix = LexemeMatrix(folded_classifier(model), cache)
    found = [matrix.log_probabilities(compose(cache, preprocessor.tokens([doc], cache))) for doc in docs]
    assert len(cache) <= 9
    np.testing.assert_allclose(np.exp(np.concatenate(found)), expected, atol=1e-6)


def test_pipelines_may_share_a_cache() -> None:
    cache = LexemeCache(SentimentTerms(), build_vocabulary([["good"]]))
    first, second = StringStore(["good"]), StringStore(["bad", "good"])
    orths = np.array([first["good"]], dtype=np.uint64)
    assert cache.indices(orths, first).tolist() == cache.indices(orths, second).tolist()
    assert _ids(cache, cache.indices(orths, first).tolist()) == [[3]]


def test_a_token_of_many_terms_takes_no_room_from_others() -> None:
    class Letters(Spelled):
        def side_by_side(self, texts: Sequence[str]) -> Lexemes:
            widths.append((len(texts), max(map(len, texts))))
            return super().side_by_side(texts)

    widths: list[tuple[int, int]] = []
    texts = ["abc", "de" * 5_000, "b", "cb" * 5_000, "a"]
    cache = LexemeCache(Letters(), LETTERS)
    indices = _indices(cache, texts)
    assert _ids(cache, indices) == [[LETTERS[letter] for letter in text] for text in texts]
    assert max(n_texts * width for n_texts, width in widths) <= 10_000

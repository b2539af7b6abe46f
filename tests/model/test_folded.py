import copy
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from spacy_trax_sentiment.model.architecture import Architecture
from spacy_trax_sentiment.model.folded import (
    Folded,
    LexemeMatrix,
    dense,
    fold,
    log_probabilities,
    log_softmax,
    relu,
)
from spacy_trax_sentiment.text.arrays import Ragged
from spacy_trax_sentiment.text.features import Features, compose, feature_ids
from spacy_trax_sentiment.text.lexeme_cache import LexemeCache
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms
from spacy_trax_sentiment.text.vocabulary import N_SPECIAL, build_vocabulary

FLOATS = arrays(np.float64, array_shapes(min_dims=2, max_dims=3, max_side=5), elements=st.floats(-1e3, 1e3))
N_TERMS = 30
ARCHITECTURES = [
    Architecture(N_TERMS, 2, embedding_dim=8, mean="plain"),
    Architecture(N_TERMS, 2, embedding_dim=8, mean="masked"),
    Architecture(N_TERMS, 3, embedding_dim=8, mean="masked", hidden_width=5),
    Architecture(N_TERMS, 2, embedding_dim=8, mean="masked", length_exponent=0.5),
    Architecture(N_TERMS, 3, embedding_dim=8, mean="masked", length_exponent=0.0, hidden_width=5),
]


def test_relu_gives_the_values_of_the_seed() -> None:
    assert relu(np.array([[-2, -1, 0], [0, 1, 2]])).tolist() == [[0, 0, 0], [0, 1, 2]]


def test_dense_gives_the_values_of_the_seed() -> None:
    W = np.array(
        [
            [-0.02837108, 0.09368162, -0.10050076, 0.14165013, 0.10543301]
            + [0.09108126, -0.04265672, 0.0986188, -0.05575325, 0.00153249],
            [-0.20785688, 0.0554837, 0.09142365, 0.05744595, 0.07227863]
            + [0.01210617, -0.03237354, 0.16234995, 0.02450038, -0.13809784],
            [-0.06111237, 0.01403724, 0.08410042, -0.1094358, -0.10775021]
            + [-0.11396459, -0.05933381, -0.01557652, -0.03832145, -0.11144515],
        ]
    )
    expected = [-3.0395496, 0.9266802, 2.5414743, -2.050473, -1.9769388]
    expected += [-2.582209, -1.7952735, 0.94427425, -0.8980402, -3.7497487]
    np.testing.assert_allclose(dense(np.array([[2, 7, 25]]), W), [expected], rtol=1e-6)


@given(FLOATS)
def test_log_softmax_normalizes_and_ignores_a_constant_added_to_all(x: np.ndarray) -> None:
    y = log_softmax(x)
    np.testing.assert_allclose(np.exp(y).sum(axis=-1), 1)
    np.testing.assert_allclose(log_softmax(x + 1e4), y, atol=1e-6)


def test_log_softmax_does_not_overflow() -> None:
    np.testing.assert_array_equal(log_softmax(np.array([[1e4, 0.0], [-1e4, -1e4]])), [[0, -1e4], [-np.log(2)] * 2])


def test_dense_adds_nothing_by_default() -> None:
    x, W = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])
    assert dense(x, W).tolist() == [[11.0]]
    assert dense(x, W, np.array([0.5])).tolist() == [[11.5]]


def test_folding_multiplies_every_row_in_float64() -> None:
    rng = np.random.default_rng(0)
    E = rng.normal(size=(3 * 8192 + 5, 7)).astype(np.float32)
    W, b = rng.normal(size=(7, 2)).astype(np.float32), np.array([0.25, -0.5])
    folded = fold({"E": E, "W": W, "b": b}, label_prior=[0.25, 0.75])
    expected = E.astype(np.float64) @ W
    assert folded.matrix.dtype == np.float32
    np.testing.assert_array_equal(folded.matrix[3:, :2], expected.astype(np.float32)[3:])
    assert (folded.matrix[3:, 2] == 1).all()
    assert not folded.matrix[:3].any()
    assert folded.bias is b
    assert folded.output is None
    assert folded.length_exponent == 1
    np.testing.assert_allclose(np.exp(folded.log_prior), [0.25, 0.75])
    plain = fold({"E": E, "W": W, "b": b}, "plain")
    np.testing.assert_array_equal(plain.matrix[:, :2], expected.astype(np.float32))
    assert (plain.matrix[:, 2] == 1).all()
    assert plain.log_prior is None


def test_a_hidden_layer_is_kept_after_the_folded_matrix() -> None:
    weights = {"E": np.eye(4), "W_hidden": np.ones((4, 3)), "b_hidden": np.arange(3.0), "W": np.ones((3, 2))}
    weights["b"] = np.array([1.0, 2.0])
    folded = fold(weights)
    assert folded.matrix.shape == (4, 4)
    assert folded.bias is weights["b_hidden"]
    assert folded.output is not None
    assert folded.output[0] is weights["W"]
    assert folded.output[1] is weights["b"]


@pytest.fixture(scope="module", params=ARCHITECTURES, ids=lambda a: f"{a.mean}-{a.hidden_width}-{a.length_exponent}")
def trax_and_weights(request: pytest.FixtureRequest, require_trax: None) -> tuple[Any, Any]:
    from spacy_trax_sentiment.model.trax_backend import jax
    from spacy_trax_sentiment.model.trax_layers import build_layer

    architecture: Architecture = request.param
    layer = build_layer(architecture)
    layer.init(np.zeros((1, 8), dtype=np.int32), rng=jax.random.PRNGKey(0))
    leaves = jax.tree_util.tree_leaves(layer.weights)
    # Initial weights are small, which would hide errors; trained ones are not.
    rng = np.random.default_rng(0)
    weights = {
        name: rng.normal(size=leaf.shape).astype(np.float32)
        for name, leaf in zip(architecture.weight_names, leaves, strict=True)
    }
    layer.weights = jax.tree_util.tree_unflatten(
        jax.tree_util.tree_structure(layer.weights), [weights[name] for name in architecture.weight_names]
    )
    return layer, fold(weights, architecture.mean, length_exponent=architecture.length_exponent)


# Some ids lie below or above the matrix: Trax clips them.
BATCHES = st.sampled_from([(1, 8), (3, 8), (4, 16)]).flatmap(
    lambda shape: arrays(np.int32, shape, elements=st.integers(-2, N_TERMS + 2) | st.just(0))
)


@settings(max_examples=50)
@given(ids=BATCHES)
def test_scores_equal_trax_on_the_same_padded_ids(trax_and_weights: tuple[Any, Any], ids: np.ndarray) -> None:
    layer, folded = trax_and_weights
    np.testing.assert_allclose(log_probabilities(folded, Ragged.of(ids)), np.asarray(layer(ids)), rtol=1e-5, atol=1e-5)


TEXTS = st.lists(st.lists(st.integers(0, N_TERMS - 1), max_size=40), min_size=1, max_size=8)


def _score(folded: Folded, texts: list[list[int]]) -> np.ndarray:
    return log_probabilities(folded, Ragged.of(texts))


@given(texts=TEXTS, data=st.data())
def test_a_text_scores_the_same_alone_in_a_batch_and_in_any_order(
    trax_and_weights: tuple[Any, Any], texts: list[list[int]], data: st.DataObject
) -> None:
    _, folded = trax_and_weights
    together = _score(folded, texts)
    alone = np.concatenate([_score(folded, [text]) for text in texts])
    order = data.draw(st.permutations(range(len(texts))))
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(_score(folded, [texts[i] for i in order]), together[order], atol=1e-6)


def test_a_text_without_known_terms_scores_like_an_empty_one() -> None:
    weights = {"E": np.ones((5, 2)), "W": np.ones((2, 2)), "b": np.array([0.5, -0.5])}
    folded = fold(weights, "masked")
    scores = _score(folded, [[], [0, 1, 2], [3]])
    np.testing.assert_array_equal(scores[0], scores[1])
    np.testing.assert_allclose(scores[0], log_softmax(np.array([0.5, -0.5])))


@pytest.mark.parametrize("hidden_width", [0, 5])
@pytest.mark.parametrize("exponent", [0.0, 0.65, 1.0])
@pytest.mark.parametrize("mean", ["masked", "plain"])
def test_scores_equal_those_of_the_layers_before_folding(hidden_width: int, exponent: float, mean: str) -> None:
    rng = np.random.default_rng(1)
    shapes = {"E": (N_TERMS, 8), "W": (hidden_width or 8, 3), "b": (3,)}
    if hidden_width:
        shapes |= {"W_hidden": (8, hidden_width), "b_hidden": (hidden_width,)}
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    prior = np.array([0.2, 0.3, 0.5])
    texts = [[], [0, 1, 2], [3], *(rng.integers(0, N_TERMS, n).tolist() for n in (1, 2, 9, 400))]
    expected = []
    for text in texts:
        counted = [i for i in text if i >= N_SPECIAL or mean == "plain"]
        x = weights["E"][counted].astype(np.float64).sum(axis=0) / max(len(counted), 1) ** exponent
        if hidden_width:
            x = np.maximum(x @ weights["W_hidden"] + weights["b_hidden"], 0)
        odds = np.exp(x @ weights["W"] + weights["b"])
        expected.append(odds / odds.sum() if counted else prior)
    scores = _score(fold(weights, mean, prior, exponent), texts)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(np.exp(scores), expected, rtol=1e-4, atol=1e-6)


def test_ids_outside_the_matrix_are_clipped_to_it() -> None:
    rng = np.random.default_rng(0)
    folded = fold({"E": rng.normal(size=(6, 2)), "W": np.eye(2), "b": np.zeros(2)}, "plain")
    np.testing.assert_array_equal(_score(folded, [[-7], [99, 3]]), _score(folded, [[0], [5, 3]]))


def test_long_texts_are_summed_in_float64() -> None:
    folded = fold({"E": np.full((4, 1), 0.1), "W": np.array([[1.0, 0.0]]), "b": np.zeros(2)}, length_exponent=0.0)
    scores = _score(folded, [[3] * 1_000_000])
    assert scores[0, 0] - scores[0, 1] == pytest.approx(1_000_000 * float(np.float32(0.1)), rel=1e-12)


def test_no_texts_give_no_scores() -> None:
    folded = fold({"E": np.ones((5, 2)), "W": np.ones((2, 3)), "b": np.zeros(3)})
    assert _score(folded, []).shape == (0, 3)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_a_sum_is_divided_by_a_power_of_the_number_of_known_terms(exponent: float) -> None:
    weights = {"E": np.ones((5, 1)), "W": np.array([[1.0, 0.0]]), "b": np.zeros(2)}
    scores = _score(fold(weights, "masked", length_exponent=exponent), [[3], [3, 4, 2, 0] * 8, []])
    margins = scores[:, 0] - scores[:, 1]
    np.testing.assert_allclose(margins, [1, 16 ** (1 - exponent), 0], atol=1e-12)


VOCABULARY = build_vocabulary([["not", "good", "form good", "opinion +", "bad", "form films", "0", "people he"]])
TERMS = SentimentTerms()
TOKENS = ["not", "good", "great", "bad", "badly", "films", "7", "he", ".", "unseen", " ", "@you"]
TOKEN_TEXTS = st.lists(st.lists(st.sampled_from(TOKENS), max_size=30), min_size=1, max_size=8)


def _cache(scope: int = 5, buckets: int = 16, distance: int = 2) -> LexemeCache:
    terms = copy.copy(TERMS)
    terms.negation_scope, terms.bigram_buckets, terms.bigram_distance = scope, buckets, distance
    return LexemeCache(terms, VOCABULARY)


def _folded(cache: LexemeCache, hidden_width: int = 0, **settings: Any) -> Folded:
    rng = np.random.default_rng(0)
    shapes = {
        "E": (cache.preprocessor.first_side(len(VOCABULARY)) + 4 * cache.preprocessor.n_leanings, 4),
        "W": (hidden_width or 4, 3),
        "b": (3,),
    }
    if hidden_width:
        shapes |= {"W_hidden": (4, hidden_width), "b_hidden": (hidden_width,)}
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return fold(weights, label_prior=[0.5, 0.3, 0.2], **settings)


def _features(cache: LexemeCache, texts: list[list[str]]) -> Features:
    tokens = cache.indices_of_texts([token for text in texts for token in text])
    return compose(cache, Ragged(tokens, np.array(list(map(len, texts)), dtype=np.int64)))


@settings(max_examples=40)
@given(
    texts=TOKEN_TEXTS,
    more=TOKEN_TEXTS,
    scope=st.sampled_from([0, 2]),
    buckets=st.sampled_from([0, 16]),
    distance=st.integers(1, 3),
    hidden_width=st.sampled_from([0, 5]),
    mean_and_exponent=st.sampled_from([("masked", 0.0), ("masked", 0.5), ("masked", 1.0), ("plain", 1.0)]),
)
def test_features_score_the_same_as_their_ids(
    texts: list[list[str]],
    more: list[list[str]],
    scope: int,
    buckets: int,
    distance: int,
    hidden_width: int,
    mean_and_exponent: tuple[str, float],
) -> None:
    cache = _cache(scope, buckets, distance)
    mean, exponent = mean_and_exponent
    folded = _folded(cache, hidden_width, mean=mean, length_exponent=exponent)
    matrix = LexemeMatrix(folded, cache)
    for batch in (texts, more, texts):  # the cache grows in between
        features = _features(cache, batch)
        scores = matrix.log_probabilities(features)
        assert scores.shape == (len(batch), 3)
        assert scores.dtype == np.float64
        np.testing.assert_allclose(scores, log_probabilities(folded, feature_ids(cache, features)), atol=1e-4)
        alone = [matrix.log_probabilities(_features(cache, [text])) for text in batch]
        np.testing.assert_allclose(scores, np.concatenate(alone), rtol=1e-12, atol=1e-12)


def test_features_without_a_known_term_have_the_prior() -> None:
    cache = _cache()
    matrix = LexemeMatrix(_folded(cache), cache)
    scores = matrix.log_probabilities(_features(cache, [[], ["unseen"], ["@you", "."], ["good"]]))
    np.testing.assert_allclose(np.exp(scores[:3]), [[0.5, 0.3, 0.2]] * 3)
    assert np.abs(np.exp(scores[3]) - [0.5, 0.3, 0.2]).max() > 1e-3
    assert matrix.log_probabilities(_features(cache, [])).shape == (0, 3)


@pytest.mark.parametrize("mean", ["masked", "plain"])
@pytest.mark.parametrize(
    "texts",
    [[["good"], *[["unseen"]] * 20, ["good", "bad", "films"]], [["good", "bad", "films"] * 5] * 4],
    ids=["few pairs", "many pairs"],
)
def test_ids_from_context_are_added(texts: list[list[str]], mean: str) -> None:
    cache = _cache(scope=2, buckets=16, distance=1)
    folded, features = _folded(cache, mean=mean), _features(cache, texts)
    expected = log_probabilities(folded, feature_ids(cache, features))
    scores = LexemeMatrix(folded, cache).log_probabilities(features)
    np.testing.assert_allclose(scores, expected, rtol=1e-6, atol=1e-6)


def _cache_of_words(n_words: int) -> tuple[LexemeCache, Folded, list[str]]:
    """Return an empty cache for a vocabulary of that many words, a classifier folded for it, and the words."""
    words = ["-".join(f"w{i}x") for i in range(n_words)]
    terms = copy.copy(TERMS)
    terms.bigram_buckets = 0
    cache = LexemeCache(terms, build_vocabulary([words]))
    rng = np.random.default_rng(0)
    E = rng.normal(size=(terms.n_ids(len(cache.vocabulary)), 2)).astype(np.float32)
    return cache, fold({"E": E, "W": np.eye(2, dtype=np.float32), "b": np.zeros(2)}), words


def test_the_matrix_of_lexemes_grows_with_the_cache() -> None:
    cache, folded, words = _cache_of_words(5000)
    matrix = LexemeMatrix(folded, cache)
    n = len(cache.vocabulary)
    for end in (1, 2, 1000, 1001, 3000, 5000, 5000):
        features = _features(cache, [words[:end]])
        ids = np.array([cache.vocabulary[word] for word in words[:end]])
        for negated in (False, True):
            rows = matrix.rows(features._replace(is_negated=np.full(end, negated)))
            np.testing.assert_array_equal(rows, folded.matrix[ids + n * negated])
            assert rows.dtype == np.float32
    rows[:] = 0  # the caller may change what it got
    np.testing.assert_array_equal(matrix.rows(features), folded.matrix[ids])


def test_threads_may_share_a_matrix_of_lexemes() -> None:
    cache, folded, words = _cache_of_words(3000)
    matrix = LexemeMatrix(folded, cache)

    def score(seed: int) -> bool:
        order = np.random.default_rng(seed).permutation(len(words))
        same = True
        for start in range(0, len(order), 100):
            features = _features(cache, [[words[i], "not", words[i - 1]] for i in order[start : start + 100]])
            expected = log_probabilities(folded, feature_ids(cache, features))
            same &= bool(np.allclose(matrix.log_probabilities(features), expected, atol=1e-6))
        return same

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(score, range(8)))

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from spacy_trax_sentiment.model import Architecture, build_layer, fold, log_probabilities
from spacy_trax_sentiment.model.scoring import dense, log_softmax, relu
from spacy_trax_sentiment.model.trax_backend import jax

FLOATS = arrays(np.float64, array_shapes(min_dims=2, max_dims=3, max_side=5), elements=st.floats(-1e3, 1e3))
N_TERMS = 30
ARCHITECTURES = [
    Architecture(N_TERMS, 2, embedding_dim=8, mean="plain"),
    Architecture(N_TERMS, 2, embedding_dim=8, mean="masked"),
    Architecture(N_TERMS, 3, embedding_dim=8, mean="masked", hidden_width=5),
]


def test_relu_is_the_seeds() -> None:
    assert relu(np.array([[-2, -1, 0], [0, 1, 2]])).tolist() == [[0, 0, 0], [0, 1, 2]]


def test_dense_is_the_seeds() -> None:
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
def test_log_softmax_normalizes_and_ignores_a_common_shift(x: np.ndarray) -> None:
    y = log_softmax(x)
    np.testing.assert_allclose(np.exp(y).sum(axis=-1), 1)
    np.testing.assert_allclose(log_softmax(x + 1e4), y, atol=1e-6)


def _weights_of(layer: Any, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    return dict(zip(names, map(np.asarray, jax.tree_util.tree_leaves(layer.weights)), strict=True))


@pytest.fixture(scope="module", params=ARCHITECTURES, ids=lambda a: f"{a.mean}-hidden-{a.hidden_width}")
def trax_and_weights(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    architecture: Architecture = request.param
    layer = build_layer(architecture)
    layer.init(np.zeros((1, 8), dtype=np.int32), rng=jax.random.PRNGKey(0))
    weights = _weights_of(layer, architecture.weight_names)
    # Initial weights are small, which would hide errors; trained ones are not.
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=value.shape).astype(np.float32) for name, value in weights.items()}
    layer.weights = jax.tree_util.tree_unflatten(
        jax.tree_util.tree_structure(layer.weights), [weights[name] for name in architecture.weight_names]
    )
    return layer, fold(weights, architecture.mean)


# Ids below and above the table too: Trax clips them.
BATCHES = st.sampled_from([(1, 8), (3, 8), (4, 16)]).flatmap(
    lambda shape: arrays(np.int32, shape, elements=st.integers(-2, N_TERMS + 2) | st.just(0))
)


@settings(max_examples=50)
@given(ids=BATCHES)
def test_scores_equal_trax_on_the_same_padded_ids(trax_and_weights: tuple[Any, Any], ids: np.ndarray) -> None:
    layer, folded = trax_and_weights
    lengths = np.full(len(ids), ids.shape[1])
    np.testing.assert_allclose(log_probabilities(folded, ids.ravel(), lengths), np.asarray(layer(ids)), atol=1e-5)


TEXTS = st.lists(st.lists(st.integers(0, N_TERMS - 1), max_size=40), min_size=1, max_size=8)


def _score(folded: Any, texts: list[list[int]]) -> np.ndarray:
    flat = np.array([i for text in texts for i in text], dtype=np.int64)
    return log_probabilities(folded, flat, np.array([len(text) for text in texts]))


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


def test_a_text_without_known_terms_scores_as_an_empty_one() -> None:
    weights = {"E": np.ones((5, 2)), "W": np.ones((2, 2)), "b": np.array([0.5, -0.5])}
    folded = fold(weights, "masked")
    scores = _score(folded, [[], [0, 1, 2], [3]])
    np.testing.assert_array_equal(scores[0], scores[1])
    np.testing.assert_allclose(scores[0], log_softmax(np.array([0.5, -0.5])))


def test_no_texts_give_no_scores() -> None:
    folded = fold({"E": np.ones((5, 2)), "W": np.ones((2, 3)), "b": np.zeros(3)})
    assert log_probabilities(folded, np.array([]), np.array([])).shape == (0, 3)

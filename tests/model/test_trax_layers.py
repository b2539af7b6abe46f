from typing import Any

import numpy as np
import pytest

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.model.architecture import Architecture
from spacy_trax_sentiment.model.trax_backend import jax
from spacy_trax_sentiment.model.trax_layers import build_layer, initialized_layer
from spacy_trax_sentiment.seed import classifier

pytestmark = pytest.mark.slow


def _initialized(layer: Any) -> Any:
    layer.init(np.zeros((1, 8), dtype=np.int32), rng=jax.random.PRNGKey(1))
    return layer


def test_the_plain_mean_counts_padding_and_the_masked_mean_does_not() -> None:
    short = np.array([[5, 6, 7, 0, 0, 0, 0, 0]])
    long = np.pad(short, ((0, 0), (0, 8)))
    plain = _initialized(classifier(10, 4))
    assert np.abs(np.asarray(plain(short)) - np.asarray(plain(long))).max() > 1e-3
    masked = _initialized(build_layer(Architecture(10, 2, 4)))
    np.testing.assert_allclose(masked(short), masked(long), atol=1e-6)


def test_an_unknown_mean_is_refused() -> None:
    with pytest.raises(SentimentError, match="S042.*'median'"):
        build_layer(Architecture(10, 2, mean="median"))


@pytest.mark.parametrize("exponent", [0.0, 0.5])
def test_a_masked_mean_may_divide_by_less_than_the_number_of_terms(exponent: float) -> None:
    layer = _initialized(build_layer(Architecture(10, 2, 4, length_exponent=exponent)))
    mean = _initialized(build_layer(Architecture(10, 2, 4)))
    leaves, tree = jax.tree_util.tree_flatten(layer.weights)
    once, often = np.array([[5, 6, 7, 0, 0, 0, 0, 0]]), np.array([[5, 6, 7] * 4 + [0] * 4])
    np.testing.assert_allclose(mean(once), mean(often), atol=1e-6)
    assert np.abs(np.asarray(layer(once)) - np.asarray(layer(often))).max() > 1e-3
    # The mean with an embedding scaled to match gives the same.
    mean.weights = jax.tree_util.tree_unflatten(tree, [leaves[0] * 12 ** (1 - exponent), *leaves[1:]])
    np.testing.assert_allclose(layer(often), mean(often), atol=1e-5)
    assert np.isfinite(np.asarray(layer(np.zeros((2, 8), dtype=np.int32)))).all()


def _weights(architecture: Architecture) -> dict[str, Any]:
    layer = initialized_layer(architecture, seed=3)
    return dict(zip(architecture.weight_names, jax.tree_util.tree_leaves(layer.weights), strict=True))


@pytest.mark.parametrize("hidden_width", [0, 5])
@pytest.mark.parametrize("scale", [0.0, 0.1])
def test_only_the_initial_embedding_is_scaled(hidden_width: int, scale: float) -> None:
    whole = _weights(Architecture(10, 2, 4, hidden_width))
    scaled = _weights(Architecture(10, 2, 4, hidden_width, embedding_scale=scale))
    assert whole["E"].any()
    np.testing.assert_allclose(scaled.pop("E"), whole.pop("E") * scale)
    assert {value.dtype for value in scaled.values()} == {value.dtype for value in whole.values()}
    for name, value in scaled.items():
        np.testing.assert_array_equal(value, whole[name])


def test_an_embedding_of_zeros_as_wide_as_the_labels_begins_with_the_identity() -> None:
    weights = _weights(Architecture(10, 3, 3, embedding_scale=0))
    assert not weights["E"].any()
    np.testing.assert_array_equal(weights["W"], np.eye(3))
    assert (_weights(Architecture(10, 3, 3, embedding_scale=0.1))["W"] != np.eye(3)).any()
    hidden = _weights(Architecture(10, 3, 3, hidden_width=3, embedding_scale=0))
    assert not any((hidden[name] == np.eye(3)).all() for name in ("W_hidden", "W"))

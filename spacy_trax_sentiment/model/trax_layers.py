"""Trax layers, from padded ids (n_texts, length) to log-probabilities (n_texts, n_labels)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import Errors, SentimentError
from ..text.vocabulary import N_SPECIAL, PAD_ID
from .architecture import Architecture, LayerArchitecture


def build_layer(architecture: Architecture | LayerArchitecture) -> Any:
    """Return a fresh Trax layer, int32 ids (n_texts, length) -> float32 log-probabilities (n_texts, n_labels)."""
    from .trax_backend import same_random_state

    with same_random_state():
        if isinstance(architecture, Architecture):
            return _additive_layer(architecture)
        return architecture.layer(architecture.n_terms, architecture.n_labels, architecture.dropout)


def initialized_layer(architecture: Architecture | LayerArchitecture, seed: int = 0) -> Any:
    """Return a fresh Trax layer whose weights Trax's own initializers draw from the seed.

    The additive classifier runs in Trax's NumPy backend, where XLA has nothing to compile: 0.2 s, not 1 s.
    """
    from .trax_backend import fastmath, jax, same_random_state, trax

    layer = build_layer(architecture)
    is_additive = isinstance(architecture, Architecture)
    backend = fastmath.Backend.NUMPY if is_additive else fastmath.Backend.JAX
    with same_random_state(), fastmath.use_backend(backend):
        np.random.seed(seed)
        rng = seed if is_additive else jax.random.PRNGKey(seed)
        layer.init(trax.shapes.ShapeDtype((1, 8), np.int32), rng=rng)
    layer.rng = jax.random.PRNGKey(seed)  # in place of the NumPy backend's
    if isinstance(architecture, Architecture) and architecture.embedding_scale != 1:
        put_leaves(layer, _scaled(jax.tree_util.tree_leaves(layer.weights), architecture))
    return layer


def with_dropout(layer: Any, architecture: Architecture | LayerArchitecture, rate: float, mode: str) -> Any:
    """Return a fresh layer with another's weights and dropout, which does nothing in the mode "eval"."""
    from .trax_backend import jax, tl

    dropping = initialized_layer(replace(architecture, dropout=rate))
    put_leaves(dropping, jax.tree_util.tree_leaves(layer.weights))
    parts = [dropping]
    for part in parts:  # which grows
        parts += part.sublayers
        if isinstance(part, tl.Dropout):
            part._mode = mode
    return dropping


def put_leaves(layer: Any, leaves: Sequence[Any]) -> None:
    """Set the weights of a layer to the leaves of their tree, in their order."""
    from .trax_backend import jax

    layer.weights = jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(layer.weights), leaves)


def dropped(rate: float) -> list[Any]:
    """Return the layers that drop such a proportion of values in training: one, or none."""
    from .trax_backend import tl

    return [tl.Dropout(rate=rate, mode="train")] if rate else []


def leaf_names(architecture: Architecture | LayerArchitecture, layer: Any) -> tuple[str, ...]:
    """Return the names of a layer's weights, in the order of the leaves of their tree.

    The leaves of a layer whose function does not name them are numbered, because their paths change with dropout.
    """
    if isinstance(architecture, Architecture):
        return architecture.weight_names
    names: tuple[str, ...] | None = getattr(architecture.layer, "weight_names", None)
    if names is not None:
        return names
    from .trax_backend import jax

    return tuple(f"weights_{i:03}" for i in range(len(jax.tree_util.tree_leaves(layer.weights))))


@dataclass(frozen=True)
class Convolution:
    """The worked example of a layer: embedding, convolution over neighbouring terms, ReLU, maximum over the text.

    After Kim (2014), "Convolutional Neural Networks for Sentence Classification". Padding reaches no score: it is
    embedded as zeros, like what lies beyond the longest text, and the maximum skips it.

    Registered as `spacy_trax_sentiment.Convolution.v1`.

    Attributes:
        embedding_dim: The columns of the embedding table.
        filters: The number of filters.
        kernel_size: The number of terms that a filter sees.
    """

    embedding_dim: int = 32
    filters: int = 64
    kernel_size: int = 3

    def __call__(self, n_terms: int, n_labels: int, dropout: float) -> Any:
        """Return the Trax layer: see `LayerFunction`."""
        from .trax_backend import fastmath, tl

        real = tl.Fn("Real", lambda ids: (ids != PAD_ID).astype(np.float32)[..., None])
        return tl.Serial(
            tl.Branch(tl.Embedding(n_terms, self.embedding_dim), real),
            tl.Fn("ZeroPadding", lambda x, real: (x * real, real), n_out=2),
            tl.Conv1d(self.filters, kernel_size=self.kernel_size, padding="SAME"),
            tl.Relu(),
            # Nothing is below zero after the ReLU.
            tl.Fn("MaskedMaximum", lambda x, real: fastmath.numpy.max(x * real, axis=1)),
            *dropped(dropout),
            tl.Dense(n_labels),
            tl.LogSoftmax(),
        )


def _additive_layer(a: Architecture) -> Any:
    from .trax_backend import tl

    layers = [tl.Embedding(a.n_terms, a.embedding_dim)]
    if a.mean == "masked":
        known_terms = tl.Fn("KnownTerms", lambda ids: ids >= N_SPECIAL)
        layers = [tl.Branch(*layers, known_terms), _masked_mean(a.length_exponent)]
    elif a.mean == "plain":
        layers.append(tl.Mean(axis=1))
    else:
        raise SentimentError(Errors.S042.format(value=a.mean))
    layers += dropped(a.dropout)
    if a.hidden_width:
        layers += [tl.Dense(a.hidden_width), tl.Relu()]
    return tl.Serial(*layers, tl.Dense(a.n_labels), tl.LogSoftmax())


def _masked_mean(length_exponent: float) -> Any:
    """Return a layer from embeddings (n_texts, length, width) to the mean over known terms, 0 if there are none."""
    from .trax_backend import fastmath, tl

    def masked_mean(embedded: Any, known: Any) -> Any:
        jnp = fastmath.numpy
        weights = known.astype(embedded.dtype)
        count = jnp.maximum(weights.sum(axis=1, keepdims=True), 1)
        return jnp.einsum("nlw,nl->nw", embedded, weights) / count**length_exponent

    return tl.Fn("MaskedMean", masked_mean)


def _scaled(leaves: list[Any], a: Architecture) -> list[Any]:
    leaves[0] = leaves[0] * np.float32(a.embedding_scale)
    if not a.embedding_scale and not a.hidden_width and a.embedding_dim == a.n_labels:
        leaves[1] = np.eye(a.n_labels, dtype=np.float32)
    return leaves

"""The Trax layers: padded ids (n_texts, length) to log-probabilities (n_texts, n_labels)."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..errors import Errors, SentimentError
from ..text.vocabulary import N_SPECIAL

MEANS = ("masked", "plain")


@dataclass(frozen=True)
class Architecture:
    """What decides a classifier's layers and the shapes of its weights.

    n_terms: Rows of the embedding table: the vocabulary's length.
    n_labels: Units of the output layer.
    embedding_dim: Columns of the embedding table.
    hidden_width: Units of the hidden layer after the mean; 0 means no hidden layer.
    mean: "masked": the mean over known terms, whatever the padding; "plain": the seed's, which counts all ids alike.
    dropout: The share of the mean's values to drop in training.
    length_exponent: Of the masked mean: the power of the number of known terms that their sum is divided by. 1 makes it
        a mean; less lets a text of more terms score more surely.
    embedding_scale: The initial embedding, times this. With 0 a row that no text of the training has stays 0; where the
        embedding is then as wide as the labels are many, the layer after the mean begins as the identity.
    """

    n_terms: int
    n_labels: int
    embedding_dim: int = 256
    hidden_width: int = 0
    mean: str = "masked"
    dropout: float = 0.0
    length_exponent: float = 1.0
    embedding_scale: float = 1.0

    def build(self) -> Any:
        """RETURNS: A fresh Trax layer."""
        return _build_layer(self)

    def names(self, layer: Any) -> tuple[str, ...]:
        """RETURNS: The names of such a layer's weights, in the order of the leaves of their tree."""
        return self.weight_names

    @property
    def weight_names(self) -> tuple[str, ...]:
        """The weights' names, in the order of the leaves of a Trax layer's weights."""
        return weight_names(self.hidden_width)


@runtime_checkable  # as confection asks before 1.0, which spaCy 3.8.12 and older bring
class LayerFunction(Protocol):
    """What makes any Trax layer. Equal ones, such as equal frozen dataclasses, share what JAX compiles."""

    def __call__(self, n_terms: int, n_labels: int, dropout: float) -> Any:
        """RETURNS: A fresh Trax layer, int32 ids (n_texts, length) -> log-probabilities (n_texts, n_labels).

        n_terms: The ids are below this; id 0 is padding. dropout: The share of values to drop in training; 0 when it
            predicts.
        """


@dataclass(frozen=True)
class LayerArchitecture:
    """As `Architecture`, of a layer that a function makes."""

    layer: LayerFunction
    n_terms: int
    n_labels: int
    dropout: float = 0.0

    def build(self) -> Any:
        """RETURNS: A fresh Trax layer."""
        return self.layer(self.n_terms, self.n_labels, self.dropout)

    def names(self, layer: Any) -> tuple[str, ...]:
        """RETURNS: The names of such a layer's weights: the leaves' numbers, as paths change where dropout comes in."""
        from .trax_backend import jax

        return tuple(f"weights_{i:03}" for i in range(len(jax.tree_util.tree_leaves(layer.weights))))


def weight_names(hidden_width: int) -> tuple[str, ...]:
    """RETURNS: The names: E (n_terms, embedding_dim); with a hidden layer W_hidden (embedding_dim, hidden_width) and
    b_hidden (hidden_width,); W (last width, n_labels); b (n_labels,). All are float32.
    """
    return ("E", "W_hidden", "b_hidden", "W", "b") if hidden_width else ("E", "W", "b")


def classifier(vocab_size: int, embedding_dim: int = 256, output_dim: int = 2, mode: str = "train") -> Any:
    """RETURNS: The seed's Trax layer, `Embedding -> Mean -> Dense -> LogSoftmax`; its mean counts padding too.

    mode: As in Trax; none of these layers depends on it.
    """
    return build_layer(Architecture(vocab_size, output_dim, embedding_dim, mean="plain"))


def build_layer(architecture: Architecture | LayerArchitecture) -> Any:
    """RETURNS: A fresh Trax layer, int32 ids (n_texts, length) -> float32 log-probabilities (n_texts, n_labels)."""
    from .trax_backend import same_random_state

    with same_random_state():
        return architecture.build()


def initialized_layer(architecture: Architecture | LayerArchitecture, seed: int = 0) -> Any:
    """RETURNS: A fresh Trax layer whose weights are drawn by Trax's own initializers, from the seed.

    Ours run in Trax's NumPy backend, where XLA has nothing to compile: a fifth of a second in place of one.
    """
    from .trax_backend import fastmath, jax, same_random_state, trax

    layer = build_layer(architecture)
    ours = isinstance(architecture, Architecture)
    with same_random_state(), fastmath.use_backend(fastmath.Backend.NUMPY if ours else fastmath.Backend.JAX):
        np.random.seed(seed)
        rng = seed if ours else jax.random.PRNGKey(seed)
        layer.init(trax.shapes.ShapeDtype((1, 8), np.int32), rng=rng)
    layer.rng = jax.random.PRNGKey(seed)  # in place of the NumPy backend's
    if isinstance(architecture, Architecture) and architecture.embedding_scale != 1:
        layer.weights = _scaled(layer.weights, architecture)
    return layer


def _scaled(weights: Any, a: Architecture) -> Any:
    from .trax_backend import jax

    leaves, tree = jax.tree_util.tree_flatten(weights)
    leaves[0] = leaves[0] * np.float32(a.embedding_scale)
    if not a.embedding_scale and not a.hidden_width and a.embedding_dim == a.n_labels:
        leaves[1] = np.eye(a.n_labels, dtype=np.float32)
    return jax.tree_util.tree_unflatten(tree, leaves)


def _build_layer(a: Architecture) -> Any:
    from .trax_backend import tl

    layers = [tl.Embedding(a.n_terms, a.embedding_dim)]
    if a.mean == "masked":
        layers = [tl.Branch(*layers, _known_terms()), _masked_mean(a.length_exponent)]
    elif a.mean == "plain":
        layers.append(tl.Mean(axis=1))
    else:
        raise SentimentError(Errors.S042.format(value=a.mean))
    if a.dropout:
        layers.append(tl.Dropout(rate=a.dropout, mode="train"))
    if a.hidden_width:
        layers += [tl.Dense(a.hidden_width), tl.Relu()]
    return tl.Serial(*layers, tl.Dense(a.n_labels), tl.LogSoftmax())


def _known_terms() -> Any:
    from .trax_backend import tl

    return tl.Fn("KnownTerms", lambda ids: ids >= N_SPECIAL)


def _masked_mean(length_exponent: float) -> Any:
    """The mean of the embeddings (n_texts, length, width) of known terms, in the sense of `Architecture`; zero where
    there are none.
    """
    from .trax_backend import fastmath, tl

    def masked_mean(embedded: Any, known: Any) -> Any:
        jnp = fastmath.numpy
        weights = known.astype(embedded.dtype)
        count = jnp.maximum(weights.sum(axis=1, keepdims=True), 1)
        return jnp.einsum("nlw,nl->nw", embedded, weights) / count**length_exponent

    return tl.Fn("MaskedMean", masked_mean)

"""The Trax layers: padded ids (n_texts, length) to log-probabilities (n_texts, n_labels)."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

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

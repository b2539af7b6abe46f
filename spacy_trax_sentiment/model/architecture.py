"""The settings that determine a model's layers and the shapes of its weights. They do not need Trax."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

MEANS = ("masked", "plain")


@dataclass(frozen=True)
class Architecture:
    """The additive classifier.

    Attributes:
        n_terms: The rows of the embedding table, one per id.
        n_labels: The units of the output layer.
        embedding_dim: The columns of the embedding table.
        hidden_width: The units of the hidden layer after the mean; 0 for none.
        mean: "masked" for the mean over known terms, whatever the padding; "plain" for the seed's, over all ids.
        dropout: The proportion of the mean's values to drop in training.
        length_exponent: The power of the number of known terms that a masked mean divides their sum by. 1 makes it a
            mean; with less, longer texts get more certain scores.
        embedding_scale: The factor for the initial embedding. With 0, terms that training never saw stay 0; and if the
            embedding is then as wide as there are labels, the layer after the mean begins as the identity.
    """

    n_terms: int
    n_labels: int
    embedding_dim: int = 256
    hidden_width: int = 0
    mean: str = "masked"
    dropout: float = 0.0
    length_exponent: float = 1.0
    embedding_scale: float = 1.0

    @property
    def weight_names(self) -> tuple[str, ...]:
        """The names of the weights, in the order of the leaves of the Trax layer's weights."""
        return weight_names(self.hidden_width)


@runtime_checkable  # confection before 1.0, which spaCy 3.8.12 and older bring, checks it by isinstance
class LayerFunction(Protocol):
    """Makes any Trax layer. Equal functions, such as equal frozen dataclasses, share what JAX compiles."""

    def __call__(self, n_terms: int, n_labels: int, dropout: float) -> Any:
        """Return a fresh Trax layer, int32 ids (n_texts, length) -> log-probabilities (n_texts, n_labels).

        Args:
            n_terms: The ids are below this; id 0 is padding.
            n_labels: The number of labels.
            dropout: The proportion of values to drop in training; 0 for prediction.
        """


@dataclass(frozen=True)
class LayerArchitecture:
    """Any Trax layer: the function that makes it, and that function's arguments."""

    layer: LayerFunction
    n_terms: int
    n_labels: int
    dropout: float = 0.0


def weight_names(hidden_width: int) -> tuple[str, ...]:
    """Return the names of the additive classifier's weights, all float32.

    They are E (n_terms, embedding_dim); with a hidden layer W_hidden (embedding_dim, hidden_width) and b_hidden
    (hidden_width,); W (last width, n_labels); b (n_labels,).
    """
    return ("E", "W_hidden", "b_hidden", "W", "b") if hidden_width else ("E", "W", "b")

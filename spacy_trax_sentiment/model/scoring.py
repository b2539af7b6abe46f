"""The folded scorer in NumPy: ids of texts of any lengths to log-probabilities (n_texts, n_labels), without Trax.

The mean of embeddings is linear, and so is the layer after it: mean(E[ids]) @ W = mean((E @ W)[ids]). A trained model
folds into one table, (n_terms, width), and a prediction is a look-up, a mean and a softmax.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..text.vocabulary import N_SPECIAL

Array = NDArray[Any]


def relu(x: Array) -> Array:
    """RETURNS: max(0, x), of the same shape."""
    return np.maximum(x, 0)


def dense(x: Array, W: Array, b: Array | float = 0.0) -> Array:
    """RETURNS: x @ W + b, shape (..., units), of x (..., width), W (width, units) and b (units,)."""
    return np.asarray(x @ W + b)


def log_softmax(x: Array) -> Array:
    """RETURNS: x - log(sum(exp(x))) over the last axis, of the same shape; no overflow however large x."""
    x = x - x.max(axis=-1, keepdims=True)
    return np.asarray(x - np.log(np.exp(x).sum(axis=-1, keepdims=True)))


@dataclass(frozen=True)
class Folded:
    """A classifier folded for serving.

    table: float32 (n_terms, width): each term's row, through the first layer after the mean.
    bias: (width,).
    output: With a hidden layer, W (width, n_labels) and b (n_labels,) of the layer after it; else None.
    first_counted: The lowest id that the mean counts.
    """

    table: Array
    bias: Array
    output: tuple[Array, Array] | None
    first_counted: int


def fold(weights: Mapping[str, Array], mean: str = "masked") -> Folded:
    """Fold a classifier's weights, named as `classifier.weight_names` names them."""
    table, bias, output = weights["W"], weights["b"], None
    if "W_hidden" in weights:
        table, bias, output = weights["W_hidden"], weights["b_hidden"], (weights["W"], weights["b"])
    folded = (weights["E"].astype(np.float64) @ table).astype(np.float32)
    return Folded(folded, bias, output, N_SPECIAL if mean == "masked" else 0)


def log_probabilities(folded: Folded, ids: Array, lengths: Array) -> Array:
    """Score texts, each on its own: no text's scores depend on its neighbours.

    folded: The classifier.
    ids: Integers, shape (sum of lengths,): the ids of all texts, one after the other. Ids outside the table are
        clipped to it, as Trax's Embedding does.
    lengths: Integers, shape (n_texts,).
    RETURNS: float64 (n_texts, n_labels). A text without a counted term gets the scores of the biases alone.
    """
    ids = np.asarray(ids, dtype=np.int64)
    lengths = np.asarray(lengths, dtype=np.int64)
    if folded.first_counted:
        counted = ids >= folded.first_counted
        lengths = _segment_sums(counted, lengths)
        ids = ids[counted]
    sums = _segment_sums(folded.table.take(ids, axis=0, mode="clip"), lengths, np.float64)
    x = sums / np.maximum(lengths, 1)[:, None] + folded.bias
    if folded.output is not None:
        x = dense(relu(x), *folded.output)
    return log_softmax(x)


def _segment_sums(values: Array, lengths: Array, dtype: Any = np.int64) -> Array:
    """RETURNS: Shape (n_segments, ...): the sums of consecutive segments of `values`; 0 for an empty one."""
    sums = np.zeros((len(lengths), *values.shape[1:]), dtype=dtype)
    filled = lengths > 0
    if filled.any():
        starts = (np.cumsum(lengths) - lengths)[filled]
        sums[filled] = np.add.reduceat(values, starts, axis=0, dtype=dtype)
    return sums

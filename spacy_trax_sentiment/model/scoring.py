"""The folded scorer in NumPy: ids of texts of any lengths to log-probabilities (n_texts, n_labels), without Trax.

The mean of embeddings is linear, and so is the layer after it: mean(E[ids]) @ W = mean((E @ W)[ids]). A trained model
folds into one table, (n_terms, width), and a prediction is a look-up, a mean and a softmax.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..text.arrays import segment_sums
from ..text.vocabulary import N_SPECIAL

Array = NDArray[Any]

_ROWS_AT_A_TIME = 1 << 13


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

    table: (n_terms, width + 1): each term's row, through the first layer after the mean; and 1 where the mean counts
        the term. The rows of terms that it does not count are 0. Without a hidden layer, its columns are contiguous.
    bias: (width,).
    output: With a hidden layer, W (width, n_labels) and b (n_labels,) of the layer after it; else None.
    log_prior: (n_labels,), what a text without a counted term scores; None: what the layers give.
    """

    table: Array
    bias: Array
    output: tuple[Array, Array] | None
    log_prior: Array | None


def fold(weights: Mapping[str, Array], mean: str = "masked", label_prior: Sequence[float] | None = None) -> Folded:
    """Fold a classifier's weights, named as `classifier.weight_names` names them.

    mean: "masked" or "plain". label_prior: The labels' probabilities in a text of which no term is known.
    """
    first, bias, output = weights["W"], weights["b"], None
    if "W_hidden" in weights:
        first, bias, output = weights["W_hidden"], weights["b_hidden"], (weights["W"], weights["b"])
    width = first.shape[1]
    table = np.ones((len(weights["E"]), width + 1), dtype=np.float32)
    for start in range(0, len(table), _ROWS_AT_A_TIME):
        rows = slice(start, start + _ROWS_AT_A_TIME)
        table[rows, :width] = weights["E"][rows].astype(np.float64) @ first
    if mean == "masked":
        table[:N_SPECIAL] = 0
    if output is None:
        table = np.asfortranarray(table)  # few columns are quicker read one by one
    return Folded(table, bias, output, None if label_prior is None else np.log(label_prior))


def log_probabilities(folded: Folded, ids: Array, lengths: Array) -> Array:
    """Score texts, each on its own: no text's scores depend on its neighbours.

    folded: The classifier.
    ids: Integers, shape (sum of lengths,) or (n_kinds, sum of lengths): the ids of all texts, one after the other. Ids
        outside the table are clipped to it, as Trax's Embedding does.
    lengths: Integers, shape (n_texts,).
    RETURNS: float64 (n_texts, n_labels).
    """
    kinds, lengths = np.atleast_2d(np.asarray(ids, dtype=np.int64)), np.asarray(lengths, dtype=np.int64)
    if folded.output is None:
        sums = np.stack([_sums(column, kinds, lengths) for column in folded.table.T], axis=-1)
    else:
        sums = _sums(folded.table, kinds, lengths)
    count = sums[:, -1:]
    x = sums[:, :-1] / np.maximum(count, 1) + folded.bias
    if folded.output is not None:
        x = dense(relu(x), *folded.output)
    scores = log_softmax(x)
    if folded.log_prior is not None:
        scores = np.where(count > 0, scores, folded.log_prior)
    return scores


def _sums(table: Array, kinds: Array, lengths: Array) -> Array:
    """RETURNS: float64 (n_texts, ...): the sums of the table's (n_terms, ...) entries for each text's ids."""
    values = table.take(kinds[0], axis=0, mode="clip")
    for ids in kinds[1:]:
        values += table.take(ids, axis=0, mode="clip")
    return segment_sums(values, lengths, np.float64)

"""Ids or tokens of texts to log-probabilities (n_texts, n_labels) in NumPy: the additive classifier, without Trax.

The mean of embeddings is linear, and so is the layer after it: mean(E[ids]) @ W = mean((E @ W)[ids]). So a trained
model folds into one matrix, (n_terms, width), and a prediction is a look-up, a sum and a softmax.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..text.arrays import Array, Ragged, segment_sums
from ..text.features import Features
from ..text.lexeme_cache import LexemeCache
from ..text.vocabulary import N_SPECIAL, PAD_ID

_ROWS_AT_A_TIME = 1 << 13


def relu(x: Array) -> Array:
    """Return max(0, x), of the same shape."""
    return np.maximum(x, 0)


def dense(x: Array, W: Array, b: Array | float = 0.0) -> Array:
    """Return x @ W + b, (..., units), for x (..., width), W (width, units) and b (units,)."""
    return np.asarray(x @ W + b)


def log_softmax(x: Array) -> Array:
    """Return x - log(sum(exp(x))) over the last axis, of the same shape; no x is too large."""
    x = x - x.max(axis=-1, keepdims=True)
    return np.asarray(x - np.log(np.exp(x).sum(axis=-1, keepdims=True)))


def centred(x: Array) -> Array:
    """Return x less its mean over the last axis, float64, of the same shape."""
    x = np.asarray(x, dtype=np.float64)
    return np.asarray(x - x.mean(axis=-1, keepdims=True))


@dataclass(frozen=True)
class Folded:
    """A classifier folded for serving.

    Attributes:
        matrix: float32 (n_terms, width + 1): each term's row through the first layer after the mean; in the last
            column 1 if the mean counts the term. The rows of terms it does not count are 0.
        bias: (width,).
        output: With a hidden layer, W (width, n_labels) and b (n_labels,) of the layer after it; else None.
        log_prior: (n_labels,): the log-probabilities of a text without a counted term; None for those the layers give.
        length_exponent: The power of the number of counted terms that their sum is divided by.
    """

    matrix: Array
    bias: Array
    output: tuple[Array, Array] | None
    log_prior: Array | None
    length_exponent: float = 1.0


def fold(
    weights: Mapping[str, Array],
    mean: str = "masked",
    label_prior: Sequence[float] | None = None,
    length_exponent: float = 1.0,
) -> Folded:
    """Fold a classifier's weights, given by the names of `architecture.weight_names`.

    `label_prior` are the probabilities (n_labels,) of a text without a known term; the rest is as in `Architecture`.
    """
    first, bias, output = weights["W"], weights["b"], None
    if "W_hidden" in weights:
        first, bias, output = weights["W_hidden"], weights["b_hidden"], (weights["W"], weights["b"])
    width = first.shape[1]
    matrix = np.ones((len(weights["E"]), width + 1), dtype=np.float32)
    for start in range(0, len(matrix), _ROWS_AT_A_TIME):
        some = slice(start, start + _ROWS_AT_A_TIME)
        matrix[some, :width] = weights["E"][some].astype(np.float64) @ first
    if mean == "masked":
        matrix[:N_SPECIAL] = 0
    return Folded(matrix, bias, output, None if label_prior is None else np.log(label_prior), length_exponent)


def log_probabilities(folded: Folded, ids: Ragged) -> Array:
    """Return the log-probabilities of texts, float64 (n_texts, n_labels), each scored on its own.

    Ids outside the matrix are clipped to it, as Trax's Embedding does.
    """
    rows = folded.matrix.take(np.asarray(ids.values, dtype=np.int64), axis=0, mode="clip")
    return scores_of_sums(folded, segment_sums(rows, ids.lengths, np.float64))


def scores_of_sums(folded: Folded, sums: Array) -> Array:
    """Return log-probabilities, float64 (n_texts, n_labels), from each text's sum of the matrix's rows (width + 1)."""
    width = len(folded.bias)
    count = sums[:, width:]
    x = sums[:, :width] / np.maximum(count, 1) ** folded.length_exponent + folded.bias
    if folded.output is not None:
        x = dense(relu(x), *folded.output)
    scores = log_softmax(x)
    if folded.log_prior is not None:
        scores = np.where(count > 0, scores, folded.log_prior)
    return scores


class LexemeMatrix:
    """The folded matrix summed over the ids of each lexeme in a cache. Threads may share one."""

    def __init__(self, folded: Folded, cache: LexemeCache) -> None:
        self.folded, self.cache = folded, cache
        # Padding stands for no context, and adds nothing even to a mean that counts it.
        self._context = folded.matrix
        if folded.matrix[PAD_ID].any():
            self._context = folded.matrix.copy()
            self._context[PAD_ID] = 0
        self._n_lexemes = 0
        self._sums = np.zeros((2, 0, folded.matrix.shape[1]), dtype=np.float32)
        self._lock = threading.Lock()

    def rows(self, features: Features) -> Array:
        """Return the row of each token by itself, without its context: float32 (n_tokens, width + 1), a new array."""
        sums = self._up_to_date()
        index = features.indices + features.is_negated * sums.shape[1]
        return np.asarray(sums.reshape(-1, sums.shape[-1]).take(index, axis=0))

    def log_probabilities(self, features: Features) -> Array:
        """Return float64 (n_texts, n_labels), equal to `log_probabilities` of the features' ids up to rounding."""
        rows = self.rows(features)
        for ids in features.context:
            rows += self._context.take(ids, axis=0)
        return scores_of_sums(self.folded, segment_sums(rows, features.lengths, np.float64))

    def _up_to_date(self) -> Array:
        """Return float32 (2, at least n_lexemes, width + 1): the sums over plain ids, and over negated ones."""
        if self.cache.n_lexemes <= self._n_lexemes:
            return self._sums
        with self._lock:
            n_lexemes, sums = self.cache.n_lexemes, self._sums
            new = np.arange(self._n_lexemes, n_lexemes)
            if n_lexemes > sums.shape[1]:
                # A new array, because another thread may be reading the old one.
                sums = np.zeros((2, max(1024, 2 * n_lexemes), sums.shape[2]), dtype=np.float32)
                sums[:, : self._n_lexemes] = self._sums[:, : self._n_lexemes]
            for negated in (0, 1) if self.cache.preprocessor.negation_scope else (0,):
                ids = self.cache.ids_of(new, np.full(len(new), bool(negated)))
                sums[negated, new] = segment_sums(self.folded.matrix.take(ids.values, axis=0), ids.lengths, np.float64)
            self._sums, self._n_lexemes = sums, n_lexemes
        return self._sums

"""The folded scorer in NumPy: ids of texts of any lengths to log-probabilities (n_texts, n_labels), without Trax.

The mean of embeddings is linear, and so is the layer after it: mean(E[ids]) @ W = mean((E @ W)[ids]). A trained model
folds into one table, (n_terms, width), and a prediction is a look-up, a mean and a softmax.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..text.arrays import segment_sums
from ..text.features import Composed
from ..text.lexeme_cache import LexemeCache
from ..text.token_preprocessor import TokenPreprocessor
from ..text.vocabulary import N_SPECIAL, PAD_ID

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

    rows: (n_terms, at least width + 1): each term's row, through the first layer after the mean; then 1 where the mean
        counts the term; and zeros. The rows of terms that it does not count are 0.
    bias: (width,).
    output: With a hidden layer, W (width, n_labels) and b (n_labels,) of the layer after it; else None.
    log_prior: (n_labels,), what a text without a counted term scores; None: what the layers give.
    length_exponent: The power of the number of counted terms that their sum is divided by.
    """

    rows: Array
    bias: Array
    output: tuple[Array, Array] | None
    log_prior: Array | None
    length_exponent: float = 1.0

    @property
    def table(self) -> Array:
        """(n_terms, width + 1): the rows without the zeros."""
        return self.rows[:, : len(self.bias) + 1]


def fold(
    weights: Mapping[str, Array],
    mean: str = "masked",
    label_prior: Sequence[float] | None = None,
    length_exponent: float = 1.0,
) -> Folded:
    """Fold a classifier's weights, named as `classifier.weight_names` names them.

    mean, length_exponent: As in `classifier.Architecture`. label_prior: The labels' probabilities in a text of which no
        term is known.
    """
    first, bias, output = weights["W"], weights["b"], None
    if "W_hidden" in weights:
        first, bias, output = weights["W_hidden"], weights["b_hidden"], (weights["W"], weights["b"])
    width = first.shape[1]
    rows = np.zeros((len(weights["E"]), _n_columns(width + 1)), dtype=np.float32)
    rows[:, width] = 1
    for start in range(0, len(rows), _ROWS_AT_A_TIME):
        some = slice(start, start + _ROWS_AT_A_TIME)
        rows[some, :width] = weights["E"][some].astype(np.float64) @ first
    if mean == "masked":
        rows[:N_SPECIAL] = 0
    return Folded(rows, bias, output, None if label_prior is None else np.log(label_prior), length_exponent)


def _n_columns(n: int) -> int:
    """RETURNS: At least n. NumPy moves rows of 16 or 32 bytes in less than half the time that others take."""
    return 4 if n <= 4 else max(n, 8)


def log_probabilities(folded: Folded, ids: Array, lengths: Array) -> Array:
    """Score texts, each on its own: no text's scores depend on its neighbours.

    folded: The classifier.
    ids: Integers, shape (sum of lengths,): the ids of all texts, one after the other. Ids outside the table are
        clipped to it, as Trax's Embedding does.
    lengths: Integers, shape (n_texts,).
    RETURNS: float64 (n_texts, n_labels).
    """
    ids, lengths = np.asarray(ids, dtype=np.int64), np.asarray(lengths, dtype=np.int64)
    return scores_of_sums(folded, segment_sums(folded.rows.take(ids, axis=0, mode="clip"), lengths, np.float64))


def composed_log_probabilities(rows: "RowTable", composed: Composed) -> Array:
    """As `log_probabilities`, of texts put together of the rows of a LexemeCache."""
    values, folded = rows.values(composed), rows.folded
    for ids in composed.context:
        real = np.flatnonzero(ids != PAD_ID)
        if len(real) < len(ids) // 4 or folded.rows[PAD_ID].any():  # few; or a plain mean, which counts padding
            values[real] += folded.rows.take(ids[real], axis=0)
        else:
            values += folded.rows.take(ids, axis=0)
    return scores_of_sums(folded, segment_sums(values, composed.lengths, np.float64))


def scores_of_sums(folded: Folded, sums: Array) -> Array:
    """RETURNS: float64 log-probabilities (n_texts, n_labels).

    sums: float64 (n_texts, at least width + 1): of the rows of each text's ids.
    """
    width = len(folded.bias)
    count = sums[:, width : width + 1]
    x = sums[:, :width] / np.maximum(count, 1) ** folded.length_exponent + folded.bias
    if folded.output is not None:
        x = dense(relu(x), *folded.output)
    scores = log_softmax(x)
    if folded.log_prior is not None:
        scores = np.where(count > 0, scores, folded.log_prior)
    return scores


class RowTable:
    """The rows of a LexemeCache, each as the sum of the folded rows of its ids. Threads may share one."""

    def __init__(self, folded: Folded, memory: LexemeCache) -> None:
        self.folded, self.memory = folded, memory
        self._n_rows = 0
        self._table = np.zeros((2, 0, folded.rows.shape[1]), dtype=np.float32)
        self._lock = threading.Lock()

    def get(self) -> Array:
        """RETURNS: float32 (2, at least n_rows, n_columns): of the plain ids and of the negated ones."""
        if self.memory.n_rows > self._n_rows:
            with self._lock:
                self._extend(self.memory.n_rows)
        return self._table

    def values(self, composed: Composed) -> Array:
        """RETURNS: float32 (n_tokens, n_columns), a new array: the row of each token by itself, without its context."""
        table: Array = self.get()
        index = composed.rows + composed.is_negated * table.shape[1]
        return np.asarray(table.reshape(-1, table.shape[-1]).take(index, axis=0))

    def _extend(self, n_rows: int) -> None:
        new = np.arange(self._n_rows, n_rows)
        table = self._table
        if n_rows > table.shape[1]:
            # A new array, as another thread may be reading the old one.
            table = np.zeros((2, max(1024, 2 * n_rows), table.shape[2]), dtype=np.float32)
            table[:, : self._n_rows] = self._table[:, : self._n_rows]
        for negated in (0, 1) if self.memory.preprocessor.negation_scope else (0,):
            ids, counts = self.memory.ids_of(new, np.full(len(new), bool(negated)))
            table[negated, new] = segment_sums(self.folded.rows.take(ids, axis=0), counts, np.float64)
        self._table, self._n_rows = table, n_rows


class LexemeCaches:
    """The lexeme memory of the model's vocabulary. Not saved, as below."""

    def __init__(self) -> None:
        self._kept: LexemeCache | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()  # a copy or another process remembers for itself

    def get(self, preprocessor: TokenPreprocessor, vocabulary: Mapping[str, int]) -> LexemeCache:
        """RETURNS: The memory of these, begun anew where the last was of others."""
        kept = self._kept
        if kept is None or kept.vocabulary is not vocabulary or kept.preprocessor is not preprocessor:
            self._kept = kept = LexemeCache(preprocessor, vocabulary)
        return kept


class FoldedCache:
    """The folded weights, kept until the weights change. Not saved: Thinc passes over what msgpack cannot write."""

    def __init__(self) -> None:
        self._kept: tuple[Mapping[str, Any], Mapping[str, Any], tuple[Any, ...], Folded] | None = None
        self._rows: RowTable | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()

    def get(
        self, weights: Mapping[str, Any], mean: str, label_prior: Sequence[float] | None, length_exponent: float
    ) -> Folded:
        """RETURNS: What `fold` makes of these."""
        kept, settings = self._kept, (mean, None if label_prior is None else tuple(label_prior), length_exponent)
        if kept is not None and kept[2] == settings and self._unchanged(weights, *kept[:2]):
            return kept[3]
        # Thinc's optimizers write into the arrays that they are given. Every step changes the small ones too, so
        # comparing the values of those tells whether the large table has changed.
        small = {name: value.copy() for name, value in weights.items() if name != "E"}
        folded = fold(weights, *settings)
        self._kept = (dict(weights), small, settings, folded)
        return folded

    def rows(self, folded: Folded, memory: LexemeCache) -> RowTable:
        """RETURNS: The rows of the memory, of what `get` has given."""
        rows = self._rows
        if rows is None or rows.folded is not folded or rows.memory is not memory:
            self._rows = rows = RowTable(folded, memory)
        return rows

    @staticmethod
    def _unchanged(weights: Mapping[str, Any], arrays: Mapping[str, Any], small: Mapping[str, Any]) -> bool:
        return all(weights[name] is array for name, array in arrays.items()) and all(
            np.array_equal(weights[name], value) for name, value in small.items()
        )

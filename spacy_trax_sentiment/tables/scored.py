"""Texts to the columns that are added to a table: the label, and each label's probability."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .rows import Added, TableBatch, Write

Score = Callable[[list[str]], NDArray[np.float32]]
"""Texts to float32 probabilities (n_texts, n_labels)."""


class Written(NamedTuple):
    """The number of rows written, of those without a text, and the first of these, counting from 1."""

    n_rows: int = 0
    n_without: int = 0
    first_without: int | None = None


def write_scored(batches: Iterable[TableBatch], write: Write, score: Score, labels: Sequence[str]) -> Written:
    """Write batches with their scores added; `score` returns probabilities (n_texts, n_labels)."""
    n_rows = n_without = 0
    first_without = None
    for batch in batches:
        write(batch, scored_columns(batch.texts, score, labels))
        if None in batch.texts:
            first_without = first_without or n_rows + batch.texts.index(None) + 1
            n_without += batch.texts.count(None)
        n_rows += len(batch.texts)
    return Written(n_rows, n_without, first_without)


def scored_columns(texts: Sequence[str | None], score: Score, labels: Sequence[str]) -> Added:
    """Return the columns to add to texts, without scores for a row whose text is None. See `write_scored`."""
    probabilities = score([text or "" for text in texts])
    probabilities[[i for i, text in enumerate(texts) if text is None]] = np.nan
    return sentiment_columns(labels, probabilities)


def sentiment_columns(labels: Sequence[str], probabilities: NDArray[np.float32]) -> Added:
    """Return the columns for probabilities float32 (n_texts, n_labels), NaN without a text.

    They are `sentiment`, the most probable label (the first if two are equal; None for NaN), and `sentiment_LABEL`.
    """
    sentiments: list[str | None] = [labels[i] for i in probabilities.argmax(axis=1).tolist()]
    for i in np.flatnonzero(np.isnan(probabilities[:, 0])).tolist():
        sentiments[i] = None
    columns: Added = {"sentiment": sentiments}
    return columns | {f"sentiment_{label}": probabilities[:, i] for i, label in enumerate(labels)}

"""Texts to the columns that are added to a table: the label, and each label's probability."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ..text.labels import Scored, chosen_labels
from .rows import Added, TableBatch, Write

Score = Callable[[list[str]], Scored]
"""Texts to their scores."""


class Written(NamedTuple):
    """The number of rows written, of those without a text, and the first of these, counting from 1."""

    n_rows: int = 0
    n_without: int = 0
    first_without: int | None = None


def write_scored(batches: Iterable[TableBatch], write: Write, score: Score, labels: Sequence[str]) -> Written:
    """Write batches with their scores added."""
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
    """Return the columns to add to texts: `sentiment` (see `chosen_labels`) and `sentiment_LABEL`.

    They hold nothing in a row whose text is None.
    """
    scored = score([text or "" for text in texts])
    chosen = chosen_labels(labels, scored)
    for i in (i for i, text in enumerate(texts) if text is None):
        chosen[i] = None
        scored.probabilities[i] = np.nan
    columns: Added = {"sentiment": chosen}
    return columns | {f"sentiment_{label}": scored.probabilities[:, i] for i, label in enumerate(labels)}

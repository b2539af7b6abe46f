"""TODO."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .rows import Added, TableBatch, Write

if TYPE_CHECKING:
    from ..bulk.text_scorer import TextScorer


class Written(NamedTuple):
    """n_rows: The rows written. n_without: Those of them without a text. first_without: The first one's number,
    counting from 1.
    """

    n_rows: int = 0
    n_without: int = 0
    first_without: int | None = None


def write_scored(batches: Iterable[TableBatch], write: Write, scorer: "TextScorer") -> Written:
    """Write batches with the columns added to them. RETURNS: What was written."""
    n_rows = n_without = 0
    first_without = None
    for batch in batches:
        write(batch, scored_columns(scorer, batch.texts))
        if None in batch.texts:
            if first_without is None:
                first_without = n_rows + batch.texts.index(None) + 1
            n_without += batch.texts.count(None)
        n_rows += len(batch.texts)
    return Written(n_rows, n_without, first_without)


def scored_columns(scorer: "TextScorer", texts: Sequence[str | None]) -> Added:
    """RETURNS: The columns to add to texts, without scores where there is no text."""
    probabilities = scorer([text or "" for text in texts])
    probabilities[[i for i, text in enumerate(texts) if text is None]] = np.nan
    return sentiment_columns(scorer.labels, probabilities)


def sentiment_columns(labels: Sequence[str], probabilities: NDArray[np.float32]) -> Added:
    """RETURNS: The columns to add to texts of these probabilities, (n_texts, n_labels): `sentiment`, the most probable
    label, of equals the first, None where there are none; and `sentiment_LABEL`, each one's probability.
    """
    sentiments: list[str | None] = [labels[i] for i in probabilities.argmax(axis=1).tolist()]
    for i in np.flatnonzero(np.isnan(probabilities[:, 0])).tolist():
        sentiments[i] = None
    columns: Added = {"sentiment": sentiments}
    return columns | {f"sentiment_{label}": probabilities[:, i] for i, label in enumerate(labels)}

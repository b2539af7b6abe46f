"""Texts to the columns that are added to a table: the label, and each label's probability."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ..errors import Errors, SentimentError
from ..text.labels import Scored, chosen_labels
from .rows import Added, TableBatch, Write, text_or_none

PREFIX = "sentiment"
"""The name of the column with the label, and the beginning of the others' names."""

Score = Callable[[list[str]], Scored]
"""Texts to their scores."""


class Written(NamedTuple):
    """The number of rows written, of those without a text, and the first of these, counting from 1."""

    n_rows: int = 0
    n_without: int = 0
    first_without: int | None = None


def write_scored(
    batches: Iterable[TableBatch],
    write: Write,
    score: Score,
    labels: Sequence[str],
    *,
    prefix: str = PREFIX,
    strict: bool = False,
    rows_before: Callable[[], int] = int,
) -> Written:
    """Write batches with their scores added, in columns named as by `column_names`.

    If `strict`, a row without a text raises SentimentError with its number, after the `rows_before` the first batch.
    """
    n_rows = n_without = 0
    first_without = None
    for batch in batches:
        if without := rows_without_text(batch.texts):
            first_without = first_without or n_rows + without[0] + 1
            n_without += len(without)
            if strict:
                raise SentimentError(Errors.S150.format(path=batch.source.name, row=rows_before() + first_without))
        write(batch, scored_columns(batch.texts, score, labels, prefix))
        n_rows += len(batch.texts)
    return Written(n_rows, n_without, first_without)


def rows_without_text(texts: Sequence[str | None]) -> list[int]:
    """Return the places of the rows without a text: None, or a cell that is empty or only white space."""
    return [i for i, text in enumerate(texts) if text_or_none(text) is None]


def column_names(labels: Sequence[str], prefix: str = PREFIX) -> list[str]:
    """Return the names of the columns to add: `PREFIX` and `PREFIX_LABEL`. An empty prefix raises SentimentError."""
    if not prefix:
        raise SentimentError(Errors.S021.format(name="prefix", value="empty", wanted="a name for the new columns"))
    return [prefix, *(f"{prefix}_{label}" for label in labels)]


def scored_columns(texts: Sequence[str | None], score: Score, labels: Sequence[str], prefix: str = PREFIX) -> Added:
    """Return the columns to add to texts: the label (see `chosen_labels`), and each label's probability.

    They hold nothing in a row without a text.
    """
    scored = score([text or "" for text in texts])
    chosen = chosen_labels(labels, scored)
    for i in rows_without_text(texts):
        chosen[i] = None
        scored.probabilities[i] = np.nan
    return dict(zip(column_names(labels, prefix), [chosen, *scored.probabilities.T], strict=True))

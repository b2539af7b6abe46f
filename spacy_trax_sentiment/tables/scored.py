"""Texts to the columns that are added to a table: the label, and each label's probability."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from ..errors import Errors, SentimentError
from ..text.labels import Scored, chosen_labels
from .lines import brief
from .rows import Added, TableBatch, Write, text_or_none
from .targets import Target, row_targets

PREFIX = "sentiment"
"""The name of the column with the label, and the beginning of the others' names."""

Score = Callable[..., Scored]
"""Texts to their scores; or texts and `spans`, of a target in each or None, to the scores of these."""


class Written(NamedTuple):
    """The number of rows written, of those without a text or their target in it, and the first of these, from 1."""

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
    target_column: str | None = None,
    more: Callable[[list[str | None]], Added] | None = None,
) -> Written:
    """Write batches with their scores added, in columns named as by `column_names`.

    With a `target_column`, they are the scores of each row's target (see `row_targets`). `more` returns columns to add
    after these. If `strict`, a row without a text, or without its target in it, raises SentimentError with its number,
    after the `rows_before` the first batch.
    """
    n_rows = n_without = 0
    first_without = None
    for batch in batches:
        targets = None if target_column is None else row_targets(batch, target_column)
        missing = {i for i, target in enumerate(targets or ()) if target.is_missing}
        if without := sorted({*rows_without_text(batch.texts), *missing}):
            first_without = first_without or n_rows + without[0] + 1
            n_without += len(without)
            if strict:
                raise _error(batch, without[0], rows_before() + first_without, targets)
        added = scored_columns(batch.texts, score, labels, prefix, targets)
        write(batch, added if more is None else added | more(batch.texts))
        n_rows += len(batch.texts)
    return Written(n_rows, n_without, first_without)


def _error(batch: TableBatch, i: int, row: int, targets: Sequence[Target] | None) -> SentimentError:
    """Return the error for a row that lacks a text or its target, the i-th of a batch."""
    if targets is None or text_or_none(batch.texts[i]) is None:
        return SentimentError(Errors.S150.format(path=batch.source.name, row=row))
    return SentimentError(Errors.S213.format(path=batch.source.name, row=row, target=brief(targets[i].cell)))


def rows_without_text(texts: Sequence[str | None]) -> list[int]:
    """Return the places of the rows without a text: None, or a cell that is empty or only white space."""
    return [i for i, text in enumerate(texts) if text_or_none(text) is None]


def column_names(labels: Sequence[str], prefix: str = PREFIX) -> list[str]:
    """Return the names of the columns to add: `PREFIX` and `PREFIX_LABEL`. An empty prefix raises SentimentError."""
    if not prefix:
        raise SentimentError(Errors.S021.format(name="prefix", value="empty", wanted="a name for the new columns"))
    return [prefix, *(f"{prefix}_{label}" for label in labels)]


def scored_columns(
    texts: Sequence[str | None],
    score: Score,
    labels: Sequence[str],
    prefix: str = PREFIX,
    targets: Sequence[Target] | None = None,
) -> Added:
    """Return the columns to add to texts: the label (see `chosen_labels`), and each label's probability.

    They hold nothing in a row without a text or, if there are targets, without its target.
    """
    if targets is not None:
        texts = [text if target.span else None for text, target in zip(texts, targets, strict=True)]
        score = partial(score, spans=[target.span for target in targets])
    scored = score([text or "" for text in texts])
    chosen = chosen_labels(labels, scored)
    for i in rows_without_text(texts):
        chosen[i] = None
        scored.probabilities[i] = np.nan
    return dict(zip(column_names(labels, prefix), [chosen, *scored.probabilities.T], strict=True))

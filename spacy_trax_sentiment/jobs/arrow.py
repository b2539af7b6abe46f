"""Arrow tables to the same tables with a label and probabilities: for Ray Data, Spark and Dask to map over batches."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..about import BUNDLED_MODEL
from ..bulk.text_scorer import TextScorer, scorer_for
from ..errors import Errors, SentimentError
from ..tables.parquet import arrow_batch, load_pyarrow, require_strings, with_columns
from ..tables.rows import column_index, require_free
from ..tables.scored import scored_columns
from ..tables.sources import Source, placed

_ROWS_AT_A_TIME = 1 << 13


def annotate(
    table: Any,
    column: str = "text",
    model: str | Path | TextScorer = BUNDLED_MODEL,
    *,
    labels: Sequence[str] | None = None,
) -> Any:
    """Score the texts of an Arrow table.

    Args:
        table: A pyarrow.Table or pyarrow.RecordBatch.
        column: The column that holds the texts.
        model: A pipeline directory, the name of a bundled model, or a scorer. Each process loads a model once.
        labels: The labels to keep, as in `load`; None for all.

    Returns:
        The table, of the same type, with the columns that `predict` adds after its own: `sentiment` (string) and for
        each label `sentiment_LABEL` (float32). All are null if the text is null, empty or only white space.

    Raises:
        SentimentError: The model cannot be loaded or lacks the labels, the column is missing or holds no strings, or
            the table has one of the columns to be added already.
        MissingExtraError: pyarrow is not installed.
    """
    source = Source("the table")
    pa = load_pyarrow(source.name)
    if isinstance(model, TextScorer) and labels is not None:
        raise SentimentError(Errors.S087.format(value="the scorer"))
    scorer = model if isinstance(model, TextScorer) else scorer_for(str(model), labels)
    if isinstance(table, pa.Table):
        batches = [annotate(each, column, scorer) for each in table.to_batches(_ROWS_AT_A_TIME)]
        empty = pa.RecordBatch.from_pylist([], schema=table.schema)
        return pa.Table.from_batches(batches or [annotate(empty, column, scorer)])
    with placed(source):
        index = column_index(table.schema.names, column)
        require_strings(pa, table.schema.field(index))
        texts = table.column(index).to_pylist()
        added = scored_columns(texts, scorer.score, scorer.labels)
        require_free(arrow_batch(table, texts, source), added)
    return with_columns(pa, table, added)


class Annotator:
    """`annotate` as an object that other processes can be sent.

    It travels as the model's name or path, so they must find the model there.

    Ray Data: `dataset.map_batches(Annotator, batch_format="pyarrow", concurrency=2)`.
    Spark: `frame.mapInArrow(Annotator().batches, schema)`. Dask: `frame.map_partitions(Annotator().frame)`.

    Args:
        model: A pipeline directory, or the name of a bundled model.
        column: The column that holds the texts.
        labels: The labels to keep, as in `load`; None for all.
    """

    def __init__(
        self, model: str | Path = BUNDLED_MODEL, column: str = "text", *, labels: Sequence[str] | None = None
    ) -> None:
        self.model, self.column, self.labels = model, column, labels

    def __call__(self, table: Any) -> Any:
        """Score the texts of an Arrow table, as `annotate` does."""
        return annotate(table, self.column, self.model, labels=self.labels)

    def batches(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Yield each Arrow batch with its scores."""
        return map(self, batches)

    def frame(self, frame: Any) -> Any:
        """Return a pandas DataFrame with the new columns after its own."""
        pa = load_pyarrow("a DataFrame")
        texts = [text if isinstance(text, str) else None for text in frame[self.column]]
        added = self(pa.table({self.column: pa.array(texts, pa.string())}))
        return frame.assign(**{name: added[name].to_pandas().to_numpy() for name in added.column_names[1:]})

"""Arrow tables to the same tables with a label and probabilities: what Ray Data, Spark and Dask map over batches."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..about import BUNDLED_MODEL
from ..bulk.text_scorer import TextScorer
from ..tables.parquet import load_pyarrow, require_strings, with_columns
from ..tables.rows import ArrowRows, column_index, require_free
from ..tables.scored import scored_columns

_ROWS_AT_A_TIME = 1 << 13


def annotate(batch: Any, scorer: TextScorer, column: str = "text") -> Any:
    """Score a batch.

    batch: A pyarrow.RecordBatch or pyarrow.Table.
    scorer: The scorer.
    column: The column that holds the texts.
    RETURNS: The same, of the same type, with the columns that `predict` adds after its own: `sentiment` (string), and
        for each label `sentiment_LABEL` (float32), all null where the text is null.

    Raises SentimentError where the column is missing, is not of strings, or one of those to be added is there already;
    MissingExtraError where pyarrow is not installed.
    """
    pa = load_pyarrow("an Arrow batch")
    if isinstance(batch, pa.Table):
        batches = [annotate(each, scorer, column) for each in batch.to_batches(_ROWS_AT_A_TIME)]
        empty = pa.RecordBatch.from_pylist([], schema=batch.schema)
        return pa.Table.from_batches(batches or [annotate(empty, scorer, column)])
    index = column_index("the batch", batch.schema.names, column)
    require_strings(pa, "the batch", batch.schema.field(index))
    texts = batch.column(index).to_pylist()
    added = scored_columns(scorer, texts)
    require_free(ArrowRows(texts, "the batch", None, batch), added)
    return with_columns(pa, batch, added)


class Annotator:
    """`annotate` with a model that each process loads once, when it is first needed.

    It travels to other processes as the model's name or path, so they must find it there.

    Ray Data: `dataset.map_batches(Annotator, batch_format="pyarrow", concurrency=2)`.
    Spark: `frame.mapInArrow(Annotator().batches, schema)`. Dask: `frame.map_partitions(Annotator().frame)`.
    """

    def __init__(self, model: str | Path = BUNDLED_MODEL, column: str = "text") -> None:
        """model: A pipeline directory, or the name of one that the package carries. column: That of the texts."""
        self.model, self.column = model, column
        self._scorer: TextScorer | None = None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_scorer": None}

    @property
    def scorer(self) -> TextScorer:
        """The scorer. Raises SentimentError where the model cannot be loaded."""
        if self._scorer is None:
            self._scorer = TextScorer.load(self.model)
        return self._scorer

    def __call__(self, batch: Any) -> Any:
        """As `annotate`."""
        return annotate(batch, self.scorer, self.column)

    def batches(self, batches: Iterable[Any]) -> Iterator[Any]:
        """YIELDS: Each batch, annotated."""
        return map(self, batches)

    def frame(self, frame: Any) -> Any:
        """RETURNS: A pandas DataFrame with the columns after its own."""
        pa = load_pyarrow("a DataFrame")
        texts = [text if isinstance(text, str) else None for text in frame[self.column]]
        added = annotate(pa.table({self.column: pa.array(texts, pa.string())}), self.scorer, self.column)
        return frame.assign(**{name: added[name].to_pandas().to_numpy() for name in added.column_names[1:]})

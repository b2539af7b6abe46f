"""Tables in memory, of pyarrow, pandas, polars and their like, to the same tables with a label and probabilities."""

from collections.abc import Iterable, Iterator, Sequence
from math import isnan
from pathlib import Path
from typing import Any

from ..about import BUNDLED_MODEL
from ..bulk.text_scorer import TextScorer, scorer_for
from ..errors import Errors, MissingExtraError, SentimentError, reason_of
from ..tables.lines import TableError
from ..tables.rows import column_index, require_free, text_or_none
from ..tables.scored import PREFIX, column_names, scored_columns
from ..tables.sources import Source, placed
from ..tables.targets import target_in

_ROWS_AT_A_TIME = 1 << 13


def annotate(
    table: Any,
    column: str = "text",
    model: str | Path | TextScorer = BUNDLED_MODEL,
    *,
    labels: Sequence[str] | None = None,
    prefix: str = PREFIX,
    target_column: str | None = None,
) -> Any:
    """Score the texts of a table, or what they say of a target in each.

    Args:
        table: A pyarrow.Table or pyarrow.RecordBatch, a DataFrame of pandas or polars, or any other that narwhals
            takes. It is left as it is.
        column: The column that holds the texts.
        model: A pipeline directory, the name of a bundled model, or a scorer. Each process loads a model once.
        labels: The labels to keep, as in `load`; None for all.
        prefix: The name of the new column with the label; those with probabilities are `PREFIX_LABEL`.
        target_column: The column that names each row's target: a part of its text, or its offsets, as "12:17" or a
            list. The scores are then of what the text says of it; a row whose target is not in its text has none.

    Returns:
        The table, of the same type, with its own columns and then those that `predict` adds: `sentiment` (string) and,
        for each label, `sentiment_LABEL` (float32). They are null in a row whose text is null, empty or blank. An index
        of pandas is kept.

    Raises:
        SentimentError: The model cannot be loaded, lacks the labels or cannot score targets; `table` is not a table, a
            column is missing, `column` holds no strings, or the table already has one of the columns to be added.
        MissingExtraError: narwhals is not installed.
    """
    try:
        import narwhals.stable.v2 as nw
    except ImportError as error:
        raise MissingExtraError(Errors.S170.format(reason=error)) from None
    if isinstance(model, TextScorer) and labels is not None:
        raise SentimentError(Errors.S087.format(value="the scorer"))
    pa = nw.dependencies.get_pyarrow()
    if pa is not None and isinstance(table, pa.RecordBatch):
        table = pa.Table.from_batches([table])
        found = annotate(table, column, model, labels=labels, prefix=prefix, target_column=target_column)
        return pa.RecordBatch.from_arrays([each.combine_chunks() for each in found.columns], schema=found.schema)
    with placed(Source("the table")):
        try:
            frame = nw.from_native(table, eager_only=True)
        except TypeError:
            raise SentimentError(Errors.S171.format(value=f"a {type(table).__name__}")) from None
        except nw.exceptions.DuplicateError as error:
            raise TableError(Errors.S067.format(reason=reason_of(error))) from None
        column_index(frame.columns, column, "column=")
        if target_column is not None:
            column_index(frame.columns, target_column, "target_column=")
        scorer = model if isinstance(model, TextScorer) else scorer_for(model, labels)
        require_free(frame.columns, column_names(scorer.labels, prefix), option="prefix=")
        columns = _scores(frame[column], scorer, prefix, None if target_column is None else frame[target_column])
    types = {name: nw.String if name == prefix else nw.Float32 for name in columns}
    new = (nw.new_series(name, columns[name], types[name], backend=frame.implementation) for name in columns)
    return frame.with_columns(*new).to_native()


def _scores(texts: Any, scorer: TextScorer, prefix: str, cells: Any) -> dict[str, list[Any]]:
    """Return the columns to add for a narwhals.Series of texts, or raise a TableError if it holds something else.

    The cells of another series name their targets; it may be None.
    """
    score = scorer.scored if cells is None else scorer.scored_targets
    columns: dict[str, list[Any]] = {name: [] for name in column_names(scorer.labels, prefix)}
    has_text = texts.null_count() == len(texts)
    for start in range(0, len(texts), _ROWS_AT_A_TIME):
        values = texts[start : start + _ROWS_AT_A_TIME].to_list()
        has_text = has_text or any(isinstance(value, str) for value in values)
        some, targets = [*map(text_or_none, values)], None
        if cells is not None:
            named = cells[start : start + _ROWS_AT_A_TIME].to_list()
            named = [each.tolist() if hasattr(each, "tolist") else each for each in named]  # of NumPy
            targets = [target_in(text or "", cell) for text, cell in zip(some, named, strict=True)]
        added = scored_columns(some, score, scorer.labels, prefix, targets)
        for name, new in added.items():
            values = new if isinstance(new, list) else [None if isnan(value) else value for value in new.tolist()]
            columns[name] += values
    if not has_text:
        raise TableError(Errors.S065.format(column=texts.name, value=f"of the type {texts.dtype}", option="column="))
    return columns


class Annotator:
    """`annotate` as an object that other processes can be sent.

    It travels as the model's name or path, so they must find the model there.

    Ray Data: `dataset.map_batches(Annotator, batch_format="pyarrow", concurrency=2)`.
    Spark: `frame.mapInArrow(Annotator().batches, schema)`. Dask: `frame.map_partitions(Annotator())`.

    Args:
        model: A pipeline directory, or the name of a bundled model.
        column: The column that holds the texts.
        labels: The labels to keep, as in `load`; None for all.
        prefix: The name of the new columns, as in `annotate`.
        target_column: The column that names each row's target, as in `annotate`.
    """

    def __init__(
        self,
        model: str | Path = BUNDLED_MODEL,
        column: str = "text",
        *,
        labels: Sequence[str] | None = None,
        prefix: str = PREFIX,
        target_column: str | None = None,
    ) -> None:
        self.model, self.column, self.labels, self.prefix = model, column, labels, prefix
        self.target_column = target_column

    def __call__(self, table: Any) -> Any:
        """Score the texts of a table, as `annotate` does."""
        named = {"labels": self.labels, "prefix": self.prefix, "target_column": self.target_column}
        return annotate(table, self.column, self.model, **named)  # type: ignore[arg-type]

    frame = __call__

    def batches(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Yield each Arrow batch with its scores."""
        return map(self, batches)

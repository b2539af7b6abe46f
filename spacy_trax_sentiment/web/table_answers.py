"""A CSV, TSV, JSON Lines or text file to the same with scores, or to the JSON of its texts' results."""

import io
from collections.abc import Iterator
from typing import Any, cast

from ..errors import SentimentError
from ..tables.lines import csv_rows, decoded_lines, delimited
from ..tables.readers import table_batches
from ..tables.rows import TableBatch
from ..tables.scored import rows_without_text, scored_columns
from ..tables.sources import Source, placed
from ..tables.writers import table_writer
from ..text.cleaning import without_surrogates
from .answers import BATCH_CHARS, Answering, answer_json, text_results
from .limits import Limits, RefusedError, check_lengths, too_large

NAME = "the table"
_BATCH_ROWS = 1000

# Short rows are padded, so that a table may grow, but not without bound.
_GROWTH = 10


def score_table(
    answering: Answering, body: bytes, read_as: str, text_column: str, prefix: str, answer_as: str, limits: Limits
) -> bytes:
    """Score the texts of a table, a file of the format `read_as`: csv, tsv, jsonl or txt.

    The answer, csv or jsonl, is the table with the columns that `trax-sentiment predict` adds, `prefix` and
    `prefix_LABEL`; as json, it is the texts with their results. A row without a text has none, null in JSON. In CSV, an
    apostrophe stands before a cell that a spreadsheet would take for a formula.
    """
    try:
        batches = _checked_batches(body, read_as, text_column, limits)
        if answer_as == "json":
            return answer_json(answering.labels, (_results(answering, batch) for batch in batches))
        return _as_table(answering, batches, answer_as, prefix, most_bytes=limits.body_bytes * _GROWTH)
    except SentimentError as error:
        # An option of the command line is a parameter here, or is missing.
        message = str(error).replace("--text-column", "text_column").replace("--prefix", "prefix")
        message, is_cut, _ = message.partition(", or give --encoding")
        raise RefusedError(422, "invalid_table", f"{message}." if is_cut else message) from None


def _checked_batches(body: bytes, format: str, text_column: str, limits: Limits) -> Iterator[TableBatch]:
    if format in ("csv", "tsv"):
        _check_columns(_n_columns(body, format, text_column), limits.columns)
    n_rows = 0
    sizes = {"batch_size": _BATCH_ROWS, "batch_chars": BATCH_CHARS}
    for batch in table_batches(io.BytesIO(body), NAME, format, text_column=text_column, **sizes):
        n_rows += len(batch.texts)
        _check_columns(len(batch.columns), limits.columns)
        if n_rows > limits.rows:
            raise too_large(f"The table has more than {limits.rows:,} rows. Send it in parts.")
        check_lengths(_strings(batch), limits, n_rows - len(batch.texts))
        yield batch


def _strings(batch: TableBatch) -> list[str]:
    return cast(list[str], batch.texts)  # a row without a text is an error here


def _n_columns(body: bytes, format: str, text_column: str) -> int:
    """Return the length of the header, which short rows are padded to: it is checked before any of them is read."""
    with placed(Source(NAME)):
        lines = delimited(decoded_lines(io.BytesIO(body)), format, text_column)
        return next((len(row) for _, row in csv_rows(*lines) if row), 0)


def _check_columns(n_columns: int, most: int) -> None:
    if n_columns > most:
        raise too_large(f"The table has {n_columns:,} columns, more than {most:,}. Leave some out.")


def _results(answering: Answering, batch: TableBatch) -> list[dict[str, Any]]:
    texts = _strings(batch)
    found = text_results(answering.labels, answering.scored(texts))
    for i in rows_without_text(texts):
        found[i] = dict.fromkeys(found[i]) | {"probabilities": dict.fromkeys(answering.labels)}
    return [{"text": without_surrogates(text), **result} for text, result in zip(texts, found, strict=True)]


def _as_table(answering: Answering, batches: Iterator[TableBatch], format: str, prefix: str, most_bytes: int) -> bytes:
    file = io.BytesIO()
    with table_writer(file, NAME, format) as write:
        for batch in batches:
            write(batch, scored_columns(_strings(batch), answering.scored, answering.labels, prefix))
            if file.tell() > most_bytes:
                raise too_large(f"The scored table is longer than {most_bytes:,} bytes.")
    return file.getvalue()

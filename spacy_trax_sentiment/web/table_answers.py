"""The answers of `POST /v1/table`: a CSV, TSV, JSON Lines or text file to the same with scores, or to JSON to show."""

import csv
import io
from collections.abc import Iterator
from itertools import chain
from typing import cast

from ..errors import SentimentError
from ..tables.lines import decoded_lines
from ..tables.readers import table_batches
from ..tables.rows import TableBatch
from ..tables.sources import Source, placed
from ..tables.writers import table_writer
from .answers import BATCH_SIZE, Answering, check_lengths
from .limits import Limits, RefusedError

NAME = "the table"

FORMAT_OF_TYPE = {
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/jsonl": "jsonl",
    "application/x-ndjson": "jsonl",
    "application/x-jsonlines": "jsonl",
    "text/plain": "txt",
}
"""What is read as what, by content type; of text/plain, each line is a text."""

TYPE_OF_FORMAT = {"json": "application/json", "csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
"""What can be answered."""

# Rows that end early are filled up, so that a table may grow; but not without bound.
_GROWTH = 10


def score_table(
    answering: Answering, body: bytes, read_as: str, text_column: str, answer_as: str, limits: Limits
) -> bytes:
    """Score the texts of a table.

    read_as: csv, tsv, jsonl or txt.
    answer_as: csv or jsonl, for the table with the columns that `trax-sentiment predict` adds, cells of a CSV that a
        spreadsheet would take for a formula after an apostrophe; or json, for the texts' results.

    Raises RefusedError where the table cannot be used.
    """
    try:
        batches = _checked_batches(body, read_as, text_column, limits)
        if answer_as == "json":
            results = chain.from_iterable(answering.text_results(_strings(batch)) for batch in batches)
            return f'{{"labels":{answering.labels_json},"results":[{",".join(results)}]}}'.encode()
        return _written(answering, batches, answer_as, most_bytes=limits.body_bytes * _GROWTH)
    except SentimentError as error:
        # The command line's option is a parameter here.
        raise RefusedError(422, "invalid_table", str(error).replace("--text-column", "text_column")) from None


def _checked_batches(body: bytes, format: str, text_column: str, limits: Limits) -> Iterator[TableBatch]:
    if format in ("csv", "tsv"):
        _check_columns(body, format, limits.columns)
    n_rows = 0
    for batch in table_batches(io.BytesIO(body), NAME, format, text_column=text_column, batch_size=BATCH_SIZE):
        n_rows += len(batch.texts)
        if n_rows > limits.rows:
            raise RefusedError(413, "too_large", f"The table has more than {limits.rows:,} rows. Send it in parts.")
        check_lengths(_strings(batch), limits)
        yield batch


def _strings(batch: TableBatch) -> list[str]:
    return cast(list[str], batch.texts)  # a row without a text is an error here


def _check_columns(body: bytes, format: str, most: int) -> None:
    """Look at the head before rows are read, each of which is made as long."""
    head = csv.reader(decoded_lines(io.BytesIO(body)), "excel" if format == "csv" else "excel-tab")
    try:
        with placed(Source(NAME)):
            n_columns = next((len(row) for row in head if row), 0)
    except csv.Error:
        return  # which reading then tells
    if n_columns > most:
        raise RefusedError(413, "too_large", f"The table has {n_columns:,} columns, more than {most:,}. Drop some.")


def _written(answering: Answering, batches: Iterator[TableBatch], format: str, most_bytes: int) -> bytes:
    file = io.BytesIO()
    with table_writer(file, NAME, format) as write:
        for batch in batches:
            added = answering.columns(_strings(batch))
            write(batch, added)
            if file.tell() > most_bytes:
                raise RefusedError(413, "too_large", f"The scored table is longer than {most_bytes:,} bytes.")
    return file.getvalue()

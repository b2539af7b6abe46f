"""Files of texts to batches of rows, streamed: however long a file is, one batch of it is in memory."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import IO, Any, NamedTuple, TypeVar

from ..errors import Errors, SentimentError
from ..text.lines import LINE_LIMIT, brief, csv_rows, decoded_lines, parse_json_line
from .parquet import arrow_batches
from .tables import (
    STANDARD_STREAM,
    CellRows,
    JsonRows,
    TableBatch,
    column_index,
    missing_column,
    unreadable,
)

STANDARD_INPUT = "standard input"

# Characters of the rows of a batch before it ends, however few they are.
_BATCH_CHARS = 4 * LINE_LIMIT
# Rows that are read before their characters are counted.
_ROWS_AT_A_TIME = 8

Row = TypeVar("Row")


class _Source(NamedTuple):
    """A file that is open for reading, the name that errors give it, and its size in bytes, where it has one."""

    file: IO[bytes]
    name: str
    size: int | None

    def share(self) -> float | None:
        return min(self.file.tell() / self.size, 1.0) if self.size else None


@contextmanager
def open_input(
    path: str,
    format: str,
    *,
    text_column: str = "text",
    batch_size: int = 1000,
    strict: bool = True,
    rows: range | None = None,
) -> Iterator[Iterator[TableBatch]]:
    """Open a table for reading.

    path: A file, or "-" for standard input.
    format: One of INPUT_FORMATS.
    text_column: The column that holds the texts; of txt, the name of its only column.
    batch_size: The most rows of a batch.
    strict: Whether a row without a string in the column is an error; else its text is None.
    rows: Those of a Parquet file to read, counting from 0; None for all.
    YIELDS: An iterator of batches in the file's order; of a table without rows, one empty batch.

    Raises SentimentError, here or from the iterator, naming the file and where known the line, where it cannot be
    read, lacks the column, or holds something else than a string in it.
    """
    if format == "parquet" and path == STANDARD_STREAM:
        raise SentimentError(Errors.S061.format(path=STANDARD_INPUT, reason="Parquet is read from its end"))
    with _open_source(path) as source:
        if format == "parquet":
            yield arrow_batches(source.file, path, text_column, batch_size, strict, rows)
        else:
            yield _reported(source.name, _text_batches(source, format, text_column, batch_size, strict))


def table_batches(
    file: IO[bytes], name: str, format: str, *, text_column: str = "text", batch_size: int = 1000
) -> Iterator[TableBatch]:
    """RETURNS: The batches of a table in a file that is open, as `open_input`; of any format but Parquet.

    name: What errors call it.
    """
    return _text_batches(_Source(file, name, None), format, text_column, batch_size, strict=True)


def _text_batches(
    source: _Source, format: str, text_column: str, batch_size: int, strict: bool
) -> Iterator[TableBatch]:
    if format == "jsonl":
        return _json_batches(source, text_column, batch_size, strict)
    if format == "txt":
        return _line_batches(source, text_column, batch_size)
    return _cell_batches(source, format, text_column, batch_size, strict)


def _json_batches(source: _Source, text_column: str, batch_size: int, strict: bool) -> Iterator[JsonRows]:
    for rows in _batched(_json_rows(source, text_column, strict), batch_size, lambda row: len(row[1])):
        lines, raw, objects, texts = zip(*rows, strict=True) if rows else ((), (), (), ())
        yield JsonRows(list(texts), source.name, source.share(), lines, raw, objects)


def _json_rows(
    source: _Source, text_column: str, strict: bool
) -> Iterator[tuple[int, str, dict[str, Any], str | None]]:
    has_column = strict
    for line, content in enumerate(decoded_lines(source.file, source.name), start=1):
        raw = content.strip()
        if not raw:
            continue
        row = parse_json_line(raw, source.name, line)
        # The one look-up of a good row; what is wrong with another is found out afterwards.
        text = row.get(text_column) if isinstance(row, dict) else None
        if not isinstance(text, str):
            # That the first row lacks the column means rather that this has another name.
            if strict or not isinstance(row, dict) or (not has_column and text_column not in row):
                raise _not_a_text(f"{source.name}, line {line}", row, text_column)
            text = None
        has_column = True
        yield line, raw, row, text


def _not_a_text(place: str, row: Any, text_column: str) -> SentimentError:
    if not isinstance(row, dict):
        return SentimentError(Errors.S063.format(place=place, value=brief(row), text=text_column))
    if text_column not in row:
        return missing_column(place, text_column, row)
    return SentimentError(Errors.S065.format(place=place, column=text_column, value=brief(row[text_column])))


def _line_batches(source: _Source, text_column: str, batch_size: int) -> Iterator[CellRows]:
    # A filter between two programs goes on where one byte of a long stream is broken; a file can be mended.
    errors = "replace" if source.name == STANDARD_INPUT else "strict"
    lines = map(_without_end, decoded_lines(source.file, source.name, errors))
    for texts in _batched(lines, batch_size, len):
        yield CellRows([*texts], source.name, source.share(), [text_column], [[text] for text in texts])


def _without_end(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r")


def _cell_batches(source: _Source, format: str, text_column: str, batch_size: int, strict: bool) -> Iterator[CellRows]:
    rows = csv_rows(decoded_lines(source.file, source.name), source.name, format)
    columns = next((row for _, row in rows if row), [])
    index = column_index(source.name, columns, text_column) if columns else 0
    cells = _cell_rows(source.name, rows, columns, index, strict)
    for batch in _batched(cells, batch_size, _cell_chars):
        yield CellRows([text for text, _ in batch], source.name, source.share(), columns, [row for _, row in batch])


def _cell_chars(row: tuple[str | None, list[str]]) -> int:
    return len("".join(row[1]))


def _cell_rows(
    name: str, rows: Iterator[tuple[int, list[str]]], columns: list[str], index: int, strict: bool
) -> Iterator[tuple[str | None, list[str]]]:
    for line, row in rows:
        has_text = len(row) > index
        if len(row) != len(columns):
            if not row:
                continue
            _even_out(f"{name}, line {line}", row, columns, index, strict)
        yield row[index] if has_text else None, row


def _even_out(place: str, row: list[str], columns: list[str], index: int, strict: bool) -> None:
    """Fill a row that ends early with empty cells, lest the columns added to it shift to the left."""
    if len(row) > len(columns):
        reason = f"it has {len(row)} fields, and there are {len(columns)} columns"
        raise SentimentError(Errors.S067.format(place=place, reason=reason))
    if strict and len(row) <= index:
        raise missing_column(place, columns[index], columns[: len(row)])
    row += [""] * (len(columns) - len(row))


@contextmanager
def _open_source(path: str) -> Iterator[_Source]:
    with ExitStack() as stack:
        if path == STANDARD_STREAM:
            file: IO[bytes] = sys.stdin.buffer
        else:
            try:
                file = stack.enter_context(open(path, "rb", buffering=1 << 20))
            except OSError as error:
                raise unreadable(path, error) from None
        yield _Source(file, STANDARD_INPUT if path == STANDARD_STREAM else path, _size(file))


def _size(file: IO[bytes]) -> int | None:
    try:
        status = os.fstat(file.fileno())
    except OSError:  # a stand-in for standard input, without a descriptor
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _batched(rows: Iterator[Row], size: int, length: Callable[[Row], int]) -> Iterator[list[Row]]:
    """YIELDS: Lists of at most `size` rows, of fewer where these are long; where there is no row, one empty list.

    length: The characters of a row.
    """
    is_first = True
    while True:
        batch: list[Row] = []
        n_chars = 0
        while n_chars <= _BATCH_CHARS and (some := list(islice(rows, min(_ROWS_AT_A_TIME, size - len(batch))))):
            batch += some
            n_chars += sum(map(length, some))
        if not batch and not is_first:
            return
        yield batch
        is_first = False


def _reported(name: str, batches: Iterator[TableBatch]) -> Iterator[TableBatch]:
    try:
        yield from batches
    except OSError as error:
        raise unreadable(name, error) from None

"""Files of texts to batches of rows, streamed: however long a file is, one batch of it is in memory."""

import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice, pairwise
from typing import IO, Any, NamedTuple, TypeVar

from ..errors import Errors, SentimentError
from .addresses import is_address, open_address
from .lines import LINE_LIMIT, brief, csv_rows, decoded_lines, parse_json_line
from .parquet import arrow_batches
from .rows import STANDARD_STREAM, CellRows, JsonRows, TableBatch, column_index, missing_column, unreadable

STANDARD_INPUT = "standard input"

# Bytes to read at once: of a store that is far away, a request each.
_CHUNK = 1 << 20

# Characters of the rows of a batch before it ends, however few they are.
_BATCH_CHARS = 4 * LINE_LIMIT
# Rows that are read before their characters are counted.
_ROWS_AT_A_TIME = 8

Row = TypeVar("Row")


class _Source(NamedTuple):
    """A file that is open for reading, the name that errors give it, its size in bytes, where it has one, and the
    number of its first line, where it is read from within."""

    file: IO[bytes]
    name: str
    size: int | None
    first_line: int = 1

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
    span: range | None = None,
    first_line: int = 1,
) -> Iterator[Iterator[TableBatch]]:
    """Open a table for reading.

    path: A file, or its address, such as s3://bucket/path; or "-" for standard input.
    format: One of INPUT_FORMATS.
    text_column: The column that holds the texts; of txt, the name of its only column.
    batch_size: The most rows of a batch.
    strict: Whether a row without a string in the column is an error; else its text is None.
    rows: Those of a Parquet file to read, counting from 0; None for all.
    span: The bytes of JSON Lines or text to read, as `line_spans` gives them; None for all.
    first_line: The number of the span's first line; 1 only of the file's own.
    YIELDS: An iterator of batches in the file's order; of a table without rows, one empty batch.

    Raises SentimentError, here or from the iterator, naming the file and where known the line, where it cannot be
    read, lacks the column, or holds something else than a string in it.
    """
    if format == "parquet" and path == STANDARD_STREAM:
        raise SentimentError(Errors.S061.format(path=STANDARD_INPUT, reason="Parquet is read from its end"))
    if format == "jsonl" and first_line > 1:
        # What the file's first row lacks, a part of the file cannot tell.
        with open_input(path, format, text_column=text_column, batch_size=1, strict=strict) as first:
            next(first)
    with _open_source(path, format, span, first_line) as source:
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
    first = source.first_line
    has_column = strict or first > 1
    for line, content in enumerate(decoded_lines(source.file, source.name, first=first), start=first):
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
    lines = map(_without_end, decoded_lines(source.file, source.name, errors, first=source.first_line))
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


def line_spans(path: str, size: int, most: int) -> list[range]:
    """RETURNS: The bytes of parts of a file of lines: each ends with the first line that ends at or after `most` bytes.

    size: The file's. Raises SentimentError where it cannot be read.
    """
    ends = [0]
    with _open_binary(path) as file, _reading(path):
        while ends[-1] + most < size:
            ends.append(min(_after_line(file, ends[-1] + most), size))
    if ends[-1] < size or not size:
        ends.append(size)
    return [range(start, end) for start, end in pairwise(ends)]


def _after_line(file: IO[bytes], at: int) -> int:
    file.seek(at)
    while chunk := file.read(_CHUNK):
        found = chunk.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(chunk)
    return at


def lines_before(path: str, end: int) -> int:
    """RETURNS: How many lines end in the first `end` bytes. Raises SentimentError where they cannot be read."""
    with _open_binary(path, range(end)) as file, _reading(path):
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(_CHUNK), b""))


def json_rows_before(path: str, end: int) -> int:
    """RETURNS: How many rows of JSON Lines end in the first `end` bytes. Raises SentimentError as above."""
    with _open_binary(path, range(end)) as file, _reading(path):
        return sum(1 for line in decoded_lines(file, path, "replace") if line.strip())


@contextmanager
def _open_source(path: str, format: str, span: range | None, first_line: int) -> Iterator[_Source]:
    if path == STANDARD_STREAM:
        yield _Source(sys.stdin.buffer, STANDARD_INPUT, _size(sys.stdin.buffer))
    elif format == "parquet" and is_address(path):
        with open_address(path) as file:  # pyarrow reads best from its own
            yield _Source(file, path, None)
    else:
        with _open_binary(path, span) as file:
            yield _Source(file, path, _size(file), first_line)


@contextmanager
def _open_binary(path: str, span: range | None = None) -> Iterator[IO[bytes]]:
    with ExitStack() as stack:
        with _reading(path):
            if is_address(path):
                raw: Any = stack.enter_context(open_address(path))
            else:
                raw = stack.enter_context(open(path, "rb", buffering=0))
            if span is not None:
                raw = _Within(raw, span)
            file: Any = stack.enter_context(io.BufferedReader(raw, _CHUNK))
        yield file


class _Within(io.RawIOBase):
    """The bytes of a file from one place to another."""

    def __init__(self, file: Any, span: range) -> None:
        self._file, self._left = file, len(span)
        file.seek(span.start)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        n_read = self._file.readinto(memoryview(buffer)[: self._left])
        self._left -= n_read
        return int(n_read)


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


@contextmanager
def _reading(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unreadable(path, error) from None


def _reported(name: str, batches: Iterator[TableBatch]) -> Iterator[TableBatch]:
    with _reading(name):
        yield from batches

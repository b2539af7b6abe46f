"""Batches of rows, with the columns added to them, to files that appear whole or not at all."""

import csv
import io
import json
import math
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain, repeat
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import Errors, SentimentError
from ..storage.whole import work_directory
from .addresses import is_address, local_path
from .parquet import json_values, parquet_writer
from .rows import (
    STANDARD_STREAM,
    Added,
    ArrowRows,
    CellRows,
    JsonRows,
    TableBatch,
    Write,
    as_json,
    column_names,
    require_distinct,
    require_free,
    value_rows,
    writing,
)

STANDARD_OUTPUT = "standard output"

_DECIMALS = 6

_DIALECTS = {"csv": "excel", "tsv": "excel-tab"}

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?[0-9.,]+(?:[eE][+-]?[0-9]+)?%?")


@contextmanager
def open_output(
    path: str, format: str, *, overwrite: bool = False, source: str | None = None, safe_csv: bool = True
) -> Iterator[Write]:
    """Open a table for writing.

    path: A file, which is there once all is written, and not before; or "-" for standard output. Parents are made.
    format: One of OUTPUT_FORMATS.
    overwrite: Replace a file that is there.
    source: The file that is read meanwhile, which is never replaced.
    safe_csv: As in `table_writer`.
    YIELDS: A function that writes a batch and the columns added to it.

    Raises SentimentError, here, from the function or at the end, where the file cannot be written, or a row does not
    fit into the table. Nothing is left at `path` then.
    """
    if is_address(path):
        raise SentimentError(Errors.S141.format(path=path))
    to_stream = path == STANDARD_STREAM
    name = STANDARD_OUTPUT if to_stream else path
    opened = _standard_output(format) if to_stream else _whole_file(Path(path), overwrite, source)
    with opened as file, table_writer(file, name, format, safe_csv) as write:
        yield write


@contextmanager
def table_writer(file: IO[bytes], name: str, format: str, safe_csv: bool = True) -> Iterator[Write]:
    """Write a table to a file that is open.

    name: What errors call it.
    safe_csv: Whether to put an apostrophe before a cell of CSV or TSV that a spreadsheet would take for a formula,
        which may send others away (OWASP, "CSV Injection"). Numbers are left as they are.
    YIELDS: As `open_output`.
    """
    opened = _csv_writer(file, _DIALECTS[format], safe_csv) if format in _DIALECTS else _WRITERS[format](file, name)
    with opened as write:

        def checked_write(batch: TableBatch, added: Added) -> None:
            require_free(batch, added)
            with writing(name):
                write(batch, added)

        yield checked_write


@contextmanager
def _json_writer(file: IO[bytes], path: str) -> Iterator[Write]:
    def write(batch: TableBatch, added: Added) -> None:
        file.write(_spliced(_json_lines(batch), added).encode("utf-8", "replace"))
        file.flush()

    yield write


def _json_lines(batch: TableBatch) -> Iterable[str]:
    if isinstance(batch, JsonRows):
        return batch.raw
    require_distinct(batch)
    names = column_names(batch)
    return (as_json(dict(zip(names, row, strict=True))) for row in _value_rows(batch, names))


def _spliced(lines: Iterable[str], added: Added) -> str:
    """Put fields before the closing brace of each line, so that the rest of it stays as it is, to the byte."""
    parts: list[Iterable[str]] = [[line[:-1] for line in lines]]
    for name, column in added.items():
        parts += [repeat(f", {as_json(name)}: "), _json_fields(_shown(column))]
    return "".join(chain.from_iterable(zip(*parts, repeat("}\n"), strict=False)))


def _json_fields(column: Sequence[str | None] | Sequence[float | None]) -> list[str]:
    if column and not any(isinstance(value, str) for value in column):
        return json.dumps(column)[1:-1].split(", ")  # one call for all: a number holds no comma
    known = {value: as_json(value) for value in set(column)}
    return [known[value] for value in column]


@contextmanager
def _csv_writer(file: IO[bytes], dialect: str, safe: bool) -> Iterator[Write]:
    columns: list[str] = []

    def write(batch: TableBatch, added: Added) -> None:
        nonlocal columns
        rows: list[Iterable[Any]] = []
        if not columns:
            columns = column_names(batch)
            rows = [[*columns, *added]] if columns else []
        ends = zip(*map(_shown, added.values()), strict=True)
        rows += [[*row, *end] for row, end in zip(_cells(batch, columns), ends, strict=True)]
        if safe:
            rows = [list(map(_harmless, row)) for row in rows]
        file.write(_csv_text(rows, dialect).encode("utf-8", "replace"))
        file.flush()

    yield write


def _harmless(cell: Any) -> Any:
    is_formula = isinstance(cell, str) and cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


def _csv_text(rows: list[Iterable[Any]], dialect: str, quoting: Any = csv.QUOTE_MINIMAL) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, dialect, lineterminator="\n", quoting=quoting).writerows(rows)
    if quoting == csv.QUOTE_MINIMAL and "\r" in text.getvalue():
        # Up to Python 3.12, csv leaves a carriage return without the quotes that it needs to read it again.
        return _csv_text(rows, dialect, csv.QUOTE_ALL)
    return text.getvalue()


def _cells(batch: TableBatch, columns: list[str]) -> Iterable[list[Any]]:
    if isinstance(batch, CellRows):
        return batch.cells
    return ([as_cell(value) for value in row] for row in _value_rows(batch, columns))


def as_cell(value: Any) -> Any:
    """RETURNS: What stands in a CSV for a value: None, a str, an int or a float; or else its JSON."""
    return value if value is None or type(value) in (str, int, float) else as_json(value)


def _value_rows(batch: TableBatch, columns: list[str]) -> Iterable[Sequence[Any]]:
    if isinstance(batch, ArrowRows):
        return zip(*map(json_values, batch.data.columns), strict=True)
    return value_rows(batch, columns)


def _shown(column: Any) -> Any:
    """Round numbers. The nearest of 64 bits is shown by its six decimals, the nearest of 32 bits is not."""
    if isinstance(column, list):
        return column
    rounded = np.round(column.astype(np.float64), _DECIMALS).tolist()
    return [None if math.isnan(value) else value for value in rounded] if np.isnan(column).any() else rounded


_WRITERS: dict[str, Callable[[IO[bytes], str], Any]] = {
    "jsonl": _json_writer,
    "parquet": parquet_writer,
}


@contextmanager
def _whole_file(path: Path, overwrite: bool, source: str | None) -> Iterator[IO[bytes]]:
    _check_free(path, overwrite, source)
    with ExitStack() as stack:
        # In a directory of its own, rather than by mkstemp, the file gets the permissions that a new file gets.
        with writing(path):
            work = stack.enter_context(work_directory(path))
            file = (work / "new").open("wb", buffering=1 << 20)
        try:
            yield file
        finally:
            with writing(path):
                file.close()
        _check_free(path, overwrite, source)  # another process may have written there meanwhile
        with writing(path):
            os.replace(work / "new", path)


def _check_free(path: Path, overwrite: bool, source: str | None) -> None:
    if not os.path.lexists(path):
        return
    if path.is_symlink() or not path.is_file():
        raise SentimentError(Errors.S069.format(path=path, reason="it is there and is no regular file"))
    read = None if source is None else local_path(source)
    if read is not None and read.exists() and path.samefile(read):
        raise SentimentError(Errors.S069.format(path=path, reason="it is the input"))
    if not overwrite:
        raise SentimentError(Errors.S068.format(path=path))


@contextmanager
def _standard_output(format: str) -> Iterator[IO[bytes]]:
    sys.stdout.flush()
    if format != "parquet":
        yield sys.stdout.buffer
        return
    # A Parquet file that breaks off is of no use: it is given out once it is whole.
    with tempfile.TemporaryFile() as file:
        yield file
        file.seek(0)
        with writing(STANDARD_OUTPUT):
            shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()

"""Batches of rows, with the columns added to them, to files that appear whole or not at all."""

import csv
import io
import math
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import Errors, SentimentError, os_errors_as
from ..storage.whole import whole_file
from .addresses import is_address, local_path
from .parquet import parquet_writer
from .rows import Added, TableBatch, Write, as_json, require_distinct, require_free
from .sources import STANDARD_STREAM, packer, placed

STANDARD_OUTPUT = "standard output"

_DECIMALS = 6

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# A mention of somebody, and what makes a formula of what follows: a call, or what refers to a program or a workbook.
_MENTION = re.compile(r"@\w+(?![^\s.,:;?!…)'’])")
_CALL = re.compile(r"(?:^@|[-+*/^&=<>,;:(])\s*[\w.]+\s*\(|[|\[]|!\$?\w")
_NUMBER = re.compile(r"[+-]?[0-9.,]+(?:[eE][+-]?[0-9]+)?%?")


@contextmanager
def open_output(
    path: str, format: str, *, overwrite: bool = False, source: str | None = None, safe_csv: bool = True
) -> Iterator[Write]:
    """Open a table for writing, and yield a function that writes a batch and the columns to add to it.

    The file appears once all is written, and its parents are made; "-" is standard output. The file that is read
    meanwhile, the `source`, is never replaced. SentimentError is raised, and nothing left at `path`, if the file cannot
    be written or a row does not fit into the table. `safe_csv` is as in `table_writer`.
    """
    if is_address(path):
        raise SentimentError(Errors.S141.format(path=path))
    if path == STANDARD_STREAM:
        with _standard_output(format) as file, table_writer(file, STANDARD_OUTPUT, format, safe_csv) as write:
            yield write
        return
    require_not_input(Path(path), source)
    with _open_whole(Path(path), overwrite) as file, table_writer(file, path, format, safe_csv) as write:
        yield write


def require_not_input(path: Path, source: str | None) -> None:
    """Raise SentimentError if a file to be written is the `source` that is read."""
    read = None if source is None else local_path(source)
    if read and read.exists() and path.exists() and path.samefile(read) and not path.is_symlink():
        raise SentimentError(Errors.S069.format(path=path, reason="it is the input"))


@contextmanager
def _open_whole(path: Path, overwrite: bool) -> Iterator[IO[bytes]]:
    opener = packer(str(path))
    with whole_file(path, overwrite) as file:
        if opener is None:
            yield file
            return
        with os_errors_as(Errors.S069, path), io.BufferedWriter(opener(file, "wb")) as packed:
            packed.raw.write(b"")  # or zstd would make a file without a frame of a table without rows
            yield packed


@contextmanager
def table_writer(file: IO[bytes], name: str, format: str, safe_csv: bool = True) -> Iterator[Write]:
    """Write a table to an open file that errors call `name`, like `open_output`.

    With `safe_csv`, an apostrophe stands before a cell of CSV or TSV that a spreadsheet would take for a formula, which
    could send other cells away (OWASP, "CSV Injection"). Numbers and mentions (`@name`) are left as they are.
    """
    with ExitStack() as stack:
        if format == "parquet":
            write_rows = stack.enter_context(parquet_writer(file, name))
        elif format == "jsonl":
            write_rows = partial(_write_json, file)
        else:
            write_rows = _csv_writer(file, format, safe_csv)

        def write(batch: TableBatch, added: Added) -> None:
            with placed(batch.source), os_errors_as(Errors.S069, name, OverflowError):
                require_free(batch.columns, added, batch.json)
                write_rows(batch, added)

        yield write


def _write_json(file: IO[bytes], batch: TableBatch, added: Added) -> None:
    """Put the new fields before the closing brace of each line, so that the rest of a line of JSON stays as it is."""
    if batch.json:
        lines = [line.raw for line in batch.json]
    else:
        require_distinct(batch.columns)
        lines = [as_json(dict(zip(batch.columns, row, strict=True))) for row in batch.values]
    rows = [line[:-1] for line in lines]
    separators = [", " if row.rstrip() != "{" else "" for row in rows]  # nothing is before the first field of {}
    for name, column in added.items():
        field = f"{as_json(name)}: "
        fields = zip(rows, separators, _json_column(column), strict=True)
        rows = [f"{row}{separator}{field}{value}" for row, separator, value in fields]
        separators = [", "] * len(rows)
    file.write("".join([f"{row}}}\n" for row in rows]).encode("utf-8", "replace"))
    file.flush()


def _json_column(column: Any) -> list[str]:
    shown = _shown(column)
    if not isinstance(column, list):
        return ["null" if value is None else repr(value) for value in shown]
    if any(isinstance(value, list | dict) for value in shown):
        return [*map(as_json, shown)]
    known = {value: as_json(value) for value in set(shown)}
    return [known[value] for value in shown]


def _csv_writer(file: IO[bytes], format: str, safe: bool) -> Write:
    has_header = False

    def write(batch: TableBatch, added: Added) -> None:
        nonlocal has_header
        ends = zip(*map(_shown, added.values()), strict=True)
        rows = [[*map(_as_cell, [*row, *end])] for row, end in zip(batch.values, ends, strict=True)]
        if not has_header and batch.columns:
            rows.insert(0, [*batch.columns, *added])
            has_header = True
        if safe:
            rows = [list(map(_harmless, row)) for row in rows]
        delimiter = "\t" if format == "tsv" else batch.delimiter
        file.write(_csv_text(rows, delimiter).encode("utf-8", "replace"))
        file.flush()

    return write


def _as_cell(value: Any) -> Any:
    """Return what stands in a CSV for a value: None, a str, an int or a float as it is, anything else as JSON."""
    return value if value is None or type(value) in (str, int, float) else as_json(value)


def _harmless(cell: Any) -> Any:
    if not isinstance(cell, str) or not cell.startswith(_FORMULA) or _NUMBER.fullmatch(cell):
        return cell
    return cell if _MENTION.match(cell) and not _CALL.search(cell) else f"'{cell}"


def _csv_text(rows: list[list[Any]], delimiter: str, quoting: Any = csv.QUOTE_MINIMAL) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=quoting).writerows(rows)
    if quoting == csv.QUOTE_MINIMAL and "\r" in text.getvalue():
        # Up to Python 3.12, csv leaves a carriage return without the quotes that are needed to read it again.
        return _csv_text(rows, delimiter, csv.QUOTE_ALL)
    return text.getvalue()


def _shown(column: Any) -> Sequence[Any]:
    """Return a column with rounded numbers, None for NaN."""
    if isinstance(column, list):
        return column
    # Only as float64 is the nearest number shown with its six decimals.
    rounded = np.round(column.astype(np.float64), _DECIMALS).tolist()
    return [None if math.isnan(value) else value for value in rounded] if np.isnan(column).any() else rounded


@contextmanager
def _standard_output(format: str) -> Iterator[IO[bytes]]:
    if sys.stdout is None:
        raise SentimentError(Errors.S069.format(path=STANDARD_OUTPUT, reason="it is closed"))
    sys.stdout.flush()
    if format != "parquet":
        yield sys.stdout.buffer
        return
    # Part of a Parquet file is of no use, so it is given out once it is whole.
    with tempfile.TemporaryFile() as file:
        yield file
        file.seek(0)
        with os_errors_as(Errors.S069, STANDARD_OUTPUT):
            shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()

"""The batch of rows that readers make and writers take, and the formats of its file."""

import json
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import Errors, SentimentError
from .addresses import as_path
from .lines import TableError
from .sources import STANDARD_STREAM, Source, placed

logger = logging.getLogger(__name__)

INPUT_FORMATS = ("jsonl", "json", "csv", "tsv", "txt", "parquet", "xlsx")
OUTPUT_FORMATS = ("jsonl", "csv", "tsv", "parquet")
BINARY_FORMATS = ("parquet", "xlsx")  # compressed already, and read from the end
PACKED = (".gz", ".zst")
TARGET = "target"  # the column of targets, beside texts that are no table
FORMAT_OF_SUFFIX = {f".{name}": name for name in INPUT_FORMATS} | {".ndjson": "jsonl"}

Added = dict[str, list[Any] | NDArray[np.float32]]
"""The columns to add to a batch: name to one value per row; None (NaN for numbers) if the row has no text.

A value of a list is a str, or lists and dicts, which are JSON in a table that cannot nest them."""


class JsonLine(NamedTuple):
    """A row of JSON Lines: its line's number from where reading began, the line, its object, and its text or None."""

    number: int
    raw: str
    row: dict[str, Any]
    text: str | None


class TableBatch(NamedTuple):
    """Some consecutive rows of a table, also in the form in which they were read, for a writer of the same format.

    Attributes:
        texts: The text of each row, or None if it has none.
        columns: The names of the table's columns. For JSON Lines they are the keys of the first row.
        values: The values of each row. They can be iterated once, which raises an error for a JSON key of no column.
        fraction: How much of the file has been read, between 0 and 1, if it is known.
        json, arrow: The lines of JSON Lines; the pyarrow.RecordBatch of Parquet.
        delimiter: That of CSV, which is written as it was read.
    """

    texts: list[str | None]
    columns: Sequence[str]
    values: Iterable[Sequence[Any]]
    source: Source
    fraction: float | None = None
    json: Sequence[JsonLine] = ()
    arrow: Any = None
    delimiter: str = ","


Write = Callable[[TableBatch, Added], None]
"""Writes a batch and the columns to add to it."""


def input_format(path: str, given: str | None = None) -> str:
    """Return the format to read a file as: `given`, else that of its suffix, "txt" for standard input."""
    return _format(path, given, INPUT_FORMATS, standard="txt", what="read", option="--input-format")


def output_format(path: str, given: str | None = None) -> str:
    """Return the format to write a file in: `given`, else that of its suffix, "jsonl" for standard output."""
    return _format(path, given, OUTPUT_FORMATS, standard="jsonl", what="written", option="--output-format")


def format_of(path: str, given: str | None = None) -> str:
    """Return the given format, or that of a file's suffix, by the name it has here; an unknown one as it is."""
    suffix = f".{given}" if given else unpacked_path(path).suffix.lower() or as_path(path).suffix
    name = FORMAT_OF_SUFFIX.get(suffix, given or suffix)
    return name + as_path(path).suffix if name in BINARY_FORMATS and unpacked_path(path) != as_path(path) else name


def unpacked_path(path: str) -> Path:
    """Return the path of a file, without the suffix by which it is compressed."""
    named = as_path(path)
    return named.with_suffix("") if named.suffix.lower() in PACKED else named


def is_table(path: str) -> bool:
    """Return whether a file of a directory is a table, which hidden ones are not. An unknown format is reported."""
    if as_path(path).name.startswith((".", "_")):
        return False
    is_known = unpacked_path(path).suffix.lower() in FORMAT_OF_SUFFIX
    if not is_known:
        logger.warning("%s: left out, because its format is unknown.", path)
    return is_known


def _format(path: str, given: str | None, known: Sequence[str], *, standard: str, what: str, option: str) -> str:
    name = standard if path == STANDARD_STREAM and not given else format_of(path, given)
    if name not in known:
        formats = ", ".join(known)
        raise SentimentError(Errors.S060.format(path=path, format=name, what=what, formats=formats, option=option))
    return name


def text_batches(texts: Sequence[str], column: str, size: int, targets: Sequence[str] = ()) -> Iterator[TableBatch]:
    """Yield batches of a table that holds these texts in its only column; or each with each target, in `target`."""
    columns = [column, TARGET] if targets else [column]
    rows = [[text, target] for text in texts for target in targets] or [[text] for text in texts]
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        yield TableBatch([row[0] for row in some], columns, some, Source("TEXT"), (start + len(some)) / len(rows))


def column_index(columns: Sequence[str], column: str, option: str = "--text-column") -> int:
    """Return the place of a column, or raise a TableError if it is missing or not alone. `option` names another one."""
    if column not in columns:
        raise missing_column(column, columns, option=option)
    if columns.count(column) > 1:
        raise TableError(Errors.S067.format(reason=f"two columns are named {column!r}"))
    return columns.index(column)


def column_values(batch: TableBatch, column: str, option: str) -> list[Any]:
    """Return the value of each row in a column, None where JSON lacks it.

    If the first row of the table lacks it, SentimentError with the option that names the column is raised.
    """
    # A part of JSON Lines need not begin with the first row of the file; a table without rows may lack a header.
    is_headless = not batch.texts or (batch.json and batch.source.start)
    with placed(batch.source):
        index = 0 if is_headless else column_index(batch.columns, column, option)
    if batch.json:
        return [line.row.get(column) for line in batch.json]
    if batch.arrow is not None:
        return json_values(batch.arrow.column(index))
    return [row[index] for row in batch.values]


def json_values(column: Any) -> list[Any]:
    """Return the values of an Arrow array as JSON and CSV can show them, if need be by `as_json`."""
    import pyarrow as pa

    type_ = column.type
    if pa.types.is_timestamp(type_) and type_.tz is not None:
        # In UTC, because not every machine has the database of time zones.
        times = column.cast(pa.timestamp(type_.unit)).cast(pa.string())
        return [None if time is None else f"{time}Z" for time in times.to_pylist()]
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_) or pa.types.is_fixed_size_binary(type_):
        return [None if value is None else value.decode("utf-8", "backslashreplace") for value in column.to_pylist()]
    # Python's own times have no nanoseconds.
    as_string = pa.types.is_temporal(type_) or pa.types.is_decimal(type_)
    return list((column.cast(pa.string()) if as_string else column).to_pylist())


def missing_column(
    column: str, columns: Iterable[str], line: int | None = None, option: str = "--text-column"
) -> TableError:
    """Return the error for a table, or a line of it, that lacks a column. `option` names another column."""
    names = ", ".join(map(repr, columns)) or "none"
    return TableError(Errors.S064.format(column=column, columns=names, option=option), line)


def text_or_none(value: object) -> str | None:
    """Return the text of a cell, or None if it has none: it holds no string, or nothing but white space."""
    return value if isinstance(value, str) and value and not value.isspace() else None


def require_free(
    columns: Sequence[str], added: Iterable[str], json: Sequence[JsonLine] = (), option: str = "--prefix"
) -> None:
    """Raise a TableError if the table has a column with the name of one to be added. `option` names these otherwise."""
    wanted = set(added)
    rows: Iterable[tuple[int | None, Iterable[str]]] = ((line.number, line.row) for line in json)
    for number, names in chain(rows, [(None, columns)]):
        if not wanted.isdisjoint(names):
            column = next(name for name in names if name in wanted)
            raise TableError(Errors.S066.format(column=column, option=option), number)


def require_distinct(columns: Sequence[str]) -> None:
    """Raise a TableError if two columns have the same name."""
    if len(set(columns)) < len(columns):
        name = next(name for i, name in enumerate(columns) if name in columns[:i])
        raise TableError(Errors.S067.format(reason=f"two columns are named {name!r}"))


def as_json(value: Any) -> str:
    """Return a value as JSON. What JSON cannot say becomes a string, and a number that is not finite null."""
    try:
        return _encode(value)
    except ValueError:
        return _encode(_finite(value))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _as_text(value: object) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_as_text).encode

"""Tables of texts: the formats that their files have, and the batches of rows that readers make and writers take."""

import json
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import Errors, SentimentError
from .addresses import as_path, is_address, unreachable

if TYPE_CHECKING:
    pass

STANDARD_STREAM = "-"

INPUT_FORMATS = ("jsonl", "csv", "tsv", "txt", "parquet")
OUTPUT_FORMATS = ("jsonl", "csv", "tsv", "parquet")
_FORMAT_OF_SUFFIX = {f".{name}": name for name in INPUT_FORMATS} | {".ndjson": "jsonl"}

Texts = list[str | None]
"""The texts of rows; None for a row that has none, or something else in its place."""

Added = dict[str, list[str | None] | NDArray[np.float32]]
"""The columns to add to a batch: name -> one value a row; None, or as a number NaN, where there is none."""


class JsonRows(NamedTuple):
    """Rows of JSON Lines.

    texts, source: The text of each row; the file to name in errors.
    share: The part of the file that is read at this batch's end, where known.
    lines: The number of each row's line. raw: The line itself. objects: What it holds.
    """

    texts: Texts
    source: str
    share: float | None
    lines: Sequence[int]
    raw: Sequence[str]
    objects: Sequence[dict[str, Any]]


class CellRows(NamedTuple):
    """Rows of strings, each as long as `columns`; the rest as in JsonRows."""

    texts: Texts
    source: str
    share: float | None
    columns: list[str]
    cells: list[list[str]]


class ArrowRows(NamedTuple):
    """Rows of an Arrow record batch; the rest as in JsonRows."""

    texts: Texts
    source: str
    share: float | None
    data: Any


TableBatch = JsonRows | CellRows | ArrowRows

Write = Callable[[TableBatch, Added], None]
"""Writes a batch, and the columns added to it."""


def input_format(path: str, given: str | None = None) -> str:
    """RETURNS: The format to read `path` as: the one given, else that of its suffix, txt for standard input.

    Raises SentimentError where that is no format to read.
    """
    return _format(path, given, INPUT_FORMATS, standard="txt", what="read", option="--input-format")


def output_format(path: str, given: str | None = None) -> str:
    """RETURNS: The format to write `path` in: the one given, else that of its suffix, jsonl for standard output.

    Raises SentimentError where that is no format to write.
    """
    return _format(path, given, OUTPUT_FORMATS, standard="jsonl", what="written", option="--output-format")


def column_names(batch: TableBatch) -> list[str]:
    """RETURNS: The names of the columns: of JSON Lines, those of the first row."""
    if isinstance(batch, JsonRows):
        return list(batch.objects[0]) if batch.objects else []
    return batch.columns if isinstance(batch, CellRows) else list(batch.data.schema.names)


def place(batch: TableBatch, row: int) -> str:
    """RETURNS: Where a row of the batch stands, as precisely as can be told, for an error."""
    return f"{batch.source}, line {batch.lines[row]}" if isinstance(batch, JsonRows) else batch.source


def require_free(batch: TableBatch, added: Collection[str]) -> None:
    """Raises SentimentError where the table has a column of a name to be added."""
    names = set(added)
    rows: Sequence[Collection[str]] = batch.objects if isinstance(batch, JsonRows) else [column_names(batch)]
    for i, row in enumerate(rows):
        if not names.isdisjoint(row):
            column = next(name for name in row if name in names)
            raise SentimentError(Errors.S066.format(place=place(batch, i), column=column))


def require_distinct(batch: TableBatch) -> None:
    """Raises SentimentError where two columns of the table have one name."""
    columns = column_names(batch)
    if len(set(columns)) < len(columns):
        name = next(name for i, name in enumerate(columns) if name in columns[:i])
        reason = f"two columns are named {name!r}"
        raise SentimentError(Errors.S067.format(place=batch.source, reason=reason))


def value_rows(batch: JsonRows | CellRows, columns: Sequence[str]) -> Iterable[Sequence[Any]]:
    """RETURNS: The values of each row, in the columns' order; None where a row lacks one.

    Raises SentimentError, naming the line, where a row has another column.
    """
    if isinstance(batch, CellRows):
        return batch.cells
    known = set(columns)
    for i, row in enumerate(batch.objects):
        if not row.keys() <= known:
            name = next(name for name in row if name not in known)
            reason = f"the first row has no column {name!r}"
            raise SentimentError(Errors.S067.format(place=place(batch, i), reason=reason))
    return ([row.get(name) for name in columns] for row in batch.objects)


def text_batches(texts: Sequence[str], column: str, size: int) -> Iterator[CellRows]:
    """YIELDS: Batches of a table of one column that holds these texts."""
    for start in range(0, len(texts), size):
        some = list(texts[start : start + size])
        yield CellRows([*some], "TEXT", (start + len(some)) / len(texts), [column], [[text] for text in some])


def column_index(source: str, columns: Sequence[str], column: str) -> int:
    """RETURNS: Where the column of the texts stands. Raises SentimentError where it is missing or not alone."""
    if column not in columns:
        raise missing_column(source, column, columns)
    if columns.count(column) > 1:
        raise SentimentError(Errors.S067.format(place=source, reason=f"two columns are named {column!r}"))
    return columns.index(column)


def missing_column(place: str, column: str, columns: Iterable[str]) -> SentimentError:
    """RETURNS: The error that says so."""
    names = ", ".join(map(repr, columns)) or "none"
    return SentimentError(Errors.S064.format(place=place, column=column, columns=names))


def unreadable(path: str, error: Exception) -> SentimentError:
    """RETURNS: The error that says so."""
    if is_address(path):
        return unreachable(path, error)
    reason = getattr(error, "strerror", None) or error
    return SentimentError(Errors.S061.format(path=path, reason=reason))


@contextmanager
def writing(path: object) -> Iterator[None]:
    """Raises SentimentError, naming the file, where the operating system does not let us write."""
    try:
        yield
    except BrokenPipeError:  # whoever reads our output has seen enough; the console script knows what to do
        raise
    except OSError as error:
        raise SentimentError(Errors.S069.format(path=path, reason=error.strerror or error)) from None


def as_json(value: Any) -> str:
    """RETURNS: The value as JSON: what JSON has no form for as a string, a number that is not finite as null."""
    try:
        return _encode(value)
    except ValueError:
        return _encode(_finite(value))


def _format(path: str, given: str | None, known: Sequence[str], *, standard: str, what: str, option: str) -> str:
    suffix = as_path(path).suffix.lower()
    name = given or (standard if path == STANDARD_STREAM else _FORMAT_OF_SUFFIX.get(suffix, suffix))
    if name not in known:
        formats = ", ".join(known)
        raise SentimentError(Errors.S060.format(path=path, format=name, what=what, formats=formats, option=option))
    return name


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _as_text(value: object) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_as_text).encode

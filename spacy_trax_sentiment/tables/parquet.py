"""Parquet files to batches of rows and back, with pyarrow: an extra, so it is imported where it is needed."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import accumulate
from typing import IO, Any

from ..errors import Errors, MissingExtraError, SentimentError, errors_at, os_errors_as
from .lines import TableError, brief
from .rows import Added, TableBatch, Write, as_json, column_index, json_values, require_distinct
from .sources import Source, placed, reading

# Bytes of a column that are read at once. Without it, all that a row group holds of the column would be.
_BUFFER = 1 << 20

# Row groups of few rows are slow to read, and large ones take memory. A group is written when either is reached.
GROUP_ROWS = 1 << 16
_GROUP_BYTES = 1 << 26


def parquet_batches(
    file: IO[bytes], path: str, text_column: str, batch_size: int, strict: bool = True, rows: range | None = None
) -> Iterator[TableBatch]:
    """Return an iterator of a Parquet file's batches, like `open_input`; `path` is its name for errors."""
    pa = load_pyarrow(path)
    with placed(Source(path)):
        parquet = _opened(pa, file, path)
        index = column_index(parquet.schema_arrow.names, text_column)
        require_strings(pa, parquet.schema_arrow.field(index))
    return _read(pa, parquet, path, index, batch_size, strict, rows or range(parquet.metadata.num_rows))


def _opened(pa: Any, file: IO[bytes], path: str) -> Any:
    with reading(path, pa.ArrowException):
        return pa.parquet.ParquetFile(file, buffer_size=_BUFFER)


def _read(
    pa: Any, parquet: Any, path: str, index: int, batch_size: int, strict: bool, rows: range
) -> Iterator[TableBatch]:
    schema, n_read = parquet.schema_arrow, 0
    with reading(path, pa.ArrowException):
        for data in _batches_of_rows(parquet, batch_size, rows):
            data.validate(full=True)  # damage need not be noticed before a damaged value is used
            texts = data.column(index).to_pylist()
            if strict and None in texts:
                with errors_at(f"{path}, row {rows.start + n_read + 1 + texts.index(None)}"):
                    column = schema.names[index]
                    raise SentimentError(Errors.S065.format(column=column, value="null", option="--text-column"))
            n_read += len(texts)
            yield arrow_batch(data, texts, Source(path), n_read / len(rows))
    if not n_read:
        yield arrow_batch(pa.RecordBatch.from_pylist([], schema=schema), [], Source(path))


def _batches_of_rows(parquet: Any, batch_size: int, rows: range) -> Iterator[Any]:
    """Yield the batches of the row groups that hold the rows, cut to these."""
    ends = list(accumulate(parquet.metadata.row_group(i).num_rows for i in range(parquet.num_row_groups)))
    first, last = bisect_right(ends, rows.start), bisect_left(ends, rows.stop)
    at = ends[first - 1] if first else 0
    groups = range(first, min(last + 1, len(ends)))
    # pyarrow 18 raises an error if there is no group.
    for data in parquet.iter_batches(batch_size, row_groups=groups) if groups else ():
        cut = data.slice(max(rows.start - at, 0), max(min(rows.stop - max(rows.start, at), data.num_rows), 0))
        at += data.num_rows
        if cut.num_rows:
            yield cut
        if at >= rows.stop:
            break


def arrow_batch(data: Any, texts: list[str | None], source: Source, fraction: float | None = None) -> TableBatch:
    """Return a pyarrow.RecordBatch as a batch of rows."""
    return TableBatch(texts, data.schema.names, _values(data), source, fraction, arrow=data)


def _values(data: Any) -> Iterator[Sequence[Any]]:
    yield from zip(*map(json_values, data.columns), strict=True)


def column_rows(file: IO[bytes], path: str, columns: Mapping[str, str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each row's number, from 1, and its values in columns, which are given with the options that name them."""
    pa = load_pyarrow(path)
    parquet, n_read = _opened(pa, file, path), 0
    with placed(Source(path)):
        for column, option in columns.items():
            column_index(parquet.schema_arrow.names, column, option)
    with reading(path, pa.ArrowException, OverflowError, ValueError):  # a date may be none of Python's
        for data in parquet.iter_batches(columns=list(columns)):
            data.validate(full=True)
            yield from enumerate(data.to_pylist(), start=n_read + 1)
            n_read += data.num_rows


def require_strings(pa: Any, field: Any) -> None:
    """Raise a TableError if a field of an Arrow schema does not hold strings."""
    type_ = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if type_ not in (pa.string(), pa.large_string(), pa.string_view()):
        raise TableError(
            Errors.S065.format(column=field.name, value=f"of the type {field.type}", option="--text-column")
        )


@contextmanager
def parquet_writer(file: IO[bytes], path: str, group_rows: int = GROUP_ROWS) -> Iterator[Write]:
    """Yield a function that writes a batch and the columns to add as Parquet.

    A table from Parquet keeps its types and metadata. Any other has the types of its first batch, and a row that does
    not fit them raises TableError.
    """
    pa = load_pyarrow(path)
    writer: Any = None
    kinds: list[type] = []
    pending: list[Any] = []
    n_rows = n_bytes = 0

    def write(batch: TableBatch, added: Added) -> None:
        nonlocal writer, n_rows, n_bytes
        data = with_columns(pa, batch.arrow if batch.arrow is not None else _converted(pa, batch, kinds), added)
        if writer is None:
            writer = pa.parquet.ParquetWriter(file, data.schema)
        pending.append(data)
        n_rows, n_bytes = n_rows + data.num_rows, n_bytes + data.nbytes
        if n_rows >= group_rows or n_bytes >= _GROUP_BYTES:
            flush()

    def flush() -> None:
        nonlocal n_rows, n_bytes
        writer.write_table(pa.Table.from_batches(pending), row_group_size=group_rows)
        pending.clear()
        n_rows = n_bytes = 0

    try:
        yield write
        with os_errors_as(Errors.S069, path):
            if pending:
                flush()
            if writer is not None:
                writer.close()
    except BaseException:
        # An open writer would write to the file once more, when the file is closed already.
        with suppress(Exception):
            writer.close()
        raise


def with_columns(pa: Any, data: Any, added: Added) -> Any:
    """Return a record batch with columns after its own. The schema keeps its metadata."""
    fields, columns = list(data.schema), list(data.columns)
    for name, column in added.items():
        type_ = pa.string() if isinstance(column, list) else pa.float32()
        column = [*map(_flat, column)] if isinstance(column, list) else column
        columns.append(pa.array(column, type_, from_pandas=True))  # NaN becomes null
        fields.append(pa.field(_encodable(name), columns[-1].type))
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields, data.schema.metadata))


_ARROW_TYPES = {bool: "bool", int: "int64", float: "float64", str: "string"}


def _converted(pa: Any, batch: TableBatch, kinds: list[type]) -> Any:
    """Return a batch of JSON or text as a record batch. `kinds`, the columns' types, is filled by the first one."""
    require_distinct(batch.columns)
    rows = list(batch.values)
    columns = [list(map(_flat, column)) for column in zip(*rows, strict=True)] or [[] for _ in batch.columns]
    kinds.extend(map(_kind, columns[len(kinds) :]))
    arrays = []
    for name, column, kind in zip(batch.columns, columns, kinds, strict=True):
        for i, value in enumerate(column):
            if value is not None and not _fits(value, kind):
                reason = f"the column {name!r} is {brief(value)}, of another type than in the rows before"
                raise TableError(Errors.S067.format(reason=reason), batch.json[i].number if batch.json else None)
        arrays.append(pa.array(column, pa.type_for_alias(_ARROW_TYPES[kind])))
    return pa.RecordBatch.from_arrays(arrays, names=list(map(_encodable, batch.columns)))


def _kind(column: list[Any]) -> type:
    found = [type(value) for value in column if value is not None] or [str]
    return float if found[0] is int and float in found else found[0]


def _fits(value: Any, kind: Any) -> bool:
    """Return whether Arrow can hold a value unchanged. It would turn 1 into "1" and 1.5 into 1."""
    if kind is float and type(value) is int:
        return abs(value) <= 1 << 53
    return type(value) is kind and (kind is not int or bool(-(1 << 63) <= value < 1 << 63))


def _flat(value: Any) -> Any:
    """Return a nested value as JSON, because its fields may differ from row to row."""
    return as_json(value) if isinstance(value, dict | list) else _encodable(value)


def _encodable(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def load_pyarrow(path: str) -> Any:
    """Return the module pyarrow, with pyarrow.parquet, or raise a MissingExtraError that names the file."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError(Errors.S062.format(path=path, reason=error)) from None
    return pyarrow

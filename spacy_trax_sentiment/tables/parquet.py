"""Parquet files to batches of rows and back, by pyarrow, which is an extra and is loaded where it is needed only."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import accumulate
from typing import IO, Any

from ..errors import Errors, MissingExtraError, SentimentError
from .lines import brief
from .rows import (
    Added,
    ArrowRows,
    CellRows,
    JsonRows,
    TableBatch,
    Write,
    as_json,
    column_index,
    column_names,
    place,
    require_distinct,
    unreadable,
    value_rows,
    writing,
)

# Of a column, as much as this is read at once: without it, all that a row group holds of it.
_BUFFER = 1 << 20

# A row group of few rows is slow to read, one of many takes memory: one is written when either is reached.
_GROUP_ROWS = 1 << 16
_GROUP_BYTES = 1 << 26


def arrow_batches(
    file: IO[bytes], path: str, text_column: str, batch_size: int, strict: bool = True, rows: range | None = None
) -> Iterator[ArrowRows]:
    """RETURNS: An iterator of batches in the file's order; of a table without rows, one empty batch.

    Raises SentimentError, here or from the iterator, where the file cannot be read as Parquet or the column does not
    hold strings, and MissingExtraError where pyarrow is not installed.
    """
    pa = load_pyarrow(path)
    try:
        parquet = pa.parquet.ParquetFile(file, buffer_size=_BUFFER)
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from None
    index = column_index(path, parquet.schema_arrow.names, text_column)
    require_strings(pa, path, parquet.schema_arrow.field(index))
    return _read(pa, parquet, path, index, batch_size, strict, rows or range(parquet.metadata.num_rows))


def _read(
    pa: Any, parquet: Any, path: str, index: int, batch_size: int, strict: bool, rows: range
) -> Iterator[ArrowRows]:
    schema, n_read = parquet.schema_arrow, 0
    try:
        for data in _batches_of_rows(parquet, batch_size, rows):
            data.validate(full=True)  # what is damaged need not fail before a value of it is used
            texts = data.column(index).to_pylist()
            if strict and None in texts:
                where = f"{path}, row {rows.start + n_read + texts.index(None) + 1}"
                raise SentimentError(Errors.S065.format(place=where, column=schema.names[index], value="null"))
            n_read += len(texts)
            yield ArrowRows(texts, path, n_read / len(rows), data)
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error) from None
    if not n_read:
        yield ArrowRows([], path, None, pa.RecordBatch.from_pylist([], schema=schema))


def _batches_of_rows(parquet: Any, batch_size: int, rows: range) -> Iterator[Any]:
    """YIELDS: The batches of the row groups in which the rows lie, cut to these."""
    ends = list(accumulate(parquet.metadata.row_group(i).num_rows for i in range(parquet.num_row_groups)))
    first, last = bisect_right(ends, rows.start), bisect_left(ends, rows.stop)
    at = ends[first - 1] if first else 0
    groups = range(first, min(last + 1, len(ends)))
    # Of no group, pyarrow 18 reads none by raising an error.
    for data in parquet.iter_batches(batch_size, row_groups=groups) if groups else ():
        cut = data.slice(max(rows.start - at, 0), max(min(rows.stop - max(rows.start, at), data.num_rows), 0))
        at += data.num_rows
        if cut.num_rows:
            yield cut
        if at >= rows.stop:
            break


def require_strings(pa: Any, path: str, field: Any) -> None:
    """Raises SentimentError where the field of an Arrow schema is not of strings. pa: The module. path: To be named."""
    type_ = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if type_ not in (pa.string(), pa.large_string(), pa.string_view()):
        raise SentimentError(Errors.S065.format(place=path, column=field.name, value=f"of the type {field.type}"))


@contextmanager
def parquet_writer(file: IO[bytes], path: str) -> Iterator[Write]:
    """YIELDS: A function that writes batches to an open file.

    A table that comes from Parquet keeps its types and metadata. Another's types are those of its first batch.

    Raises SentimentError, naming the line, where a row does not fit into them, and MissingExtraError where pyarrow is
    not installed.
    """
    pa = load_pyarrow(path)
    writer: Any = None
    names: list[str] = []
    types: list[Any] = []
    pending: list[Any] = []
    n_rows = n_bytes = 0

    def write(batch: TableBatch, added: Added) -> None:
        nonlocal writer, names, types, n_rows, n_bytes
        if isinstance(batch, ArrowRows):
            data = batch.data
        else:
            names = names or column_names(batch)
            data = _record_batch(pa, batch, names, types)
            types = data.schema.types
        data = with_columns(pa, data, added)
        if writer is None:
            writer = pa.parquet.ParquetWriter(file, data.schema)
        pending.append(data)
        n_rows, n_bytes = n_rows + data.num_rows, n_bytes + data.nbytes
        if n_rows >= _GROUP_ROWS or n_bytes >= _GROUP_BYTES:
            flush()

    def flush() -> None:
        nonlocal n_rows, n_bytes
        writer.write_table(pa.Table.from_batches(pending), row_group_size=_GROUP_ROWS)
        pending.clear()
        n_rows = n_bytes = 0

    try:
        yield write
        with writing(path):
            if pending:
                flush()
            if writer is not None:
                writer.close()
    except BaseException:
        # Left open, it would write to the file when that is closed already.
        with suppress(Exception):
            writer.close()
        raise


def with_columns(pa: Any, data: Any, added: Added) -> Any:
    """RETURNS: The record batch, and the columns after its own; the schema keeps its metadata."""
    fields, columns = list(data.schema), list(data.columns)
    for name, column in added.items():
        type_ = pa.string() if isinstance(column, list) else pa.float32()
        columns.append(pa.array(column, type_, from_pandas=True))  # NaN is null
        fields.append(pa.field(_encodable(name), columns[-1].type))
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields, data.schema.metadata))


def _record_batch(pa: Any, batch: JsonRows | CellRows, names: list[str], types: list[Any]) -> Any:
    """Make Arrow columns of the types given; without any, of the types that the values have."""
    require_distinct(batch)
    rows = list(value_rows(batch, names))
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    arrays = [
        _array(pa, batch, name, [_flat(value) for value in column], type_)
        for name, column, type_ in zip(names, columns, types or [None] * len(names), strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, names=[_encodable(name) for name in names])


def _array(pa: Any, batch: TableBatch, name: str, values: list[Any], type_: Any) -> Any:
    try:
        return _converted(pa, values, type_)
    except (pa.ArrowException, OverflowError):
        row = bisect_left(range(len(values)), True, key=lambda i: not _converts(pa, values[: i + 1], type_))
        reason = f"the column {name!r} is {brief(values[row])}, of another type than in the rows before"
        raise SentimentError(Errors.S067.format(place=place(batch, row), reason=reason)) from None


def _converts(pa: Any, values: list[Any], type_: Any) -> bool:
    try:
        _converted(pa, values, type_)
    except (pa.ArrowException, OverflowError):
        return False
    return True


def _converted(pa: Any, values: list[Any], type_: Any) -> Any:
    try:
        array = pa.array(values)
    except UnicodeEncodeError:
        array = pa.array([_encodable(value) for value in values])
    if pa.types.is_null(array.type):
        return array.cast(type_ or pa.string())
    # Arrow would turn 1 into "1", and given the type at once, 1.5 into 1.
    if type_ in (None, array.type) or {str(type_), str(array.type)} == {"int64", "double"}:
        return array.cast(type_ or array.type)
    raise pa.ArrowInvalid(f"{array.type} is not {type_}")


def _flat(value: Any) -> Any:
    """Nested values become JSON: their fields may differ from row to row, which a type of Arrow's cannot say."""
    return as_json(value) if isinstance(value, dict | list) else value


def _encodable(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def json_values(column: Any) -> list[Any]:
    """RETURNS: The values of an Arrow array, in forms that JSON and CSV have, or that `as_json` gives them."""
    import pyarrow as pa

    type_ = column.type
    if pa.types.is_timestamp(type_) and type_.tz is not None:
        # In UTC, as the data base of time zones is not on every machine.
        times = column.cast(pa.timestamp(type_.unit)).cast(pa.string())
        return [None if time is None else f"{time}Z" for time in times.to_pylist()]
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_) or pa.types.is_fixed_size_binary(type_):
        return [None if value is None else value.decode("utf-8", "backslashreplace") for value in column.to_pylist()]
    # Python's own times have no nanoseconds.
    as_string = pa.types.is_temporal(type_) or pa.types.is_decimal(type_)
    return list((column.cast(pa.string()) if as_string else column).to_pylist())


def load_pyarrow(path: str) -> Any:
    """RETURNS: The module pyarrow, with pyarrow.parquet in it. path: The file that needs it.

    Raises MissingExtraError where it is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError(Errors.S062.format(path=path, reason=error)) from None
    return pyarrow

"""Tables to batches of rows. Files are streamed: however long one is, a single batch of it is in RAM."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

from ..errors import Errors, SentimentError
from .addresses import is_address, open_address
from .excel import cell_text, sheet_rows
from .lines import LINE_LIMIT, TableError, brief, csv_rows, decoded_lines, delimited, json_items, parse_json_line
from .parquet import column_rows, parquet_batches
from .rows import BINARY_FORMATS, INPUT_FORMATS, JsonLine, TableBatch, column_index, format_of, missing_column
from .sources import STANDARD_INPUT, STANDARD_STREAM, Source, file_size, open_binary, placed, reading

# A batch of few but long rows ends when it has this many characters.
BATCH_CHARS = 4 * LINE_LIMIT
# Rows that are read before their characters are counted.
_ROWS_AT_A_TIME = 8

Row = TypeVar("Row")


class _Table(NamedTuple):
    """A table of text that is being read; the fields are `open_input`'s arguments."""

    file: IO[bytes]
    source: Source
    text_column: str
    batch_size: int
    strict: bool
    line_limit: int = LINE_LIMIT
    batch_chars: int = BATCH_CHARS
    size: int | None = None
    delimiter: str | None = None

    def lines(self) -> Iterator[str]:
        return decoded_lines(self.file, at_start=not self.source.start, limit=self.line_limit)

    def fraction(self) -> float | None:
        return min(self.file.tell() / self.size, 1.0) if self.size else None

    def batched(self, rows: Iterator[Row], n_chars: Callable[[Row], int]) -> Iterator[list[Row]]:
        """Yield lists of at most `batch_size` rows, fewer if they are long. No row at all gives one empty list."""
        is_first = True
        while True:
            batch: list[Row] = []
            length = 0
            while length <= self.batch_chars:
                some = list(islice(rows, min(_ROWS_AT_A_TIME, self.batch_size - len(batch))))
                if not some:
                    break
                batch += some
                length += sum(map(n_chars, some))
            if not batch and not is_first:
                return
            yield batch
            is_first = False


@contextmanager
def open_input(
    path: str,
    format: str,
    *,
    text_column: str = "text",
    batch_size: int = 1000,
    strict: bool = True,
    part: range | None = None,
    line_limit: int = LINE_LIMIT,
    batch_chars: int = BATCH_CHARS,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> Iterator[Iterator[TableBatch]]:
    """Open a table for reading, and yield an iterator of its batches, in order: one empty batch if it has no rows.

    `path` is a path, an address or "-" for standard input, and `part` the rows of Parquet to read, or the bytes of JSON
    Lines or text (see `line_spans`). A batch ends after `batch_size` rows or about `batch_chars` characters. Without
    `strict`, a row without a string in the column has the text None. The only column of "txt" is named `text_column`.
    The `encoding` is that of a text format, None for UTF-8, and the `delimiter` is as in `delimited`.
    SentimentError is raised here, or by the iterator, if the file cannot be read or lacks a string in the column.
    """
    if format in BINARY_FORMATS and path == STANDARD_STREAM:
        reason = f"{'Parquet' if format == 'parquet' else 'a workbook'} is read from its end; name a file by --input"
        raise SentimentError(Errors.S061.format(path=STANDARD_INPUT, reason=reason))
    if format == "parquet":
        # pyarrow reads best from a file of its own.
        with open_address(path) if is_address(path) else open_binary(path) as file:
            yield parquet_batches(file, path, text_column, batch_size, strict, part)
        return
    name = STANDARD_INPUT if path == STANDARD_STREAM else path
    is_text = format != "xlsx"
    with open_binary(path, part, encoding if is_text else None) as file:
        source, size = Source(name, part.start if part else 0), file_size(file) if is_text else None
        table = _Table(file, source, text_column, batch_size, strict, line_limit, batch_chars, size, delimiter)
        yield _batches(table, format)


def table_batches(
    file: IO[bytes], name: str, format: str, *, text_column: str, batch_size: int, batch_chars: int = BATCH_CHARS
) -> Iterator[TableBatch]:
    """Return the batches of an open file that errors call `name`, like `open_input`, for any format but Parquet."""
    table = _Table(file, Source(name), text_column, batch_size, strict=True, batch_chars=batch_chars)
    return _batches(table, format)


def _batches(table: _Table, format: str) -> Iterator[TableBatch]:
    with reading(table.source.name), placed(table.source):
        yield from _READERS[format](table, format)


def _json_batches(table: _Table, format: str) -> Iterator[TableBatch]:
    columns: list[str] = []
    items = _numbered(format, table.file, table.lines(), table.line_limit)
    for lines in table.batched(_json_lines(table, items), lambda line: len(line.raw)):
        columns = columns or (list(lines[0].row) if lines else [])
        texts = [line.text for line in lines]
        yield TableBatch(texts, columns, _json_values(lines, columns), table.source, table.fraction(), json=lines)


def _numbered(format: str, file: IO[bytes], lines: Iterator[str], limit: int) -> Iterator[tuple[int, str]]:
    """Return the objects of a .json or .jsonl file as JSON, each with the number of its line."""
    return json_items(file, limit) if format == "json" else enumerate(lines, start=1)


def _json_lines(table: _Table, items: Iterable[tuple[int, str]]) -> Iterator[JsonLine]:
    column = table.text_column
    has_column = table.strict or table.source.start > 0
    for number, content in items:
        raw = content.strip()
        if not raw:
            continue
        row = parse_json_line(raw, number)
        # A good row costs this one look-up.
        text = row.get(column) if isinstance(row, dict) else None
        if not isinstance(text, str):
            # If even the first row lacks the column, its name is probably wrong.
            if table.strict or not isinstance(row, dict) or (not has_column and column not in row):
                raise _not_a_text(row, column, number)
            text = None
        has_column = True
        yield JsonLine(number, raw, row, text)


def _not_a_text(row: Any, column: str, line: int, option: str = "--text-column") -> TableError:
    if not isinstance(row, Mapping):
        return TableError(Errors.S063.format(value=brief(row), column=column), line)
    if column not in row:
        return missing_column(column, row, line, option)
    return TableError(Errors.S065.format(column=column, value=brief(row[column]), option=option), line)


def _json_values(lines: list[JsonLine], columns: list[str]) -> Iterator[list[Any]]:
    known = set(columns)
    for line in lines:
        if not line.row.keys() <= known:
            name = next(name for name in line.row if name not in known)
            raise TableError(Errors.S067.format(reason=f"the first row has no column {name!r}"), line.number)
        yield [line.row.get(name) for name in columns]


def _line_batches(table: _Table, _: str) -> Iterator[TableBatch]:
    texts = (line.removesuffix("\n").removesuffix("\r") for line in table.lines())
    for batch in table.batched(texts, len):
        cells = [[text] for text in batch]
        yield TableBatch([*batch], [table.text_column], cells, table.source, table.fraction())


def _cell_batches(table: _Table, format: str) -> Iterator[TableBatch]:
    delimiter = ","
    if format == "xlsx":
        rows = sheet_rows(table.file, table.source.name)
    else:
        lines, delimiter = delimited(table.lines(), format, table.text_column, table.delimiter)
        rows = csv_rows(lines, delimiter, table.line_limit)
    columns = [cell_text(cell) for cell in next((row for _, row in rows if row), [])]
    index = column_index(columns, table.text_column) if columns else 0
    cells = _cell_rows(rows, columns, index, table.strict)
    for batch in table.batched(cells, lambda row: len("".join(map(str, row[1])))):
        texts, values = [text for text, _ in batch], [row for _, row in batch]
        kept = delimiter if format == "csv" else ","
        yield TableBatch(texts, columns, values, table.source, table.fraction(), delimiter=kept)


def _cell_rows(
    rows: Iterator[tuple[int, list[Any]]], columns: list[str], index: int, strict: bool
) -> Iterator[tuple[str | None, list[Any]]]:
    """Yield each row's text and cells. Rows that end early are filled up, so that added columns do not shift left."""
    for line, row in rows:
        has_text = len(row) > index
        if len(row) != len(columns):
            if not row:
                continue
            _check_length(row, columns, line)
            if strict and not has_text:
                raise missing_column(columns[index], columns[: len(row)], line)
            row += [""] * (len(columns) - len(row))
        if has_text and row[index] is not None:
            row[index] = cell_text(row[index])
        yield row[index] if has_text else None, row


def _check_length(row: Sequence[Any], columns: Sequence[str], line: int) -> None:
    """Raise TableError if a row has more cells than there are columns: one would be taken for another."""
    if len(row) > len(columns):
        reason = f"it has {len(row)} fields, and there are {len(columns)} columns"
        raise TableError(Errors.S067.format(reason=reason), line)


def _named_cells(
    rows: Iterable[tuple[int, list[Any]]], wanted: Mapping[str, str]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row's line, and its cells by the names in the first row. A `wanted` column may be there only once."""
    names: list[str] | None = None
    for line, cells in rows:
        row = [*map(cell_text, cells)]
        if names is None:
            names = row
            for column in wanted.keys() & {*names}:
                column_index(names, column, wanted[column])
        else:
            _check_length(row, names, line)
            yield line, dict(zip(names, row, strict=False))


_READERS = {
    "jsonl": _json_batches,
    "json": _json_batches,
    "txt": _line_batches,
    "csv": _cell_batches,
    "tsv": _cell_batches,
    "xlsx": _cell_batches,
}


def labelled_rows(
    path: str | Path,
    *,
    text_column: str = "text",
    label_column: str = "label",
    encoding: str | None = None,
    line_limit: int = LINE_LIMIT,
) -> Iterator[tuple[int, str, str | None]]:
    """Yield the number of the line (of the row, without lines), the text and the label of each row of a file.

    The label is None if the `answer` of a row of JSON is "reject" or "ignore", as Prodigy writes it. SentimentError is
    raised if the name has another suffix than these formats have, the file cannot be read, or a row lacks one of both.
    """
    path = Path(path)
    format = format_of(str(path))
    if format not in INPUT_FORMATS or format == "txt":
        raise SentimentError(Errors.S011.format(path=path, suffix=path.suffix))
    columns, source = {text_column: "--text-column", label_column: "--label-column"}, Source(str(path))
    has_answers = format in ("jsonl", "json") and "answer" not in columns
    encoding = None if format in BINARY_FORMATS else encoding
    with open_binary(source.name, encoding=encoding) as file, reading(source.name), placed(source):
        lines = decoded_lines(file, limit=line_limit)
        if format == "parquet":
            rows: Iterator[Any] = column_rows(file, source.name, columns)
        elif format in ("jsonl", "json"):
            numbered = _numbered(format, file, lines, line_limit)
            rows = ((i, parse_json_line(line, i)) for i, line in numbered if line.strip())
        elif format == "xlsx":
            rows = _named_cells(sheet_rows(file, source.name), columns)
        else:
            lines, found = delimited(lines, format, text_column)
            rows = _named_cells(((i, row) for i, row in csv_rows(lines, found, line_limit) if row), columns)
        for number, row in rows:
            if has_answers and isinstance(row, dict) and row.get("answer") in ("reject", "ignore"):
                yield number, "", None
                continue
            require_string(row, text_column, columns[text_column], number)
            label = label_text(row.get(label_column))
            require_string(row if label is None else {label_column: label}, label_column, "--label-column", number)
            yield number, row[text_column], label


def label_text(value: Any) -> str | None:
    """Return a label without outer white space: 1 and 1.0 as "1", True as "true"; None for what cannot be one."""
    value = value.item() if hasattr(value, "item") else value  # NumPy
    value = int(value) if isinstance(value, float) and value.is_integer() else value
    if not isinstance(value, str | int | float) or value != value:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def require_string(row: Any, column: str, option: str, line: int) -> None:
    """Raise TableError unless the row of JSON or CSV holds a string in the column, which the option names."""
    value = row.get(column) if isinstance(row, dict) else None
    if not isinstance(value, str):
        raise _not_a_text(row, column, line, option)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise TableError(Errors.S016.format(column=column), line) from None

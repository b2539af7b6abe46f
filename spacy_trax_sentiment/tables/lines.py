"""Bytes of a text file to lines, rows of CSV and values of JSON, with errors that know their line."""

import codecs
import csv
import json
import re
from collections.abc import Iterator
from functools import partial
from itertools import chain, islice
from typing import IO, Any

from ..errors import Errors, SentimentError

# Maximum bytes per line, and characters per row of CSV (which may span lines). Anything longer is refused before it is
# read, because a file may be a single line of any length.
LINE_LIMIT = 1 << 24
# Maximum nesting of a line of JSON. Python's own limit depends on how deep the caller's stack is.
DEPTH_LIMIT = 100

# The delimiters that are recognized in the header of a CSV.
_DELIMITERS = ",;|\t"

_SPACE = re.compile(r"[ \t\r\n]*")
_PIECE = 1 << 16

_NOT_TEXT = {b"\x1f\x8b": ".gz", b"\x28\xb5\x2f\xfd": ".zst", b"PK\x03\x04": ".xlsx"}


class TableError(SentimentError):
    """A table that cannot be used: a message of `Errors`, and the number of the line that is meant, if one is.

    `sources.placed` adds the file and the line to the message. Numbers count from 1 where reading began.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message, line)
        self.message, self.line = message, line


def decoded_lines(
    file: IO[bytes], *, errors: str = "strict", at_start: bool = True, limit: int = LINE_LIMIT
) -> Iterator[str]:
    """Yield the lines of a file with their ends. Only a line feed ends a line.

    A byte order mark is dropped `at_start` of a file; `errors` is as in `bytes.decode`. A line that is not UTF-8, or
    too long, raises TableError, and so does a file in UTF-16 whatever `errors` is.
    """
    for line, content in enumerate(iter(partial(file.readline, limit + 1), b""), start=1):
        if len(content) > limit:
            raise TableError(Errors.S018.format(limit=limit), line)
        is_first = at_start and line == 1
        try:
            if is_first and _utf16(content):
                raise UnicodeError("it looks like UTF-16")
            yield content.decode("utf-8-sig" if is_first else "utf-8", errors)
        except UnicodeError as error:
            raise _not_utf8(error, content, line) from None


def _not_utf8(error: UnicodeError, content: bytes, line: int) -> TableError:
    remedy = f"or give --encoding {_utf16(content) or 'cp1252'}, which it looks like"
    if suffix := next((suffix for magic, suffix in _NOT_TEXT.items() if content.startswith(magic)), None):
        remedy = f"or name it {suffix}, which it looks like"
    return TableError(Errors.S009.format(reason=getattr(error, "reason", error), remedy=remedy), line)


def _utf16(content: bytes) -> str | None:
    """Return the encoding of a file that begins with these bytes, if it is one of those with two bytes a character."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    high = {"utf-16-le": content[1:8:2], "utf-16-be": content[:8:2]}
    return next((name for name, some in high.items() if len(some) > 1 and not any(some) and any(content[:8])), None)


def delimited(lines: Iterator[str], format: str, column: str, given: str | None = None) -> tuple[Iterator[str], str]:
    """Return the lines of a CSV or TSV, and its delimiter: the given one, or that by which the header has the column.

    `\\t` stands for a tab. TableError is raised if the delimiter cannot be one.
    """
    if given is not None or format == "tsv":
        delimiter = "\t" if given is None or given == "\\t" else given
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise TableError(Errors.S151.format(delimiter=given))
        return lines, delimiter
    header = next(lines, "")
    start = [header[:100_000].replace("\r", "")]  # which the csv module would refuse within a line
    found = (each for each in _DELIMITERS if column in next(csv.reader(start, delimiter=each), []))
    return chain([header], lines), next(found, ",")


def csv_rows(lines: Iterator[str], delimiter: str, limit: int = LINE_LIMIT) -> Iterator[tuple[int, list[str]]]:
    """Yield each row's last line number and its cells. A row that is too long or not valid raises TableError."""
    n_chars = 0

    def lines_of_a_row() -> Iterator[str]:
        nonlocal n_chars
        for line in lines:
            n_chars += len(line)
            if n_chars > limit:
                raise TableError(Errors.S018.format(limit=limit), reader.line_num + 1)
            yield line

    # The csv module has one limit per process, by default 128 KiB, and a longer field is still a text. So it is only
    # ever raised: putting it back after each row would break another thread that reads at the same time.
    csv.field_size_limit(max(csv.field_size_limit(), LINE_LIMIT))
    reader = csv.reader(lines_of_a_row(), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            n_chars = 0
            yield reader.line_num, row
    except csv.Error as error:
        format = "TSV" if delimiter == "\t" else "CSV"
        raise TableError(Errors.S010.format(format=format, reason=error), reader.line_num) from None


def json_items(file: IO[bytes], limit: int = LINE_LIMIT) -> Iterator[tuple[int, str]]:
    """Yield the line and the JSON of each item of an array, or of objects that follow one another.

    The JSON is on one line, whatever the file's. TableError is raised if it is no such file, or an item is too long.
    """
    pieces = codecs.iterdecode(iter(partial(file.read, _PIECE), b""), "utf-8-sig")
    text, at, line = "", 0, 1

    def read_on() -> bool:
        nonlocal text, at
        try:
            more = "".join(islice(pieces, 1 + (len(text) - at) // _PIECE))
        except UnicodeDecodeError as error:
            n_lines = text.count("\n", at) + error.object[: error.start].count(b"\n")
            raise _not_utf8(error, error.object, line + n_lines) from None
        text, at = text[at:] + more, 0
        return bool(more)

    def next_sign() -> str:
        nonlocal at, line
        while True:
            end = at + len(_SPACE.match(text, at)[0])  # type: ignore[index]
            line, at = line + text.count("\n", at, end), end
            if at < len(text) or not read_on():
                return text[at : at + 1]

    def next_item() -> str:
        nonlocal at, line
        end = None
        while end is None:
            try:
                _, end = json.JSONDecoder().raw_decode(text, at)
            except (ValueError, RecursionError) as error:
                if len(text) - at <= limit and not read_on():
                    raise TableError(Errors.S004.format(reason=getattr(error, "msg", error)), line) from None
            if (end or len(text)) - at > limit:
                raise TableError(Errors.S018.format(limit=limit), line)
        item, at = text[at:end], end
        line += item.count("\n")
        return " ".join(map(str.strip, item.split("\n")))  # a line feed can only be between two tokens

    is_array = next_sign() == "["
    at += is_array
    while next_sign() != ("]" if is_array else ""):
        yield line, next_item()
        if is_array and next_sign() == ",":
            at += 1
        elif is_array and next_sign() != "]":
            raise TableError(Errors.S004.format(reason="a comma or ] is missing"), line)
    at += is_array
    if next_sign():
        raise TableError(Errors.S004.format(reason="something follows the array"), line)


def parse_json_line(content: str, line: int) -> Any:
    """Return the value of a line of JSON, or raise TableError if it is not JSON or nested too deep."""
    try:
        value = json.loads(content)
        # Brackets may stand in texts, so their number is only a hint.
        if content.count("[") + content.count("{") > DEPTH_LIMIT and _is_deeper(value, DEPTH_LIMIT):
            raise RecursionError
        return value
    except RecursionError:
        reason = f"it is nested more than {DEPTH_LIMIT} deep"
    except ValueError as error:
        reason = getattr(error, "msg", None) or str(error)
    raise TableError(Errors.S004.format(reason=reason), line)


def _is_deeper(value: Any, most: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    items = value.values() if isinstance(value, dict) else value
    return most == 0 or any(_is_deeper(item, most - 1) for item in items)


def brief(value: Any) -> str:
    """Return a value as errors show it, cut to 60 characters."""
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."

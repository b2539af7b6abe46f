"""Bytes of a text file to lines, rows of CSV and values of JSON, with errors that know their line."""

import csv
import json
from collections.abc import Iterator
from functools import partial
from typing import IO, Any

from ..errors import Errors, SentimentError

# Maximum bytes per line, and characters per row of CSV (which may span lines). Anything longer is refused before it is
# read, because a file may be a single line of any length.
LINE_LIMIT = 1 << 24
# Maximum nesting of a line of JSON. Python's own limit depends on how deep the caller's stack is.
DEPTH_LIMIT = 100

DIALECTS = {"csv": "excel", "tsv": "excel-tab"}


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
    too long, raises TableError.
    """
    for line, content in enumerate(iter(partial(file.readline, limit + 1), b""), start=1):
        if len(content) > limit:
            raise TableError(Errors.S018.format(limit=limit), line)
        try:
            yield content.decode("utf-8-sig" if at_start and line == 1 else "utf-8", errors)
        except UnicodeDecodeError as error:
            raise TableError(Errors.S009.format(reason=error.reason), line) from None


def csv_rows(lines: Iterator[str], format: str, limit: int = LINE_LIMIT) -> Iterator[tuple[int, list[str]]]:
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
    reader = csv.reader(lines_of_a_row(), DIALECTS[format], strict=True)
    try:
        for row in reader:
            n_chars = 0
            yield reader.line_num, row
    except csv.Error as error:
        raise TableError(Errors.S010.format(format=format.upper(), reason=error), reader.line_num) from None


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

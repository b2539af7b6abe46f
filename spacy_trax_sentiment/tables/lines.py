"""Files to lines of text, with errors that name the file and the line: what the readers of tables share."""

import csv
import json
from collections.abc import Iterator
from functools import partial
from typing import IO, Any

from ..errors import Errors, SentimentError

# The most bytes of a line, and characters of a row of CSV, which may be of many lines. What is longer is refused before
# it is read, as a file may be one line of any length.
LINE_LIMIT = 1 << 24
# The most arrays and objects within each other in a line of JSON. Python's own limit depends on who calls.
DEPTH_LIMIT = 100

_DIALECTS = {"csv": "excel", "tsv": "excel-tab"}


def decoded_lines(file: IO[bytes], name: object, errors: str = "strict", first: int = 1) -> Iterator[str]:
    """Decode line by line, so that an error can name its line; only a line feed ends a line.

    name: What errors call the file. errors: As in `bytes.decode`.
    first: The number of the first line, where the file is read from within.
    YIELDS: The lines with their ends; without a byte order mark at the start.

    Raises SentimentError where a line is not UTF-8, or longer than `LINE_LIMIT`.
    """
    for line, content in enumerate(iter(partial(file.readline, LINE_LIMIT + 1), b""), start=first):
        if len(content) > LINE_LIMIT:
            raise _too_long(name, line)
        try:
            yield content.decode("utf-8-sig" if line == 1 else "utf-8", errors)
        except UnicodeDecodeError as error:
            raise SentimentError(Errors.S009.format(path=name, line=line, reason=error.reason)) from None


def csv_rows(lines: Iterator[str], name: object, format: str) -> Iterator[tuple[int, list[str]]]:
    """Parse lines of CSV.

    name: What errors call the file. format: csv or tsv.
    YIELDS: Each row, and the number of its last line.

    Raises SentimentError where a row cannot be parsed, or is longer than `LINE_LIMIT`.
    """
    n_chars = 0

    def of_one_row() -> Iterator[str]:
        nonlocal n_chars
        for line in lines:
            n_chars += len(line)
            if n_chars > LINE_LIMIT:
                raise _too_long(name, reader.line_num + 1)
            yield line

    csv.field_size_limit(LINE_LIMIT)  # csv's default is 128 KiB, and a longer field is still a text
    reader = csv.reader(of_one_row(), _DIALECTS[format], strict=True)
    try:
        for row in reader:
            n_chars = 0
            yield reader.line_num, row
    except csv.Error as error:
        values = {"path": name, "line": reader.line_num, "format": format.upper(), "reason": error}
        raise SentimentError(Errors.S010.format(**values)) from None


def parse_json_line(content: str, name: object, line: int) -> Any:
    """RETURNS: What a line of JSON holds. Raises SentimentError where it is not JSON, or deeper than `DEPTH_LIMIT`."""
    try:
        value = json.loads(content)
        # Brackets may stand in texts, so they are but a hint.
        if content.count("[") + content.count("{") > DEPTH_LIMIT and _is_deeper(value, DEPTH_LIMIT):
            raise RecursionError
        return value
    except RecursionError:
        reason = f"it is nested more than {DEPTH_LIMIT} deep"
    except ValueError as error:
        reason = getattr(error, "msg", None) or str(error)
    raise SentimentError(Errors.S004.format(path=name, line=line, reason=reason))


def _is_deeper(value: Any, most: int) -> bool:
    level: list[Any] = [[value]]
    for _ in range(most + 1):
        items = (item for each in level for item in (each.values() if isinstance(each, dict) else each))
        level = [item for item in items if isinstance(item, dict | list)]
    return bool(level)


def _too_long(name: object, line: int) -> SentimentError:
    return SentimentError(Errors.S018.format(path=name, line=line, limit=LINE_LIMIT))


def brief(value: Any, most: int = 60) -> str:
    """RETURNS: How a value is shown in an error."""
    shown = repr(value)
    return shown if len(shown) <= most else shown[: most - 3] + "..."

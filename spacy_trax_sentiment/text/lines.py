"""Files to lines of text, with errors that name the file and the line: what the readers of tables share."""

import json
from collections.abc import Iterator
from typing import IO, Any

from ..errors import Errors, SentimentError

# A field longer than csv's default limit of 128 KiB is still a text.
CSV_FIELD_LIMIT = 1 << 24


def decoded_lines(file: IO[bytes], name: object, errors: str = "strict", first: int = 1) -> Iterator[str]:
    """Decode line by line, so that an error can name its line; only a line feed ends a line.

    name: What errors call the file. errors: As in `bytes.decode`.
    first: The number of the first line, where the file is read from within.
    YIELDS: The lines with their ends; without a byte order mark at the start.

    Raises SentimentError where a line is not UTF-8.
    """
    for line, content in enumerate(file, start=first):
        try:
            yield content.decode("utf-8-sig" if line == 1 else "utf-8", errors)
        except UnicodeDecodeError as error:
            raise SentimentError(Errors.S009.format(path=name, line=line, reason=error.reason)) from None


def parse_json_line(content: str, name: object, line: int) -> Any:
    """RETURNS: What a line of JSON holds. Raises SentimentError where it is not JSON."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", None) or str(error)
        raise SentimentError(Errors.S004.format(path=name, line=line, reason=reason)) from None


def brief(value: Any, most: int = 60) -> str:
    """RETURNS: How a value is shown in an error."""
    shown = repr(value)
    return shown if len(shown) <= most else shown[: most - 3] + "..."

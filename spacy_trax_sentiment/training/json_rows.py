"""Read the rows of a JSON Lines file, each by a function that may refuse it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ..errors import Errors, SentimentError
from ..tables.lines import decoded_lines, parse_json_line
from ..tables.sources import Source, open_binary, placed, reading

T = TypeVar("T")


def read_json_rows(path: Path, read: Callable[[dict[str, Any], int], T]) -> list[T]:
    """Return what `read` makes of each row and the number of its line.

    A TableError that it raises becomes a SentimentError that names the file and the line. A file that cannot be read or
    has no rows raises SentimentError as well.
    """
    if not path.exists():
        raise SentimentError(Errors.S001.format(path=path))
    source = Source(str(path))
    with open_binary(source.name) as file, reading(source.name), placed(source):
        lines = enumerate(decoded_lines(file), start=1)
        rows = [read(parse_json_line(line, number), number) for number, line in lines if line.strip()]
    if not rows:
        raise SentimentError(Errors.S003.format(path=path))
    return rows

"""A path, an address or standard input to a stream of bytes, whole or from one line to another."""

import io
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import pairwise
from typing import IO, Any, NamedTuple

from ..errors import Errors, SentimentError, errors_at, os_errors_as
from .addresses import is_address, open_address
from .lines import TableError, decoded_lines

STANDARD_STREAM = "-"
STANDARD_INPUT = "standard input"

# Bytes per read. A remote store gets one request for each.
_CHUNK = 1 << 20


class Source(NamedTuple):
    """The origin of rows, for errors: a name, and the byte where reading begins."""

    name: str
    start: int = 0

    def place(self, line: int | None) -> str:
        """Return where a line stands, given by its number from where reading begins; None for the whole file."""
        if line is None:
            return self.name
        # Nothing but an error needs the number of lines before `start`, so they are counted only here.
        return f"{self.name}, line {line + (lines_before(self.name, self.start) if self.start else 0)}"


@contextmanager
def placed(source: Source) -> Iterator[None]:
    """Add the file and the line to the message of a TableError."""
    try:
        yield
    except TableError as error:
        with errors_at(source.place(error.line)):
            raise SentimentError(error.message) from None


def reading(path: str, *others: type[Exception]) -> AbstractContextManager[None]:
    """Raise a SentimentError that names the file in place of an OSError, or of another kind of error."""
    return os_errors_as(Errors.S118 if is_address(path) else Errors.S061, path, *others)


@contextmanager
def open_binary(path: str, span: range | None = None) -> Iterator[IO[bytes]]:
    """Open a path, an address, or "-" for standard input, and yield the file, or a span of its bytes."""
    if path == STANDARD_STREAM:
        if sys.stdin is None:
            raise SentimentError(Errors.S061.format(path=STANDARD_INPUT, reason="it is closed; name a file by --input"))
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        with reading(path):
            if is_address(path):
                raw: Any = stack.enter_context(open_address(path))
            else:
                raw = stack.enter_context(open(path, "rb", buffering=0))
            file: Any = stack.enter_context(io.BufferedReader(raw if span is None else _Within(raw, span), _CHUNK))
        yield file


class _Within(io.RawIOBase):
    """The bytes of a file from one place to another."""

    def __init__(self, file: Any, span: range) -> None:
        self._file, self._left = file, len(span)
        file.seek(span.start)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        n_read = self._file.readinto(memoryview(buffer)[: self._left])
        self._left -= n_read
        return int(n_read)


def file_size(file: IO[bytes]) -> int | None:
    """Return the bytes of an open file, or None if it is not a regular file of this machine."""
    try:
        status = os.fstat(file.fileno())
    except OSError:  # not a file of the system's
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def line_spans(path: str, size: int, most: int) -> list[range]:
    """Divide a file of `size` bytes into spans of about `most`, each of whole lines, so that processes can share it."""
    ends = [0]
    with open_binary(path) as file, reading(path):
        while ends[-1] + most < size:
            file.seek(ends[-1] + most)
            while (rest := file.readline(_CHUNK)) and not rest.endswith(b"\n"):
                pass
            ends.append(min(file.tell(), size))
    if ends[-1] < size or not size:
        ends.append(size)
    return [range(start, end) for start, end in pairwise(ends)]


def lines_before(path: str, end: int) -> int:
    """Return how many lines end in the first `end` bytes of a file."""
    with open_binary(path, range(end)) as file, reading(path):
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(_CHUNK), b""))


def json_rows_before(path: str, end: int) -> int:
    """Return how many rows of JSON Lines end in the first `end` bytes of a file."""
    with open_binary(path, range(end)) as file, reading(path), placed(Source(path)):
        return sum(1 for line in decoded_lines(file, errors="replace") if line.strip())

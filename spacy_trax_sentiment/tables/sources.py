"""A path, an address or standard input to a stream of bytes, whole or from one line to another."""

import codecs
import gzip
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from importlib import import_module
from itertools import pairwise
from typing import IO, Any, NamedTuple

from ..errors import Errors, MissingExtraError, SentimentError, errors_at, os_errors_as
from .addresses import as_path, is_address, open_address
from .lines import TableError, decoded_lines

STANDARD_STREAM = "-"
STANDARD_INPUT = "standard input"

# Bytes per read. A remote store gets one request for each.
_CHUNK = 1 << 20


# The rows of a file are numbered by its lines, except in these formats. In a workbook, the header is row 1.
_UNITS = {".parquet": "row", ".xlsx": "sheet row"}


class Source(NamedTuple):
    """The origin of rows, for errors: a name, and the byte where reading begins."""

    name: str
    start: int = 0

    def place(self, line: int | None) -> str:
        """Return where a line stands, given by its number from where reading begins; None for the whole file."""
        if line is None:
            return self.name
        # Nothing but an error needs the number of lines before `start`, so they are counted only here.
        unit = _UNITS.get(as_path(self.name).suffix.lower(), "line")
        return f"{self.name}, {unit} {line + (lines_before(self.name, self.start) if self.start else 0)}"


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
def open_binary(path: str, span: range | None = None, encoding: str | None = None) -> Iterator[IO[bytes]]:
    """Open a path, an address, or "-" for standard input, and yield the file, or a span of its bytes.

    A compressed file is yielded decompressed, and a text in another encoding as UTF-8.
    """
    if path == STANDARD_STREAM:
        if sys.stdin is None:
            raise SentimentError(Errors.S061.format(path=STANDARD_INPUT, reason="it is closed; name a file by --input"))
        yield sys.stdin.buffer if encoding is None else _joined(_as_utf8(sys.stdin.buffer, encoding))
        return
    with ExitStack() as stack:
        with reading(path):
            opened: Any = open_address(path) if is_address(path) else open(path, "rb", buffering=0)  # noqa: SIM115
            raw = stack.enter_context(opened)
            file = io.BufferedReader(raw, _CHUNK) if span is None else _joined(_span(raw, span))
            stack.enter_context(file)
        if opener := packer(path):
            file = _joined(_unpacked(opener(file, "rb"), path))
        yield file if encoding is None else _joined(_as_utf8(file, encoding))


def packer(path: str) -> Callable[[Any, str], Any] | None:
    """Return what compresses and decompresses a file of this name, a function of a file and a mode; None for others."""
    suffix = as_path(path).suffix.lower()
    if suffix == ".gz":
        return lambda file, mode: gzip.GzipFile("", mode, fileobj=file, mtime=0)
    if suffix != ".zst":
        return None
    try:
        zstd: Any = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    except ImportError as error:
        raise MissingExtraError(Errors.S154.format(path=path, reason=error)) from None
    return zstd.ZstdFile  # type: ignore[no-any-return]


def _unpacked(file: Any, path: str) -> Iterator[bytes]:
    with os_errors_as(Errors.S155, path, Exception):
        while some := file.read(_CHUNK):
            yield some


def _joined(chunks: Iterator[bytes]) -> Any:
    return io.BufferedReader(_Chunks(chunks), _CHUNK)


class _Chunks(io.RawIOBase):
    """The chunks of bytes that an iterator yields, as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = filter(None, chunks), memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or memoryview(next(self._chunks, b""))
        some, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(some)] = some
        return len(some)


def _span(file: Any, span: range) -> Iterator[bytes]:
    file.seek(span.start)
    left = len(span)
    while some := file.read(min(left, _CHUNK)):
        left -= len(some)
        yield some


def _as_utf8(file: Any, encoding: str) -> Iterator[bytes]:
    try:
        io.TextIOWrapper(io.BytesIO(), encoding)  # refuses what is no encoding of texts
    except (LookupError, ValueError):
        raise SentimentError(Errors.S152.format(encoding=encoding)) from None
    line = 1
    try:
        for text in codecs.iterdecode(iter(partial(file.read, _CHUNK), b""), encoding):
            line += text.count("\n")
            yield text.encode("utf-8", "surrogatepass")
    except UnicodeError as error:
        before = error.object[: error.start] if isinstance(error, UnicodeDecodeError) else b""
        line += before.decode(encoding, "ignore").count("\n")
        raise TableError(Errors.S153.format(encoding=encoding, reason=error), line) from None


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

"""A request to its body, within limits; and requests that are refused, as errors with an HTTP status and a code."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request

from ..tables.targets import is_span

# Most clients read no answer until they have sent everything, so drain bodies up to this multiple of the limit.
_DRAINED = 10


@dataclass(frozen=True)
class Limits:
    """The most that the server accepts.

    Attributes:
        body_bytes: Bytes of a request's body.
        waiting_bytes: Bytes of all bodies that have not been answered yet.
        texts: Texts per request; also their targets, all together.
        text_chars: Characters (Unicode code points) per text.
        explained_texts, explained_chars: Texts per request with contributions, and characters of them all.
        rows, columns: Rows and columns of a table.
    """

    body_bytes: int = 10_000_000
    waiting_bytes: int = 100_000_000
    texts: int = 10_000
    text_chars: int = 100_000
    explained_texts: int = 1_000
    explained_chars: int = 100_000
    rows: int = 100_000
    columns: int = 1_000


NETWORK_LIMITS = Limits(texts=1_000, explained_texts=10, explained_chars=2_000, rows=10_000)
"""The limits of a layer that does not fold, which takes a thousand times as long as a sum over terms."""


class RefusedError(Exception):
    """A request that is refused: the HTTP status, a word for programs, and what is wrong and what to do."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def too_large(message: str) -> RefusedError:
    """Return the error for a request beyond the limits."""
    return RefusedError(413, "too_large", message)


def unsupported(message: str) -> RefusedError:
    """Return the error for a body of another type than the endpoint takes."""
    return RefusedError(415, "unsupported_media_type", message)


def content_type(request: Request) -> str:
    """Return the content type of a body, without parameters; refuse one that is compressed or not in UTF-8."""
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise unsupported(f"The body is compressed ({encoding[:40]!r}). Send it uncompressed.")
    name, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    charset = dict(part.partition("=")[::2] for part in parameters).get("charset", "utf-8").strip('"')
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise unsupported(f"The charset is {charset[:40]!r}. Send UTF-8.")
    return name


class Bodies:
    """Reads the bodies of requests, and counts those not answered yet so that they cannot fill the memory."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting = 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """Yield the body of a request, which counts as waiting until the block ends.

        Raises:
            RefusedError: The body, or all waiting bodies together, are longer than the limits.
        """
        most, parts, size = self._limits.body_bytes, list[bytes](), 0
        announced = request.headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > most and _may_answer_at_once(request, int(announced), most):
            raise _too_long(most)
        counted = 0
        try:
            async for part in request.stream():
                size += len(part)
                if size > most:
                    parts.clear()
                    if size > most * _DRAINED:
                        break
                    continue
                counted += len(part)
                self._waiting += len(part)
                if self._waiting > self._limits.waiting_bytes:
                    raise RefusedError(503, "busy", "Too many requests are waiting. Try again in a moment.")
                parts.append(part)
            if size > most:
                raise _too_long(most)
            yield b"".join(parts)
        finally:
            self._waiting -= counted


def _may_answer_at_once(request: Request, announced: int, most: int) -> bool:
    return announced > most * _DRAINED or request.headers.get("expect", "").lower() == "100-continue"


def _too_long(most: int) -> RefusedError:
    return too_large(f"The body is longer than {most:,} bytes. Send it in parts.")


def check_texts(texts: Sequence[str], limits: Limits, *, contributions: bool = False) -> None:
    """Raise RefusedError if a request has too many texts or characters, of which fewer may have contributions."""
    most = limits.explained_texts if contributions else limits.texts
    asked = " with contributions" if contributions else ""
    if len(texts) > most:
        raise too_large(f"There are {len(texts):,} texts, more than {most:,}{asked}. Send them in parts.")
    check_lengths(texts, limits)
    n_chars = sum(map(len, texts)) if contributions else 0
    if n_chars > (most := limits.explained_chars):
        raise too_large(f"The texts have {n_chars:,} characters, more than {most:,}{asked}. Send them in parts.")


def check_targets(texts: Sequence[str], targets: Sequence[Sequence[Sequence[int]]], limits: Limits) -> None:
    """Raise RefusedError if a request has too many targets, or one that is no part of its text."""
    if len(targets) != len(texts):
        sizes = f"There are {len(texts):,} texts and {len(targets):,} lists of targets"
        raise RefusedError(422, "invalid_request", f"'targets': {sizes}. Send one for each text.")
    n_targets = sum(map(len, targets))
    if n_targets > limits.texts:
        raise too_large(f"There are {n_targets:,} targets, more than {limits.texts:,}. Send them in parts.")
    for i, (text, of_text) in enumerate(zip(texts, targets, strict=True)):
        for j, (start, end) in enumerate(of_text):
            if not is_span(text, start, end):
                place, size = f"'targets[{i}][{j}]'", f"{len(text):,} characters"
                message = f"{place}: From {start} to {end} is empty, blank or not in text {i}, which has {size}."
                raise RefusedError(422, "invalid_request", message)


def check_lengths(texts: Sequence[str], limits: Limits, first: int = 0) -> None:
    """Raise RefusedError if a text is too long. `first` is the number of the first text."""
    for i, text in enumerate(texts, first):
        if len(text) > (most := limits.text_chars):
            raise too_large(f"Text {i} has {len(text):,} characters, more than {most:,}. Send it in parts.")

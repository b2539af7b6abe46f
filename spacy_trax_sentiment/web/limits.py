"""A request to its body, within limits, and what is wrong with it to an error with a status and a code."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request

# A client that sends too much does not hear of it before all is sent. So up to this many times the limit is let by.
_LET_BY = 10


@dataclass(frozen=True)
class Limits:
    """What is taken at the most.

    body_bytes: Of a request. waiting_bytes: Of all requests at a time.
    texts, text_chars: Texts of a request, and characters of a text.
    explained_texts, explained_chars: Texts of a request with contributions, and characters of all of them.
    rows, columns: Of a table.
    """

    body_bytes: int = 10_000_000
    waiting_bytes: int = 100_000_000
    texts: int = 10_000
    text_chars: int = 100_000
    explained_texts: int = 1_000
    explained_chars: int = 100_000
    rows: int = 100_000
    columns: int = 1_000


class RefusedError(Exception):
    """What a client is told: the HTTP status, a code to tell errors apart by, and a message of one line."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def content_type(request: Request) -> str:
    """RETURNS: The content type of a request's body, without parameters.

    Raises RefusedError where the body is compressed or not UTF-8.
    """
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise RefusedError(415, "unsupported_media_type", f"The body is compressed ({encoding[:40]!r}). Send it plain.")
    name, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    charset = dict(part.partition("=")[::2] for part in parameters).get("charset", "utf-8").strip('"')
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise RefusedError(415, "unsupported_media_type", f"The charset is {charset[:40]!r}. Send UTF-8.")
    return name


class Bodies:
    """Reads bodies. Those that are read, and not answered yet, are counted, lest they fill the memory."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._waiting = 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """YIELDS: The request's body, which counts until the block ends.

        Raises RefusedError where it, or all bodies together, are longer than the limits.
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
                    if size > most * _LET_BY:
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
    return announced > most * _LET_BY or request.headers.get("expect", "").lower() == "100-continue"


def _too_long(most: int) -> RefusedError:
    return RefusedError(413, "too_large", f"The body is longer than {most:,} bytes. Send it in parts.")

"""An application to a server that listens: uvicorn, on a socket that is bound before anything is said."""

import os
import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from ..errors import Errors, MissingExtraError, SentimentError

try:
    import uvicorn
except ImportError as error:
    raise MissingExtraError(Errors.S090.format(package=error.name or "uvicorn", reason=error)) from error

# Seconds that answers under way may still take when the server is told to end.
_LAST_ANSWERS = 5


def listen(host: str, port: int) -> socket.socket:
    """RETURNS: A socket that listens there; with port 0, on any port that is free.

    Raises SentimentError where that is not possible.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except (OSError, OverflowError, UnicodeError) as error:
        number = getattr(error, "errno", None) or 0
        # What create_server raises tells the address once more.
        reason = os.strerror(number) if number > 0 else getattr(error, "strerror", None) or error
        raise SentimentError(Errors.S091.format(host=host, port=port, reason=reason)) from None


def is_loopback(listener: socket.socket) -> bool:
    """RETURNS: Whether only this machine reaches the socket."""
    return ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def url_of(listener: socket.socket, host: str) -> str:
    """RETURNS: The page's address."""
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_server(app: Callable[..., Any]) -> uvicorn.Server:
    """RETURNS: A server for the application; its `run(sockets=[listener])` serves until it is interrupted."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=_LAST_ANSWERS,
    )
    return uvicorn.Server(config)

"""An application to a running server: uvicorn, on a socket that is bound before anything is printed."""

import gc
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

# Seconds that unfinished answers may still take once the server is told to end.
_LAST_ANSWERS = 5
# Connections that may wait to be accepted.
_BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at a host and port, of which 0 takes any that is free."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        # asyncio disables Nagle's algorithm, which delays each answer by 40 ms, only if the protocol is named.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":  # on Windows it would let two servers share a port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
        return listener
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SentimentError(Errors.S091.format(host=host, port=port, reason=reason)) from None


def is_loopback(listener: socket.socket) -> bool:
    """Return whether only this machine can reach the socket."""
    return ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def url_of(listener: socket.socket, host: str) -> str:
    """Return the page's address, with the host as the user named it."""
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_server(app: Callable[..., Any]) -> uvicorn.Server:
    """Return a server of the application. Its `run(sockets=[listener])` serves until it is interrupted."""
    gc.freeze()  # a full collection looks at all that is loaded by now, for 0.1 s in which no request is answered
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

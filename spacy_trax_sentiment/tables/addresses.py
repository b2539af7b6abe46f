"""Addresses such as s3://bucket/path to the files they name, with pyarrow's file systems and fsspec's patterns."""

import glob
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from urllib.request import url2pathname

from ..errors import Errors, MissingExtraError, SentimentError, os_errors_as

SCHEMES = ("s3", "gs", "abfs", "hdfs", "file")

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# A question mark can be part of a pattern, too, but then no name and equals sign follow it.
_OPTIONS = re.compile(r"\?\w+=[^/?]*$")
_MAGIC = re.compile(r"[*?[]")


def is_address(path: object) -> bool:
    """Return whether this is an address rather than a path."""
    return isinstance(path, str) and _ADDRESS.match(path) is not None


def as_path(path: str) -> Path:
    """Return a path, or the path within an address, to take a name or a suffix from."""
    return Path(unquote(urlsplit(path).path)) if is_address(path) else Path(path)


def local_path(path: str) -> Path | None:
    """Return the file of this machine that a path or an address names, or None if it is on another machine."""
    if not is_address(path):
        return Path(path)
    parts = urlsplit(path)
    return Path(url2pathname(parts.path)) if parts.scheme.lower() == "file" else None


def is_pattern(address: str) -> bool:
    """Return whether an address is a pattern of many files."""
    return _MAGIC.search(_OPTIONS.sub("", address)) is not None


def is_directory(address: str) -> bool:
    """Return whether an address names a directory. Errors are those of `find`."""
    with _reported(address):
        store, path = _store(address)
        return bool(store.isdir(path))


def open_address(address: str) -> Any:
    """Open a file, as a pyarrow.NativeFile, for reading at any place. Errors are those of `find`."""
    with _reported(address):
        store, path = _store(address)
        return store.fs.open_input_file(path)


def state(address: str) -> tuple[int, int]:
    """Return the size of a file in bytes, and the time of its last change in nanoseconds. Errors are as in `find`."""
    with _reported(address):
        store, path = _store(address)
        found = store.fs.get_file_info(path)
    if not found.is_file:
        raise SentimentError(Errors.S118.format(path=address, reason="no such file"))
    return found.size, found.mtime_ns or 0


def find(address: str, is_wanted: Callable[[str], bool]) -> list[str]:
    """Return the addresses of the files that an address names: a file, a directory or a pattern.

    In a pattern, `*` stands for any part of a name and `**` for any directories. Of a directory, the files that are
    wanted by their paths are taken. SentimentError is raised if the store does not exist, cannot be asked, or has
    nothing at the address.
    """
    options = (_OPTIONS.findall(address) or [""])[0]
    base = address.removesuffix(options)
    pattern = ""
    if magic := _MAGIC.search(base):
        base, _, _ = base[: magic.start()].rpartition("/")
        pattern = unquote(address[len(base) + 1 :].removesuffix(options))
    with _reported(address):
        store, root = _store(base + options)
        paths = []
        for path, entry in _matches(store, root.rstrip("/"), pattern).items():
            if entry["type"] != "directory":
                paths.append(path)
                continue
            inside = [each["name"] for each in store.ls(path, detail=True) if each["type"] == "file"]
            paths += [each for each in inside if is_wanted(each)]
    names = [path[len(root.rstrip("/")) :].lstrip("/") for path in paths]
    return [f"{base.rstrip('/')}/{quote(name, safe='/=+,@')}{options}" if name else address for name in names]


def _matches(store: Any, root: str, pattern: str) -> dict[str, Any]:
    """Return the files and directories at `root`, or those below it that match a pattern."""
    try:
        if not pattern:
            return {root: store.info(root)}
        found = store.glob(f"{glob.escape(root)}/{pattern}", detail=True)
    except FileNotFoundError:
        return {}
    shows_hidden = pattern.startswith(".") or "/." in pattern
    return {path: each for path, each in found.items() if shows_hidden or "/." not in path[len(root) :]}


def _store(address: str) -> tuple[Any, str]:
    """Return the store, an fsspec file system around pyarrow's (`store.fs`), and the path in it."""
    parts = urlsplit(address)
    if parts.scheme.lower() not in SCHEMES:
        raise SentimentError(Errors.S119.format(scheme=parts.scheme, schemes=", ".join(SCHEMES)))
    if parts.password is not None:
        # It would be written beside the output, and into errors.
        raise SentimentError(Errors.S142.format(scheme=parts.scheme))
    try:
        from fsspec.implementations.arrow import ArrowFSWrapper
        from pyarrow import fs
    except ImportError as error:
        raise MissingExtraError(Errors.S117.format(address=address, reason=error)) from None

    class Store(ArrowFSWrapper):  # type: ignore[misc]
        """Raises what fsspec passes over: a directory that cannot be listed would lose its files silently."""

        def walk(self, path: str, maxdepth: Any = None, topdown: bool = True, on_error: Any = None, **more: Any) -> Any:
            return super().walk(path, maxdepth, topdown, on_error="raise", **more)

    system, path = fs.FileSystem.from_uri(address)
    return Store(system, skip_instance_cache=True), path


def _reported(address: str) -> Any:
    return os_errors_as(Errors.S118, address, ValueError)  # pyarrow.ArrowInvalid is a ValueError

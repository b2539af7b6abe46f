"""Addresses such as s3://bucket/path to the files that they name, by pyarrow's file systems."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from urllib.request import url2pathname

from ..errors import Errors, MissingExtraError, SentimentError

SCHEMES = ("s3", "gs", "abfs", "hdfs", "file")

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# A question mark is a character to be matched, too, but then no name and no equals sign follow it.
_OPTIONS = re.compile(r"\?\w+=[^/?]*$")
_MAGIC = re.compile(r"[*?[]")


def is_address(path: object) -> bool:
    """RETURNS: Whether it is an address, and not a path."""
    return isinstance(path, str) and _ADDRESS.match(path) is not None


def as_path(path: str) -> Path:
    """RETURNS: A path, or the part of an address that is one, to take a name and a suffix from."""
    return Path(unquote(urlsplit(path).path)) if is_address(path) else Path(path)


def local_path(path: str) -> Path | None:
    """RETURNS: The file of this machine that a path or an address names; None where it is another's."""
    if not is_address(path):
        return Path(path)
    parts = urlsplit(path)
    return Path(url2pathname(parts.path)) if parts.scheme.lower() == "file" else None


def is_pattern(address: str) -> bool:
    """RETURNS: Whether an address is one of many files."""
    return _MAGIC.search(_OPTIONS.sub("", address)) is not None


def is_directory(address: str) -> bool:
    """RETURNS: Whether an address names a directory. Raises SentimentError where that cannot be found out."""
    return _is_directory(_information(address))


@contextmanager
def open_address(address: str) -> Iterator[Any]:
    """YIELDS: A pyarrow.NativeFile to read at any place.

    Raises SentimentError where it cannot be read, MissingExtraError where pyarrow is not installed.
    """
    with _reported(address):
        system, path = _resolved(address)
        file = system.open_input_file(path)
    with file:
        yield file


def state(address: str) -> tuple[int, int]:
    """RETURNS: The size in bytes, and when it was last changed, in nanoseconds. Raises SentimentError as above."""
    found = _information(address)
    if not found.is_file:
        raise SentimentError(Errors.S118.format(address=address, reason="no such file"))
    return found.size, found.mtime_ns or 0


def find(address: str, formats: Sequence[str]) -> list[str]:
    """RETURNS: The addresses of the files: one's own; of a directory those in it with a suffix among `formats`, but for
    hidden ones and those whose names begin with an underscore; of a pattern those that it matches, in which `*` stands
    for any part of a name and `**` for any directories.

    Raises SentimentError as above.
    """
    if is_pattern(address):
        base, parts = _parted(address)
        found = [each for each in _below(base, recursive=len(parts) > 1) if _matches(each[0], parts)]
    else:
        information = _information(address)
        if not _is_directory(information):
            return [address] if information.is_file else []
        base, found = address, [((), True)]
    files: list[tuple[str, ...]] = []
    for names, is_a_directory in found:
        inside = _below(_joined(base, names)) if is_a_directory else []
        files += [(*names, *each) for each, deeper in inside if not deeper and _is_wanted(each[-1], formats)]
        files += [] if is_a_directory else [names]
    return [_joined(base, names) for names in files]


def _is_directory(information: Any) -> bool:
    return bool(information.type.name == "Directory")


def _is_wanted(name: str, formats: Sequence[str]) -> bool:
    return not name.startswith((".", "_")) and Path(name).suffix.lower().lstrip(".") in formats


def _parted(pattern: str) -> tuple[str, list[str]]:
    """RETURNS: The directory above the first part that is a pattern, with the options; and the parts from there on."""
    options = _OPTIONS.search(pattern)
    end = options.start() if options else len(pattern)
    start = _ADDRESS.match(pattern)
    assert start is not None
    parts = pattern[start.end() : end].split("/")
    first = next(i for i, part in enumerate(parts) if _MAGIC.search(part))
    return f"{start.group()}{'/'.join(parts[:first])}/{pattern[end:]}", [unquote(part) for part in parts[first:]]


def _joined(base: str, names: Sequence[str]) -> str:
    options = _OPTIONS.search(base)
    end = options.start() if options else len(base)
    directory = base[:end] if base[:end].endswith("/") else f"{base[:end]}/"
    return directory + "/".join(quote(name, safe="=+,@") for name in names) + base[end:]


def _matches(names: Sequence[str], parts: Sequence[str]) -> bool:
    if not parts or not names:
        return not names and all(part == "**" for part in parts)
    is_hidden = names[0].startswith(".") and not parts[0].startswith(".")
    if parts[0] == "**":
        return _matches(names, parts[1:]) or (not is_hidden and _matches(names[1:], parts))
    return not is_hidden and fnmatchcase(names[0], parts[0]) and _matches(names[1:], parts[1:])


def _below(directory: str, recursive: bool = False) -> list[tuple[tuple[str, ...], bool]]:
    """RETURNS: What is in a directory: the names down to it, and whether it is a directory."""
    fs = _fs(directory)
    with _reported(directory):
        system, root = _resolved(directory)
        found = system.get_file_info(fs.FileSelector(root, allow_not_found=True, recursive=recursive))
    above = len(root.rstrip("/"))
    return [(tuple(each.path[above:].strip("/").split("/")), _is_directory(each)) for each in found]


def _information(address: str) -> Any:
    with _reported(address):
        system, path = _resolved(address)
        return system.get_file_info(path)


def _resolved(address: str) -> tuple[Any, str]:
    """RETURNS: The file system, and the path in it."""
    parts = urlsplit(address)
    if parts.scheme.lower() not in SCHEMES:
        raise SentimentError(Errors.S119.format(scheme=parts.scheme, schemes=", ".join(SCHEMES)))
    if parts.password is not None:
        # It would be written beside the output, and into errors.
        raise SentimentError(Errors.S142.format(scheme=parts.scheme))
    fs: Any = _fs(address).FileSystem
    system, path = fs.from_uri(address)
    return system, path


def _fs(address: str) -> Any:
    try:
        from pyarrow import fs
    except ImportError as error:
        raise MissingExtraError(Errors.S117.format(address=address, reason=error)) from None
    return fs


@contextmanager
def _reported(address: str) -> Iterator[None]:
    try:
        yield
    except SentimentError:
        raise
    except (OSError, ValueError) as error:  # ArrowInvalid is a ValueError
        raise unreachable(address, error) from None


def unreachable(address: str, error: Exception) -> SentimentError:
    """RETURNS: The error that says so."""
    reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]
    return SentimentError(Errors.S118.format(address=address, reason=reason))

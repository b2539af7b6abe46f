"""Files and directories that appear whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from ..errors import Errors, SentimentError, os_errors_as

# Lists the files of a component's directory.
MANIFEST = "manifest.json"
WORK_PREFIX = "work-"
_ASIDE = "old"


@contextmanager
def whole_directory(path: Path, overwrite: bool = False, within: Path | None = None) -> Iterator[Path]:
    """Yield an empty directory beside `path`, whose parents are made, and rename it to `path` once it is complete.

    It may `overwrite` a spaCy pipeline, and work `within` another directory of the same file system. After an error,
    what was at `path` is untouched. If `path` is taken, SentimentError is raised before anything is done.
    """
    _check_free(path, overwrite)
    with ExitStack() as stack:
        with os_errors_as(Errors.S032, path):
            work = stack.enter_context(work_directory(path, within))
            new = work / "new"
            new.mkdir()
        yield new
        _check_free(path, overwrite)  # another process may have written there meanwhile
        with os_errors_as(Errors.S032, path):
            _replace(path, new, aside=work / _ASIDE)


@contextmanager
def work_directory(path: Path, within: Path | None = None) -> Iterator[Path]:
    """Yield a directory beside `path`, or within another of its file system, and remove it at the end.

    What is written in it is then renamed to `path`, whose parents are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = WORK_PREFIX if within else f".{path.name}."
    work = Path(tempfile.mkdtemp(prefix=prefix, dir=within or path.parent))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def recover_replaced(path: Path, work: Path) -> None:
    """Put back what was at `path` if a process was killed while replacing it, working in the directory `work`."""
    aside = work / _ASIDE
    if aside.exists() and not os.path.lexists(path):
        aside.rename(path)


def require_free_file(path: Path, overwrite: bool = False) -> None:
    """Raise SentimentError unless `path` is free, or a regular file that may be replaced."""
    if not os.path.lexists(path):
        return
    if path.is_symlink() or not path.is_file():
        raise SentimentError(Errors.S069.format(path=path, reason="it exists and is not a regular file"))
    if not overwrite:
        raise SentimentError(Errors.S068.format(path=path))


@contextmanager
def whole_file(path: Path, overwrite: bool = False) -> Iterator[IO[bytes]]:
    """Yield a file to write beside `path`, whose parents are made, and rename it to `path` once it is complete.

    After an error, what was at `path` is untouched. If `path` is taken, unless by a file to `overwrite`, or cannot be
    written, SentimentError is raised.
    """
    require_free_file(path, overwrite)
    with ExitStack() as stack:
        with os_errors_as(Errors.S069, path):
            # Not by mkstemp, so that the file gets the permissions of any new file.
            work = stack.enter_context(work_directory(path))
            file = (work / "new").open("wb", buffering=1 << 20)
        try:
            yield file
        finally:
            with os_errors_as(Errors.S069, path):
                file.close()
        require_free_file(path, overwrite)  # another process may have written there meanwhile
        with os_errors_as(Errors.S069, path):
            (work / "new").replace(path)


def write_file(path: Path, text: str, overwrite: bool = False) -> None:
    """Write a text as UTF-8, whole or not at all; raise SentimentError if `path` is taken or cannot be written."""
    with whole_file(path, overwrite) as file, os_errors_as(Errors.S069, path):
        file.write(text.encode("utf-8"))


def _replace(path: Path, new: Path, aside: Path) -> None:
    replaced = path.exists()
    if replaced:
        path.rename(aside)
    try:
        new.rename(path)
    except OSError:
        if replaced:
            aside.rename(path)
        raise


def _check_free(path: Path, overwrite: bool) -> None:
    if not os.path.lexists(path) or (path.is_dir() and not path.is_symlink() and not any(path.iterdir())):
        return
    if not overwrite:
        raise SentimentError(Errors.S030.format(path=path))
    if path.is_symlink() or not all((path / name).is_file() for name in ("config.cfg", "meta.json")):
        raise SentimentError(Errors.S031.format(path=path))


def write_directory(path: Path, files: Mapping[str, bytes], within: Path) -> None:
    """Write a new directory of the files at `path`, completely or not at all, even if the machine fails.

    It is written `within` another directory first. If it cannot be written, OSError is raised.
    """
    with work_directory(path, within) as work:
        new = work / "new"
        new.mkdir()
        for name, data in files.items():
            with (new / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        new.rename(path)
        _flush_directory(path.parent)


def _flush_directory(directory: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

"""Files sealed by a manifest with the size and sha256 of each: what was changed since is refused by name."""

import errno
import hashlib
import json
import stat
from collections.abc import Callable, Collection, Mapping
from pathlib import Path, PurePath
from typing import Any

from ..about import __version__
from ..errors import Errors, SentimentError, reason_of

SEAL = "checksums.json"
FORMAT_VERSION = 1

Read = Callable[[str], bytes]
"""Returns the content of a file by name. It raises FileNotFoundError or KeyError if there is none."""


def manifest(files: Mapping[str, bytes], facts: Mapping[str, Any]) -> bytes:
    """Return a manifest as JSON: the facts, the versions, each file's size and sha256, and its own sha256."""
    described = {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}
    content = {
        **facts,
        "files": described,
        "format": "spacy_trax_sentiment",
        "format_version": FORMAT_VERSION,
        "package_version": __version__,
    }
    return json_bytes({**content, "sha256": hashlib.sha256(json_bytes(content)).hexdigest()})


def read_sealed(name: str, read: Read, where: str | Path) -> dict[str, bytes]:
    """Return the content of the files, in `where`, that the manifest `name` lists.

    A file that is missing, damaged or of a newer format raises SentimentError, which names it.
    """
    data = _read(read, name, where)
    path = Path(where) / name
    try:
        content = json.loads(data)
        version, own, listed = content["format_version"], content.pop("sha256"), content["files"]
        if isinstance(version, int) and version > FORMAT_VERSION:
            made_by = str(content.get("package_version"))[:40]
            raise SentimentError(Errors.S072.format(path=path, found=version, known=FORMAT_VERSION, package=made_by))
        whole = data == json_bytes({**content, "sha256": own})
        if not whole or own != hashlib.sha256(json_bytes(content)).hexdigest():
            raise ValueError("its own checksum differs")
        expected = {file: (entry["bytes"], entry["sha256"]) for file, entry in listed.items()}
        for file in expected:
            if PurePath(file).is_absolute() or ".." in PurePath(file).parts:
                raise ValueError(f"it lists {file[:40]!r}, which is not within")
    except SentimentError:
        raise
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise SentimentError(Errors.S071.format(path=path, reason=reason_of(error))) from None
    return {file: _checked(read, file, *facts, where) for file, facts in expected.items()}


def seal_directory(directory: Path, names: Collection[str]) -> None:
    """Write a manifest of what is in a directory under these names into it, for `check_directory`."""
    (directory / SEAL).write_bytes(directory_manifest(directory, names))


def directory_manifest(directory: Path, names: Collection[str] | None = None) -> bytes:
    """Return the manifest of the files in a directory and its subdirectories, or only of what has one of the names."""
    top = [path for path in directory.iterdir() if path.name != SEAL and (names is None or path.name in names)]
    paths = sorted(path for each in top for path in (each, *each.rglob("*")) if path.is_file())
    return manifest({path.relative_to(directory).as_posix(): path.read_bytes() for path in paths}, {})


def check_directory(directory: Path) -> None:
    """Raise SentimentError if a file of a sealed directory was changed. A directory without a seal passes."""
    if (directory / SEAL).exists():
        read_sealed(SEAL, reader(directory), directory)


def reader(directory: Path) -> Read:
    """Return a function that reads a directory's files. It raises OSError for what is not a regular file."""

    def read(name: str) -> bytes:
        path = directory / name
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return path.read_bytes()

    return read


def _checked(read: Read, name: str, size: int, sha256: str, where: str | Path) -> bytes:
    data = _read(read, name, where)
    if len(data) != size:
        reason = f"{len(data)} bytes, {size} were written"
    elif hashlib.sha256(data).hexdigest() != sha256:
        reason = "its checksum differs"
    else:
        return data
    raise SentimentError(Errors.S071.format(path=Path(where) / name, reason=reason))


def _read(read: Read, name: str, where: str | Path) -> bytes:
    try:
        return read(name)
    except (FileNotFoundError, KeyError):
        raise SentimentError(Errors.S070.format(path=Path(where) / name)) from None
    except OSError as error:
        raise SentimentError(Errors.S002.format(path=Path(where) / name, reason=error.strerror or error)) from None


def json_bytes(content: Any) -> bytes:
    """Return JSON with sorted keys, the same bytes for the same content."""
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()

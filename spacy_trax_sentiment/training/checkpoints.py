"""Checkpoints of a training run: arrays and JSON with checksums, in a directory beside the model's, `MODEL.checkpoint`.

Each is written whole: beside its place, flushed to the disk, then renamed. The directory is there while a run is, which
holds a lock in it that the operating system drops when the run ends, however it does.
"""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import Errors, SentimentError, os_errors_as
from ..storage.npy import read_array
from ..storage.sealed import directory_manifest, manifest, read_sealed, reader
from ..storage.whole import MANIFEST, WORK_PREFIX, recover_replaced, work_directory

_LOCK, _STATE, _OUTCOME = "lock", "state.json", "outcome"
_STEP = "step-"


class Checkpoint(NamedTuple):
    """step: Steps done. facts: What the run is of, of JSON's types: another of other facts cannot go on from here.
    state: Of JSON's types. arrays: By name.
    """

    step: int
    facts: dict[str, Any]
    state: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


class Checkpoints:
    """The checkpoints of one run, of which the latest is kept.

    directory: Where they are. every: The steps from one to the next; None for none but on an interrupt.
    resume: Whether to go on from the latest.
    """

    def __init__(self, directory: Path, every: int | None = None, resume: bool = False) -> None:
        if every is not None and every < 1:
            raise SentimentError(Errors.S021.format(name="checkpoint_every", value=every, wanted="a number above 0"))
        self.directory, self.every, self.resume = directory, every, resume

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, then remove the earlier ones.

        Raises SentimentError where it cannot be written or holds what is not finite; the one before is then kept.
        """
        for array in checkpoint.arrays.values():
            if not np.isfinite(array).all():
                raise SentimentError(Errors.S120.format(step=checkpoint.step))
        before = self.saved()
        with os_errors_as(Errors.S121, self.directory):
            self._write(checkpoint)
        for directory in before:
            shutil.rmtree(directory, ignore_errors=True)

    def start(self, facts: Mapping[str, Any]) -> Checkpoint | None:
        """RETURNS: The checkpoint to go on from; None to start from the beginning.

        facts: What the run is of.

        Raises SentimentError where the latest checkpoint is damaged, or where it is of another run.
        """
        saved = self.saved()
        if not self.resume or not saved:
            return None
        directory = saved[-1]
        try:
            files = read_sealed(MANIFEST, reader(directory), directory)
            content = json.loads(files.pop(_STATE))
            arrays = {name.removesuffix(".npy"): read_array(data) for name, data in files.items()}
            checkpoint = Checkpoint(content["step"], content["facts"], content["state"], arrays)
        except (KeyError, RecursionError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise SentimentError(Errors.S122.format(path=directory, reason=reason)) from None
        facts = json.loads(json.dumps(facts))
        for name in sorted({*facts, *checkpoint.facts}):
            if facts.get(name) != checkpoint.facts.get(name):
                was, now = (_shown(of_run.get(name)) for of_run in (checkpoint.facts, facts))
                raise SentimentError(Errors.S123.format(path=directory, name=name, was=was, now=now))
        return checkpoint

    def conclude(self, model: Path) -> None:
        """Note the model that the run came to, before it is put in its place.

        Raises SentimentError where that cannot be written.
        """
        with os_errors_as(Errors.S121, self.directory):
            (self.directory / _OUTCOME).write_bytes(directory_manifest(model))

    def is_done(self, output: Path) -> bool:
        """RETURNS: Whether the model at `output` is the one that the run to go on with came to: it was killed once that
        was in its place, with its checkpoint still there, and puts the same model there again.
        """
        outcome = self.directory / _OUTCOME
        if not (self.resume and self.saved() and outcome.is_file() and output.is_dir()):
            return False
        return outcome.read_bytes() == directory_manifest(output)

    def saved(self) -> list[Path]:
        """RETURNS: The directories of the checkpoints, the latest last."""
        return sorted(self.directory.glob(f"{_STEP}*"))

    def _place(self, step: int) -> Path:
        return self.directory / f"{_STEP}{step:012}"

    def _write(self, checkpoint: Checkpoint) -> None:
        content = {"step": checkpoint.step, "facts": checkpoint.facts, "state": checkpoint.state}
        files = {_STATE: json.dumps(content, indent=1).encode()}
        for name, array in checkpoint.arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            files[f"{name}.npy"] = buffer.getvalue()
        files[MANIFEST] = manifest(files, {})
        place = self._place(checkpoint.step)
        with work_directory(place, self.directory) as work:
            new = work / "new"
            new.mkdir()
            for name, data in files.items():
                with (new / name).open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
            new.rename(place)
            _flush_directory(self.directory)


@contextmanager
def open_checkpoints(
    output: Path, every: int | None = None, *, resume: bool = False, overwrite: bool = False
) -> Iterator[Checkpoints]:
    """Lock an output directory for a training run.

    output: Where the model shall be; the checkpoints are in the directory of that name with `.checkpoint` after it.
    every, resume: As in `Checkpoints`.
    overwrite: Remove the checkpoint of an earlier run, where it is not to go on.
    YIELDS: The run's checkpoints. At the end the directory is removed; after an error only if it holds no checkpoint.

    Raises SentimentError where another run is at work, where there is a checkpoint that is neither to go on from nor to
    be overwritten, and where the directory cannot be written.
    """
    directory = Path(f"{output if output.name else output.absolute()}.checkpoint")
    checkpoints = Checkpoints(directory, every, resume)
    with _locked(directory, output):
        for stale in directory.glob(f"{WORK_PREFIX}*"):  # of a run that was killed
            recover_replaced(output, stale)
            shutil.rmtree(stale, ignore_errors=True)
        saved = checkpoints.saved()
        if saved and not resume:
            if not overwrite:
                raise SentimentError(Errors.S124.format(path=directory))
            for old in saved:
                shutil.rmtree(old)
        try:
            yield checkpoints
        except BaseException:
            if not checkpoints.saved():
                shutil.rmtree(directory, ignore_errors=True)
            raise
        for done in checkpoints.saved():
            done.rename(directory / f"{WORK_PREFIX}{done.name}")  # at once: half a checkpoint would be a damaged one
        shutil.rmtree(directory, ignore_errors=True)


def digest(parts: Iterable[Any]) -> str:
    """RETURNS: The sha256 of strings and arrays, in their order."""
    sha256 = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else np.ascontiguousarray(part).tobytes()
        sha256.update(len(data).to_bytes(8, "little"))
        sha256.update(data)
    return sha256.hexdigest()


@contextmanager
def _locked(directory: Path, output: Path) -> Iterator[None]:
    try:
        file = _lock_file(directory)
    except _LockedError:
        raise SentimentError(Errors.S125.format(path=output)) from None
    except OSError as error:
        raise SentimentError(Errors.S032.format(path=output, reason=error.strerror or error)) from None
    try:
        yield
    finally:
        os.close(file)


class _LockedError(Exception):
    """Another process holds the lock."""


def _lock_file(directory: Path) -> int:
    path = directory / _LOCK
    while True:
        directory.mkdir(parents=True, exist_ok=True)
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # a run that ended has just removed the directory
            continue
        try:
            _lock(file)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file), os.stat(path)):
                    return file
        except OSError:
            os.close(file)
            raise _LockedError from None
        os.close(file)  # it was removed before we had the lock, so that it guards nothing


def _lock(file: int) -> None:
    # The system drops such a lock when its process ends, be it killed.
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _flush_directory(directory: Path) -> None:
    if os.name == "posix":
        file = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 20 else f"{text[:12]}..."

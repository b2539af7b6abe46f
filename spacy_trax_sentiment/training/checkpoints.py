"""Save and load checkpoints of a training run: arrays and JSON with checksums, in the directory `MODEL.checkpoint`.

Each checkpoint is written completely or not at all. The directory exists during the run, which holds a lock in it. The
operating system releases the lock when the process ends, even if it is killed.
"""

import hashlib
import io
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import Errors, SentimentError, missing_train_extra, os_errors_as, reason_of
from ..storage.npy import read_array
from ..storage.sealed import directory_manifest, manifest, read_sealed, reader
from ..storage.whole import MANIFEST, WORK_PREFIX, recover_replaced, write_directory

_LOCK, _STATE, _OUTCOME = "lock", "state.json", "outcome"
_STEP = "step-"


class Checkpoint(NamedTuple):
    """The state of a training run after a step.

    Attributes:
        step: Number of steps done.
        facts: Settings and digests of the data, in JSON's types. Only a run with the same facts can resume from it.
        state: The state apart from arrays, in JSON's types.
        arrays: Arrays by name, all finite.
    """

    step: int
    facts: dict[str, Any]
    state: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


class Checkpoints:
    """The checkpoints of one run, of which only the latest is kept. Get one from `open_checkpoints`.

    One is saved per `every` steps; if that is None, only when the run is interrupted.
    """

    def __init__(self, directory: Path, every: int | None = None, resume: bool = False) -> None:
        if every is not None and every < 1:
            raise SentimentError(Errors.S021.format(name="checkpoint_every", value=every, wanted="a number above 0"))
        self.directory, self.every, self.resume = directory, every, resume

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, then remove the previous one; keep that if this is not finite or cannot be written."""
        for array in checkpoint.arrays.values():
            if not np.isfinite(array).all():
                raise SentimentError(Errors.S120.format(step=checkpoint.step))
        before = self.saved()
        with os_errors_as(Errors.S121, self.directory):
            self._write(checkpoint)
        for directory in before:
            shutil.rmtree(directory, ignore_errors=True)

    def start(self, facts: Mapping[str, Any]) -> Checkpoint | None:
        """Return the checkpoint to resume from, or None to start from the beginning.

        One that is damaged or belongs to a run with other facts raises SentimentError.
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
            raise SentimentError(Errors.S122.format(path=directory, reason=reason_of(error))) from None
        facts = json.loads(json.dumps(facts))
        for name in sorted({*facts, *checkpoint.facts}):
            if facts.get(name) != checkpoint.facts.get(name):
                was, now = (_shown(of_run.get(name)) for of_run in (checkpoint.facts, facts))
                raise SentimentError(Errors.S123.format(path=directory, name=name, was=was, now=now))
        return checkpoint

    def conclude(self, model: Path) -> None:
        """Record that the model in this directory is finished, before it is moved to its place."""
        with os_errors_as(Errors.S121, self.directory):
            (self.directory / _OUTCOME).write_bytes(directory_manifest(model))

    def is_done(self, output: Path) -> bool:
        """Return whether the run to resume put its model at `output` and was killed before removing its checkpoint."""
        outcome = self.directory / _OUTCOME
        if not (self.resume and self.saved() and outcome.is_file() and output.is_dir()):
            return False
        return outcome.read_bytes() == directory_manifest(output)

    def saved(self) -> list[Path]:
        """Return the directories of the checkpoints, the latest last."""
        return sorted(self.directory.glob(f"{_STEP}*"))

    def _write(self, checkpoint: Checkpoint) -> None:
        content = {"step": checkpoint.step, "facts": checkpoint.facts, "state": checkpoint.state}
        files = {_STATE: json.dumps(content, indent=1).encode()}
        for name, array in checkpoint.arrays.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            files[f"{name}.npy"] = buffer.getvalue()
        files[MANIFEST] = manifest(files, {})
        write_directory(self.directory / f"{_STEP}{checkpoint.step:012}", files, within=self.directory)


@contextmanager
def open_checkpoints(
    output: Path, every: int | None = None, *, resume: bool = False, overwrite: bool = False
) -> Iterator[Checkpoints]:
    """Lock an output directory for a training run, and open the checkpoints in `OUTPUT.checkpoint` beside it.

    Args:
        output: Directory the model will be written to.
        every: Steps between checkpoints; None to save one only if the run is interrupted.
        resume: Whether to resume from the latest.
        overwrite: Whether to remove the checkpoint of an earlier run unless it is resumed.

    Yields:
        The run's checkpoints. Their directory is removed at the end; after an error, only if it holds no checkpoint.

    Raises:
        SentimentError: Another run writes to `output`; there is a checkpoint, which is to be neither resumed nor
            overwritten; or the directory cannot be written.
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
            done.rename(directory / f"{WORK_PREFIX}{done.name}")  # removing it takes time, and half of one is damaged
        shutil.rmtree(directory, ignore_errors=True)


def digest(parts: Iterable[Any]) -> str:
    """Return the sha256 of a sequence of strings and arrays."""
    sha256 = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else np.ascontiguousarray(part).tobytes()
        sha256.update(len(data).to_bytes(8, "little"))
        sha256.update(data)
    return sha256.hexdigest()


@contextmanager
def _locked(directory: Path, output: Path) -> Iterator[None]:
    try:
        from filelock import FileLock, Timeout
    except ImportError as error:
        raise missing_train_extra(error) from None
    lock = FileLock(directory / _LOCK, timeout=0)
    with os_errors_as(Errors.S032, output):
        try:
            while not (lock.is_locked and (directory / _LOCK).exists()):
                lock.release()  # it guards nothing, because a run that ended removed it
                directory.mkdir(parents=True, exist_ok=True)
                with suppress(FileNotFoundError):  # or removes the directory now
                    lock.acquire()
        except Timeout:
            raise SentimentError(Errors.S125.format(path=output)) from None
    try:
        yield
    finally:
        lock.release()


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 20 else f"{text[:12]}..."

"""Write the progress of a training run to files for TensorBoard, with Trax's own writer, while the run goes on."""

import math
from pathlib import Path

from ..errors import Errors, os_errors_as
from .progress import Progress


class Summaries:
    """Writes losses and the held-out accuracy under the names that Trax's Loop uses, without its pickles.

    The folders `train` and `eval` in the directory get a file each.
    """

    def __init__(self, directory: Path, every: int) -> None:
        folders = [directory / name for name in ("train", "eval")]
        with os_errors_as(Errors.S102, directory):
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
        from ..model.trax_backend import jaxboard

        self._train, self._held_out = (jaxboard.SummaryWriter(str(folder)) for folder in folders)
        self._every, self._written = every, 0

    def __enter__(self) -> "Summaries":
        return self

    def __exit__(self, *_: object) -> None:
        self._train.close()
        self._held_out.close()

    def on_step(self, progress: Progress) -> None:
        """Write the latest evaluation if there is a new one; to be called after each step."""
        # The Loop evaluates after a step's callbacks, so only the next step knows the figures.
        before = progress.step - 1
        if before == 1 or (before and before % self._every == 0):
            self.write(progress._replace(step=before))

    def write(self, progress: Progress) -> None:
        """Write an evaluation from the history, unless it has been written or is empty."""
        if progress.step <= self._written or math.isnan(progress.loss):
            return
        self._written = progress.step
        self._train.scalar("metrics/loss", progress.loss, progress.step)
        self._held_out.scalar("metrics/loss", progress.dev_loss, progress.step)
        self._held_out.scalar("metrics/accuracy", progress.dev_accuracy, progress.step)
        for writer in (self._train, self._held_out):
            writer.flush()

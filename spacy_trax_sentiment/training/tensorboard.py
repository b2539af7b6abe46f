"""The progress of a training to files that TensorBoard shows, by Trax's own writer, while the training runs."""

import math
from pathlib import Path

from ..errors import Errors, os_errors_as
from .loop import STEPS_PER_EVALUATION
from .progress import Progress


class Summaries:
    """Writes losses and the held-out accuracy under the names of Trax's Loop, without the pickles that it adds."""

    def __init__(self, directory: Path) -> None:
        """directory: It gets the folders `train` and `eval`; where they are there, a further file in each.

        Raises SentimentError where they cannot be made, MissingExtraError where the extra `train` is missing.
        """
        folders = [directory / name for name in ("train", "eval")]
        with os_errors_as(Errors.S102, directory):
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
        from ..model.trax_backend import jaxboard

        self._train, self._held_out = (jaxboard.SummaryWriter(str(folder)) for folder in folders)
        self._written = 0

    def __enter__(self) -> "Summaries":
        return self

    def __exit__(self, *_: object) -> None:
        self._train.close()
        self._held_out.close()

    def on_step(self, progress: Progress) -> None:
        """Call it after each step."""
        # The Loop evaluates after a step's callbacks, so that the next step is the first to know of it.
        before = progress.step - 1
        if before == 1 or (before and before % STEPS_PER_EVALUATION == 0):
            self.write(progress._replace(step=before))

    def write(self, progress: Progress) -> None:
        """Write an evaluation, an entry of the history, unless it is written already or there is none yet."""
        if progress.step <= self._written or math.isnan(progress.loss):
            return
        self._written = progress.step
        self._train.scalar("metrics/loss", progress.loss, progress.step)
        self._held_out.scalar("metrics/loss", progress.dev_loss, progress.step)
        self._held_out.scalar("metrics/accuracy", progress.dev_accuracy, progress.step)
        for writer in (self._train, self._held_out):
            writer.flush()

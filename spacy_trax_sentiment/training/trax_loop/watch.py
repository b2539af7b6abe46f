"""Read a Trax Loop's history as Progress, report each step, and end a run whose loss is not finite."""

import math
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from typing import Any, TextIO

from ...errors import Errors, SentimentError
from ..progress import Progress

LOSS, ACCURACY = "loss", "accuracy"
_SERIES = (("train", LOSS), ("eval", LOSS), ("eval", ACCURACY))


class Watch:
    """Callback of Trax's Loop that reports each step to `on_step` and ends a run whose loss is not finite.

    The Loop's own output is suppressed; `stdout` is the standard output while `on_step` runs.
    """

    def __init__(
        self, loop: Any, on_step: Callable[[Progress], None] | None, stdout: TextIO, learning_rate: float
    ) -> None:
        self.loop, self.on_step, self.stdout, self.learning_rate = loop, on_step, stdout, learning_rate

    def call_at(self, step: int) -> bool:
        return True

    def on_step_begin(self, step: int) -> None:
        pass

    def on_step_end(self, step: int) -> None:
        # The Loop evaluates after its callbacks, so the latest entry in its history is from an earlier step.
        latest = history(self.loop, slice(-1, None))
        require_finite(latest, self.learning_rate)
        if self.on_step is not None:
            figures = latest[0][1:] if latest else (math.nan,) * 3
            with redirect_stdout(self.stdout):
                self.on_step(Progress(step, *figures))


def history(loop: Any, part: slice = slice(None)) -> list[Progress]:
    """Return the evaluations in a Loop's history, or a part of them."""
    losses, dev_losses, dev_accuracies = (loop.history.get(mode, f"metrics/{metric}")[part] for mode, metric in _SERIES)
    dev = zip(dev_losses, dev_accuracies, strict=True)
    return [
        Progress(step, float(loss), float(dev_loss), float(dev_accuracy))
        for (step, loss), ((_, dev_loss), (_, dev_accuracy)) in zip(losses, dev, strict=True)
    ]


def add_to_history(loop: Any, evaluations: Sequence[Progress]) -> None:
    """Append evaluations to a Loop's history."""
    for step, *figures in evaluations:
        for (mode, metric), value in zip(_SERIES, figures, strict=True):
            loop.history.append(mode, f"metrics/{metric}", step, value)


def require_finite(evaluations: Sequence[Progress], learning_rate: float) -> None:
    """Raise SentimentError if a loss is not finite."""
    for step, loss, dev_loss, _ in evaluations:
        for value in (loss, dev_loss):
            if not math.isfinite(value):
                raise SentimentError(Errors.S041.format(loss=value, step=step, learning_rate=learning_rate))

"""The progress of a training run, as it is reported after each step and kept in its history."""

from typing import NamedTuple

STEPS_PER_EVALUATION = 10


class Progress(NamedTuple):
    """Progress after a step.

    Attributes:
        step: Number of steps done.
        loss: Mean training loss since the evaluation before the last one.
        dev_loss: Held-out loss at the last evaluation.
        dev_accuracy: Held-out accuracy at the last evaluation, 0 to 1. All three are NaN before the first one.
    """

    step: int
    loss: float
    dev_loss: float
    dev_accuracy: float

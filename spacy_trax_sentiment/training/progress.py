"""The progress of a training run, as it is reported after each step and kept in its history."""

from typing import NamedTuple


class Progress(NamedTuple):
    """Progress after a step: the mean training loss, and the loss and accuracy (0 to 1) of held-out texts.

    All three are NaN before the first evaluation.
    """

    step: int
    loss: float
    dev_loss: float
    dev_accuracy: float

"""Capture a Trax Loop in a checkpoint and restore it: weights, optimizer slots, step, random key and history."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from ...errors import Errors, TrainingInterrupted
from ...model.trax_backend import jax
from ..checkpoints import Checkpoint, Checkpoints
from ..progress import Progress
from .row_steps import RowTrainer
from .watch import add_to_history, history

_WEIGHTS, _SLOTS, _RANDOM = "weights", "slots", "random_key"


class Keeper:
    """Callback of Trax's Loop that saves checkpoints, and a last one if the run is interrupted.

    It saves when the next step begins, because only then is the evaluation of the step before done.
    """

    def __init__(self, loop: Any, checkpoints: Checkpoints, facts: dict[str, Any]) -> None:
        self.loop, self.checkpoints, self.facts = loop, checkpoints, facts
        self.interrupted = False
        self._saved = 0
        loop._callbacks.append(self)

    def call_at(self, step: int) -> bool:
        return True

    def on_step_begin(self, step: int) -> None:
        self.keep(step - 1)

    def on_step_end(self, step: int) -> None:
        pass

    def keep(self, step: int) -> None:
        """Save a checkpoint if one is due after `step` steps, and raise TrainingInterrupted after Ctrl-C."""
        every = self.checkpoints.every
        if step > self._saved and (self.interrupted or (every is not None and step % every == 0)):
            self.checkpoints.save(capture(self.loop, step, self.facts))
            self._saved = step
        if self.interrupted:
            raise TrainingInterrupted(
                Errors.S126.format(step=step, path=self.checkpoints.directory) if self._saved else Errors.S127
            )

    def resume(self, checkpoint: Checkpoint) -> None:
        """Restore the Loop from a checkpoint."""
        restore(self.loop, checkpoint)
        self._saved = checkpoint.step

    @contextmanager
    def handling_interrupts(self) -> Iterator[None]:
        """Make the first Ctrl-C end the run after the current step, because half-written weights are of no use."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread can handle signals
            return
        before = signal.getsignal(signal.SIGINT)

        def interrupt(*_: Any) -> None:
            self.interrupted = True
            signal.signal(signal.SIGINT, before)  # a second Ctrl-C ends the run at once

        signal.signal(signal.SIGINT, interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


def capture(loop: Any, step: int, facts: dict[str, Any]) -> Checkpoint:
    """Return a checkpoint of a Loop with one task, between two steps."""
    (trainer,) = loop._trainer_per_task
    weights = jax.tree_util.tree_leaves(trainer.accelerated_model_with_loss.weights)
    slots = jax.tree_util.tree_leaves(trainer._slots)
    arrays = {_RANDOM: np.asarray(loop._rng)}
    for kind, leaves in ((_WEIGHTS, weights), (_SLOTS, slots)):
        # If devices share the batches, each holds the same values.
        leaves = [leaf[0] for leaf in leaves] if loop.n_devices > 1 else leaves
        arrays |= {f"{kind}_{i:03}": np.asarray(leaf) for i, leaf in enumerate(leaves)}
    state = {"history": history(loop), "n_rows": trainer.n_rows if isinstance(trainer, RowTrainer) else None}
    return Checkpoint(step, facts, state, arrays)


def restore(loop: Any, checkpoint: Checkpoint) -> None:
    """Set a new Loop with the same settings to the state in a checkpoint."""
    (trainer,) = loop._trainer_per_task
    model = trainer.accelerated_model_with_loss
    # An array that is to be spread over several devices must not be committed to one of them.
    put = jax.numpy.asarray if loop.n_devices > 1 else partial(jax.device_put, device=jax.devices()[0])
    trees = []
    for kind, tree in ((_WEIGHTS, model.weights), (_SLOTS, trainer._slots)):
        names = sorted(name for name in checkpoint.arrays if name.startswith(kind))
        leaves = [put(checkpoint.arrays[name]) for name in names]
        trees.append(jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(tree), leaves))
    weights, trainer.slots = trees
    model.weights = loop._for_n_devices(weights)
    if isinstance(trainer, RowTrainer):
        trainer.take_table(checkpoint.state["n_rows"])
    loop._step = checkpoint.step
    loop._rng = put(checkpoint.arrays[_RANDOM])
    add_to_history(loop, [Progress(*evaluation) for evaluation in checkpoint.state["history"]])

"""A Trax Loop to a checkpoint and back: weights, optimizer slots, step, random key and evaluations.

Trax's own checkpoints hold pickles, and its Loop cannot resume from them on today's JAX.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from ..errors import Errors, TrainingInterrupted
from ..model.trax_backend import jax
from .checkpoints import Checkpoint, Checkpoints
from .progress import Progress, add_to_history, history
from .row_steps import RowTrainer

_WEIGHTS, _SLOTS, _RANDOM = "weights", "slots", "random_key"


class Keeper:
    """A callback of Trax's Loop: saves checkpoints, and ends an interrupted run with one.

    A step begins when all of the step before is done, its evaluation too.
    """

    def __init__(self, loop: Any, checkpoints: Checkpoints, facts: dict[str, Any]) -> None:
        self.loop, self.checkpoints, self.facts = loop, checkpoints, facts
        self.interrupted = False
        self._saved = 0

    def call_at(self, step: int) -> bool:
        return True

    def on_step_begin(self, step: int) -> None:
        self.keep(step - 1)

    def on_step_end(self, step: int) -> None:
        pass

    def keep(self, step: int) -> None:
        """Save, where it is time after so many steps. Raises TrainingInterrupted where the run was interrupted."""
        every = self.checkpoints.every
        if step > self._saved and (self.interrupted or (every is not None and step % every == 0)):
            self.checkpoints.save(capture(self.loop, step, self.facts))
            self._saved = step
        if self.interrupted:
            raise TrainingInterrupted(
                Errors.S126.format(step=step, path=self.checkpoints.directory) if self._saved else Errors.S127
            )

    def go_on(self, checkpoint: Checkpoint) -> None:
        """Set the Loop to a checkpoint."""
        restore(self.loop, checkpoint)
        self._saved = checkpoint.step

    @contextmanager
    def heeding_interrupts(self) -> Iterator[None]:
        """Have the first Ctrl-C end the run when its step is done, as weights half written are of no use."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may handle signals
            return
        before = signal.getsignal(signal.SIGINT)

        def interrupt(*_: Any) -> None:
            self.interrupted = True
            signal.signal(signal.SIGINT, before)  # a second Ctrl-C ends it at once

        signal.signal(signal.SIGINT, interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


def capture(loop: Any, step: int, facts: dict[str, Any]) -> Checkpoint:
    """RETURNS: A checkpoint of a Loop with one task, between two steps."""
    (trainer,) = loop._trainer_per_task
    weights = jax.tree_util.tree_leaves(trainer.accelerated_model_with_loss.weights)
    slots = jax.tree_util.tree_leaves(trainer._slots)
    arrays = {_RANDOM: np.asarray(loop._rng)}
    for kind, leaves in ((_WEIGHTS, weights), (_SLOTS, slots)):
        # Where devices share the batches, each has the same.
        leaves = [leaf[0] for leaf in leaves] if loop.n_devices > 1 else leaves
        arrays |= {f"{kind}_{i:03}": np.asarray(leaf) for i, leaf in enumerate(leaves)}
    state = {"history": history(loop), "n_rows": trainer.n_rows if isinstance(trainer, RowTrainer) else None}
    return Checkpoint(step, facts, state, arrays)


def restore(loop: Any, checkpoint: Checkpoint) -> None:
    """Set a fresh Loop of the same settings to where another was."""
    (trainer,) = loop._trainer_per_task
    model = trainer.accelerated_model_with_loss
    # To be spread over several devices, an array must not be put on one of them.
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

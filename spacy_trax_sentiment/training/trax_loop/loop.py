"""Train a Trax layer in place with Trax's Loop: endless batches and settings to weights and a history."""

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from ...errors import Errors, SentimentError
from ...model.trax_backend import jax, optimizers, quiet_loop, tl, training
from ..batches import Batch
from ..checkpoints import Checkpoints
from ..progress import STEPS_PER_EVALUATION, Progress
from ..settings import Settings
from .devices import devices
from .resuming import Keeper
from .ridge import Ridge
from .row_steps import step_rows_alone
from .watch import ACCURACY, LOSS, Watch, history, require_finite


def run_loop(
    layer: Any,
    batches: Iterator[Batch],
    dev_batches: Iterator[Batch],
    settings: Settings,
    on_step: Callable[[Progress], None] | None = None,
    optimizer: Any = None,
    *,
    checkpoints: Checkpoints | None = None,
    facts: dict[str, Any] | None = None,
) -> list[Progress]:
    """Train a Trax layer, from ids to log-probabilities, with the weighted cross-entropy on endless batches.

    `facts` say what the run is about, to be kept in the checkpoints: see `Checkpoint`. Returns the evaluations: after
    step 1, and after every tenth step. Ctrl-C raises TrainingInterrupted if there are checkpoints.
    """
    facts = facts or {}
    start = None if checkpoints is None else checkpoints.start(facts)
    with quiet_loop() as stdout, devices(settings.data_parallel) as n_devices:
        if settings.batch_size % n_devices:
            wanted = f"a multiple of the number of devices, {n_devices}"
            raise SentimentError(Errors.S021.format(name="batch_size", value=settings.batch_size, wanted=wanted))
        watch = partial(Watch, on_step=on_step, stdout=stdout, learning_rate=settings.learning_rate)
        loop = _new_loop(layer, batches, dev_batches, settings, optimizer or _optimizer(settings, layer), watch)
        # A step's results are committed to its device. If the first step's weights were not, XLA would compile twice.
        if n_devices == 1:
            loop.update_weights_and_state(weights=jax.device_put(layer.weights, jax.devices()[0]))
        if settings.row_steps:
            step_rows_alone(loop)
        if checkpoints is None:
            loop.run(settings.steps)
        else:
            keeper = Keeper(loop, checkpoints, facts)
            if start is not None:
                keeper.resume(start)
                _skip_used(batches, dev_batches, start.step, settings)
            with keeper.handling_interrupts():
                loop.run(settings.steps - loop.step)
            keeper.keep(settings.steps)
    evaluations = history(loop)
    require_finite(evaluations[-1:], settings.learning_rate)
    return evaluations


def _new_loop(
    layer: Any,
    batches: Iterator[Batch],
    dev_batches: Iterator[Batch],
    settings: Settings,
    optimizer: Any,
    callback: Callable[[Any], Any],
) -> Any:
    task = training.TrainTask(
        labeled_data=batches,
        loss_layer=tl.WeightedCategoryCrossEntropy(),
        optimizer=optimizer,
        lr_schedule=_falling_to_zero(settings) if settings.decay else None,
        n_steps_per_checkpoint=STEPS_PER_EVALUATION,
        loss_name=LOSS,
    )
    eval_task = training.EvalTask(
        labeled_data=dev_batches,
        metrics=[tl.WeightedCategoryCrossEntropy(), tl.WeightedCategoryAccuracy()],
        metric_names=[LOSS, ACCURACY],
        n_eval_batches=settings.n_eval_batches,
    )
    return training.Loop(layer, [task], eval_tasks=[eval_task], random_seed=settings.seed, callbacks=[callback])


def _skip_used(batches: Iterator[Batch], dev_batches: Iterator[Batch], step: int, settings: Settings) -> None:
    """Skip the batches that the interrupted run had already used, except the sample that each new Loop takes."""
    n_evaluations = (step > 0) + step // STEPS_PER_EVALUATION
    for stream, n in ((batches, step), (dev_batches, n_evaluations * settings.n_eval_batches)):
        deque(islice(stream, n), maxlen=0)


def _optimizer(settings: Settings, layer: Any) -> Any:
    if settings.penalty:
        start = np.array(jax.tree_util.tree_leaves(layer.weights)[0])
        return Ridge(settings.penalty, start, settings.learning_rate, settings.epsilon)
    return optimizers.Adam(settings.learning_rate, weight_decay_rate=settings.weight_decay, eps=settings.epsilon)


def _falling_to_zero(settings: Settings) -> Callable[[int], float]:
    return lambda step: settings.learning_rate * max(1 - step / settings.steps, 0)

"""Train a Trax layer in place with Trax's Loop: endless batches and settings to weights and a history."""

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Errors, SentimentError
from ...model.trax_backend import jax, optimizers, quiet_loop, tl, training
from ..batches import Batch
from ..checkpoints import Checkpoints
from ..progress import Progress
from ..settings import Settings
from .devices import devices
from .loss import accuracy_of_known, cross_entropy_of_known
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
    with_probabilities: bool = False,
    ease: NDArray[np.float32] | None = None,
    eval_layer: Any = None,
) -> list[Progress]:
    """Train a Trax layer, from ids to log-probabilities, with the weighted cross-entropy on endless batches.

    The batches' targets are columns, or `with_probabilities` those of the labels: see `Batch`. `facts` say what the run
    is about, to be kept in the checkpoints: see `Checkpoint`. `ease` (n_rows, 1) is that of `Ridge`, and `eval_layer`
    evaluates a layer with dropout. Returns the evaluations: after step 1, and after every `evaluate_every` steps.
    Ctrl-C raises TrainingInterrupted if there are checkpoints.
    """
    facts = facts or {}
    start = None if checkpoints is None else checkpoints.start(facts)
    with quiet_loop() as stdout, devices(settings.data_parallel) as n_devices:
        if settings.batch_size % n_devices:
            wanted = f"a multiple of the number of devices, {n_devices}"
            raise SentimentError(Errors.S021.format(name="batch_size", value=settings.batch_size, wanted=wanted))
        watch = partial(Watch, on_step=on_step, stdout=stdout, learning_rate=settings.learning_rate)
        optimizer = optimizer or _optimizer(settings, layer, ease)
        loop = _new_loop(layer, batches, dev_batches, settings, optimizer, watch, with_probabilities, eval_layer)
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
    with_probabilities: bool,
    eval_layer: Any,
) -> Any:
    loss, accuracy = tl.WeightedCategoryCrossEntropy, tl.WeightedCategoryAccuracy
    if with_probabilities:
        loss, accuracy = cross_entropy_of_known, accuracy_of_known
    task = training.TrainTask(
        labeled_data=batches,
        loss_layer=loss(),
        optimizer=optimizer,
        lr_schedule=_schedule(settings) if settings.decay or settings.warmup_steps else None,
        n_steps_per_checkpoint=settings.evaluate_every,
        loss_name=LOSS,
    )
    eval_task = training.EvalTask(
        labeled_data=dev_batches,
        metrics=[loss(), accuracy()],
        metric_names=[LOSS, ACCURACY],
        n_eval_batches=settings.n_eval_batches,
    )
    return training.Loop(layer, [task], eval_layer, [eval_task], random_seed=settings.seed, callbacks=[callback])


def _skip_used(batches: Iterator[Batch], dev_batches: Iterator[Batch], step: int, settings: Settings) -> None:
    """Skip the batches that the interrupted run had already used, except the sample that each new Loop takes."""
    n_evaluations = step // settings.evaluate_every + (step > 0 and settings.evaluate_every > 1)
    for stream, n in ((batches, step), (dev_batches, n_evaluations * settings.n_eval_batches)):
        deque(islice(stream, n), maxlen=0)


def _optimizer(settings: Settings, layer: Any, ease: NDArray[np.float32] | None) -> Any:
    if settings.penalty:
        start = np.array(jax.tree_util.tree_leaves(layer.weights)[0])
        return Ridge(settings.penalty, start, settings.learning_rate, settings.epsilon, ease)
    return optimizers.Adam(
        settings.learning_rate,
        weight_decay_rate=settings.weight_decay,
        eps=settings.epsilon,
        clip_grad_norm=settings.clip_grad_norm or None,
    )


def _schedule(settings: Settings) -> Callable[[int], float]:
    """Return the learning rate by step: rising linearly while it warms up, then falling to 0 if it is to decay."""
    warmup, falling = settings.warmup_steps, max(settings.steps - settings.warmup_steps, 1)

    def learning_rate(step: int) -> float:
        if step < warmup:
            return settings.learning_rate * (step + 1) / (warmup + 1)
        return settings.learning_rate * (max(1 - (step - warmup) / falling, 0) if settings.decay else 1)

    return learning_rate

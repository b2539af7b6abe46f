"""Labelled texts to a trained pipeline, by Trax's TrainTask, EvalTask and Loop."""

import gc
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np
import spacy
from numpy.typing import NDArray
from spacy.language import Language

from ..errors import Errors, SentimentError
from ..model.padding import longest_length
from ..model.inputs import docs_to_ids, set_vocabulary
from ..model.thinc_model import folds
from ..model.parameters import change_labels, get_architecture, layer_weights, set_label_prior, set_weights, to_trax_layer
from ..model.trax_layers import initialized_layer
from ..pipelines import find_component
from .batches import Batch, balanced_batches, shuffled_batches, steady_length, weighted_batches
from .calibration import calibrate
from .checkpoints import Checkpoints, digest
from .devices import devices
from .labelled import LabelledText, make_docs, require_labels
from .progress import ACCURACY, LOSS, Progress, Watch, history, require_finite
from .settings import PRESETS, Settings, check_settings
from .stored import StoredIds, StoredTexts

COMPONENT = "trax_sentiment"


class Trained(NamedTuple):
    """nlp: The pipeline. history: One entry an evaluation."""

    nlp: Language
    history: list[Progress]


STEPS_PER_EVALUATION = 10


def train(
    texts: Sequence[LabelledText] | StoredTexts,
    dev_texts: Sequence[LabelledText],
    labels: Sequence[str],
    settings: Settings = PRESETS["default"],
    on_step: Callable[[Progress], None] | None = None,
    *,
    weights: Sequence[float] | None = None,
    init_from: Language | None = None,
    checkpoints: Checkpoints | None = None,
) -> Trained:
    """Train a pipeline that has a `trax_sentiment` component alone.

    texts: What to learn from, with texts of each label; StoredTexts where they are many.
    dev_texts: Held out, with texts of each label, for the figures shown as training runs.
    labels: The label of each column of the scores; the seed's order is negative, positive.
    on_step: Called after each step.
    weights: How often to draw each text, in proportion. A text of another label than `labels` is then drawn as of any
        of them by chance: what says nothing either way.
    init_from: A pipeline to train on from: its vocabulary and weights. Its labels must be among `labels`; the others
        begin as even. It is changed, and returned.
    checkpoints: Where to save them, and whether to go on from the latest, with the same result to the last bit. Ctrl-C
        then saves one too.

    Raises SentimentError where a setting or the data cannot be used, where a loss is not a number, where a checkpoint
    cannot be written or gone on from, and where the `train` extra is missing; TrainingInterrupted at Ctrl-C, where
    there are checkpoints.
    """
    check_settings(settings, len(labels))
    if settings.data_parallel:
        from ..model.trax_backend import see_all_devices

        see_all_devices()
    require_labels(texts, labels, "the training texts")
    require_labels(dev_texts, labels, "the held-out texts")
    nlp = init_from or _blank(labels, settings)
    component = find_component(nlp)
    model = component.model
    if list(component.labels) != list(labels):
        is_layer = not folds(model)  # of which only the layer's function knows where the labels' weights are
        if is_layer or not set(component.labels) <= set(labels):
            found, given = ", ".join(component.labels), ", ".join(labels)
            wanted = "the same" if is_layer else "among these"
            raise SentimentError(Errors.S039.format(labels=found, value=given, wanted=wanted))
        change_labels(model, component.labels, labels)
        component.cfg["labels"] = list(labels)
    if init_from is None:
        set_vocabulary(model, make_docs(texts), settings.min_count)
    all_ids = docs_to_ids(model, make_docs(texts))
    if settings.max_ids:
        all_ids = _thinned(all_ids, settings.max_ids, settings.seed)
    ids: Sequence[NDArray[np.int32]] = StoredIds(all_ids) if isinstance(texts, StoredTexts) else list(all_ids)
    dev_ids = list(docs_to_ids(model, make_docs(dev_texts)))

    architecture = get_architecture(model)
    layer = initialized_layer(architecture, settings.seed) if init_from is None else to_trax_layer(model)
    padded_length = steady_length(ids) if settings.pad_to_ladder else longest_length
    index = {label: i for i, label in enumerate(labels)}
    targets, dev_targets = ([index.get(text.label, -1) for text in part] for part in (texts, dev_texts))
    if weights is None:
        batches = _batches(ids, targets, settings, padded_length, settings.seed)
    else:
        batches = weighted_batches(
            ids,
            targets,
            weights,
            settings.batch_size,
            n_classes=len(labels),
            seed=settings.seed,
            padded_length=padded_length,
        )
    dev_batches = _batches(dev_ids, dev_targets, settings, padded_length, settings.seed + 1)
    facts = {}
    if checkpoints is not None:
        facts = _facts(settings, labels, texts, dev_texts, weights) | {
            "the ids": digest(chain(ids, dev_ids)),
            "the weights at the start": digest(map(np.asarray, layer_weights(layer, architecture).values())),
        }
    evaluations = run_loop(layer, batches, dev_batches, settings, on_step, checkpoints=checkpoints, facts=facts)
    gc.collect()  # the Loop refers to itself, and its slots take twice the memory of the weights
    set_weights(model, layer_weights(layer, architecture))
    counts = Counter(targets)
    # Balanced batches hold as many texts of each label, whatever the data does; weighted ones nearly so.
    even = settings.balanced or weights is not None
    set_label_prior(model, [1 if even else counts[label] for label in range(len(labels))])
    if settings.calibrate:
        calibrate(model, dev_ids, dev_targets)
    return Trained(nlp, evaluations)


def _facts(
    settings: Settings,
    labels: Sequence[str],
    texts: Sequence[LabelledText] | StoredTexts,
    dev_texts: Sequence[LabelledText],
    weights: Sequence[float] | None,
) -> dict[str, Any]:
    """RETURNS: What a checkpoint must be of the same of, by what to call it."""
    return {
        **asdict(settings),
        "labels": list(labels),
        "the training texts": digest(field for text in texts for field in text),
        "the held-out texts": digest(field for text in dev_texts for field in text),
        "the texts' weights": None if weights is None else digest([np.asarray(weights, dtype=np.float64)]),
    }


def _blank(labels: Sequence[str], settings: Settings) -> Language:
    nlp = spacy.blank("en")
    preprocessor: dict[str, Any] = {"@misc": settings.preprocessor}
    for name in ("bigram_buckets", "bigram_distance"):
        if (value := getattr(settings, name)) is not None:
            preprocessor[name] = value
    names = ("embedding_dim", "mean", "length_exponent", "embedding_scale")
    config = {name: getattr(settings, name) for name in names} | {"preprocessor": preprocessor}
    component: Any = nlp.add_pipe(COMPONENT, config={"model": config, "pretrained": None})
    for label in labels:
        component.add_label(label)
    component.model.set_dim("nO", len(labels))
    return nlp


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
    """Train a Trax layer in place with Trax's Loop and the weighted cross-entropy.

    layer: From ids to log-probabilities; initialized by the Loop, from the seed, unless it is already.
    batches, dev_batches: Endless.
    optimizer: Trax's; the settings' Adam, where None.
    checkpoints: As in `train`. facts: What the run is of, to keep in them.
    RETURNS: The history, an entry for step 1 and for each tenth.

    Raises SentimentError where a loss is not a finite number.
    """
    from ..model.trax_backend import jax, quiet_loop, tl, training
    from .resuming import Keeper
    from .row_steps import step_rows_alone

    facts = facts or {}
    start = None if checkpoints is None else checkpoints.start(facts)
    with quiet_loop() as stdout, devices(settings.data_parallel) as n_devices:
        if settings.batch_size % n_devices:
            wanted = f"a multiple of the number of devices, {n_devices}"
            raise SentimentError(Errors.S021.format(name="batch_size", value=settings.batch_size, wanted=wanted))
        loop = training.Loop(
            layer,
            [
                training.TrainTask(
                    labeled_data=batches,
                    loss_layer=tl.WeightedCategoryCrossEntropy(),
                    optimizer=optimizer or _optimizer(settings, layer),
                    lr_schedule=_straight_to_zero(settings) if settings.decay else None,
                    n_steps_per_checkpoint=STEPS_PER_EVALUATION,
                    loss_name=LOSS,
                )
            ],
            eval_tasks=[
                training.EvalTask(
                    labeled_data=dev_batches,
                    metrics=[tl.WeightedCategoryCrossEntropy(), tl.WeightedCategoryAccuracy()],
                    metric_names=[LOSS, ACCURACY],
                    n_eval_batches=settings.n_eval_batches,
                )
            ],
            random_seed=settings.seed,
            callbacks=[partial(Watch, on_step=on_step, stdout=stdout, learning_rate=settings.learning_rate)],
        )
        # What a step returns is committed to its device. Were the first step's weights not, XLA would compile twice.
        if n_devices == 1:
            loop.update_weights_and_state(weights=jax.device_put(layer.weights, jax.devices()[0]))
        if settings.row_steps:
            step_rows_alone(loop)
        if checkpoints is None:
            loop.run(settings.steps)
        else:
            keeper = Keeper(loop, checkpoints, facts)
            loop._callbacks.append(keeper)
            if start is not None:
                keeper.go_on(start)
                _pass_over(batches, dev_batches, start.step, settings)
            with keeper.heeding_interrupts():
                loop.run(settings.steps - loop.step)
            keeper.keep(settings.steps)
    evaluations = history(loop)
    require_finite(evaluations[-1:], settings.learning_rate)
    return evaluations


def _pass_over(batches: Iterator[Batch], dev_batches: Iterator[Batch], step: int, settings: Settings) -> None:
    """Draw what a Loop has drawn by the end of a step, but for the sample that each new Loop takes."""
    n_evaluations = (step > 0) + step // STEPS_PER_EVALUATION
    for stream, n in ((batches, step), (dev_batches, n_evaluations * settings.n_eval_batches)):
        deque(islice(stream, n), maxlen=0)


def _optimizer(settings: Settings, layer: Any) -> Any:
    from ..model.trax_backend import jax, optimizers
    from .ridge import Ridge

    if settings.penalty:
        start = np.array(jax.tree_util.tree_leaves(layer.weights)[0])
        return Ridge(settings.penalty, start, settings.learning_rate, settings.epsilon)
    return optimizers.Adam(settings.learning_rate, weight_decay_rate=settings.weight_decay, eps=settings.epsilon)


def _straight_to_zero(settings: Settings) -> Callable[[int], float]:
    return lambda step: settings.learning_rate * max(1 - step / settings.steps, 0)


def _batches(
    ids: Sequence[NDArray[np.int32]],
    targets: Sequence[int],
    settings: Settings,
    padded_length: Callable[[int], int],
    seed: int,
) -> Iterator[Batch]:
    size = settings.batch_size
    if settings.balanced:
        return balanced_batches(ids, targets, size, loop=True, shuffle=True, seed=seed, padded_length=padded_length)
    return shuffled_batches(ids, targets, size, seed=seed, padded_length=padded_length)


def _thinned(ids: Iterable[NDArray[np.int32]], most: int, seed: int) -> Iterator[NDArray[np.int32]]:
    rng = np.random.default_rng(seed)
    return (text if len(text) <= most else rng.permutation(text)[:most] for text in ids)

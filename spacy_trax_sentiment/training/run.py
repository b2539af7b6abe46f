"""Train a classifier: labelled texts to a pipeline, from the held-out split to calibrated weights.

The console's `train` command and Python's `train` both run this story.
"""

import gc
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from thinc.api import Model

from ..errors import Errors, SentimentError, errors_at
from ..model.inputs import docs_to_ids, n_ids, set_vocabulary
from ..model.padding import longest_length
from ..model.parameters import (
    change_labels,
    get_architecture,
    initial_weights,
    layer_weights,
    set_label_prior,
    set_weights,
    to_trax_layer,
)
from ..model.targets import add_target_head, target_ids
from ..model.thinc_model import folds
from ..model.trax_layers import with_dropout
from ..pipelines import find_component, load
from .batches import Batch, balanced_batches, bucketed_batches, shuffled_batches, steady_length, weighted_batches
from .calibration import calibrate
from .checkpoints import Checkpoints, digest, open_checkpoints
from .corpora import split_held_out, without_leaks
from .labelled import Corpus, LabelledText, Texts, blank, make_docs, paired, renamed, require_labels, spelled_once
from .log_ratios import log_ratios
from .progress import Progress
from .settings import Settings, fit_settings, refuse_clashes, saved_settings
from .stored import StoredIds, StoredTexts


class Trained(NamedTuple):
    """The result of training: the pipeline, the evaluations during training, and the held-out texts without targets."""

    nlp: Language
    history: list[Progress]
    held_out: Sequence[LabelledText]


def train(
    texts: Sequence[str],
    labels: Sequence[str | float],
    *,
    dev: tuple[Sequence[str], Sequence[str | float]] | None = None,
    settings: Settings | None = None,
    init_from: str | Path | Language | None = None,
    checkpoints: str | Path | None = None,
    on_step: Callable[[Progress], None] | None = None,
) -> Trained:
    """Train a classifier on texts and their labels.

    The labels of the classifier are the different labels in alphabetical order, numbers by their value.

    Args:
        texts: The texts to train on, (n_texts,).
        labels: The label of each text, (n_texts,): a str, an int or a bool.
        dev: Held-out texts and their labels, to measure on during training and to calibrate. If None, the last fifth
            of each label's texts is held out. Those that are training texts, too, are left out, which is logged.
        settings: The settings; by default `Settings()`.
        init_from: A pipeline, its directory, or the name of a bundled model, to start from its vocabulary and weights.
            Its labels must be among `labels`; those of a model that does not fold, such as `en_trf`, must be the same.
            A pipeline object is changed and returned.
        checkpoints: A path. Ctrl-C then saves a checkpoint in the directory `PATH.checkpoint`, from which the next call
            resumes. It gives exactly the weights of an uninterrupted run.
        on_step: Called after each step with its `Progress`: `step`, `loss`, `dev_loss` and `dev_accuracy`.

    Returns:
        The pipeline, its history and the held-out texts.

    Raises:
        SentimentError: The settings or the data cannot be used; a loss is not finite; or a checkpoint cannot be used or
            written.
        MissingExtraError: The extra `train` is not installed.
        TrainingInterrupted: Ctrl-C was pressed, and `checkpoints` was given.

    Example:
        >>> trained = train(["good", "bad"] * 10, ["positive", "negative"] * 10, settings=Settings(steps=20))
        >>> trained.nlp("good").cats
    """
    pairs, of_dev = paired(texts, labels), [] if dev is None else paired(*dev)
    names = spelled_once(Counter(text.label for text in (*pairs, *of_dev)))
    pairs = renamed(pairs, names)
    train_texts, held_out = split_held_out(pairs) if dev is None else (pairs, renamed(of_dev, names))
    if len(names) < 2:
        raise SentimentError(Errors.S022.format(labels=", ".join(map(repr, names))))
    for place, part in (("the training texts", train_texts), ("the held-out texts", held_out)):
        with errors_at(place):
            require_labels(part, names)
    corpus = Corpus(names, train_texts, without_leaks(train_texts, held_out))
    with nullcontext() if checkpoints is None else open_checkpoints(Path(checkpoints), resume=True) as opened:
        return train_on(corpus, settings or Settings(), init_from, checkpoints=opened, on_step=on_step)


def train_on(
    corpus: Corpus,
    settings: Settings,
    init_from: str | Path | Language | None = None,
    *,
    checkpoints: Checkpoints | None = None,
    on_step: Callable[[Progress], None] | None = None,
) -> Trained:
    """Train a classifier on a corpus, saving and resuming as `checkpoints` says. All else is as in `train`."""
    settings = fit_settings(settings, len(corpus.labels))
    from ..model.trax_backend import see_all_devices
    from .trax_loop.loop import run_loop

    if settings.data_parallel:
        see_all_devices()
    nlp = _start(corpus, settings, init_from)
    model = find_component(nlp).model
    if corpus.spans is not None:
        add_target_head(model)
    architecture = get_architecture(model)
    layer = initial_weights(model, settings.seed)[0] if init_from is None else to_trax_layer(model)
    _require_fit(settings, model, layer)
    data = _number(model, corpus.texts, corpus, str(nlp.lang), corpus.spans, settings.max_ids, settings.seed)
    dev = _number(model, corpus.held_out, corpus, str(nlp.lang), corpus.held_out_spans)
    facts = {}
    if checkpoints is not None:
        facts = _facts(corpus, settings) | {
            "the ids": digest(chain(data.ids, dev.ids)),
            "the weights at the start": digest(map(np.asarray, layer_weights(layer, architecture).values())),
        }
    n_labels = len(corpus.labels)
    batches = _batches(data, settings, settings.seed, corpus.weights, corpus.targets, n_labels)
    dev_batches = _batches(dev, settings, settings.seed + 1, None, corpus.held_out_targets, n_labels)
    eval_layer, power = None, settings.ratio_power
    ease = log_ratios(data.ids, data.targets, n_ids(model), n_labels) ** power if power else None
    if settings.dropout:
        layer, eval_layer = (with_dropout(layer, architecture, settings.dropout, mode) for mode in ("train", "eval"))
    history = run_loop(
        layer,
        batches,
        dev_batches,
        settings,
        on_step,
        checkpoints=checkpoints,
        facts=facts,
        with_probabilities=corpus.targets is not None or settings.ids_per_batch > 0,
        ease=ease,
        eval_layer=eval_layer,
    )
    gc.collect()  # the Loop refers to itself, and its slots take twice the memory of the weights
    set_weights(model, layer_weights(layer, architecture))
    # Balanced batches hold equally many texts of each label, whatever the data does; weighted ones nearly so.
    even = settings.balanced or corpus.weights is not None
    set_label_prior(model, [1 if even else data.counts[label] for label in corpus.labels])
    if settings.calibrate:
        calibrate(model, dev.ids, dev.targets, corpus.held_out_targets)
    counts = {"texts": dict(sorted(data.counts.items())), "dev_texts": dict(sorted(dev.counts.items()))}
    nlp.meta["trax_sentiment"] = {"training": {**counts, "settings": saved_settings(settings)}}
    spans = corpus.held_out_spans or [None] * len(corpus.held_out)
    return Trained(nlp, history, [text for text, span in zip(corpus.held_out, spans, strict=True) if span is None])


def _require_fit(settings: Settings, model: Model[Any, Any], layer: Any) -> None:
    """Raise SentimentError if a setting does not suit the layer, before the texts are read and it is trained."""
    names = layer_weights(layer, get_architecture(model)).keys()
    refuse_clashes(
        settings,
        ("max_ids", not folds(model), "0 for a layer that may read the order of the ids"),
        ("calibrate", not {"W", "b"} <= names, "False for a layer without the weights W and b"),
    )


class _Numbered(NamedTuple):
    """The ids of each text, the column of its label (-1 for none), and the number of texts per label."""

    ids: Sequence[NDArray[np.int32]]
    targets: Sequence[int]
    counts: Counter[str]


def _start(corpus: Corpus, settings: Settings, init_from: str | Path | Language | None) -> Language:
    """Return a pipeline with the corpus's labels and a vocabulary, new or loaded."""
    if init_from is None:
        nlp = _blank(corpus.labels, settings)
        set_vocabulary(find_component(nlp).model, make_docs(corpus.texts, lang=str(nlp.lang)), settings.min_count)
        return nlp
    nlp = init_from if isinstance(init_from, Language) else load(init_from)
    component, labels = find_component(nlp), list(corpus.labels)
    component.require_trainable()
    if list(component.labels) != labels:
        # Only a custom layer's own function knows which of its weights belong to a label.
        wanted = "among these" if folds(component.model) else "the same"
        if wanted == "the same" or not set(component.labels) <= set(labels):
            found, given = ", ".join(component.labels), ", ".join(labels)
            raise SentimentError(Errors.S039.format(labels=found, value=given, wanted=wanted))
        change_labels(component.model, component.labels, labels)
        component.cfg["labels"] = labels
    return nlp


def _blank(labels: Iterable[str], settings: Settings) -> Language:
    nlp = blank(settings.lang)
    component: Any = nlp.add_pipe("trax_sentiment", config={"model": _model_config(settings), "pretrained": None})
    for label in labels:
        component.add_label(label)
    component.model.set_dim("nO", len(component.labels))
    return nlp


def _model_config(settings: Settings) -> dict[str, Any]:
    if settings.model is not None:
        return settings.model
    preprocessor: dict[str, Any] = {"@misc": settings.preprocessor}
    for name in ("bigram_buckets", "bigram_distance", "lexicon"):
        if (value := getattr(settings, name)) is not None:
            preprocessor[name] = value
    names = ("embedding_dim", "mean", "length_exponent", "embedding_scale")
    return {name: getattr(settings, name) for name in names} | {"preprocessor": preprocessor}


def _number(
    model: Model[Any, Any],
    texts: Texts,
    corpus: Corpus,
    lang: str,
    spans: Sequence[tuple[int, int] | None] | None = None,
    max_ids: int = 0,
    seed: int = 0,
) -> _Numbered:
    """Turn texts into ids, at most `max_ids` random ones per text unless it is 0. Those of stored texts are stored."""
    targets, counts, rng, labels = array("i"), Counter[str](), np.random.default_rng(seed), corpus.labels

    def counted() -> Iterator[LabelledText]:
        for text in texts:
            targets.append(labels.index(text.label) if text.label in labels else -1)
            counts[text.label] += 1
            yield text

    docs = make_docs(counted(), lang=lang)
    ids = docs_to_ids(model, docs) if spans is None else target_ids(model, docs, spans)
    if max_ids:
        ids = (each if len(each) <= max_ids else rng.permutation(each)[:max_ids] for each in ids)
    return _Numbered(StoredIds(ids) if isinstance(texts, StoredTexts) else list(ids), targets, counts)


def _batches(
    data: _Numbered,
    settings: Settings,
    seed: int,
    weights: Sequence[float] | None,
    probabilities: NDArray[np.float32] | None,
    n_labels: int,
) -> Iterator[Batch]:
    """Draw endless batches, by the texts' weights if they have some."""
    ids, size = data.ids, settings.batch_size
    targets: Any = data.targets if probabilities is None else probabilities
    if settings.ids_per_batch and probabilities is None:
        columns = np.asarray(targets)
        targets = probabilities = np.eye(n_labels, dtype=np.float32)[columns]
        targets[columns < 0] = 1 / n_labels  # a text of another label
        if weights is None and settings.balanced:
            weights = (1 / np.maximum(np.bincount(np.maximum(columns, 0), minlength=n_labels), 1))[columns].tolist()
    if weights is None and probabilities is not None:
        weights = [1.0] * len(ids)
    if weights is not None and settings.ids_per_batch:
        return bucketed_batches(ids, targets, weights, size, settings.ids_per_batch, seed=seed)
    padded_length = steady_length(ids) if settings.pad_to_ladder else longest_length
    common: dict[str, Any] = {"seed": seed, "padded_length": padded_length}
    if weights is not None:
        return weighted_batches(ids, targets, weights, size, n_classes=n_labels, **common)
    if settings.balanced:
        return balanced_batches(ids, targets, size, loop=True, shuffle=True, **common)
    return shuffled_batches(ids, targets, size, **common)


def _facts(corpus: Corpus, settings: Settings) -> dict[str, Any]:
    """Return what must be the same for a run to resume from a checkpoint, under the names that errors use."""
    weights = corpus.weights
    return {
        **asdict(settings),
        "labels": list(corpus.labels),
        "the training texts": digest(chain.from_iterable(corpus.texts)),
        "the held-out texts": digest(chain.from_iterable(corpus.held_out)),
        "the texts' weights": None if weights is None else digest([np.asarray(weights, dtype=np.float64)]),
        "the texts' targets": None if corpus.spans is None else digest([repr(corpus.spans)]),
        "the labels' probabilities": None if corpus.targets is None else digest([corpus.targets]),
    }

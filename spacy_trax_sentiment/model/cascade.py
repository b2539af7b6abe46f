"""Texts to probabilities (n_texts, n_labels) by two models: a fast one, and one that reads what the first leaves open.

Nothing is trained here. Both models have the same labels, and each keeps its own preprocessor, vocabulary and weights.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..errors import Errors, SentimentError
from ..text.arrays import Array
from ..text.labels import Scored
from ..text.reading import call_for_reading
from .folded import log_softmax
from .inputs import ScoredBy, docs_scored

_TINY = np.finfo(np.float32).tiny  # in place of 0, which has no logarithm


@dataclass(frozen=True)
class CascadeSettings:
    """The settings of a cascade: see `Cascade`."""

    first: str
    second: str
    threshold: float = 0.9
    weight: float = 0.0
    first_temperature: float = 1.0
    second_temperature: float = 1.0


def Cascade(  # noqa: N802 (named as it is registered)
    first: str,
    second: str,
    *,
    threshold: float = 0.9,
    weight: float = 0.0,
    first_temperature: float = 1.0,
    second_temperature: float = 1.0,
) -> Model[list[Doc], Floats2d]:
    """Build a cascade of two trained models. Registered as the architecture `spacy_trax_sentiment.Cascade.v1`.

    The first model answers a text if it recognizes something in it, its most probable label reaches the threshold, and
    nothing in the text calls for reading: no negation, contrast or condition, for example. The second model reads all
    other texts. The models are loaded when they are first needed, and are saved with the pipeline. The component's
    setting `pretrained` is ignored.

    Args:
        first: The fast model: a bundled name, such as "en_ternary", or a directory, as for `pretrained`. Its
            preprocessor is `SentimentTerms.v1`, or it is made by `Encoder.v1`.
        second: The model that reads, likewise, such as "en_trf". Its labels are the first model's, in the same order.
        threshold: The least probability with which the first model answers, by its own probabilities.
        weight: The first model's part, from 0 to 1, in the log-probabilities of texts that are read: they are the
            log-softmax of (1 - weight) times the second model's plus weight times the first's.
        first_temperature: The divisor of the log-probabilities of texts that the first model answers.
        second_temperature: The divisor for texts that are read, after the weighting.

    Returns:
        A model from a batch of Docs to float32 probabilities (n_docs, n_labels), which cannot be trained.

    Raises:
        SentimentError: A setting is out of range.
    """
    settings = CascadeSettings(first, second, threshold, weight, first_temperature, second_temperature)
    for name in ("threshold", "weight"):
        value = getattr(settings, name)
        if not 0 <= value <= 1:
            raise SentimentError(Errors.S021.format(name=name, value=value, wanted="a number from 0 to 1"))
    for name in ("first_temperature", "second_temperature"):
        value = getattr(settings, name)
        if not 0 < value < float("inf"):
            raise SentimentError(Errors.S021.format(name=name, value=value, wanted="a number above 0"))
    return _model(settings, [])


def loaded_cascade(settings: CascadeSettings, layers: Sequence[tuple[Model[Any, Any], dict[str, Any]]]) -> Any:
    """Return a cascade of the two models, each with its component's settings.

    A model that is a cascade itself, or labels that differ, raise SentimentError.
    """
    for name, (model, _) in zip((settings.first, settings.second), layers, strict=True):
        if is_cascade(model):
            raise SentimentError(Errors.S181.format(path=name, reason="it is a cascade itself"))
    of_first, of_second = (list(cfg["labels"]) for _, cfg in layers)
    if of_first != of_second:
        reason = f"its labels are {', '.join(of_second)}, not {', '.join(of_first)}"
        raise SentimentError(Errors.S181.format(path=settings.second, reason=reason))
    model = _model(settings, [model for model, _ in layers])
    model.attrs["cfgs"] = [cfg for _, cfg in layers]
    return model


def _model(settings: CascadeSettings, layers: list[Model[Any, Any]]) -> Model[list[Doc], Floats2d]:
    # Its own vocabulary is empty: the files of another model may take the place of one that is not loaded.
    attributes: dict[str, Any] = {"columns": None, "vocabulary": {}, "settings": settings, "pretrained": settings.first}
    attributes |= {"score_texts": _score_texts, "parts": _parts, "is_asked": False}
    return Model("trax_cascade", forward, layers=layers, attrs=attributes)


def is_cascade(model: Model[Any, Any]) -> bool:
    """Return whether the model was made by `Cascade`."""
    return isinstance(model.attrs.get("settings"), CascadeSettings)


def forward(
    model: Model[list[Doc], Floats2d], docs: Sequence[Doc], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Doc]]]:
    """Return the probabilities, and a function that sets no gradients."""
    return cast(Floats2d, docs_scored(model, docs).probabilities), lambda dY: []


def must_be_read(settings: CascadeSettings, texts: Sequence[Any], found: Scored) -> NDArray[np.bool_]:
    """Return whether the second model reads each text (n_texts,), from the first model's scores.

    The texts are strings, or Docs.
    """
    read = np.asarray(~found.has_evidence | (found.probabilities.max(axis=1) < np.float32(settings.threshold)))
    certain = np.flatnonzero(~read)
    read[certain] = call_for_reading(str(texts[i]) for i in certain.tolist())
    return read


def answered(settings: CascadeSettings, first: Array) -> Array:
    """Return the probabilities of texts that the first model answers, from its own."""
    return first if settings.first_temperature == 1 else np.exp(log_softmax(_log(first) / settings.first_temperature))


def mixed(settings: CascadeSettings, first: Array, second: Array) -> Array:
    """Return the probabilities of texts that were read, float64 (n_texts, n_labels), from those of both models."""
    logs = (1 - settings.weight) * _log(second) + settings.weight * _log(first)
    return np.exp(log_softmax(logs / settings.second_temperature))


def _log(probabilities: Array) -> Array:
    return np.log(np.maximum(probabilities, _TINY), dtype=np.float64)


def _score_texts(model: Model[Any, Any], texts: Sequence[Any], scored_by: ScoredBy) -> Scored:
    (first, second), settings = model.layers, model.attrs["settings"]
    found = scored_by(first, texts)
    places = np.flatnonzero(must_be_read(settings, texts, found))
    probabilities, has_evidence = answered(settings, found.probabilities).astype(np.float32), found.has_evidence
    # At first the second model is asked even if there is nothing to read, so that what it lacks is reported at once.
    if not len(places) and model.attrs["is_asked"]:
        return Scored(probabilities, has_evidence)
    reading = scored_by(second, [texts[i] for i in places.tolist()])
    model.attrs["is_asked"] = True
    probabilities[places] = mixed(settings, found.probabilities[places], reading.probabilities)
    of_first, of_second = has_evidence[places] & (settings.weight > 0), reading.has_evidence & (settings.weight < 1)
    has_evidence[places] = of_first | of_second
    return Scored(probabilities, has_evidence)


def _parts(model: Model[Any, Any], doc: Doc) -> list[tuple[Model[Any, Any], float]]:
    (first, second), settings = model.layers, model.attrs["settings"]
    if not must_be_read(settings, [doc], docs_scored(first, [doc]))[0]:
        return [(first, 1 / settings.first_temperature)]
    weights = (second, 1 - settings.weight), (first, settings.weight)
    return [(each, weight / settings.second_temperature) for each, weight in weights if weight]

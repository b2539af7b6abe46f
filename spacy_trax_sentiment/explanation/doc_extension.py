"""`doc._.sentiment` and `span._.sentiment`: which component scored a Doc, and what it found there."""

import logging
from collections.abc import Iterable
from typing import Any, Protocol
from weakref import WeakKeyDictionary, WeakSet

import numpy as np
from spacy.attrs import ORTH
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab
from thinc.api import Model

from ..errors import Errors, SentimentError
from ..model.thinc_model import folded_classifier, folds
from .contributions import Contributions, doc_contributions
from .sentiment import Sentiment, WeightedSentiment
from .target_sentiment import TargetSentiment, target_sentiments

EXTENSION, OF_TARGET = "sentiment", "target_sentiment"

logger = logging.getLogger(__name__)


class Component(Protocol):
    """The attributes of a `trax_sentiment` component that are used here."""

    model: Model[Any, Any]
    vocab: Vocab

    @property
    def labels(self) -> tuple[str, ...]: ...

    def require_weights(self) -> None: ...


# By extension, the components in use and the one that scored each Doc last; and the contributions found for a Doc last.
_COMPONENTS: dict[str, WeakSet[Any]] = {name: WeakSet() for name in (EXTENSION, OF_TARGET)}
_SCORED_BY: dict[str, WeakKeyDictionary[Doc, Any]] = {name: WeakKeyDictionary() for name in _COMPONENTS}
_FOUND: WeakKeyDictionary[Doc, tuple[Any, Any, Any, Contributions]] = WeakKeyDictionary()


def register_component(component: Component, extension: str = EXTENSION) -> None:
    """Let Docs find the component as long as it is in use, by extensions that the first component registers.

    An extension of the same name that belongs to another package is left alone.
    """
    _COMPONENTS[extension].add(component)
    ours: list[tuple[Any, str, Any]] = [
        (Doc, EXTENSION, sentiment_of),
        (Span, EXTENSION, sentiment_of),
        (Span, OF_TARGET, target_sentiment_of),
    ]
    for kind, name, getter in ours:
        if not kind.has_extension(name):
            kind.set_extension(name, getter=getter)
        elif kind.get_extension(name)[2] is not getter:
            logger.warning("%s._.%s belongs to another package; ours is not registered.", kind.__name__, name)


def record_scored(docs: Iterable[Doc], component: Component, extension: str = EXTENSION) -> None:
    """Remember, weakly, that the component scored these Docs."""
    if component not in _COMPONENTS[extension]:  # a copy, or unpickled
        register_component(component, extension)
    for doc in docs:
        _SCORED_BY[extension][doc] = component


def sentiment_of(target: Doc | Span, component: Component | None = None) -> Sentiment:
    """Return the sentiment of a Doc, or of a Span, by the component that scored the Doc, or by another.

    If it is unknown which component scored the Doc, or its model cannot be explained, SentimentError is raised; if the
    component is not trained, ValueError (spaCy's E109).
    """
    doc = target.doc if isinstance(target, Span) else target
    component = component or _component_of(doc)
    component.require_weights()
    parts = component.model.attrs["parts"](component.model, doc)
    sentiments = [(Sentiment(target, component.labels, _contributions(model, doc)), factor) for model, factor in parts]
    if len(sentiments) == 1 and sentiments[0][1] == 1:
        return sentiments[0][0]
    return WeightedSentiment(target, component.labels, sentiments)


def target_sentiment_of(span: Span, component: Component | None = None) -> TargetSentiment:
    """Return what a Doc expresses toward a span of it, by the component that scored the Doc, or by another.

    A `trax_target_sentiment` comes before a `trax_sentiment`. SentimentError is raised if the model cannot score
    targets, and as by `sentiment_of`.
    """
    component = component or _component_of(span.doc, OF_TARGET)
    component.require_weights()
    return target_sentiments(component.model, component.labels, [span])[0]


def _contributions(model: Model[Any, Any], doc: Doc) -> Contributions:
    # Finding out whether the weights of a layer that does not fold have changed would take too long.
    if not folds(model):
        return doc_contributions(model, doc)
    state, orths = folded_classifier(model), doc.to_array(ORTH)
    found = _FOUND.get(doc)
    if found is None or found[0] is not model or found[1] is not state or not np.array_equal(found[2], orths):
        _FOUND[doc] = found = model, state, orths, doc_contributions(model, doc)
    return found[3]


def _component_of(doc: Doc, extension: str = EXTENSION) -> Component:
    """Return the component that scored the Doc; for one from elsewhere, the only component of its vocabulary."""
    component: Component | None = _SCORED_BY[extension].get(doc)
    if component is not None:
        return component
    candidates = [component for component in _COMPONENTS[extension] if component.vocab is doc.vocab]
    if not candidates and extension != EXTENSION:
        return _component_of(doc)
    if len(candidates) != 1:
        raise SentimentError(Errors.S084 if candidates else Errors.S080)
    only: Component = candidates[0]
    return only

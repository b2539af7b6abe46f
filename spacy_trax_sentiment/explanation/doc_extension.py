"""TODO."""

import logging
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import numpy as np
from spacy.tokens import Doc, Span

from ..errors import Errors, SentimentError
from ..model.thinc_model import folded_classifier
from ..text.lexeme_cache import doc_orths
from .contributions import Parts, doc_contributions
from .sentiment import Sentiment

if TYPE_CHECKING:
    from ..component import TraxSentiment


logger = logging.getLogger(__name__)


EXTENSION = "sentiment"


# The components alive, by their numbers in order of making; and what the last one to explain a Doc found.
_COMPONENTS: "WeakValueDictionary[int, TraxSentiment]" = WeakValueDictionary()


_FOUND: "WeakKeyDictionary[Doc, tuple[Any, Any, Any, Parts]]" = WeakKeyDictionary()


def sentiment_of(target: Doc | Span, component: "TraxSentiment | None" = None) -> Sentiment:
    """RETURNS: The sentiment of a Doc, or of a Span, for which the Doc is not scored again.

    component: The one whose model is asked; None: the one that set `doc.cats`, of several the last one made.

    Raises SentimentError where there is no such component, or its model cannot be explained; spaCy's ValueError E109
    where it is not trained.
    """
    doc = target.doc if isinstance(target, Span) else target
    component = component or _component_of(doc)
    return Sentiment(target, component.labels, _parts(component, doc))


def _parts(component: "TraxSentiment", doc: Doc) -> Parts:
    component.require_weights()
    # A layer's weights cannot be told from changed ones as quickly as folded ones.
    folds = "layer" not in component.model.attrs
    state, orths = folded_classifier(component.model) if folds else None, doc_orths(doc)
    found = _FOUND.get(doc)
    if folds and found is not None and found[0] is component and found[1] is state and np.array_equal(found[2], orths):
        return found[3]
    parts = doc_contributions(component.model, doc, orths)
    _FOUND[doc] = component, state, orths, parts
    return parts


def _component_of(doc: Doc) -> "TraxSentiment":
    def has_scored(component: "TraxSentiment") -> bool:
        return bool(doc.cats) and set(component.labels) <= set(doc.cats)

    # A component that was sourced from another pipeline has that one's vocabulary.
    alive = [component for _, component in sorted(_COMPONENTS.items(), reverse=True)]
    candidates = [component for component in alive if has_scored(component) or component.vocab is doc.vocab]
    if not candidates:
        raise SentimentError(Errors.S080)
    return max(candidates, key=lambda each: (has_scored(each), each.vocab is doc.vocab))


def remember_component(component: "TraxSentiment") -> None:
    """Let Docs find the component, as long as it is in use."""
    _COMPONENTS[max(_COMPONENTS, default=0) + 1] = component


def register_extensions() -> None:
    """Register `doc._.sentiment` and `span._.sentiment`, unless another package has taken the name."""
    for kind in (Doc, Span):
        if not kind.has_extension(EXTENSION):
            kind.set_extension(EXTENSION, getter=sentiment_of)
        elif kind.get_extension(EXTENSION)[2] is not sentiment_of:
            logger.warning("%s._.%s is another package's: ours is not registered.", kind.__name__, EXTENSION)

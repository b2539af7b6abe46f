"""`span._.target_sentiment`: what a text expresses toward a span of it, an entity for example."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from spacy.attrs import ORTH
from spacy.tokens import Doc, Span
from thinc.api import Model

from ..errors import Errors, SentimentError
from ..model.inputs import doc_tokens, docs_with_evidence
from ..model.layer_scores import vectors_of
from ..model.targets import of_targets, prior, readings, target_model
from ..text.arrays import Array
from ..text.labels import label_without_evidence, polarity_of

# For the Docs in use: what their vectors depend on, and the vectors (n_ids, width) by window.
_READ: WeakKeyDictionary[Doc, tuple[Any, dict[int | None, Array]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class TargetSentiment:
    """The sentiment of a text toward a target, a span of it: `span._.target_sentiment`.

    The span's own words need say nothing: in "the screen is dim", the text says something negative of "the screen".
    What the words of a span say is its `Sentiment`, `span._.sentiment`.

    Attributes:
        labels: The model's labels.
        scores: The probability of each label, in their order.
    """

    labels: tuple[str, ...]
    scores: tuple[float, ...]

    @property
    def probabilities(self) -> dict[str, float]:
        """Each label's probability."""
        return dict(zip(self.labels, self.scores, strict=True))

    @property
    def label(self) -> str | None:
        """The most probable label; if all are equally probable, neutral, or None if the model has no such label."""
        return most_probable(self.labels, self.scores)

    @property
    def probability(self) -> float | None:
        """The probability of `label`; None if that is None."""
        return None if self.label is None else self.probabilities[self.label]

    @property
    def polarity(self) -> float | None:
        """The probability of positive minus that of negative, from -1 to 1; None without both labels."""
        return polarity_of(self.probabilities)

    def to_dict(self) -> dict[str, Any]:
        """Return `label`, `probability`, `probabilities` and `polarity` in JSON's types."""
        return {
            "label": self.label,
            "probability": self.probability,
            "probabilities": self.probabilities,
            "polarity": self.polarity,
        }


def most_probable(labels: Sequence[str], scores: Sequence[float]) -> str | None:
    """Return the most probable label; if all are equally probable, that of a text without evidence."""
    return label_without_evidence(labels) if min(scores) == max(scores) else labels[int(np.argmax(scores))]


def target_sentiments(model: Model[Any, Any], labels: Sequence[str], spans: Sequence[Span]) -> list[TargetSentiment]:
    """Return what a Doc expresses toward some of its spans, by a trained model.

    The Doc is read once, also if spans are asked for one by one.

    Raises:
        SentimentError: The model cannot score targets, a span is empty, or the spans are of different Docs.
    """
    model = target_model(model)
    if not spans:
        return []
    doc = spans[0].doc
    for span in spans:
        if span.doc is not doc:
            raise SentimentError(Errors.S204)
        if not len(span):
            raise SentimentError(Errors.S205.format(start=span.start))
    scores = prior(model, len(spans))
    if docs_with_evidence(model, [doc])[0]:
        for reading in readings(model, doc_tokens(model, [doc]), [[(span.start, span.end) for span in spans]]):
            vectors = _vectors(model, doc, reading.window, reading.ids)
            scores[[each[0] for each in reading.targets]] = of_targets(
                model, vectors, [each[1:] for each in reading.targets]
            )
    return [TargetSentiment(tuple(labels), tuple(row)) for row in scores.tolist()]


def _vectors(model: Model[Any, Any], doc: Doc, window: int | None, ids: Array) -> Array:
    run, orths = vectors_of(model), doc.to_array(ORTH)
    read = _READ.get(doc)
    if read is None or read[0][0] != run or not np.array_equal(read[0][1], orths):
        _READ[doc] = read = (run, orths), {}
    if window not in read[1]:
        read[1][window] = run(ids[None].astype(np.int32))[0]
    return read[1][window]

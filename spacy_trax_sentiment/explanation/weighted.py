"""The `Sentiment`s of one text by several models to one: their log-probabilities weighted, summed and normalized."""

from collections.abc import Sequence
from functools import cached_property, reduce

import numpy as np
from spacy.tokens import Doc, Span

from ..model.folded import log_softmax
from .sentiment import Array, Sentiment


class WeightedSentiment(Sentiment):
    """The sentiment of a Doc or Span by a cascade.

    Its contributions and bias are the sums of those of the models that were asked, each times its factor. They add up
    as each model's do, because a log-probability less the mean over the labels is a sum of the models'. A token counts
    as evidence if it does for one of them.
    """

    def __init__(self, target: Doc | Span, labels: tuple[str, ...], parts: Sequence[tuple[Sentiment, float]]) -> None:
        self.target, self.labels, self._weighted = target, labels, parts
        self._known = reduce(np.logical_or, [each._known for each, _ in parts])
        self.negated = reduce(np.logical_or, [each.negated for each, _ in parts])

    @cached_property
    def _log_probabilities(self) -> Array:
        return log_softmax(np.asarray(sum(each._log_probabilities * factor for each, factor in self._weighted)))

    @cached_property
    def contributions(self) -> Array:
        return np.asarray(sum(each.contributions * factor for each, factor in self._weighted))

    @cached_property
    def bias(self) -> Array:
        return np.asarray(sum(each.bias * factor for each, factor in self._weighted))

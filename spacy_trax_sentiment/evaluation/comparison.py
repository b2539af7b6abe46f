"""Two evaluations of the same texts to their differences, and how likely chance alone makes such differences."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import Errors, SentimentError
from ..text.arrays import Array
from .figures import Evaluation
from .measures import bootstrap_interval, mean_of_labels


@dataclass(frozen=True)
class Comparison:
    """Two evaluations of the same texts with the same labels. A difference is the second's figure less the first's."""

    first: Evaluation
    second: Evaluation

    @property
    def n_only_first(self) -> int:
        """Number of texts that only the first gets right."""
        return int((self.first.correct & ~self.second.correct).sum())

    @property
    def n_only_second(self) -> int:
        """Number of texts that only the second gets right."""
        return int((self.second.correct & ~self.first.correct).sum())

    @property
    def n_both(self) -> int:
        """Number of texts that both get right."""
        return int((self.first.correct & self.second.correct).sum())

    @property
    def accuracy_difference(self) -> float:
        """The second's accuracy less the first's."""
        return (self.n_only_second - self.n_only_first) / self.first.n_texts

    @property
    def p_value(self) -> float:
        """The p-value of McNemar's exact test.

        It is the probability that the texts which only one model gets right are split as unevenly as this, or more so,
        if each were equally likely to be either model's.
        """
        return binomial_test(self.n_only_first, self.n_only_second)

    @cached_property
    def macro_recall_difference_interval(self) -> tuple[float, float]:
        """The ends of the 95% interval of the paired bootstrap: each draw measures both models on the same texts."""
        first, second = self.first, self.second
        # Texts are alike if they have the same true label and the same models get them right.
        cells = np.zeros((len(first.labels), 2, 2), dtype=np.int64)
        np.add.at(cells, (first.true, first.correct.astype(int), second.correct.astype(int)), 1)

        def differences(drawn: Array) -> Array:
            return mean_of_labels(drawn[:, :, 0, 1] - drawn[:, :, 1, 0], drawn.sum(axis=(2, 3)))

        return bootstrap_interval(cells, differences)

    def disagreements(self) -> list[int]:
        """Return the indices of texts with different predictions: those only the second gets right, the first, neither.

        Within each group, the most confident come first.
        """
        apart = np.flatnonzero(self.first.predicted != self.second.predicted)
        confidence = self.first.confidences[apart] + self.second.confidences[apart]
        rank = 2 - self.first.correct[apart] - 2 * self.second.correct[apart]
        return [int(i) for i in apart[np.lexsort((-confidence, rank))]]

    def right(self, index: int) -> str:
        """Return who gets a text right: "first", "second", "both" or "neither"."""
        found = bool(self.first.correct[index]), bool(self.second.correct[index])
        return {(True, False): "first", (False, True): "second", (True, True): "both"}.get(found, "neither")

    def to_dict(self) -> dict[str, Any]:
        """Return the second's figures and the differences as JSON's types."""
        return {
            **self.second.to_dict(),
            "accuracy_difference": self.accuracy_difference,
            "mcnemar_p": self.p_value,
            "macro_recall_difference": self.second.macro_recall - self.first.macro_recall,
            "macro_recall_difference_interval": list(self.macro_recall_difference_interval),
            "n_only_first_right": self.n_only_first,
            "n_only_second_right": self.n_only_second,
        }


def require_same_labels(labels: Sequence[str], others: Sequence[str]) -> None:
    """Raise SentimentError unless two models have the same labels, in any order."""
    if set(labels) != set(others):
        raise SentimentError(Errors.S101.format(found=", ".join(others), labels=", ".join(labels)))


def compare(first: Evaluation, second: Evaluation) -> Comparison:
    """Return the comparison of two evaluations of the same texts, or raise SentimentError if their labels differ."""
    require_same_labels(first.labels, second.labels)
    order = [second.labels.index(label) for label in first.labels]
    return Comparison(
        first,
        Evaluation(first.labels, first.texts, second.probabilities[:, order], first.left_out, second.has_evidence),
    )


def comparison_headline(comparison: Comparison, names: Sequence[str]) -> str:
    """Return one sentence: how many texts each model gets right, and whether chance may explain the difference."""
    first, second = comparison.n_both + comparison.n_only_first, comparison.n_both + comparison.n_only_second
    n, p = comparison.first.n_texts, comparison.p_value
    if first == second:
        return f"{names[0]} and {names[1]} are each right on {first:,} of {n:,} texts."
    chance = "chance alone rarely makes such a difference" if p < 0.05 else "chance alone may explain the difference"
    value = f"= {p:.3f}" if p >= 0.001 else "< 0.001"
    counts = f"{names[0]} is right on {first:,} of {n:,} texts, {names[1]} on {second:,}"
    return f"{counts}; {chance} (McNemar's exact p {value})."


def binomial_test(n_first: int, n_second: int) -> float:
    """Return the two-sided p-value of a fair coin that falls so often on each side (McNemar 1947, made exact)."""
    n = n_first + n_second
    log_terms = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2)
        for k in range(min(n_first, n_second) + 1)
    ]
    return min(1.0, 2 * math.fsum(map(math.exp, log_terms)))

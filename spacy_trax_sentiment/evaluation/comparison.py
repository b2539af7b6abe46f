"""The figures of two models on the same texts to their differences, and how likely chance alone makes such."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import Errors, SentimentError
from .figures import Figures


@dataclass(frozen=True)
class Comparison:
    """Differences are the second's figure less the first's. Both have the same texts and labels, in one order."""

    first: Figures
    second: Figures

    @property
    def n_only_first(self) -> int:
        """The texts that the first alone gets right."""
        return int((self.first.correct & ~self.second.correct).sum())

    @property
    def n_only_second(self) -> int:
        """The texts that the second alone gets right."""
        return int((self.second.correct & ~self.first.correct).sum())

    @property
    def accuracy_difference(self) -> float:
        return (self.n_only_second - self.n_only_first) / len(self.first.texts)

    @property
    def p_value(self) -> float:
        """Of McNemar's exact test: how likely the texts that only one gets right are shared out so unevenly, or more
        so, if each were as likely either's.
        """
        return binomial_test(self.n_only_first, self.n_only_second)

    @cached_property
    def macro_recall_difference_interval(self) -> tuple[float, float]:
        """The 95% percentile interval of the paired bootstrap, each draw measuring both on the same texts."""
        return macro_recall_difference_interval(self.first, self.second)

    def disagreements(self) -> list[int]:
        """RETURNS: The indices of the texts with different predictions: first those that the second alone has right,
        then those of the first alone, then those of neither; in each, those of the most confidence first.
        """
        apart = np.flatnonzero(self.first.predicted != self.second.predicted)
        confidence = self.first.confidences[apart] + self.second.confidences[apart]
        rank = 2 - self.first.correct[apart] - 2 * self.second.correct[apart]
        return [int(i) for i in apart[np.lexsort((-confidence, rank))]]

    def right(self, index: int) -> str:
        """RETURNS: Which of them has a text right: "first", "second", "both" or "neither"."""
        found = bool(self.first.correct[index]), bool(self.second.correct[index])
        return {(True, False): "first", (False, True): "second", (True, True): "both"}.get(found, "neither")

    def to_dict(self) -> dict[str, Any]:
        """RETURNS: The second's figures, and what is said of the difference, as JSON's types."""
        return {
            **self.second.to_dict(),
            "accuracy_difference": self.accuracy_difference,
            "mcnemar_p": self.p_value,
            "macro_recall_difference": self.second.evaluation.macro_recall - self.first.evaluation.macro_recall,
            "macro_recall_difference_interval": list(self.macro_recall_difference_interval),
            "n_only_first_right": self.n_only_first,
            "n_only_second_right": self.n_only_second,
        }


def compare(first: Figures, second: Figures) -> Comparison:
    """Raises SentimentError where they have other labels."""
    if set(first.labels) != set(second.labels):
        labels = ", ".join(second.labels), ", ".join(first.labels)
        raise SentimentError(Errors.S101.format(found=labels[0], labels=labels[1]))
    order = [second.labels.index(label) for label in first.labels]
    return Comparison(first, Figures(first.labels, first.texts, second.probabilities[:, order]))


def binomial_test(n_first: int, n_second: int) -> float:
    """RETURNS: The two-sided p-value of a fair coin's falling so often on each side (McNemar 1947, made exact)."""
    n = n_first + n_second
    log_terms = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2)
        for k in range(min(n_first, n_second) + 1)
    ]
    return min(1.0, 2 * math.fsum(map(math.exp, log_terms)))


def macro_recall_difference_interval(
    first: Figures, second: Figures, *, level: float = 0.95, n_draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """As `training.evaluation.macro_recall_interval`, of the difference of two models on the same texts.

    What counts of a text is its label and which of the two has it right, so the numbers of these are drawn.
    """
    n_labels = len(first.labels)
    cells = np.zeros((n_labels, 2, 2))
    np.add.at(cells, (first.gold, first.correct.astype(int), second.correct.astype(int)), 1)
    n_texts = len(first.texts)
    drawn = np.random.default_rng(seed).multinomial(n_texts, cells.ravel() / n_texts, n_draws)
    drawn = drawn.reshape(n_draws, n_labels, 2, 2)
    support = drawn.sum(axis=(2, 3))
    gained = (drawn[:, :, 0, 1] - drawn[:, :, 1, 0]) / np.maximum(support, 1)
    differences = gained.sum(axis=1) / (support > 0).sum(axis=1)  # a label that a draw lacks does not count
    low, high = np.quantile(differences, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)

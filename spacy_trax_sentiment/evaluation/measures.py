"""True labels and predictions, `(n_texts,)` or `(n_texts, n_labels)`, to single figures."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..text.arrays import Array

N_BINS = 15
"""Number of confidence bins, as in Guo et al. 2017."""


@dataclass(frozen=True)
class LabelFigures:
    """The figures of one label.

    Attributes:
        precision: Fraction of the texts predicted to have this label that have it; 0 if there are none.
        recall: Fraction of the texts with this label that are predicted to have it; 0 if there are none.
        f1: Harmonic mean of precision and recall; 0 if both are 0.
        support: Number of texts with this label.
    """

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Confusion:
    """True labels against predicted labels.

    Attributes:
        labels: All labels, in the order to report them in.
        counts: Number of texts, int64 `(n_labels, n_labels)`: a row per true label, a column per predicted label.
    """

    labels: tuple[str, ...]
    counts: Array

    @classmethod
    def of(cls, true: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> "Confusion":
        """Count the texts of each pair of true and predicted labels, which are all among `labels`."""
        n, column = len(labels), {label: i for i, label in enumerate(labels)}
        cells = [column[t] * n + column[p] for t, p in zip(true, predicted, strict=True)]
        return cls(tuple(labels), np.bincount(cells, minlength=n * n).reshape(n, n))

    @property
    def n_texts(self) -> int:
        """Number of texts."""
        return int(self.counts.sum())

    @property
    def accuracy(self) -> float:
        """Fraction of the texts that are right."""
        return float(self.counts.trace() / self.counts.sum())

    @property
    def macro_recall(self) -> float:
        """Mean recall of the labels that occur: the measure that TweetEval uses for sentiment."""
        return float(np.mean([each.recall for each in self.label_figures.values() if each.support]))

    @cached_property
    def label_figures(self) -> dict[str, LabelFigures]:
        """The figures of each label."""
        right, support, guesses = self.counts.diagonal(), self.counts.sum(axis=1), self.counts.sum(axis=0)
        precision, recall = right / np.maximum(guesses, 1), right / np.maximum(support, 1)
        f1 = 2 * right / np.maximum(support + guesses, 1)
        columns = (precision.tolist(), recall.tolist(), f1.tolist(), support.tolist())
        return {label: LabelFigures(*row) for label, *row in zip(self.labels, *columns, strict=True)}

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON's types; `confusion[true label][predicted label]` is a number of texts."""
        return {
            "n_texts": self.n_texts,
            "accuracy": self.accuracy,
            "macro_recall": self.macro_recall,
            "labels": {label: asdict(each) for label, each in self.label_figures.items()},
            "confusion": {
                label: dict(zip(self.labels, row, strict=True))
                for label, row in zip(self.labels, self.counts.tolist(), strict=True)
            },
        }


def roc_auc(is_positive: Array, scores: Array) -> float:
    """Return the area under the ROC curve: the chance that a positive text scores above a negative one.

    Ties count half. Computed from ranks, as the Mann-Whitney U statistic over the number of pairs (Hanley & McNeil
    1982, "The meaning and use of the area under a receiver operating characteristic (ROC) curve"). NaN if all texts are
    positive, or none.
    """
    is_positive = np.asarray(is_positive, dtype=bool)
    n_positive = int(is_positive.sum())
    n_pairs = n_positive * (len(is_positive) - n_positive)
    if not n_pairs:
        return float("nan")
    _, where, n_tied = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(n_tied) - (n_tied - 1) / 2)[where]  # from 1; tied scores share their mean rank
    return float((ranks[is_positive].sum() - n_positive * (n_positive + 1) / 2) / n_pairs)


def log_loss(true: Array, probabilities: Array) -> float:
    """Return the mean negative natural logarithm of the true labels' probabilities (Good 1952, "Rational Decisions").

    A probability of 0 counts as the smallest normal float64, so that the loss stays finite. `true` are columns of the
    probabilities, `(n_texts, n_labels)`.
    """
    of_truth = np.asarray(probabilities, dtype=np.float64)[np.arange(len(true)), true]
    return float(abs(np.log(np.maximum(of_truth, np.finfo(np.float64).tiny)).mean()))  # a loss of 0, not of -0


class Bin(NamedTuple):
    """The texts whose confidence is above `low` and at most `high`: their number and their means."""

    low: float
    high: float
    n_texts: int
    confidence: float
    accuracy: float


def confidence_bins(correct: Array, confidences: Array, n_bins: int = N_BINS) -> list[Bin]:
    """Group texts by confidence `(n_texts,)`, the most probable label's probability, in bins of equal width.

    Returns the bins that hold texts, in ascending order; `correct` says whether that label is the true one.
    """
    confidences = np.asarray(confidences, dtype=np.float64)
    where = np.clip(np.ceil(confidences * n_bins).astype(np.int64) - 1, 0, n_bins - 1)
    counts = np.bincount(where, minlength=n_bins)
    confidence = np.bincount(where, confidences, n_bins) / np.maximum(counts, 1)
    accuracy = np.bincount(where, np.asarray(correct, dtype=np.float64), n_bins) / np.maximum(counts, 1)
    return [
        Bin(i / n_bins, (i + 1) / n_bins, int(counts[i]), float(confidence[i]), float(accuracy[i]))
        for i in np.flatnonzero(counts)
    ]


def expected_calibration_error(correct: Array, confidences: Array, n_bins: int = N_BINS) -> float:
    """Return the mean distance between confidence and accuracy over `confidence_bins`, weighted by their texts.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3.
    """
    bins = confidence_bins(correct, confidences, n_bins)
    return sum(abs(each.accuracy - each.confidence) * each.n_texts for each in bins) / len(confidences)


def macro_recall_interval(
    confusion: Confusion, *, level: float = 0.95, n_draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return the bootstrap interval of the macro-recall: its lower and upper end."""
    right, support = confusion.counts.diagonal(), confusion.counts.sum(axis=1)
    cells = np.stack([support - right, right], axis=1)
    return bootstrap_interval(cells, lambda n: mean_of_labels(n[:, :, 1], n.sum(axis=2)), level, n_draws, seed)


def mean_of_labels(counts: Array, support: Array) -> Array:
    """Return each draw's mean of `counts / support`, both `(n_draws, n_labels)`, over the labels that it holds."""
    ratios = counts / np.maximum(support, 1)
    return np.asarray(ratios.sum(axis=1) / (support > 0).sum(axis=1))


def bootstrap_interval(
    cells: Array, statistic: Callable[[Array], Array], level: float = 0.95, n_draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a statistic of counts (Efron & Tibshirani 1993, chapter 13).

    Each draw takes as many texts as there are, with replacement. Texts of one cell are alike, so drawing the counts
    from a multinomial distribution is the same. The statistic maps draws `(n_draws, *cells.shape)` to `(n_draws,)`.
    """
    n_texts = int(cells.sum())
    drawn = np.random.default_rng(seed).multinomial(n_texts, cells.ravel() / n_texts, n_draws)
    values = statistic(drawn.reshape(n_draws, *cells.shape))
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)

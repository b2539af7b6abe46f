"""Predicted and true labels to figures: accuracy, macro-recall, F1, AUC, and how far probabilities can be trusted."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language

from ..training.labelled import LabelledText


@dataclass(frozen=True)
class LabelFigures:
    """Of one label: precision, recall and F1, 0 where undefined, and its number of texts."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Evaluation:
    """n_texts: The texts evaluated. accuracy: The share predicted right.

    macro_recall: The mean recall of the labels that occur (TweetEval's measure of sentiment).
    labels: The figures of each label.
    confusion: `confusion[true label][predicted label]` is a number of texts.
    """

    n_texts: int
    accuracy: float
    macro_recall: float
    labels: dict[str, LabelFigures]
    confusion: dict[str, dict[str, int]]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def evaluate(gold: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> Evaluation:
    """Compare predicted labels with the true ones.

    gold, predicted: The labels of each text, (n_texts,), at least one.
    labels: All labels, in the order to report them in.
    """
    index = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(counts, ([index[label] for label in gold], [index[label] for label in predicted]), 1)
    correct, support, guesses = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    recall = correct / np.maximum(support, 1)
    precision = correct / np.maximum(guesses, 1)
    f1 = 2 * correct / np.maximum(support + guesses, 1)
    return Evaluation(
        n_texts=len(gold),
        accuracy=float(correct.sum() / counts.sum()),
        macro_recall=float(recall[support > 0].mean()),
        labels={
            label: LabelFigures(float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
            for label, i in index.items()
        },
        confusion={label: dict(zip(labels, counts[i].tolist(), strict=True)) for label, i in index.items()},
    )


def roc_auc(is_positive: NDArray[np.bool_], scores: NDArray[np.floating[Any]]) -> float:
    """The area under the ROC curve: the chance that a positive text scores above a negative one, ties counting half.

    Computed from ranks, as the Mann-Whitney U statistic over the number of pairs (Hanley & McNeil 1982, "The meaning
    and use of the area under a receiver operating characteristic (ROC) curve").

    is_positive, scores: Of each text, (n_texts,).
    RETURNS: From 0 to 1; NaN where either kind of text is absent.
    """
    is_positive = np.asarray(is_positive, dtype=bool)
    n_positive = int(is_positive.sum())
    n_pairs = n_positive * (len(is_positive) - n_positive)
    if not n_pairs:
        return float("nan")
    _, where, n_tied = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(n_tied) - (n_tied - 1) / 2)[where]  # from 1; the mean rank of those that tie
    return float((ranks[is_positive].sum() - n_positive * (n_positive + 1) / 2) / n_pairs)


def expected_calibration_error(
    correct: NDArray[np.bool_], confidences: NDArray[np.floating[Any]], n_bins: int = 15
) -> float:
    """How far confidence is from accuracy, over bins of equal width, weighted by their texts.

    Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3, with their 15 bins; a bin excludes its
    lower end and includes its upper one.

    correct: Whether each text's most probable label is the true one, (n_texts,), at least one.
    confidences: The probability of that label, from 0 to 1, (n_texts,).
    """
    confidences = np.asarray(confidences, dtype=np.float64)
    bins = np.clip(np.ceil(confidences * n_bins).astype(np.int64) - 1, 0, n_bins - 1)
    gaps = np.bincount(bins, np.asarray(correct, dtype=np.float64) - confidences, n_bins)
    return float(np.abs(gaps).sum() / len(confidences))


def log_loss(probabilities: NDArray[np.floating[Any]]) -> float:
    """The mean negative natural logarithm of the probabilities of the true labels (Good 1952, "Rational Decisions").

    probabilities: Of each text's true label, (n_texts,), at least one. One of 0 counts as the least double above 0,
        so that the loss stays finite.
    """
    return float(-np.log(np.maximum(probabilities, np.finfo(np.float64).tiny)).mean())


def macro_recall_interval(
    gold: Sequence[str], predicted: Sequence[str], *, level: float = 0.95, n_draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """The percentile bootstrap interval of the macro-recall (Efron & Tibshirani 1993, chapter 13).

    Each draw takes as many texts as there are, with replacement. What counts of a text is its pair of labels, so the
    number of texts of each pair is drawn from the multinomial distribution, which is the same.

    gold, predicted: The labels of each text, (n_texts,), at least one.
    RETURNS: The lower and the upper end.
    """
    labels = sorted(set(gold))
    index = {label: i for i, label in enumerate(labels)}
    cells = np.zeros((len(labels), 2))
    correct = [int(g == p) for g, p in zip(gold, predicted, strict=True)]
    np.add.at(cells, ([index[label] for label in gold], correct), 1)
    drawn = np.random.default_rng(seed).multinomial(len(gold), cells.ravel() / len(gold), n_draws)
    drawn = drawn.reshape(n_draws, len(labels), 2)
    support = drawn.sum(axis=2)
    # A label that a draw lacks has no recall there, and does not count.
    recalls = np.where(support > 0, drawn[:, :, 1] / np.maximum(support, 1), 0).sum(axis=1) / (support > 0).sum(axis=1)
    low, high = np.quantile(recalls, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def evaluate_pipeline(
    nlp: Language,
    texts: Sequence[LabelledText],
    labels: Sequence[str],
    watched: Callable[[Iterable[str]], Iterable[str]] = iter,
) -> Evaluation:
    """Evaluate the `doc.cats` of a pipeline: the label predicted is the most probable one.

    watched: Called with the predicted labels, which it returns as they come: such as tqdm.
    """
    predicted = watched(predict_labels(nlp, (text.text for text in texts)))
    return evaluate([text.label for text in texts], list(predicted), labels)


def predict_labels(nlp: Language, texts: Iterable[str]) -> Iterator[str]:
    """YIELDS: The most probable label of each text."""
    for doc in nlp.pipe(texts):
        yield best_label(doc.cats)


def best_label(cats: dict[str, float]) -> str:
    """RETURNS: The most probable label; the first, where several are equally so."""
    return max(cats, key=cats.__getitem__)

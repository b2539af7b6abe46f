"""Predicted and true labels to figures: accuracy, macro-recall, precision, recall and F1 of each label."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language

from ..text.tensors import Batch
from .corpora import NEGATIVE, POSITIVE, LabelledText


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
    confusion: confusion[true label][predicted label] is a number of texts.
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


def evaluate_pipeline(nlp: Language, texts: Sequence[LabelledText], labels: Sequence[str]) -> Evaluation:
    """Evaluate the `doc.cats` of a pipeline: the label predicted is the most probable one."""
    return evaluate([text.label for text in texts], list(predict_labels(nlp, (t.text for t in texts))), labels)


def predict_labels(nlp: Language, texts: Iterable[str]) -> Iterator[str]:
    """YIELDS: The most probable label of each text."""
    for doc in nlp.pipe(texts):
        yield best_label(doc.cats)


def best_label(cats: dict[str, float]) -> str:
    """RETURNS: The most probable label; the first, where several are equally so."""
    return max(cats, key=cats.__getitem__)


def predict(sentence: str, nlp: Language) -> tuple[int, str]:
    """RETURNS: The seed's prediction: (1, "positive") where that is strictly more probable, else (0, "negative")."""
    cats = nlp(sentence).cats
    positive = cats[POSITIVE] > cats[NEGATIVE]
    return int(positive), POSITIVE if positive else NEGATIVE


def compute_accuracy(
    preds: NDArray[Any], y: NDArray[Any], y_weights: NDArray[Any]
) -> tuple[np.float32, np.float32, np.float32]:
    """The seed's weighted accuracy of two labels.

    preds: Log-probabilities (n_texts, 2); column 1 is positive.
    y: 1 for positive, 0 for negative, (n_texts,).
    y_weights: The weight of each text, (n_texts,).
    RETURNS: float32 accuracy, weighted number correct, sum of the weights. The accuracy is NaN where that sum is 0.
    """
    is_positive = preds[:, 1] > preds[:, 0]
    correct = (is_positive.astype(np.int32) == y).astype(np.float32)
    weighted_num_correct = np.float32((correct * y_weights).sum())
    sum_weights = np.float32(np.sum(y_weights))
    accuracy = weighted_num_correct / sum_weights if sum_weights else np.float32(np.nan)
    return accuracy, weighted_num_correct, sum_weights


def evaluate_batches(generator: Iterable[Batch], model: Callable[[NDArray[np.int32]], NDArray[Any]]) -> float:
    """The seed's `test_model`: RETURNS the weighted accuracy over all batches of ids, targets and example weights."""
    num_correct = sum_weights = 0.0
    for inputs, targets, example_weights in generator:
        _, correct, weights = compute_accuracy(np.asarray(model(inputs)), targets, example_weights)
        num_correct += float(correct)
        sum_weights += float(weights)
    return num_correct / sum_weights

"""A model's probabilities of labelled texts, (n_texts, n_labels), to all figures that a report shows of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from ..training.labelled import LabelledText
from .measures import Evaluation, evaluate, expected_calibration_error, log_loss, macro_recall_interval, roc_auc

Array = NDArray[Any]

N_BINS = 15
"""Of the reliability diagram, and of the expected calibration error with it: those of Guo et al. 2017."""


class Bin(NamedTuple):
    """Of the texts whose confidence is above `low` and up to `high`: how many, and their means."""

    low: float
    high: float
    n_texts: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Figures:
    """labels: Of the columns. texts: Those measured, at least one. probabilities: float64 (n_texts, n_labels)."""

    labels: tuple[str, ...]
    texts: Sequence[LabelledText]
    probabilities: Array

    @cached_property
    def gold(self) -> Array:
        """int64 (n_texts,): the column of each text's true label."""
        index = {label: i for i, label in enumerate(self.labels)}
        return np.array([index[text.label] for text in self.texts], dtype=np.int64)

    @cached_property
    def predicted(self) -> Array:
        """int64 (n_texts,): the column of each text's most probable label; the first, where several are."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def correct(self) -> Array:
        """bool (n_texts,)."""
        return np.asarray(self.predicted == self.gold)

    @property
    def confidences(self) -> Array:
        """float64 (n_texts,): the probability of the label predicted."""
        return np.asarray(self.probabilities.max(axis=1))

    @cached_property
    def evaluation(self) -> Evaluation:
        return evaluate([text.label for text in self.texts], self.predicted_labels, self.labels)

    @property
    def predicted_labels(self) -> list[str]:
        return [self.labels[i] for i in self.predicted]

    @cached_property
    def macro_recall_interval(self) -> tuple[float, float]:
        """The ends of its 95% bootstrap interval."""
        return macro_recall_interval([text.label for text in self.texts], self.predicted_labels)

    @cached_property
    def auc(self) -> float:
        """The area under the ROC curve; of more than two labels, the mean over those that occur, each against the rest
        (Provost & Domingos 2000, "Well-Trained PETs", without their weights). NaN where only one label occurs.
        """
        columns = [1] if len(self.labels) == 2 else range(len(self.labels))
        areas = [roc_auc(self.gold == i, self.probabilities[:, i]) for i in columns]
        known = [area for area in areas if not np.isnan(area)]
        return float(np.mean(known)) if known else float("nan")

    @cached_property
    def log_loss(self) -> float:
        """The mean negative log-probability of the true labels."""
        return log_loss(self.probabilities[np.arange(len(self.texts)), self.gold])

    @cached_property
    def calibration_error(self) -> float:
        """The expected calibration error, over `N_BINS` bins."""
        return expected_calibration_error(self.correct, self.confidences, N_BINS)

    @cached_property
    def bins(self) -> list[Bin]:
        """Those of the calibration error that hold texts."""
        where = np.clip(np.ceil(self.confidences * N_BINS).astype(np.int64) - 1, 0, N_BINS - 1)
        return [
            Bin(
                i / N_BINS,
                (i + 1) / N_BINS,
                int(inside.sum()),
                float(self.confidences[inside].mean()),
                float(self.correct[inside].mean()),
            )
            for i in range(N_BINS)
            if (inside := where == i).any()
        ]

    def errors(self) -> list[int]:
        """RETURNS: The indices of the texts that are wrong, the most confident first."""
        wrong = np.flatnonzero(~self.correct)
        return [int(i) for i in wrong[np.argsort(-self.confidences[wrong], kind="stable")]]

    def to_dict(self) -> dict[str, Any]:
        """RETURNS: What `Evaluation.to_dict` has, and `macro_recall_interval`, `auc` (None where there is none),
        `log_loss` and `expected_calibration_error`.
        """
        return {
            **self.evaluation.to_dict(),
            "macro_recall_interval": list(self.macro_recall_interval),
            "auc": None if np.isnan(self.auc) else self.auc,
            "log_loss": self.log_loss,
            "expected_calibration_error": self.calibration_error,
        }


def measure(
    nlp: Language,
    labels: Sequence[str],
    texts: Sequence[LabelledText],
    watched: Callable[[Iterable[Doc]], Iterable[Doc]] = iter,
) -> Figures:
    """Score labelled texts by the `doc.cats` of a pipeline.

    labels: The labels to read of them, among which are those of the texts. texts: At least one.
    watched: Called with the Docs, which it returns as they come: such as tqdm.
    """
    rows = [[doc.cats[label] for label in labels] for doc in watched(nlp.pipe(text.text for text in texts))]
    return Figures(tuple(labels), texts, np.array(rows, dtype=np.float64))


def count_labels(texts: Iterable[LabelledText], labels: Sequence[str]) -> dict[str, int]:
    """RETURNS: The number of texts of each label; first of those named, and then of any others, by name."""
    counts = Counter(text.label for text in texts)
    return {label: counts[label] for label in [*labels, *sorted(set(counts) - set(labels))]}

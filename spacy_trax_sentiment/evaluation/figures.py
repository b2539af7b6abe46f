"""A model and labelled texts to an `Evaluation`: probabilities `(n_texts, n_labels)` and all figures that follow."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.util import minibatch

from ..about import BUNDLED_MODEL
from ..bulk.chunk_tokenizer import tokenized
from ..bulk.text_scorer import TextScorer
from ..component import TraxSentiment
from ..errors import Errors, SentimentError
from ..model.inputs import docs_with_evidence
from ..pipelines import find_component, load
from ..pretrained import bundled_names, pretrained_labels, pretrained_path
from ..tables.lines import brief
from ..text.arrays import Array
from ..text.labels import measured_columns
from ..training.corpora import read_labelled_texts
from ..training.labelled import LabelledText, label_key, matcher, paired
from . import measures
from .measures import Bin, Confusion, LabelFigures

Source = str | Path | tuple[Sequence[str], Sequence[str]]
"""A file or named source of labelled texts, or the texts and their labels."""

_MOST_LABELS_SHOWN = 5
_DOCS_AT_A_TIME = 64

logger = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class Evaluation:
    """A model's probabilities of labelled texts, and the figures computed from them.

    Attributes:
        labels: The model's labels, one per column.
        texts: The measured texts with their true labels, at least one.
        probabilities: float64 `(n_texts, n_labels)`.
        left_out: Number of texts per label that the model lacks. They are not measured.
        has_evidence: Whether the model recognizes anything in each text, bool `(n_texts,)`; None if it does in all.
            Texts in which it does not are neutral, or count as the prior's most probable label if the model has no
            neutral.
    """

    labels: tuple[str, ...]
    texts: Sequence[LabelledText]
    probabilities: Array
    left_out: Mapping[str, int] = field(default_factory=dict)
    has_evidence: Array | None = None

    def __repr__(self) -> str:
        figures = f"accuracy={self.accuracy:.4f}, macro_recall={self.macro_recall:.4f}, auc={self.auc:.4f}"
        return f"Evaluation({figures}: {self.headline()})"

    @property
    def n_texts(self) -> int:
        """Number of measured texts."""
        return len(self.texts)

    @cached_property
    def true(self) -> Array:
        """The column of each text's true label, int64 `(n_texts,)`."""
        column = {label: i for i, label in enumerate(self.labels)}
        return np.array([column[text.label] for text in self.texts], dtype=np.int64)

    @cached_property
    def predicted(self) -> Array:
        """The column of each text's predicted label, int64 `(n_texts,)`; the first of equally probable ones."""
        has_evidence = np.ones(self.n_texts, bool) if self.has_evidence is None else self.has_evidence
        return measured_columns(self.labels, self.probabilities, has_evidence)

    @property
    def predicted_labels(self) -> list[str]:
        """The most probable label of each text."""
        return [self.labels[i] for i in self.predicted]

    @property
    def correct(self) -> Array:
        """Whether the predicted label is the true one, bool `(n_texts,)`."""
        return np.asarray(self.predicted == self.true)

    @property
    def confidences(self) -> Array:
        """The probability of the predicted label, float64 `(n_texts,)`."""
        return np.asarray(self.probabilities[np.arange(self.n_texts), self.predicted])

    @cached_property
    def confusion(self) -> Confusion:
        """True labels against predicted labels."""
        return Confusion.of([text.label for text in self.texts], self.predicted_labels, self.labels)

    @property
    def accuracy(self) -> float:
        """Fraction of the texts that are right."""
        return self.confusion.accuracy

    @property
    def macro_recall(self) -> float:
        """Mean recall of the labels that occur."""
        return self.confusion.macro_recall

    @cached_property
    def macro_recall_interval(self) -> tuple[float, float]:
        """The ends of the macro-recall's 95% bootstrap interval."""
        return measures.macro_recall_interval(self.confusion)

    @property
    def label_figures(self) -> dict[str, LabelFigures]:
        """Precision, recall, F1 and number of texts of each label."""
        return self.confusion.label_figures

    @cached_property
    def auc(self) -> float:
        """The area under the ROC curve; NaN if only one label occurs.

        With more than two labels, it is the mean over the labels that occur, each against the rest (Provost & Domingos
        2000, "Well-Trained PETs", without their weights).
        """
        n_labels = len(self.labels)
        columns = [1] if n_labels == 2 else range(n_labels)
        areas = [measures.roc_auc(self.true == i, self.probabilities[:, i]) for i in columns]
        known = [area for area in areas if not np.isnan(area)]
        return float(np.mean(known)) if known else float("nan")

    @cached_property
    def log_loss(self) -> float:
        """The mean negative natural logarithm of the true labels' probabilities."""
        return measures.log_loss(self.true, self.probabilities)

    @cached_property
    def calibration_error(self) -> float:
        """The expected calibration error over `bins`."""
        return measures.expected_calibration_error(self.correct, self.confidences)

    @cached_property
    def bins(self) -> list[Bin]:
        """The texts grouped by confidence."""
        return measures.confidence_bins(self.correct, self.confidences)

    @cached_property
    def values(self) -> dict[str, float]:
        """If all labels are numbers, the mean true value, the mean expected value and the mean absolute error."""
        numbers = np.array([label_key(label) for label in self.labels])
        if numbers.dtype.kind != "f":
            return {}
        true, expected = numbers[self.true], self.probabilities @ numbers
        means = (float(each.mean()) for each in (true, expected, np.abs(expected - true)))
        return dict(zip(("mean value", "expected value", "mean absolute error"), means, strict=True))

    def figures(self) -> dict[str, float]:
        """Return the main figures under the names that they are shown by."""
        return {
            "accuracy": self.accuracy,
            "macro-recall": self.macro_recall,
            "AUC": self.auc,
            "log loss": self.log_loss,
            "calibration error": self.calibration_error,
            **self.values,
        }

    def headline(self) -> str:
        """Return one sentence: how many texts are right, and the label with the lowest recall."""
        right = f"Right on {int(self.correct.sum()):,} of {self.n_texts:,} texts"
        recalls = {label: each.recall for label, each in self.label_figures.items() if each.support}
        if len(set(recalls.values())) < 2:
            return f"{right}."
        return f"{right}; weakest on {min(recalls, key=recalls.__getitem__)}."

    def errors(self) -> list[int]:
        """Return the indices of the texts that are wrong, the most confident first."""
        wrong = np.flatnonzero(~self.correct)
        return [int(i) for i in wrong[np.argsort(-self.confidences[wrong], kind="stable")]]

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as JSON's types; `auc` is None if only one label occurs."""
        return {
            **self.confusion.to_dict(),
            "macro_recall_interval": list(self.macro_recall_interval),
            "auc": None if np.isnan(self.auc) else self.auc,
            "log_loss": self.log_loss,
            "expected_calibration_error": self.calibration_error,
            **{name.replace(" ", "_"): value for name, value in self.values.items()},
            "left_out": dict(self.left_out),
        }


def evaluate(
    source: Source,
    model: str | Path | Language = BUNDLED_MODEL,
    *,
    labels: Sequence[str] | None = None,
    text_column: str = "text",
    label_column: str = "label",
    label_map: Mapping[str, str] | None = None,
) -> Evaluation:
    """Measure a model on labelled texts.

    Texts whose label the model lacks are left out, with a warning in the log.

    Args:
        source: A .jsonl, .ndjson, .json, .csv, .tsv, .parquet or .xlsx file, a named source such as
            `bundled:short_texts`, or a pair `(texts, labels)` of two sequences of the same length.
        model: A bundled model's name, a pipeline directory or a pipeline.
        labels: The labels to keep of a model given by name or path, as in `load`; None for all.
        text_column: The file's column that holds the text.
        label_column: The file's column that holds the label.
        label_map: The label for each of those in the file, such as {"1": "negative"}; None to take them as they are.

    Raises:
        SentimentError: If the source or the model cannot be read, or no text has a label of the model.
    """
    if isinstance(model, Language) and labels is not None:
        raise SentimentError(Errors.S087.format(value="the pipeline"))
    nlp = model if isinstance(model, Language) else load(model, labels=labels)
    component = find_component(nlp)
    options: dict[str, Any] = {"text_column": text_column, "label_column": label_column, "label_map": label_map}
    texts, left_out = read_texts(source, component, **options)
    return measure(nlp, component.labels, texts, left_out=left_out)


def read_texts(source: Source, component: TraxSentiment, **options: Any) -> tuple[list[LabelledText], dict[str, int]]:
    """Return the texts that have a label of the component, and the number of texts per other label, which is logged.

    The options are those of `read_labelled_texts`.
    """
    name = "the texts" if isinstance(source, tuple) else str(source)
    if isinstance(source, tuple):
        texts = paired(*source)
        if not texts:
            raise SentimentError(Errors.S003.format(path=name))
    else:
        texts = read_labelled_texts(source, labels=None, **options)
    labels, matched = component.labels, matcher(component.cfg["labels"])
    texts = [text._replace(label=matched(text.label)) for text in texts]
    left_out = dict(Counter(text.label for text in texts if text.label not in labels))
    if not left_out:
        return texts, left_out
    found = {text.label for text in texts}
    fitting = [each for each in bundled_names() if found <= set(pretrained_labels(pretrained_path(each), each))]
    named = ", ".join(fitting)
    remedy = f"Models with all labels of these texts: {named}" if named else "Check the spelling or --label-map"
    lacking, whose = "the model lacks", "the model's"
    if unnamed := left_out.keys() & set(component.cfg["labels"]):
        lacking = f"{lacking} or " * (len(unnamed) < len(left_out)) + "--only-labels leaves out"
        remedy = f"To measure them, name {', '.join(sorted(unnamed))} by --only-labels, too (in Python: labels=)"
        whose = "those of --only-labels"
    if len(left_out) == len(found):
        shown = {"labels": ", ".join(labels), "found": ", ".join(map(brief, sorted(found)[:_MOST_LABELS_SHOWN]))}
        raise SentimentError(Errors.S019.format(source=name, whose=whose, remedy=remedy, **shown))
    counts = ", ".join(f"{brief(label)}: {n:,}" for label, n in Counter(left_out).most_common(_MOST_LABELS_SHOWN))
    logger.warning("%s: left out the texts with a label that %s (%s). %s.", name, lacking, counts, remedy)
    return [text for text in texts if text.label in labels], left_out


def measure(
    nlp: Language,
    labels: Sequence[str],
    texts: Sequence[LabelledText],
    left_out: Mapping[str, int] | None = None,
    on_text: Callable[[], object] = lambda: None,
) -> Evaluation:
    """Score labelled texts, at least one, with a pipeline whose `doc.cats` hold these labels, by whichever component.

    `left_out` is the number of texts per label that are not among `texts`. `on_text` is called after each text.
    """
    rows, evidence = [], []
    component = next((each for _, each in nlp.pipeline if isinstance(each, TraxSentiment)), None)
    docs = nlp.pipe(tokenized(nlp.tokenizer, text.text) for text in texts)  # of any length
    for batch in minibatch(docs, _DOCS_AT_A_TIME):  # type: ignore[no-untyped-call]
        if component is not None:
            evidence.append(docs_with_evidence(component.model, batch))
        for doc in batch:
            rows.append([doc.cats[label] for label in labels])
            on_text()
    has_evidence = np.concatenate(evidence) if evidence else None
    return Evaluation(tuple(labels), texts, np.array(rows), left_out or {}, has_evidence)


def measure_targets(nlp: Language, texts: Sequence[LabelledText], spans: Sequence[tuple[int, int]]) -> Evaluation:
    """Score labelled targets, at least one: each text's label is of its span of characters."""
    scorer = TextScorer(nlp)
    found = scorer.scored_targets([text.text for text in texts], spans)
    return Evaluation(scorer.labels, texts, found.probabilities.astype(np.float64), {}, found.has_evidence)


def figure(value: float, n_texts: int, sign: str = "") -> str:
    """Return a figure as it is shown: with two decimals below 1,000 texts, else with four; NaN as "none"."""
    return "none" if np.isnan(value) else f"{value:{sign}.{2 if n_texts < 1000 else 4}f}"

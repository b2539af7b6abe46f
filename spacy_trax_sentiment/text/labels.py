"""The labels with a meaning, and probabilities to each text's label: without evidence the neutral one, or none."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arrays import Array

NEGATIVE, NEUTRAL, POSITIVE = "negative", "neutral", "positive"
DEFAULT_LABELS = (NEGATIVE, POSITIVE)


class Scored(NamedTuple):
    """Texts with their scores.

    Attributes:
        probabilities: float32 (n_texts, n_labels). Without evidence, they are the labels' prior.
        has_evidence: Whether the model recognizes anything in the text, bool (n_texts,).
    """

    probabilities: NDArray[np.float32]
    has_evidence: NDArray[np.bool_]


def label_without_evidence(labels: Sequence[str]) -> str | None:
    """Return the label of a text that says nothing: neutral if it is among the labels."""
    return NEUTRAL if NEUTRAL in labels else None


def chosen_labels(labels: Sequence[str], scored: Scored) -> list[str | None]:
    """Return the label of each text."""
    chosen: list[str | None] = [labels[i] for i in scored.probabilities.argmax(axis=1).tolist()]
    for i in np.flatnonzero(~scored.has_evidence).tolist():
        chosen[i] = label_without_evidence(labels)
    return chosen


def measured_columns(labels: Sequence[str], probabilities: Array, has_evidence: Array) -> Array:
    """Return the column of each text's label, int64 (n_texts,); for none, that of the prior's most probable label."""
    columns = np.asarray(probabilities.argmax(axis=1))
    label = label_without_evidence(labels)
    if label is not None:
        columns[~has_evidence] = labels.index(label)
    return columns


def has_poles(labels: Sequence[str]) -> bool:
    """Return whether both "positive" and "negative" are among the labels: log-odds and polarity stand between them."""
    return {POSITIVE, NEGATIVE} <= set(labels)


def polarity_of(probabilities: Mapping[str, float]) -> float | None:
    """Return the probability of positive minus that of negative, from -1 to 1; None without both labels."""
    return probabilities[POSITIVE] - probabilities[NEGATIVE] if has_poles([*probabilities]) else None

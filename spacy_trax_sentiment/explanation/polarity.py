"""The two labels between which log-odds and polarity stand."""

from collections.abc import Mapping, Sequence

POSITIVE, NEGATIVE = "positive", "negative"


def has_poles(labels: Sequence[str]) -> bool:
    """Return whether both "positive" and "negative" are among the labels."""
    return {POSITIVE, NEGATIVE} <= set(labels)


def polarity_of(probabilities: Mapping[str, float]) -> float | None:
    """Return the probability of positive less that of negative, from -1 to 1; None without both labels."""
    return probabilities[POSITIVE] - probabilities[NEGATIVE] if has_poles([*probabilities]) else None

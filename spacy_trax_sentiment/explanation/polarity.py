"""The two labels between which log-odds and polarity stand."""

from collections.abc import Sequence

POSITIVE, NEGATIVE = "positive", "negative"


def has_poles(labels: Sequence[str]) -> bool:
    """Return whether both "positive" and "negative" are among the labels."""
    return {POSITIVE, NEGATIVE} <= set(labels)

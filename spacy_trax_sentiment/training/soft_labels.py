"""Read texts with the probability of each label, as a model or a vote of several people gives them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Errors
from ..tables.lines import TableError
from ..tables.readers import require_string
from .json_rows import read_json_rows
from .labelled import LabelledText


def read_soft_labels(path: Path, prefix: str, labels: Sequence[str]) -> tuple[list[LabelledText], NDArray[np.float32]]:
    """Read a JSON Lines file with a key `text` and, for each label, the key `PREFIX + LABEL`.

    Args:
        path: The file.
        prefix: The prefix of the keys of the probabilities, such as "p_" for `p_negative`.
        labels: The labels, in the order of the columns. The probability of any other label in the file is divided
            evenly among them.

    Returns:
        The texts, each with its most probable label, and the probabilities, float32 (n_texts, n_labels).

    Raises:
        SentimentError: The file cannot be read, a key is missing, or probabilities are not from 0 to 1 or sum to 0.
    """

    def soft_label(row: dict[str, Any], line: int) -> tuple[LabelledText, list[float]]:
        require_string(row, "text", "--text-column", line)
        probabilities = [_probability(row, f"{prefix}{label}", line) for label in labels]
        of_others = [name for name in row if name.startswith(prefix) and name.removeprefix(prefix) not in labels]
        shared = sum(_probability(row, name, line) for name in of_others) / len(labels)
        probabilities = [probability + shared for probability in probabilities]
        if not sum(probabilities):
            raise TableError(Errors.S021.format(name=f"{prefix}*", value=0, wanted="above 0 for some label"), line)
        return LabelledText(row["text"], labels[int(np.argmax(probabilities))]), probabilities

    rows = read_json_rows(path, soft_label)
    targets = np.array([probabilities for _, probabilities in rows], dtype=np.float32)
    return [text for text, _ in rows], targets / targets.sum(axis=1, keepdims=True)


def _probability(row: dict[str, Any], name: str, line: int) -> float:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise TableError(Errors.S021.format(name=name, value=value, wanted="a probability, from 0 to 1"), line)
    return float(value)

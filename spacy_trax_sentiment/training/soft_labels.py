"""Read texts with the probability of each label, as a model or a vote of several people gives them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Errors, SentimentError, errors_at, os_errors_as
from ..tables.lines import brief
from .labelled import LabelledText


def read_soft_labels(path: Path, prefix: str, labels: Sequence[str]) -> tuple[list[LabelledText], NDArray[np.float32]]:
    """Read a JSON Lines file with a key `text` and, for each label, the key `PREFIX + LABEL`.

    Args:
        path: The file.
        prefix: The prefix of the keys of the probabilities, such as "p_" for `p_negative`.
        labels: The labels, in the order of the columns.

    Returns:
        The texts, each with its most probable label, and the probabilities, float32 (n_texts, n_labels).

    Raises:
        SentimentError: The file cannot be read, a key is missing, or probabilities are not from 0 to 1 or sum to 0.
    """
    if not path.exists():
        raise SentimentError(Errors.S001.format(path=path))
    texts: list[LabelledText] = []
    rows: list[list[float]] = []
    with os_errors_as(Errors.S002, path, UnicodeDecodeError), path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            with errors_at(f"{path}, line {number}"):
                text, probabilities = _parsed(line, prefix, labels)
            texts.append(LabelledText(text, labels[int(np.argmax(probabilities))]))
            rows.append(probabilities)
    if not texts:
        raise SentimentError(Errors.S003.format(path=path))
    targets = np.array(rows, dtype=np.float32)
    return texts, targets / targets.sum(axis=1, keepdims=True)


def _parsed(line: str, prefix: str, labels: Sequence[str]) -> tuple[str, list[float]]:
    try:
        row = json.loads(line)
    except (RecursionError, ValueError) as error:
        raise SentimentError(Errors.S004.format(reason=error)) from None
    if not isinstance(row, dict):
        raise SentimentError(Errors.S063.format(value=brief(line.strip()), column="text"))
    if not isinstance(row.get("text"), str):
        raise SentimentError(Errors.S065.format(column="text", value=brief(row.get("text")), option="the key 'text'"))
    probabilities = [_probability(row, f"{prefix}{label}") for label in labels]
    if not sum(probabilities):
        raise SentimentError(Errors.S021.format(name=f"{prefix}*", value=0, wanted="above 0 for some label"))
    return row["text"], probabilities


def _probability(row: dict[str, Any], name: str) -> float:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise SentimentError(Errors.S021.format(name=name, value=value, wanted="a probability, from 0 to 1"))
    return float(value)

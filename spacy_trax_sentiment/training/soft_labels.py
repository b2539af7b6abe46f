"""Read texts with the probability of each label, as a model or a vote of several people gives them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import srsly
from numpy.typing import NDArray

from ..errors import Errors, SentimentError, errors_at
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
    texts, rows = [], []
    try:
        for line, row in enumerate(srsly.read_jsonl(path), 1):
            with errors_at(f"{path}, line {line}"):
                probabilities = [_probability(row, f"{prefix}{label}") for label in labels]
                if not isinstance(row.get("text"), str):
                    raise SentimentError(Errors.S065.format(column="text", value=row.get("text"), option="text"))
                if not sum(probabilities):
                    raise SentimentError(Errors.S021.format(name=f"{prefix}*", value=0, wanted="above 0 for a label"))
            texts.append(LabelledText(row["text"], labels[int(np.argmax(probabilities))]))
            rows.append(probabilities)
    except FileNotFoundError:
        raise SentimentError(Errors.S001.format(path=path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SentimentError(Errors.S002.format(path=path, reason=error)) from None
    except ValueError as error:
        if isinstance(error, SentimentError):
            raise
        raise SentimentError(f"{Errors.S004.format(reason=error)} ({path})") from None
    if not texts:
        raise SentimentError(Errors.S003.format(path=path))
    targets = np.array(rows, dtype=np.float32)
    return texts, targets / targets.sum(axis=1, keepdims=True)


def _probability(row: object, name: str) -> float:
    value = row.get(name) if isinstance(row, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise SentimentError(Errors.S021.format(name=name, value=value, wanted="a probability, from 0 to 1"))
    return float(value)

"""Read texts with the probability of each label, as a model or a vote of several people gives them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Errors, SentimentError
from ..tables.lines import TableError, decoded_lines, parse_json_line
from ..tables.readers import require_string
from ..tables.sources import Source, open_binary, placed, reading
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
    if not path.exists():
        raise SentimentError(Errors.S001.format(path=path))
    texts: list[LabelledText] = []
    rows: list[list[float]] = []
    source = Source(str(path))
    with open_binary(source.name) as file, reading(source.name), placed(source):
        for number, line in enumerate(decoded_lines(file), start=1):
            if not line.strip():
                continue
            row = parse_json_line(line, number)
            require_string(row, "text", "--text-column", number)
            probabilities = [_probability(row, f"{prefix}{label}", number) for label in labels]
            of_others = [name for name in row if name.startswith(prefix) and name.removeprefix(prefix) not in labels]
            shared = sum(_probability(row, name, number) for name in of_others) / len(labels)
            probabilities = [probability + shared for probability in probabilities]
            if not sum(probabilities):
                raise TableError(
                    Errors.S021.format(name=f"{prefix}*", value=0, wanted="above 0 for some label"), number
                )
            texts.append(LabelledText(row["text"], labels[int(np.argmax(probabilities))]))
            rows.append(probabilities)
    if not texts:
        raise SentimentError(Errors.S003.format(path=path))
    targets = np.array(rows, dtype=np.float32)
    return texts, targets / targets.sum(axis=1, keepdims=True)


def _probability(row: dict[str, Any], name: str, line: int) -> float:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise TableError(Errors.S021.format(name=name, value=value, wanted="a probability, from 0 to 1"), line)
    return float(value)

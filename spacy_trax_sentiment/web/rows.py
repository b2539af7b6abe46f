"""Probabilities (n_texts, n_labels) to JSON, a row a text, written as one array of bytes.

Every number has the same width, filled up by spaces, which JSON lets stand. To format each by itself would take a fifth
of the time of scoring; this takes a small part of that.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..explanation.sentiment import poles_of

Array = NDArray[Any]

# Numbers are given to six decimals, as `trax-sentiment predict` gives them.
_MILLION = 1_000_000


def _lines(texts: Sequence[str]) -> Array:
    """RETURNS: uint8 (n_texts, width): ASCII texts, filled up by spaces on the left."""
    width = max(map(len, texts))
    return np.frombuffer("".join(text.rjust(width) for text in texts).encode("ascii"), dtype=np.uint8).reshape(
        -1, width
    )


_THREE_DIGITS = _lines([f"{i:03}" for i in range(1000)])
# What stands before the point: of a probability; and of log-odds from -99 to 99, and of such that round to -0 or 0.
_WHOLE = _lines(["0.", "1."])
_SIGNED = _lines([f"{sign}{i}." for sign in ("", "-") for i in range(100)])


class RowFormat:
    """Writes the results of texts without contributions."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._label_names = _lines([json.dumps(label) for label in labels])
        self._poles = [labels.index(pole) for pole in poles_of(labels) or ()]
        probability = "0.000000"
        score = "-00.000000" if self._poles else "null"
        fields = [
            ('{"label":', " " * self._label_names.shape[1]),
            (',"probability":', probability),
            (',"score":', score),
        ]
        opening = ',"probabilities":{'
        for label in labels:
            fields.append((f"{opening}{json.dumps(label)}:", probability))
            opening = ","
        self._starts: list[int] = []
        row = ""
        for name, blank in fields:
            row += name
            self._starts.append(len(row))
            row += blank
        self._row = np.frombuffer((row + "}}\n").encode("ascii"), dtype=np.uint8)

    def lines(self, scores: NDArray[np.float32]) -> bytes:
        """scores: (n_texts, n_labels). RETURNS: An object for each text, a line each."""
        rows = np.empty((len(scores), len(self._row)), dtype=np.uint8)
        rows[:] = self._row
        probabilities = scores.astype(np.float64)
        label_start, highest_start, score_start, *starts = self._starts
        _put(rows, label_start, self._label_names.take(scores.argmax(axis=1), axis=0))
        if self._poles:
            _put_score(rows, score_start, _log_odds(probabilities, *self._poles))
        _put_probability(rows, highest_start, probabilities.max(axis=1))
        for start, column in zip(starts, probabilities.T, strict=True):
            _put_probability(rows, start, column)
        return rows.tobytes()


def _log_odds(probabilities: Array, toward: int, against: int) -> Array:
    # Below the least number of 32 bits, which these are, there is none but zero.
    logs = np.log(np.maximum(probabilities[:, [toward, against]], np.finfo(np.float32).tiny))
    return np.asarray(logs[:, 0] - logs[:, 1])


def _put(rows: Array, start: int, columns: Array) -> None:
    rows[:, start : start + columns.shape[1]] = columns


def _put_probability(rows: Array, start: int, values: Array) -> None:
    whole, millionths = np.divmod(np.rint(values * _MILLION).astype(np.int64), _MILLION)
    _put(rows, start, _WHOLE.take(whole, axis=0))
    _put_decimals(rows, start + _WHOLE.shape[1], millionths)


def _put_score(rows: Array, start: int, values: Array) -> None:
    whole, millionths = np.divmod(np.rint(np.abs(values) * _MILLION).astype(np.int64), _MILLION)
    _put(rows, start, _SIGNED.take(whole + 100 * (values < 0), axis=0))
    _put_decimals(rows, start + _SIGNED.shape[1], millionths)


def _put_decimals(rows: Array, start: int, millionths: Array) -> None:
    thousands, units = np.divmod(millionths, 1000)
    _put(rows, start, _THREE_DIGITS.take(thousands, axis=0))
    _put(rows, start + 3, _THREE_DIGITS.take(units, axis=0))

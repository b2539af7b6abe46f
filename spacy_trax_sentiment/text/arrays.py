"""Values of many texts side by side in one flat array, with the number of values of each text."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Ragged(NamedTuple):
    """Values of texts of any lengths, one text after the other.

    Attributes:
        values: The values of all texts, (sum(lengths), ...).
        lengths: The number of values of each text, int64 (n_texts,).
    """

    values: Array
    lengths: Array

    @classmethod
    def of(cls, texts: Iterable[Sequence[Any] | Array], dtype: Any = np.int64) -> "Ragged":
        """Return the values of texts given one by one."""
        arrays = [np.asarray(text, dtype=dtype) for text in texts]
        values = np.concatenate(arrays) if arrays else np.empty(0, dtype=dtype)
        return cls(values, np.array(list(map(len, arrays)), dtype=np.int64))

    def sums(self, dtype: Any = np.float64) -> Array:
        """Return the sum of each text's values, (n_texts, ...); 0 for a text without any."""
        return segment_sums(self.values, self.lengths, dtype)

    def split(self) -> list[Array]:
        """Return the values of each text as an array of its own."""
        return np.split(self.values, np.cumsum(self.lengths)[:-1]) if len(self.lengths) else []

    def kept(self, mask: Array) -> "Ragged":
        """Return the values where `mask` (sum(lengths),) is true."""
        return self if mask.all() else Ragged(self.values[mask], segment_sums(mask, self.lengths))


def segment_sums(values: Array, lengths: Array, dtype: Any = np.int64) -> Array:
    """Return the sums of consecutive segments of `values`, (n_segments, ...); 0 for an empty segment."""
    sums = np.zeros((len(lengths), *values.shape[1:]), dtype=dtype)
    filled = lengths > 0
    if filled.any():
        starts = (np.cumsum(lengths) - lengths)[filled]
        sums[filled] = np.add.reduceat(values, starts, axis=0, dtype=dtype)
    return sums


def ranges(starts: Array, counts: Array) -> Array:
    """Return `counts[i]` consecutive numbers from `starts[i]` on, for each i: int64 (sum(counts),)."""
    ends = np.cumsum(counts)
    return np.asarray(np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + counts, counts))


def written(array: Array, start: int, values: Array) -> Array:
    """Return the array with `values` written from `start` on, or a longer copy if they do not fit."""
    size = len(array)
    while size < start + len(values):
        size *= 2
    if size > len(array):
        # A copy, because another thread may be reading the old array.
        array = np.concatenate([array, np.zeros((size - len(array), *array.shape[1:]), dtype=array.dtype)])
    array[start : start + len(values)] = values
    return array


def first_of_each(keys: Array) -> Array:
    """Return the index of the first occurrence of each key, in order: int64 (n_different,), of keys (n,)."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    return np.sort(order[np.append(np.full(min(len(keys), 1), fill_value=True), ordered[1:] != ordered[:-1])])

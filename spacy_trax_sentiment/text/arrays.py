"""Flat arrays of many texts' items side by side, with the number of each text's."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def segment_sums(values: Array, lengths: Array, dtype: Any = np.int64) -> Array:
    """RETURNS: Shape (n_segments, ...): the sums of consecutive segments of `values`; 0 for an empty one."""
    sums = np.zeros((len(lengths), *values.shape[1:]), dtype=dtype)
    filled = lengths > 0
    if filled.any():
        starts = (np.cumsum(lengths) - lengths)[filled]
        sums[filled] = np.add.reduceat(values, starts, axis=0, dtype=dtype)
    return sums


def ranges(starts: Array, counts: Array) -> Array:
    """RETURNS: int64 (sum of counts,): the numbers from each start on, as many as its count."""
    ends = np.cumsum(counts)
    return np.asarray(np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + counts, counts))


def written(array: Array, start: int, values: Array) -> Array:
    """RETURNS: The array with the values from `start` on, or a longer copy where they do not fit in."""
    size = len(array)
    while size < start + len(values):
        size *= 2
    if size > len(array):
        # A copy, as another thread may be reading the old one.
        array = np.concatenate([array, np.zeros((size - len(array), *array.shape[1:]), dtype=array.dtype)])
    array[start : start + len(values)] = values
    return array


def first_of_each(keys: Array) -> Array:
    """RETURNS: int64 (n_different,): the indices of the first of each different key, in order; keys: (n,)."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    return np.sort(order[np.append(np.full(min(len(keys), 1), fill_value=True), ordered[1:] != ordered[:-1])])

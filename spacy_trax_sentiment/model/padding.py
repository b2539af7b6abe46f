"""Ids to padded batches: int32 (n_rows, length), in a few shapes, because XLA compiles once per shape."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..text.arrays import Ragged
from ..text.vocabulary import PAD_ID

Ids = Sequence[int] | NDArray[Any]

LENGTH_LADDER = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)


def bucket_length(longest: int) -> int:
    """Return the first rung of the ladder that holds `longest`; past the ladder's end, rungs double."""
    return next((rung for rung in LENGTH_LADDER if longest <= rung), 1 << (longest - 1).bit_length())


def longest_length(longest: int) -> int:
    """Return `longest` itself, but at least 1: the seed pads to the longest text of each batch."""
    return max(longest, 1)


def row_bucket(n_rows: int) -> int:
    """Return the next power of two, so that the last, smaller batch of an epoch has no shape of its own."""
    return 1 << (max(n_rows, 1) - 1).bit_length()


def pad(
    texts: Sequence[Ids], padded_length: Callable[[int], int] = bucket_length, n_rows: int = 0
) -> NDArray[np.int32]:
    """Return texts of any lengths as one batch, int32 (max(n_texts, n_rows), padded length), filled with `__PAD__`.

    `padded_length` returns the length to pad to for the longest text's length.
    """
    return pad_ragged(Ragged.of(texts), padded_length, n_rows)


def pad_ragged(ids: Ragged, padded_length: Callable[[int], int] = bucket_length, n_rows: int = 0) -> NDArray[np.int32]:
    """Like `pad`, for texts that lie side by side already."""
    lengths = ids.lengths
    length = padded_length(int(lengths.max(initial=0)))
    padded = np.full((max(len(lengths), n_rows), length), PAD_ID, dtype=np.int32)
    padded[: len(lengths)][np.arange(length) < lengths[:, None]] = ids.values
    return padded

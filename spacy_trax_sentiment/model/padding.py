"""Ids to tensors: padded int32 batches of shape (n_texts, length), and the generators that training draws from."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..text.vocabulary import PAD_ID

Ids = Sequence[int] | NDArray[Any]

# XLA compiles once for each shape; a short ladder bounds how often.
LENGTH_LADDER = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)


def bucket_length(longest: int) -> int:
    """RETURNS: The first rung of the ladder that holds `longest`; past the ladder's end the rungs double."""
    for rung in LENGTH_LADDER:
        if longest <= rung:
            return rung
    return 1 << (longest - 1).bit_length()


def longest_length(longest: int) -> int:
    """RETURNS: `longest` itself: the seed pads to the longest text of each batch. At least 1."""
    return max(longest, 1)


def pad(ids: Sequence[Ids], padded_length: Callable[[int], int] = bucket_length, n_rows: int = 0) -> NDArray[np.int32]:
    """Set texts of different lengths side by side.

    ids: The ids of each text.
    padded_length: The length to pad to, of the longest text's length.
    n_rows: Rows to have at least; those past the texts hold padding alone.
    RETURNS: int32 of shape (max(n_texts, n_rows), padded length), filled up with the id of `__PAD__`.
    """
    length = padded_length(max(map(len, ids), default=0))
    padded = np.full((max(len(ids), n_rows), length), PAD_ID, dtype=np.int32)
    for row, text in zip(padded, ids, strict=False):
        row[: len(text)] = text
    return padded


def pad_flat(
    ids: NDArray[Any],
    lengths: NDArray[Any],
    padded_length: Callable[[int], int] = bucket_length,
    n_rows: int = 0,
) -> NDArray[np.int32]:
    """Set texts side by side, as `pad` does.

    ids: The ids of all texts, one after the other. lengths: The ids of each, (n_texts,).
    """
    length = padded_length(int(lengths.max(initial=0)))
    padded = np.full((max(len(lengths), n_rows), length), PAD_ID, dtype=np.int32)
    padded[: len(lengths)][np.arange(length) < lengths[:, None]] = ids
    return padded


def row_bucket(n_rows: int) -> int:
    """RETURNS: The next power of two: the last, smaller batch of an epoch should not compile a shape of its own."""
    return 1 << (max(n_rows, 1) - 1).bit_length()

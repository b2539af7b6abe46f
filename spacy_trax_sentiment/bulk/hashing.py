"""spaCy's hash of texts, for many texts at a time that lie side by side as UTF-8."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# MurmurHash64A's constants, and spaCy's seed.
_MULTIPLIER, _SHIFT, _SEED = np.uint64(0xC6A4A7935BD1E995), np.uint64(47), np.uint64(1)
_LOW_BYTES = np.array([(1 << 8 * n) - 1 for n in range(8)], dtype=np.uint64)


def words_at(data: bytes) -> Array:
    """RETURNS: uint64 (n_bytes - 7,): the eight bytes from each byte on, the first one lowest."""
    words: Array = np.ndarray(len(data) - 7, dtype="<u8", buffer=data, strides=(1,))
    return words


def murmur_hashes(data: bytes, starts: Array, lengths: Array) -> Array:
    """RETURNS: uint64 (n,): MurmurHash64A (Appleby) of the bytes `starts` (n,) to `starts + lengths`, as spaCy's."""
    words = words_at(data)
    n_words, n_left = lengths >> 3, lengths & 7
    hashes = _SEED ^ lengths.astype(np.uint64) * _MULTIPLIER
    longer = np.flatnonzero(n_words)
    read = 0
    while len(longer):
        word = words[starts[longer] + 8 * read] * _MULTIPLIER
        word ^= word >> _SHIFT
        hashes[longer] = (hashes[longer] ^ word * _MULTIPLIER) * _MULTIPLIER
        read += 1
        longer = longer[n_words[longer] > read]
    last = words[starts + 8 * n_words] & _LOW_BYTES.take(n_left)
    hashes = np.where(n_left > 0, (hashes ^ last) * _MULTIPLIER, hashes)
    hashes ^= hashes >> _SHIFT
    hashes *= _MULTIPLIER
    hashes ^= hashes >> _SHIFT
    return np.asarray(np.maximum(hashes, 1))  # a HashTable has no key 0

"""Hash many texts at once as spaCy does: the bytes of n texts to their hashes, uint64 (n,)."""

import numpy as np

from ..text.arrays import Array

# The constants of MurmurHash64A, and spaCy's seed.
_MULTIPLIER, _SHIFT, _SEED = np.uint64(0xC6A4A7935BD1E995), np.uint64(47), np.uint64(1)
_LOW_BYTES = np.array([(1 << 8 * n) - 1 for n in range(8)], dtype=np.uint64)


def words_at(data: bytes) -> Array:
    """Return the eight bytes from each byte on as a number, the first byte lowest: uint64 (n_bytes - 7,), a view."""
    words: Array = np.ndarray(len(data) - 7, dtype="<u8", buffer=data, strides=(1,))
    return words


def murmur_hashes(data: bytes, starts: Array, lengths: Array) -> Array:
    """Return spaCy's hash of texts, uint64 (n,), with 1 in place of 0, which is no key of a HashTable.

    The texts are given by the places of their UTF-8 bytes in `data`, which holds at least eight more after the last.
    The hash is MurmurHash64A by Austin Appleby, https://github.com/aappleby/smhasher.
    """
    words = words_at(data)
    n_words, n_left = lengths >> 3, lengths & 7
    hashes = _SEED ^ lengths.astype(np.uint64) * _MULTIPLIER
    longer = np.flatnonzero(n_words)
    n_read = 0
    while len(longer):
        word = words[starts[longer] + 8 * n_read] * _MULTIPLIER
        word ^= word >> _SHIFT
        hashes[longer] = (hashes[longer] ^ word * _MULTIPLIER) * _MULTIPLIER
        n_read += 1
        longer = longer[n_words[longer] > n_read]
    last = words[starts + 8 * n_words] & _LOW_BYTES.take(n_left)
    hashes = np.where(n_left > 0, (hashes ^ last) * _MULTIPLIER, hashes)
    hashes ^= hashes >> _SHIFT
    hashes *= _MULTIPLIER
    hashes ^= hashes >> _SHIFT
    return np.asarray(np.maximum(hashes, 1))

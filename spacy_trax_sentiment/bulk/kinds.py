"""Chunks to their kinds, by their bytes: mentions, short links and numbers, of which most are seen once.

Where a preprocessor takes all of a kind alike, they need be neither tokenized, looked up nor remembered.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..text.arrays import ranges
from .hashing import words_at
from .simple_tokens import UNIT_NAMES
from .whitespace import Chunks, split

Array = NDArray[Any]

# One chunk of each kind, which `simple_tokens` leaves whole. The kinds are numbered from 1, in this order.
EXAMPLES = {"mention": "@a", "link": "https://t.co/a", "number": "0"}
_MENTION, _LINK, _NUMBER = range(1, len(EXAMPLES) + 1)

# Bits of a byte: what of it may be in a number, in a link's path, in a mention's name.
_DIGIT, _LETTER_OR_DIGIT, _IN_NAME = 1, 2, 4
_BITS = np.zeros(256, dtype=np.uint8)
for _byte in map(chr, range(128)):
    _BITS[ord(_byte)] = (
        _DIGIT * _byte.isdigit() | _LETTER_OR_DIGIT * _byte.isalnum() | _IN_NAME * (_byte.isalnum() or _byte == "_")
    )
_BITS_OF_KIND = np.array([0, _IN_NAME, _LETTER_OR_DIGIT, _DIGIT], dtype=np.uint8)


def _code(text: str) -> int:
    return int.from_bytes(text.encode(), "little")


_LINKS = ("https://t.co/", "http://t.co/")
_UNIT_CODES = {
    n: np.array(sorted(_code(unit) for unit in UNIT_NAMES if len(unit) == n), dtype=np.uint64)
    for n in sorted({len(unit) for unit in UNIT_NAMES})
}
_WORD_BITS = 64


def kinds_among(texts: Iterable[str]) -> set[str]:
    """RETURNS: The names of the kinds that some of the texts, parted by white space, are of."""
    chunks = split(list(texts))
    names = list(EXAMPLES)
    found = kinds_of(chunks, np.arange(len(chunks.keys)))
    return {names[kind - 1] for kind in set(found.tolist()) if kind}


def kinds_of(chunks: Chunks, indices: Array) -> Array:
    """RETURNS: int64 (n,): the kinds of the chunks of these indices (n,), 0 for any other."""
    kinds = np.zeros(len(indices), dtype=np.int64)
    codes, words = np.frombuffer(chunks.data, dtype=np.uint8), words_at(chunks.data)
    starts, ends = chunks.starts[indices], chunks.ends[indices]
    first, lengths = codes[starts], ends - starts
    body = starts.copy()
    kinds[_BITS.take(first) & _DIGIT > 0] = _NUMBER
    mentions = np.flatnonzero((first == ord("@")) & (lengths > 1) & (codes[ends - 1] != ord("_")))
    kinds[mentions] = _MENTION
    body[mentions] += 1
    long = np.flatnonzero((first == ord("h")) & (lengths >= len(EXAMPLES["link"])))
    for link in _LINKS:
        head, tail, unread = _code(link[:8]), _code(link[8:]), np.uint64(8 * (16 - len(link)))
        is_link = (words[starts[long]] == head) & (words[starts[long] + 8] << unread == tail << int(unread))
        kinds[long[is_link]] = _LINK
        body[long[is_link]] += len(link)
    maybe = np.flatnonzero(kinds)
    if len(maybe):
        sizes = (ends - body)[maybe]
        in_all = np.bitwise_and.reduceat(_BITS.take(codes.take(ranges(body[maybe], sizes))), np.cumsum(sizes) - sizes)
        # A unit after a digit is a token of its own. Too near to the beginning, what is before the end is not read.
        near = ends[maybe] < 8
        parted = near | _end_in_unit(words[np.where(near, 0, ends[maybe] - 8)])
        kinds[maybe[(in_all & _BITS_OF_KIND.take(kinds[maybe]) == 0) | parted]] = 0
    return kinds


def _end_in_unit(words: Array) -> Array:
    """RETURNS: bool (n,): whether a digit and a unit end the eight bytes, uint64 (n,)."""
    found = np.zeros(len(words), dtype=bool)
    for n, codes in _UNIT_CODES.items():
        last = words >> np.uint64(_WORD_BITS - 8 * n)
        before = (words >> np.uint64(_WORD_BITS - 8 * n - 8)).astype(np.uint8)
        is_unit = codes[np.minimum(np.searchsorted(codes, last), len(codes) - 1)] == last
        found |= is_unit & (_BITS.take(before) & _DIGIT > 0)
    return found

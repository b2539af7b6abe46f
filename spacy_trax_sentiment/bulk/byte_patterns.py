"""Chunks that are a word, alone or with one mark beside it, to the word and the mark, by their bytes: most of the
chunks never seen before.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..text.arrays import ranges
from ..text.hash_table import HashTable
from .hashing import murmur_hashes
from .whitespace import Chunks, split

Array = NDArray[Any]

# The marks before a word, and those after one, numbered from 1; the last only where a small letter precedes it.
_BEFORE, _AFTER = "#\"'([*", ",!?:;\"')]*."
MARKS = (*_BEFORE, *_AFTER)
N_BEFORE, _STOP = len(_BEFORE), len(MARKS)

_IS_LETTER = np.array([byte < 128 and chr(byte).isalpha() for byte in range(256)])
_IS_SMALL = np.array([byte < 128 and chr(byte).islower() for byte in range(256)])
# Of each byte: the number of the mark that it is before, or after, a word; 0 for none.
_MARK_BEFORE, _MARK_AFTER = np.zeros((2, 256), dtype=np.int64)
_MARK_BEFORE[[ord(mark) for mark in _BEFORE]] = np.arange(N_BEFORE) + 1
_MARK_AFTER[[ord(mark) for mark in _AFTER]] = np.arange(N_BEFORE, _STOP) + 1


class MarkedWords(NamedTuple):
    """Words with a mark each, or none.

    places: int64 (n,): where each one's chunk is among those asked about.
    marks: int64 (n,): the number in MARKS, from 1, of its mark, up to N_BEFORE of one before the word; 0 for none.
    keys: uint64 (n,): spaCy's hash of the word. starts, ends: int64 (n,): the word's bytes in the chunks' data.
    """

    places: Array
    marks: Array
    keys: Array
    starts: Array
    ends: Array


def case_keys(cases: Collection[str]) -> HashTable:
    """RETURNS: A table of special cases."""
    table = HashTable()
    keys = np.array(list(dict.fromkeys(split(list(cases)).keys.tolist())), dtype=np.uint64)
    table.add(keys, np.ones(len(keys), dtype=np.int32))
    return table


def marked_words(chunks: Chunks, indices: Array, cases: HashTable) -> MarkedWords:
    """RETURNS: Those of the chunks of these indices (n,), that are words with a mark or none.

    cases: The hashes of the special cases, which are left out, and so are words that are some with a mark.
    """
    codes = np.frombuffer(chunks.data, dtype=np.uint8)
    starts, ends = chunks.starts[indices], chunks.ends[indices]
    before, after = _MARK_BEFORE.take(codes[starts]), _MARK_AFTER.take(codes[ends - 1])
    after[(after == _STOP) & ~_IS_SMALL.take(codes[ends - 2])] = 0
    places = np.flatnonzero(((before == 0) | (after == 0)) & (ends - starts > (before > 0) + (after > 0)))
    marks = (before + after)[places]
    starts, ends = starts[places] + (before[places] > 0), ends[places] - (after[places] > 0)
    lengths = ends - starts
    if len(places):
        is_letter = _IS_LETTER.take(codes.take(ranges(starts, lengths)))
        kept = np.logical_and.reduceat(is_letter, np.cumsum(lengths) - lengths)
        keys = murmur_hashes(chunks.data, starts, lengths)
        for of in (keys, chunks.keys[indices[places]]):
            kept &= cases.look_up(of)[0] == 0
        return MarkedWords(places[kept], marks[kept], keys[kept], starts[kept], ends[kept])
    return MarkedWords(places, marks, np.empty(0, np.uint64), starts, ends)

"""Match chunks by the pattern of their bytes, without a tokenizer: chunks to arrays (n_chunks,).

Two families of patterns cover most chunks that were never seen before: mentions, short links and numbers, each one
token, which a preprocessor may take all alike, so that they need not even be looked up; and words of ASCII letters,
alone or with one mark beside them: "good", "good," and "#good".
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

import numpy as np
from spacy.strings import hash_string  # type: ignore[attr-defined]

from ..text.arrays import Array, ranges
from ..text.hash_table import HashTable
from .hashing import murmur_hashes, words_at
from .simple_tokens import UNIT_NAMES
from .whitespace import Chunks, split

# One chunk of each pattern that is one token. The patterns are numbered from 1, in this order.
EXAMPLES = {"mention": "@a", "link": "https://t.co/a", "number": "0"}
_MENTION, _LINK, _NUMBER = range(1, len(EXAMPLES) + 1)
_LINK_STARTS = ("https://t.co/", "http://t.co/")

# The marks before a word, then those after one, numbered from 1. A full stop counts only after a lower-case letter.
_BEFORE, _AFTER = "#\"'([*", ",!?:;\"')]*."
MARKS = (*_BEFORE, *_AFTER)
N_BEFORE, _STOP = len(_BEFORE), len(MARKS)


def _is(characters: Iterable[str]) -> Array:
    """Return which bytes are among these characters of ASCII: bool (256,)."""
    table = np.zeros(256, dtype=bool)
    table[list(map(ord, characters))] = True
    return table


_ASCII = list(map(chr, range(128)))
_IS_DIGIT = _is("0123456789")
_IS_LETTER = _is(filter(str.isalpha, _ASCII))
_IS_LOWER = _is(filter(str.islower, _ASCII))
# Which bytes may follow the start of each pattern (n_patterns + 1, 256).
_MAY_FOLLOW = np.stack([_is(""), _IS_LETTER | _IS_DIGIT | _is("_"), _IS_LETTER | _IS_DIGIT, _IS_DIGIT])
# The number of the mark that each byte is before, or after, a word; 0 if none.
_MARK_BEFORE, _MARK_AFTER = np.zeros((2, 256), dtype=np.int64)
_MARK_BEFORE[list(map(ord, _BEFORE))] = np.arange(N_BEFORE) + 1
_MARK_AFTER[list(map(ord, _AFTER))] = np.arange(N_BEFORE, _STOP) + 1

_N_BYTES = 8  # of what `words_at` returns


def _code(text: str) -> int:
    return int.from_bytes(text.encode(), "little")


def one_token_patterns(chunks: Chunks, indices: Array) -> Array:
    """Return which of some chunks are a mention, a link or a number: the place in `EXAMPLES`, from 1, or 0 if none."""
    codes, words = np.frombuffer(chunks.data, dtype=np.uint8), words_at(chunks.data)
    starts, ends = chunks.starts[indices], chunks.ends[indices]
    first, lengths = codes[starts], ends - starts
    patterns, n_start = np.zeros((2, len(indices)), dtype=np.int64)
    patterns[_IS_DIGIT.take(first)] = _NUMBER
    is_mention = (first == ord("@")) & (lengths > 1) & (codes[ends - 1] != ord("_"))
    patterns[is_mention], n_start[is_mention] = _MENTION, 1
    for link in _LINK_STARTS:
        maybe = np.flatnonzero((first == ord("h")) & (lengths > len(link)))
        head, tail = words[starts[maybe]], words[starts[maybe] + len(link) - _N_BYTES]
        is_link = maybe[(head == _code(link[:_N_BYTES])) & (tail == _code(link[-_N_BYTES:]))]
        patterns[is_link], n_start[is_link] = _LINK, len(link)
    maybe = np.flatnonzero(patterns)
    if len(maybe):
        n_rest = (lengths - n_start)[maybe]
        rest = codes.take(ranges((starts + n_start)[maybe], n_rest))
        fits = _MAY_FOLLOW[np.repeat(patterns[maybe], n_rest), rest]
        fits_all = np.logical_and.reduceat(fits, np.cumsum(n_rest) - n_rest)
        # The tokenizer splits a unit off a digit, as in "5km".
        patterns[maybe[~fits_all | _end_in_unit(words[ends[maybe] - _N_BYTES])]] = 0
    return patterns


def patterns_among(texts: Iterable[str]) -> set[str]:
    """Return the names, as in `EXAMPLES`, of the patterns that some chunks of the texts have."""
    chunks = split(list(texts))
    numbers = set(one_token_patterns(chunks, np.arange(len(chunks.keys))).tolist())
    return {name for number, name in enumerate(EXAMPLES, 1) if number in numbers}


_UNIT_CODES = {
    n: np.array([_code(unit) for unit in sorted(UNIT_NAMES) if len(unit) == n], dtype=np.uint64)
    for n in sorted({len(unit) for unit in UNIT_NAMES})
}


def _end_in_unit(tails: Array) -> Array:
    """Return whether eight bytes, uint64 (n,), end in a digit and a unit: bool (n,)."""
    found = np.zeros(len(tails), dtype=bool)
    for n, units in _UNIT_CODES.items():
        last = tails >> np.uint64(8 * (_N_BYTES - n))
        before = (tails >> np.uint64(8 * (_N_BYTES - n - 1))).astype(np.uint8)
        found |= _IS_DIGIT.take(before) & (last == units[:, None]).any(axis=0)
    return found


class MarkedWords(NamedTuple):
    """Words, each with at most one mark beside it; arrays of int64 (n,), but `keys`, spaCy's hashes, uint64 (n,).

    `places` are those of the words' chunks among the indices asked about. `marks` are numbers in `MARKS`, from 1, or 0;
    up to `N_BEFORE` the mark stands before the word. A word without its mark is from `starts` to `ends` in the data.
    """

    places: Array
    marks: Array
    keys: Array
    starts: Array
    ends: Array


def case_keys(cases: Collection[str]) -> HashTable:
    """Return the hashes of special cases as a table."""
    table = HashTable()
    keys = np.array(sorted(set(map(hash_string, cases))), dtype=np.uint64)
    table.add(keys, np.ones(len(keys), dtype=np.int32))
    return table


def marked_words(chunks: Chunks, indices: Array, cases: HashTable) -> MarkedWords:
    """Return which of some chunks are one word with at most one mark. Special cases are skipped, marked or not."""
    codes = np.frombuffer(chunks.data, dtype=np.uint8)
    starts, ends = chunks.starts[indices], chunks.ends[indices]
    before, after = _MARK_BEFORE.take(codes[starts]), _MARK_AFTER.take(codes[ends - 1])
    after[(after == _STOP) & ~_IS_LOWER.take(codes[ends - 2])] = 0
    places = np.flatnonzero(((before == 0) | (after == 0)) & (ends - starts > (before > 0) + (after > 0)))
    marks = (before + after)[places]
    starts, ends = starts[places] + (before[places] > 0), ends[places] - (after[places] > 0)
    if not len(places):
        return MarkedWords(places, marks, np.empty(0, np.uint64), starts, ends)
    lengths = ends - starts
    is_letter = _IS_LETTER.take(codes.take(ranges(starts, lengths)))
    kept = np.logical_and.reduceat(is_letter, np.cumsum(lengths) - lengths)
    keys = murmur_hashes(chunks.data, starts, lengths)
    for hashes in (keys, chunks.keys[indices[places]]):
        kept &= cases.look_up(hashes)[0] == 0
    return MarkedWords(places[kept], marks[kept], keys[kept], starts[kept], ends[kept])

"""Split texts at white space, with the hash of each chunk: n_texts strings to arrays (n_chunks,).

The texts are laid side by side as UTF-8 and split as arrays. That is twice as fast as `str.split`, and makes no string
for a chunk that is known already.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..text.arrays import Array
from .hashing import murmur_hashes

_IS_SPACE = np.array([chr(byte).isspace() for byte in range(128)] + [False] * 128)
# White space beyond ASCII, two or three bytes in UTF-8: as big-endian numbers, and the bytes they start with.
_WIDE_SPACES = [space.encode() for space in "\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"]
_WIDE_SPACES += [space.encode() for space in "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"]
_WIDE_CODES = np.array(sorted(int.from_bytes(space, "big") for space in _WIDE_SPACES))
_STARTS_WIDE = np.zeros(256, dtype=bool)
_STARTS_WIDE[[space[0] for space in _WIDE_SPACES]] = True
_STARTS_THREE_BYTES = 0xE0

# Spaces before the first text and after the last one, so that eight bytes can be read before or after any chunk.
_MARGIN = b" " * 8


class Chunks(NamedTuple):
    """The chunks of all texts, one after the other.

    `keys` are spaCy's hashes, uint64 (n_chunks,), with 1 in place of 0. `n_chunks` is the number of chunks per text,
    int64 (n_texts,). `data` is the texts as UTF-8, with eight spaces before the first and after the last. The chunks
    are from `starts` to `ends` in it, int64 (n_chunks,).
    """

    keys: Array
    n_chunks: Array
    data: bytes
    starts: Array
    ends: Array

    def texts(self, indices: Sequence[int] | Array) -> list[str]:
        """Return the chunks with these indices (n,) as strings."""
        return texts_between(self.data, self.starts[indices], self.ends[indices])


def texts_between(data: bytes, starts: Array, ends: Array) -> list[str]:
    """Return the UTF-8 texts from `starts` (n,) to `ends` (n,) in the data."""
    return [data[start:end].decode() for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def split(texts: Sequence[str], line_breaks: bool = False) -> Chunks:
    """Return the chunks of texts, as `str.split` and spaCy's tokenizer split them.

    With `line_breaks`, the first line break of any white space is a chunk, too. A text that is not a str raises
    TypeError, and one with a lone surrogate UnicodeEncodeError.
    """
    encoded = list(map(str.encode, texts))
    data = b" ".join([_MARGIN[:-1], *encoded, _MARGIN])
    codes = np.frombuffer(data, dtype=np.uint8)
    is_space = _IS_SPACE.take(codes)
    if not data.isascii():
        _mark_wide_spaces(codes, is_space)
    borders = np.flatnonzero(is_space[1:] != is_space[:-1]) + 1
    starts, ends = borders[::2], borders[1::2]
    text_ends = len(_MARGIN) - 1 + np.cumsum(np.array(list(map(len, encoded)), dtype=np.int64) + 1)
    if line_breaks and b"\n" in data:
        breaks = np.flatnonzero(codes == ord("\n"))
        before = np.searchsorted(starts, breaks) + np.searchsorted(text_ends, breaks)  # differs from one gap to another
        breaks = breaks[np.append(True, before[1:] != before[:-1])]
        starts, ends = np.sort(np.append(starts, breaks)), np.sort(np.append(ends, breaks + 1))
    n_chunks = np.diff(np.searchsorted(starts, text_ends), prepend=0)
    return Chunks(murmur_hashes(data, starts, ends - starts), n_chunks, data, starts, ends)


def _mark_wide_spaces(codes: Array, is_space: Array) -> None:
    """Set `is_space` where the bytes `codes` are white space beyond ASCII."""
    first = np.flatnonzero(_STARTS_WIDE.take(codes))
    if not len(first):
        return
    lead, second, third = (codes[first + i].astype(np.int64) for i in range(3))
    three = lead >= _STARTS_THREE_BYTES
    code = np.where(three, lead << 16 | second << 8 | third, lead << 8 | second)
    wide = _WIDE_CODES[np.minimum(np.searchsorted(_WIDE_CODES, code), len(_WIDE_CODES) - 1)] == code
    first, three = first[wide], three[wide]
    is_space[first] = is_space[first + 1] = True
    is_space[first[three] + 2] = True

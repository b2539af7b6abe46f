"""Remember the tokens of chunks: chunks to lexeme indices of whole texts."""

import threading

import numpy as np

from ..text.arrays import Array, Ragged, first_of_each, ranges, segment_sums, written
from ..text.hash_table import HashTable
from .ladder import Ladder
from .whitespace import Chunks

# Chunks to remember: about 15 MB.
MAX_CHUNKS = 1 << 17
_TOKENS_PER_CHUNK = 4


class ChunkCache:
    """Maps chunks, by their hashes, to their tokens. Threads may share one, as chunks are only ever added.

    It is full when it remembers more than `max_chunks`, or four times as many tokens.
    """

    def __init__(self, ladder: Ladder, max_chunks: int = MAX_CHUNKS) -> None:
        self._ladder, self._max_chunks = ladder, max_chunks
        self._max_tokens = max_chunks * _TOKENS_PER_CHUNK
        self._numbers = HashTable()
        # For each chunk: its hash, where its tokens begin and how many they are, and whether it was looked up again.
        self._keys = np.zeros(1024, dtype=np.uint64)
        self._spans = np.zeros((1024, 2), dtype=np.int32)
        self._seen_again = np.zeros(1024, dtype=bool)
        self._tokens = np.zeros(1024, dtype=np.int32)
        self.n_tokens = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def is_full(self) -> bool:
        """Whether it is time to replace this cache by `renewed()`."""
        return len(self) > self._max_chunks or self.n_tokens > self._max_tokens

    def renewed(self) -> "ChunkCache":
        """Return a half-empty cache of the chunks that were seen in more than one batch, the newest ones first."""
        new = ChunkCache(self._ladder, self._max_chunks)
        with self._lock:
            kept = np.flatnonzero(self._seen_again[: len(self)])[-self._max_chunks // 2 :]
            starts, lengths = self._spans[kept].T
            fits = np.cumsum(lengths[::-1])[::-1] <= self._max_tokens // 2
            kept, starts, lengths = kept[fits], starts[fits], lengths[fits]
            new._add(self._keys[kept], Ragged(self._tokens.take(ranges(starts, lengths)), lengths))
        return new

    def tokens(self, chunks: Chunks) -> Ragged:
        """Return the tokens of each text as lexeme indices, int32, and remember those of new chunks."""
        numbers, unseen = self._numbers.look_up(chunks.keys)
        self._seen_again[numbers] = True
        if len(unseen):
            numbers[unseen] = self._learn(chunks, unseen)
        starts, lengths = self._spans.take(numbers, axis=0).T
        return Ragged(self._tokens.take(ranges(starts, lengths)), segment_sums(lengths, chunks.n_chunks))

    def _learn(self, chunks: Chunks, unseen: Array) -> Array:
        """Remember the chunks with the indices `unseen` (n,), and return their numbers, int32 (n,)."""
        keys = chunks.keys[unseen]
        with self._lock:
            _, new = self._numbers.look_up(keys)  # another thread may have been quicker
            new = new[first_of_each(keys[new])]
            if len(new):
                for indices, tokens in self._ladder.tokens(chunks, unseen[new]):
                    self._add(chunks.keys[indices], tokens)
            return self._numbers.look_up(keys)[0]

    def _add(self, keys: Array, tokens: Ragged) -> None:
        """Remember new chunks with the hashes `keys` (n,) and their tokens."""
        first = len(self)
        starts = self.n_tokens + np.cumsum(tokens.lengths) - tokens.lengths
        self._tokens = written(self._tokens, self.n_tokens, tokens.values)
        self._spans = written(self._spans, first, np.stack([starts, tokens.lengths], axis=1))
        self._keys = written(self._keys, first, keys)
        self._seen_again = written(self._seen_again, first, np.zeros(len(keys), dtype=bool))
        self.n_tokens += len(tokens.values)
        # Last, because other threads read without the lock.
        self._numbers.add(keys, np.arange(first, first + len(keys), dtype=np.int32))

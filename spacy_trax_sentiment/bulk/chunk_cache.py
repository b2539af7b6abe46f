"""Chunks between white space to rows of lexemes: what `TextScorer` remembers."""

import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from spacy.strings import hash_string  # type: ignore[attr-defined]

from ..text.arrays import first_of_each, ranges, segment_sums, written
from ..text.hash_table import HashTable
from ..text.lexeme_cache import NO_TERM, LexemeCache
from .byte_patterns import MARKS, N_BEFORE, MarkedWords
from .chunk_tokenizer import ChunkTokenizer
from .kinds import EXAMPLES, kinds_of
from .whitespace import Chunks, split, texts_between

Array = NDArray[Any]

# Chunks, and on average their tokens, to remember before those not seen again are forgotten: some 15 MB.
MAX_CHUNKS = 1 << 17
_ROWS_A_CHUNK = 4


class ChunkCache:
    """Maps chunks, by their hashes, to rows of a LexemeCache. Threads may share one: chunks are only added.

    lexemes: The memory that the rows are of.
    """

    def __init__(self, tokenizer: ChunkTokenizer, lexemes: LexemeCache) -> None:
        self.lexemes = lexemes
        self._tokenizer = tokenizer
        self._number_of = HashTable()
        self._meet: dict[tuple[int, int], bool] = {}  # of pairs of chunks, by their hashes
        # Of each chunk: where its rows start, and how many they are.
        self._chunks = np.zeros((1024, 2), dtype=np.int32)
        self._keys = np.zeros(1024, dtype=np.uint64)
        self._seen_again = np.zeros(1024, dtype=bool)
        self._rows = np.zeros(1024, dtype=np.int32)
        self._n_rows = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._number_of)

    def is_full(self) -> bool:
        return len(self) > MAX_CHUNKS or self._n_rows > MAX_CHUNKS * _ROWS_A_CHUNK

    def renewed(self) -> "ChunkCache":
        """RETURNS: A memory with room, of the chunks that were seen in more than one batch, the latest ones first."""
        new = ChunkCache(self._tokenizer, self.lexemes)
        with self._lock:
            kept = np.flatnonzero(self._seen_again[: len(self)])[-MAX_CHUNKS // 2 :]
            described = self._chunks[kept]
            # Chunks of very many tokens are few, and are not worth their room.
            short = np.cumsum(described[::-1, 1])[::-1] <= MAX_CHUNKS * _ROWS_A_CHUNK // 2
            kept, described = kept[short], described[short]
            rows = self._rows.take(ranges(described[:, 0], described[:, 1]))
            new._put(self._keys[kept], rows, described[:, 1])
        return new

    def rows(self, chunks: Chunks) -> tuple[Array, Array, list[int]]:
        """RETURNS: The rows of all texts' tokens, int32 (n_tokens,); the tokens of each text, int64 (n_texts,); and
        the indices of the texts that must be tokenized whole (`whole_rows`), of which the rows may be wrong.
        """
        numbers, unseen = self._number_of.look_up(chunks.keys)
        self._seen_again[numbers] = True
        # Of mentions, links and numbers most are seen once: in half of the room they are remembered, and then not.
        if len(unseen) and self._alike.any() and len(self) > MAX_CHUNKS // 2:
            kinds = kinds_of(chunks, unseen)
            is_alike = self._alike.take(kinds)
            if is_alike.any():
                numbers[unseen] = self._number_of_kind.take(kinds)
                unseen = unseen[~is_alike]
        if len(unseen):
            numbers[unseen] = self._learn(chunks, unseen)
        starts, counts = self._chunks.take(numbers, axis=0).T
        rows = self._rows.take(ranges(starts, counts))
        crossing = np.array(list(self._crossings(chunks)), dtype=np.int64)
        return rows, segment_sums(counts, chunks.n_chunks), _texts_of(crossing, chunks.n_chunks)

    @cached_property
    def _alike(self) -> Array:
        """bool (n_kinds + 1,): whether all chunks of a kind have the same rows."""
        alike = self.lexemes.preprocessor.alike & self._tokenizer.whole_kinds
        return np.array([False, *(kind in alike for kind in EXAMPLES)])

    @cached_property
    def _number_of_kind(self) -> Array:
        """int32 (n_kinds + 1,): the number of a chunk of each kind."""
        examples = split(list(EXAMPLES.values()))
        return np.append(0, self._learn(examples, np.arange(len(EXAMPLES)))).astype(np.int32)

    def whole_rows(self, texts: Sequence[str]) -> tuple[Array, Array]:
        """RETURNS: As `rows`, of texts that are tokenized whole, and not remembered."""
        return self._tokenizer.rows_of_texts(texts, self.lexemes)

    def _crossings(self, chunks: Chunks) -> Iterator[int]:
        """YIELDS: The indices of chunks before which a special case may lie across the border."""
        codes = np.frombuffer(chunks.data, dtype=np.uint8)
        may_cross = self._tokenizer.may_cross(codes[chunks.ends[:-1] - 1], codes[chunks.starts[1:]])
        # Not across the border of two texts: those meet by chance, and would fill the memory with ever new pairs.
        firsts = np.cumsum(chunks.n_chunks)[:-1]
        may_cross[firsts[(firsts > 0) & (firsts < len(chunks.keys))] - 1] = False
        after = np.flatnonzero(may_cross) + 1
        if not len(after):
            return
        if len(self._meet) > MAX_CHUNKS:
            self._meet = {}
        meet, reach = self._meet, self._tokenizer.longest_case
        pairs = zip(chunks.keys[after - 1].tolist(), chunks.keys[after].tolist(), strict=True)
        for i, pair in zip(after.tolist(), pairs, strict=True):
            if pair not in meet:
                meet[pair] = self._tokenizer.meet(*chunks.texts([i - 1, i]))
            if meet[pair]:
                first = max(i - reach, 0)
                around = chunks.texts(list(range(first, min(i + reach, len(chunks.keys)))))
                if self._tokenizer.cross(around[: i - first], around[i - first :]):
                    yield i

    def _learn(self, chunks: Chunks, unseen: Array) -> Array:
        """RETURNS: int32 (n,): the numbers of the chunks `unseen` (n,)."""
        keys = chunks.keys[unseen]
        with self._lock:
            _, new = self._number_of.look_up(keys)  # another thread may have been quicker
            if len(new):
                new = new[first_of_each(keys[new])]
                self._learn_new(chunks, keys[new], unseen[new])
            numbers, _ = self._number_of.look_up(keys)
        return numbers

    def _learn_new(self, chunks: Chunks, keys: Array, new: Array) -> None:
        """Learn the chunks of the indices `new` (n,), all different, of hashes `keys` (n,)."""
        if self._alike.any():
            kinds = kinds_of(chunks, new)
            is_alike = self._alike.take(kinds)
            rows = self._rows_of_kinds.take(kinds[is_alike])
            self._put(keys[is_alike], rows, np.ones(len(rows), dtype=int))
            keys, new = keys[~is_alike], new[~is_alike]
        words = self._tokenizer.marked_words(chunks, new)
        is_left = np.ones(len(new), dtype=bool)
        is_left[words.places] = False
        texts = chunks.texts(new[is_left].tolist())
        tokens = list(self._tokenizer.simple_tokens(texts))
        rows, rows_of_simple = self._rows_of_parts(
            chunks.data, words, [part for parts in tokens for part in parts or ()]
        )
        self._put_words(keys[words.places], rows, words.marks)
        keys = keys[is_left]
        is_simple = np.array([parts is not None for parts in tokens], dtype=bool)
        self._put(keys[is_simple], rows_of_simple, [len(parts) for parts in tokens if parts is not None])
        others = [text for text, parts in zip(texts, tokens, strict=True) if parts is None]
        if others:
            self._put(keys[~is_simple], *self._tokenizer.rows(others, self.lexemes))

    def _rows_of_parts(self, data: bytes, words: MarkedWords, tokens: Sequence[str]) -> tuple[Array, Array]:
        """RETURNS: The rows of words in the chunks' data, and of tokens, looked up together."""
        n_words = len(words.keys)

        def texts_of(indices: Array) -> list[str]:
            of_words, of_tokens = indices[indices < n_words], indices[indices >= n_words] - n_words
            return texts_between(data, words.starts[of_words], words.ends[of_words]) + [
                tokens[i] for i in of_tokens.tolist()
            ]

        orths = np.concatenate([words.keys, np.array(list(map(hash_string, tokens)), dtype=np.uint64)])
        rows = self.lexemes.indices_by(orths, texts_of)
        return rows[:n_words], rows[n_words:]

    @cached_property
    def _rows_of_kinds(self) -> Array:
        """int32 (n_kinds + 1,): the row of a chunk of each kind."""
        return np.array([NO_TERM, *self.lexemes.indices_of_texts([*EXAMPLES.values()])], dtype=np.int32)

    @cached_property
    def _rows_of_marks(self) -> Array:
        """int32 (n_marks + 1,): the row of each mark, of none first."""
        return np.array([NO_TERM, *self.lexemes.indices_of_texts(MARKS)], dtype=np.int32)

    def _put_words(self, keys: Array, rows: Array, marks: Array) -> None:
        """Remember words of these rows with their marks, as in MarkedWords; all (n,)."""
        counts = 1 + (marks > 0)
        pairs = np.stack([rows, self._rows_of_marks.take(marks)], axis=1)
        is_after = (marks > 0) & (marks <= N_BEFORE)
        pairs[is_after] = pairs[is_after, ::-1]
        self._put(keys, pairs[np.arange(2) < counts[:, None]], counts)

    def _put(self, keys: Array, rows: Array, counts: ArrayLike) -> None:
        """Remember new chunks: their rows one after the other, and how many each has, (n_chunks,)."""
        first = len(self)
        described = np.empty((len(keys), 2), dtype=np.int32)
        described[:, 1] = counts
        described[:, 0] = self._n_rows + np.cumsum(described[:, 1]) - described[:, 1]
        self._rows = written(self._rows, self._n_rows, rows)
        self._chunks = written(self._chunks, first, described)
        self._keys = written(self._keys, first, keys)
        self._seen_again = written(self._seen_again, first, np.zeros(len(keys), dtype=bool))
        self._n_rows += len(rows)
        # Last, as other threads read without the lock.
        self._number_of.add(keys, np.arange(first, first + len(keys), dtype=np.int32))


def _texts_of(crossing: Array, n_chunks: Array) -> list[int]:
    """RETURNS: The texts within which a crossing lies, given the second chunk of each."""
    texts = np.searchsorted(np.cumsum(n_chunks), crossing, side="right")
    # Not by np.unique, which imports numpy.ma: as long as all else that the first text takes.
    return sorted(set(texts.tolist()))

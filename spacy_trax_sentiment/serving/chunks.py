"""Chunks between white space to rows of lexemes: what `TextScorer` remembers."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from spacy.attrs import ORTH, SPACY
from spacy.tokenizer import Tokenizer
from spacy.vocab import Vocab

from ..text.arrays import ranges, segment_sums, written
from ..text.hashtable import HashTable
from ..text.lexemes import LexemeMemory, doc_orths, orths_to_rows
from .shortcuts import knows_rules, simple_tokens, special_cases
from .splitting import Chunks

Array = NDArray[Any]
Split = tuple[tuple[str, ...], tuple[str, ...]]
"""The tokens of a special case, parted in two."""

# Chunks, and on average their tokens, to remember before those not seen again are forgotten: some 15 MB.
MAX_CHUNKS = 1 << 17
_ROWS_A_CHUNK = 4
# Unseen chunks are tokenized as one text, of about so many characters.
_TEXT_SIZE = 1 << 16


class ChunkTokenizer:
    """Tokenizes chunks as a pipeline's tokenizer does, and tells which must be tokenized together.

    It has vocabularies of its own, and forgets what it made of a chunk, or they would only grow. Threads may share one.

    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._original = tokenizer
        self._lock = threading.RLock()
        self._tokenized = lru_cache(maxsize=1 << 12)(self._tokenize_both_ways)
        self._cases = special_cases(tokenizer.rules) if knows_rules(tokenizer) else None

    # What follows is made when first needed: with some 1,300 special cases of English it takes as long as loading a
    # pipeline.

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return _copy(self._original, self._original.rules)

    @cached_property
    def _without_cases(self) -> Tokenizer:
        return _copy(self._original, {})

    @cached_property
    def _case_borders(self) -> dict[int, set[str]]:
        orths = [[token[ORTH] for token in case] for case in self._original.rules.values()]
        return {place: {case[place] for case in orths} for place in (0, -1)}

    @cached_property
    def _splits(self) -> dict[tuple[str, str], set[Split]]:
        # Special cases of several tokens, such as `:)`, are matched by token, so that `: )` matches too. spaCy then
        # finds no rule for that text and changes nothing, but drops other matches that overlap with it. So where the
        # tokens of a case lie on both sides of a border, neither chunk stands alone. These are the ways to part a case,
        # by the two characters at the border.
        splits: dict[tuple[str, str], set[Split]] = {}
        with self._lock:
            for case in self._original.rules:
                tokens = tuple(token.text for token in self._without_cases(case))
                for i in range(1, len(tokens)):
                    splits.setdefault((tokens[i - 1][-1], tokens[i][0]), set()).add((tokens[:i], tokens[i:]))
        return splits

    @cached_property
    def longest_case(self) -> int:
        """The tokens of the longest special case."""
        return max((len(left) + len(right) for splits in self._splits.values() for left, right in splits), default=0)

    @cached_property
    def _may_cross(self) -> Array:
        table = np.zeros(1 << 16, dtype=bool)
        for first, second in self._splits:
            table[first.encode()[-1] << 8 | second.encode()[0]] = True
        return table

    def rows(self, chunks: Sequence[str], lexemes: LexemeMemory) -> tuple[list[int], list[int]]:
        """Tokenize chunks, each by itself.

        RETURNS: The rows of all tokens in `lexemes`, (n_tokens,), and how many each chunk has, (n_chunks,).
        """
        with self._lock, self._tokenizer.vocab.memory_zone():
            groups = [self._tokenizer(" ".join(group)).to_array([ORTH, SPACY]) for group in self._groups(chunks)]
            for group in groups:
                group[-1, 1] = True  # a chunk ends there, though no space follows
            tokens = np.concatenate(groups)
            rows = lexemes.rows(tokens[:, 0], self._tokenizer.vocab.strings)
        return rows.tolist(), np.diff(np.flatnonzero(tokens[:, 1]) + 1, prepend=0).tolist()

    def _groups(self, chunks: Sequence[str]) -> Iterator[list[str]]:
        """YIELDS: The chunks in groups that can be tokenized as one text."""
        group: list[str] = []
        size = 0
        for chunk in chunks:
            if group and (size > _TEXT_SIZE or self.touch(group[-1], chunk)):
                yield group
                group, size = [], 0
            group.append(chunk)
            size += len(chunk)
        if group:
            yield group

    def rows_of_texts(self, texts: Sequence[str], lexemes: LexemeMemory) -> tuple[Array, Array]:
        """Tokenize whole texts. RETURNS: As `rows`, of the texts."""
        with self._lock, self._tokenizer.vocab.memory_zone():
            orths = [doc_orths(self._tokenizer(text)) for text in texts]
            return orths_to_rows(lexemes, orths, self._tokenizer.vocab.strings)

    def simple_tokens(self, chunks: Sequence[str]) -> Iterable[Sequence[str] | None]:
        """RETURNS: The texts of each chunk's tokens, where they can be told without tokenizing; else None."""
        cases = self._cases
        return repeat(None, len(chunks)) if cases is None else [simple_tokens(chunk, cases) for chunk in chunks]

    def may_cross(self, last: Array, first: Array) -> Array:
        """RETURNS: bool (n,): whether a special case may lie across a border, by the bytes before and after it (n,)."""
        return self._may_cross.take(last.astype(np.int64) << 8 | first)

    def touch(self, chunk: str, after: str) -> list[Split]:
        """RETURNS: The special cases that, by the characters at the border, may lie across two chunks."""
        return [
            (left, right)
            for left, right in self._splits.get((chunk[-1], after[0]), ())
            if chunk.endswith(left[-1])
            and after.startswith(right[0])
            and not self._in_word(left[-1][0], chunk[: -len(left[-1])][-1:], left[-1], -1)
            and not self._in_word(right[0][-1], after[len(right[0]) :][:1], right[0], 0)
        ]

    def meet(self, chunk: str, after: str) -> bool:
        """RETURNS: Whether two chunks may bring together neighbouring tokens of a special case."""
        splits = self.touch(chunk, after)
        if not splits:
            return False
        lasts, firsts = (
            {tokens[-1] for tokens in self._tokenized(chunk)},
            {tokens[0] for tokens in self._tokenized(after)},
        )
        return any(left[-1] in lasts and right[0] in firsts for left, right in splits)

    def cross(self, before: Sequence[str], after: Sequence[str]) -> bool:
        """RETURNS: Whether a special case lies across the border between the last chunk of `before` and the first of
        `after`. They hold as many chunks as there are, or `longest_case` at the most.
        """
        return any(
            self._begin_with(after, right, forwards=True) and self._begin_with(before[::-1], left[::-1], forwards=False)
            for left, right in self.touch(before[-1], after[0])
        )

    def _begin_with(self, chunks: Sequence[str], tokens: Sequence[str], *, forwards: bool) -> bool:
        """RETURNS: Whether the chunks' tokens, read in this direction, begin with those given."""
        if not tokens or not chunks:
            return not tokens
        for tokenized in self._tokenized(chunks[0]):
            found = tokenized if forwards else tokenized[::-1]
            n = min(len(found), len(tokens))
            if found[:n] == tokens[:n] and self._begin_with(chunks[1:], tokens[n:], forwards=forwards):
                return True
        return False

    def _tokenize_both_ways(self, chunk: str) -> set[tuple[str, ...]]:
        """RETURNS: The chunk's tokens before and after special cases are matched."""
        for tokens in self.simple_tokens([chunk]):
            if tokens is not None:
                return {tuple(tokens)}
        with self._lock:
            return {_texts(tokenizer, chunk) for tokenizer in (self._tokenizer, self._without_cases)}

    def _in_word(self, inner: str, outer: str, token: str, place: int) -> bool:
        """RETURNS: Whether a token's border would lie between two letters of a word, where no rule but a special case
        puts one.
        """
        letters = inner.isalpha() and outer.isalpha() and (inner + outer).isascii()
        return self._cases is not None and letters and token not in self._case_borders[place]


class ChunkMemory:
    """Maps chunks, by their hashes, to rows of a LexemeMemory. Threads may share one: chunks are only added.

    lexemes: The memory that the rows are of.
    """

    def __init__(self, tokenizer: ChunkTokenizer, lexemes: LexemeMemory) -> None:
        self.lexemes = lexemes
        self._tokenizer = tokenizer
        self._number_of = HashTable()
        self._meet: dict[tuple[int, int], bool] = {}  # of pairs of chunks
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

    def renewed(self) -> "ChunkMemory":
        """RETURNS: A memory with room, of the chunks that were seen in more than one batch, the latest ones first."""
        new = ChunkMemory(self._tokenizer, self.lexemes)
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
        if len(unseen):
            numbers[unseen] = self._learn(chunks, unseen)
        starts, counts = self._chunks.take(numbers, axis=0).T
        rows = self._rows.take(ranges(starts, counts))
        crossing = np.array(list(self._crossings(chunks, numbers)), dtype=np.int64)
        return rows, segment_sums(counts, chunks.n_chunks), _texts_of(crossing, chunks.n_chunks)

    def whole_rows(self, texts: Sequence[str]) -> tuple[Array, Array]:
        """RETURNS: As `rows`, of texts that are tokenized whole, and not remembered."""
        return self._tokenizer.rows_of_texts(texts, self.lexemes)

    def _crossings(self, chunks: Chunks, numbers: Array) -> Iterator[int]:
        """YIELDS: The indices of chunks before which a special case may lie across the border."""
        codes = np.frombuffer(chunks.data, dtype=np.uint8)
        after = np.flatnonzero(self._tokenizer.may_cross(codes[chunks.ends[:-1] - 1], codes[chunks.starts[1:]])) + 1
        if len(self._meet) > MAX_CHUNKS:
            self._meet = {}
        meet, reach = self._meet, self._tokenizer.longest_case
        for i, pair in zip(
            after.tolist(), zip(numbers[after - 1].tolist(), numbers[after].tolist(), strict=True), strict=True
        ):
            if pair not in meet:
                meet[pair] = self._tokenizer.meet(*chunks.texts([i - 1, i]))
            if meet[pair]:
                first = max(i - reach, 0)
                around = chunks.texts(list(range(first, min(i + reach, len(numbers)))))
                if self._tokenizer.cross(around[: i - first], around[i - first :]):
                    yield i

    def _learn(self, chunks: Chunks, unseen: Array) -> Array:
        """RETURNS: int32 (n,): the numbers of the chunks `unseen` (n,)."""
        keys = chunks.keys[unseen]
        with self._lock:
            _, new = self._number_of.look_up(keys)  # another thread may have been quicker
            place_of = dict(zip(keys[new].tolist(), unseen[new].tolist(), strict=True))
            self._learn_texts(list(place_of), chunks.texts(list(place_of.values())))
            numbers, _ = self._number_of.look_up(keys)
        return numbers

    def _learn_texts(self, keys: Sequence[int], texts: Sequence[str]) -> None:
        learned: list[int] = []
        counts: list[int] = []
        tokens: list[str] = []
        others: dict[int, str] = {}
        for key, text, of_text in zip(keys, texts, self._tokenizer.simple_tokens(texts), strict=True):
            if of_text is None:
                others[key] = text
            else:
                learned.append(key)
                tokens += of_text
                counts.append(len(of_text))
        rows = self.lexemes.rows_of_texts(tokens)
        if others:
            other_rows, other_counts = self._tokenizer.rows(list(others.values()), self.lexemes)
            learned += others
            rows += other_rows
            counts += other_counts
        self._put(learned, rows, counts)

    def _put(self, keys: ArrayLike, rows: ArrayLike, counts: ArrayLike) -> None:
        """Remember new chunks: their rows one after the other, and how many each has, (n_chunks,)."""
        first = len(self)
        keys, rows = np.asarray(keys, dtype=np.uint64), np.asarray(rows, dtype=np.int32)
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


def _copy(tokenizer: Tokenizer, rules: dict[str, Any]) -> Tokenizer:
    """RETURNS: A tokenizer with these special cases and a vocabulary of its own, which otherwise does the same."""
    return Tokenizer(
        Vocab(),
        rules=rules,
        prefix_search=tokenizer.prefix_search,
        suffix_search=tokenizer.suffix_search,
        infix_finditer=tokenizer.infix_finditer,
        token_match=tokenizer.token_match,
        url_match=tokenizer.url_match,
        faster_heuristics=tokenizer.faster_heuristics,
    )


def _texts(tokenizer: Tokenizer, chunk: str) -> tuple[str, ...]:
    with tokenizer.vocab.memory_zone():
        return tuple(token.text for token in tokenizer(chunk))


def _texts_of(crossing: Array, n_chunks: Array) -> list[int]:
    """RETURNS: The texts within which a crossing lies, given the second chunk of each."""
    ends = np.cumsum(n_chunks)
    texts = np.searchsorted(ends, crossing, side="right")
    # Not by np.unique, which imports numpy.ma: as long as all else that the first text takes.
    return sorted(set(texts[crossing > (ends - n_chunks)[texts]].tolist()))

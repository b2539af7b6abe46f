"""Chunks between white space to rows of lexemes: what `TextScorer` remembers."""

import threading
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import ORTH, SPACY
from spacy.tokenizer import Tokenizer
from spacy.vocab import Vocab

from ..text.lexemes import LexemeMemory, segment_sums
from .shortcuts import knows_rules, simple_tokens

Array = NDArray[Any]

# Chunks, and their characters, to remember before all are forgotten: some 40 MB.
MAX_CHUNKS = 1 << 17
_CHARACTERS_A_CHUNK = 32
# Unseen chunks are tokenized as one text, of about so many characters.
_TEXT_SIZE = 1 << 16


class ChunkTokenizer:
    """Tokenizes chunks as a pipeline's tokenizer does, and tells which must be tokenized together.

    It has vocabularies of its own, and forgets what it made of a chunk, or they would only grow. Threads may share one.

    rules: The special cases, where what else the tokenizer does is known; None where it is not.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = _copy(tokenizer, tokenizer.rules)
        self._without_cases = _copy(tokenizer, {})
        self._lock = threading.Lock()
        self.rules: dict[str, Any] | None = tokenizer.rules if knows_rules(tokenizer) else None
        orths = [[token[ORTH] for token in case] for case in tokenizer.rules.values()]
        self._case_borders = {place: {case[place] for case in orths} for place in (0, -1)}
        # Special cases of several tokens, such as `:)`, are matched by token, so that `: )` matches too. spaCy then
        # finds no rule for that text and changes nothing, but drops other matches that overlap with it. So where one
        # chunk ends in a token of a case and the next begins with the token after it, neither stands alone. These are
        # the pairs of tokens, by the two characters at the border, and a table of those for whole batches.
        self._pairs: dict[tuple[str, str], set[tuple[str, str]]] = {}
        for case in tokenizer.rules:
            for left, right in pairwise(token.text for token in self._without_cases(case)):
                self._pairs.setdefault((left[-1], right[0]), set()).add((left, right))
        characters = sorted({character for pair in self._pairs for character in pair})
        self._class_of = {character: i for i, character in enumerate(characters, start=1)}
        self._may_cross = np.zeros((len(characters) + 1, len(characters) + 1), dtype=bool)
        for first, second in self._pairs:
            self._may_cross[self._class_of[first], self._class_of[second]] = True

    def rows(self, chunks: Sequence[str], lexemes: LexemeMemory) -> tuple[Array, Array]:
        """Tokenize chunks of which no neighbours touch.

        RETURNS: The rows of all tokens in `lexemes`, (n_tokens,), and where each chunk's tokens end, (n_chunks,).
        """
        with self._lock, self._tokenizer.vocab.memory_zone():
            doc = self._tokenizer(" ".join(chunks))
            tokens = doc.to_array([ORTH, SPACY])
            rows = lexemes.rows(tokens[:, 0], doc.vocab.strings)
        return rows, np.append(np.flatnonzero(tokens[:, 1]) + 1, len(tokens))

    def character_class(self, character: str) -> int:
        """RETURNS: The number by which `may_cross` knows the character."""
        return self._class_of.get(character, 0)

    def may_cross(self, last: Array, first: Array) -> Array:
        """RETURNS: bool (n,): whether a special case has a border between characters of these classes, (n,) each."""
        return np.asarray(self._may_cross[last, first])

    def touch(self, chunk: str, after: str) -> list[tuple[str, str]]:
        """RETURNS: The tokens of special cases that two chunks, by their characters, may bring together."""
        pairs = self._pairs.get((chunk[-1], after[0]), ())
        return [
            (left, right)
            for left, right in pairs
            if chunk.endswith(left)
            and after.startswith(right)
            and not self._in_word(left[0], chunk[: -len(left)][-1:], left, -1)
            and not self._in_word(right[-1], after[len(right) :][:1], right, 0)
        ]

    def borders(self, chunk: str) -> tuple[set[str], set[str]]:
        """RETURNS: What the first token and the last may be as special cases are matched, before and after it."""
        with self._lock:
            tokenized = [_texts(tokenizer, chunk) for tokenizer in (self._tokenizer, self._without_cases)]
        return {tokens[0] for tokens in tokenized}, {tokens[-1] for tokens in tokenized}

    def _in_word(self, inner: str, outer: str, token: str, place: int) -> bool:
        """RETURNS: Whether a token's border would lie between two letters of a word, where no rule but a special case
        puts one.
        """
        letters = inner.isalpha() and outer.isalpha() and (inner + outer).isascii()
        return self.rules is not None and letters and token not in self._case_borders[place]


class ChunkMemory:
    """Maps chunks to numbers, and numbers to rows of a LexemeMemory. Threads may share one: chunks are only added.

    lexemes: The memory that the rows are of.
    """

    def __init__(self, tokenizer: ChunkTokenizer, lexemes: LexemeMemory) -> None:
        self.lexemes = lexemes
        self._tokenizer = tokenizer
        self._borders_of: dict[str, tuple[set[str], set[str]]] = {}
        self._chunk_of: dict[str, int] = {}
        self._n_characters = 0
        # Of each chunk: where its rows start, how many they are, and the classes of its first and last character.
        self._chunks = np.zeros((1024, 4), dtype=np.int64)
        self._rows = np.zeros(1024, dtype=np.int32)
        self._n_rows = 0
        self._lock = threading.Lock()

    def is_full(self) -> bool:
        return len(self._chunk_of) > MAX_CHUNKS or self._n_characters > MAX_CHUNKS * _CHARACTERS_A_CHUNK

    def rows(self, texts: Sequence[str]) -> tuple[Array, Array, list[int]]:
        """RETURNS: The rows of all texts' tokens, int32 (n_tokens,); the tokens of each text, int64 (n_texts,); and
        the indices of the texts that must be tokenized whole, of which the rows may be wrong.
        """
        chunks: list[str] = []
        lengths = []
        for text in texts:
            of_text = text.split()
            chunks += of_text
            lengths.append(len(of_text))
        found = list(map(self._chunk_of.get, chunks))
        if None in found:
            self._learn(list(dict.fromkeys(c for c, i in zip(chunks, found, strict=True) if i is None)))
            found = [self._chunk_of[chunk] for chunk in chunks]
        starts, counts, firsts, lasts = self._chunks.take(np.array(found, dtype=np.int64), axis=0).T
        n_chunks = np.array(lengths, dtype=np.int64)
        # Each chunk's rows lie side by side from its start on.
        ends = np.cumsum(counts)
        rows = self._rows.take(np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + counts, counts))
        crossing = np.flatnonzero(self._tokenizer.may_cross(lasts[:-1], firsts[1:])) + 1
        crossing = np.array([i for i in crossing.tolist() if self._cross(chunks[i - 1], chunks[i])], dtype=np.int64)
        return rows, segment_sums(counts, n_chunks), _texts_of(crossing, n_chunks)

    def _cross(self, chunk: str, after: str) -> bool:
        return any(
            left in self._borders(chunk)[1] and right in self._borders(after)[0]
            for left, right in self._tokenizer.touch(chunk, after)
        )

    def _borders(self, chunk: str) -> tuple[set[str], set[str]]:
        borders = self._borders_of.get(chunk)
        if borders is None:
            borders = self._borders_of[chunk] = self._tokenizer.borders(chunk)
        return borders

    def _learn(self, unseen: Sequence[str]) -> None:
        with self._lock:
            unseen = [chunk for chunk in unseen if chunk not in self._chunk_of]
            if self._tokenizer.rules is not None:
                unseen = self._put_simple(unseen, self._tokenizer.rules)
            for group in self._groups(unseen):
                self._put(group, *self._tokenizer.rows(group, self.lexemes))

    def _put_simple(self, unseen: Sequence[str], rules: dict[str, Any]) -> list[str]:
        """RETURNS: The chunks that are not simple, which the tokenizer must take."""
        tokens_of = {chunk: simple_tokens(chunk, rules) for chunk in unseen}
        simple = {chunk: tokens for chunk, tokens in tokens_of.items() if tokens is not None}
        if simple:
            rows = self.lexemes.rows_of_texts([token for tokens in simple.values() for token in tokens])
            self._put(list(simple), rows, np.cumsum(list(map(len, simple.values()))))
        return [chunk for chunk in unseen if chunk not in simple]

    def _groups(self, chunks: Sequence[str]) -> Iterator[list[str]]:
        """YIELDS: The chunks in groups that can be tokenized as one text."""
        group: list[str] = []
        size = 0
        for chunk in chunks:
            if group and (size > _TEXT_SIZE or self._tokenizer.touch(group[-1], chunk)):
                yield group
                group, size = [], 0
            group.append(chunk)
            size += len(chunk)
        if group:
            yield group

    def _put(self, chunks: Sequence[str], rows: Array, ends: Array) -> None:
        """Remember the chunks' rows, given one after the other, and where each chunk's end among them."""
        first = len(self._chunk_of)
        described = np.empty((len(chunks), 4), dtype=np.int64)
        described[:, 1] = np.diff(ends, prepend=0)
        described[:, 0] = self._n_rows + ends - described[:, 1]
        described[:, 2] = [self._tokenizer.character_class(chunk[0]) for chunk in chunks]
        described[:, 3] = [self._tokenizer.character_class(chunk[-1]) for chunk in chunks]
        self._rows = _written(self._rows, self._n_rows, rows)
        self._chunks = _written(self._chunks, first, described)
        self._n_rows += len(rows)
        self._n_characters += sum(map(len, chunks))
        # Last, as other threads read without the lock.
        self._chunk_of.update(zip(chunks, range(first, first + len(chunks)), strict=True))


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


def _texts(tokenizer: Tokenizer, chunk: str) -> list[str]:
    with tokenizer.vocab.memory_zone():
        return [token.text for token in tokenizer(chunk)]


def _texts_of(crossing: Array, n_chunks: Array) -> list[int]:
    """RETURNS: The texts within which a crossing lies, given the second chunk of each."""
    ends = np.cumsum(n_chunks)
    texts = np.searchsorted(ends, crossing, side="right")
    # Not by np.unique, which imports numpy.ma: as long as all else that the first text takes.
    return sorted(set(texts[crossing > (ends - n_chunks)[texts]].tolist()))


def _written(array: Array, start: int, values: Array) -> Array:
    """RETURNS: The array with the values from `start` on, or a longer copy where they do not fit in."""
    size = len(array)
    while size < start + len(values):
        size *= 2
    if size > len(array):
        # A copy, as another thread may be reading the old one.
        array = np.concatenate([array, np.zeros((size - len(array), *array.shape[1:]), dtype=array.dtype)])
    array[start : start + len(values)] = values
    return array

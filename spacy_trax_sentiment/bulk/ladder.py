"""Chunks never seen before to lexeme indices, each by the cheapest way that can tell."""

from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import chain

import numpy as np

from ..text.arrays import Array, Ragged
from ..text.hash_table import HashTable
from ..text.lexeme_cache import NO_TERM, LexemeCache
from .byte_patterns import EXAMPLES, MARKS, N_BEFORE, case_keys, marked_words, one_token_patterns, patterns_among
from .chunk_tokenizer import ChunkTokenizer
from .simple_tokens import simple_tokens
from .whitespace import Chunks, texts_between


class Ladder:
    """Finds the tokens of chunks. Threads may share one. `alike` names the patterns that are preprocessed all alike."""

    def __init__(self, tokenizer: ChunkTokenizer, lexemes: LexemeCache, alike: Collection[str]) -> None:
        self._tokenizer, self._lexemes, self._alike = tokenizer, lexemes, alike
        self._cases = tokenizer.cases

    def tokens(self, chunks: Chunks, new: Array) -> Iterator[tuple[Array, Ragged]]:
        """Yield, per rung, the indices of the `new` chunks (n,) it can tell, and their tokens as lexeme indices."""
        if self._tokenizer.knows_rules:
            patterns = one_token_patterns(chunks, new)
            is_alike = self._is_alike.take(patterns)
            alike = self._index_of_pattern.take(patterns[is_alike])
            yield new[is_alike], Ragged(alike, np.ones(len(alike), dtype=np.int64))
            new = new[~is_alike]

            places, words = self._word_tokens(chunks, new)
            yield new[places], words
            new = np.delete(new, places)

            found = [simple_tokens(text, self._cases) for text in chunks.texts(new)]
            is_simple = np.array([tokens is not None for tokens in found], dtype=bool)
            tokens = [tokens for tokens in found if tokens is not None]
            lengths = np.array(list(map(len, tokens)), dtype=np.int64)
            yield new[is_simple], Ragged(self._lexemes.indices_of_texts([*chain.from_iterable(tokens)]), lengths)
            new = new[~is_simple]
        if len(new):
            yield new, self._tokenizer.tokens(chunks.texts(new))

    def _word_tokens(self, chunks: Chunks, new: Array) -> tuple[Array, Ragged]:
        """Return which chunks are words with or without a mark: their places in `new`, and their tokens."""
        words, data = marked_words(chunks, new, self._case_keys), chunks.data
        indices = self._lexemes.indices_by(words.keys, lambda i: texts_between(data, words.starts[i], words.ends[i]))
        marks = self._index_of_mark.take(words.marks)
        is_before = (words.marks > 0) & (words.marks <= N_BEFORE)
        pairs = np.stack([np.where(is_before, marks, indices), np.where(is_before, indices, marks)], axis=1)
        lengths = 1 + (words.marks > 0)
        return words.places, Ragged(pairs[np.arange(2) < lengths[:, None]], lengths)

    @cached_property
    def _is_alike(self) -> Array:
        """Whether one lookup serves all chunks of a pattern: bool (n_patterns + 1,)."""
        alike = set(self._alike) - patterns_among(self._cases.tokens)
        return np.array([False, *(name in alike for name in EXAMPLES)])

    @cached_property
    def _case_keys(self) -> HashTable:
        return case_keys(self._cases.tokens)

    @cached_property
    def _index_of_pattern(self) -> Array:
        """The lexeme index of a chunk of each pattern, int32 (n_patterns + 1,)."""
        return np.array([NO_TERM, *self._lexemes.indices_of_texts([*EXAMPLES.values()])], dtype=np.int32)

    @cached_property
    def _index_of_mark(self) -> Array:
        """The lexeme index of each mark, int32 (n_marks + 1,)."""
        return np.array([NO_TERM, *self._lexemes.indices_of_texts(MARKS)], dtype=np.int32)

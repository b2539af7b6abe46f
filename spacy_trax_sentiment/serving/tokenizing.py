"""Chunks between white space to tokens, as a pipeline's tokenizer finds them."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise, repeat
from string import ascii_letters
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import ORTH, SPACY
from spacy.tokenizer import Tokenizer
from spacy.vocab import Vocab

from ..text.hashtable import HashTable
from ..text.lexemes import LexemeMemory, doc_orths, orths_to_rows
from .kinds import EXAMPLES, kinds_among
from .shapes import MARKS, MarkedWords, case_keys, marked_words
from .shortcuts import SpecialCases, knows_rules, simple_tokens, special_cases
from .splitting import Chunks

Array = NDArray[Any]
Split = tuple[tuple[str, ...], tuple[str, ...]]
"""The tokens of a special case, parted in two."""

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
    def whole_kinds(self) -> set[str]:
        """The kinds of chunks, as in `kinds`, of which each is one token."""
        return set() if self._cases is None else set(EXAMPLES) - kinds_among(self._original.rules)

    @cached_property
    def _case_keys(self) -> HashTable | None:
        if self._cases is None or not self._cases.parted.isdisjoint(MARKS):
            return None
        return case_keys(self._cases.tokens)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return _copy(self._original, self._original.rules)

    @cached_property
    def _without_cases(self) -> Tokenizer:
        return _copy(self._original, {})

    @cached_property
    def _case_borders(self) -> dict[int, set[str]]:
        orths = special_cases(self._original.rules).tokens.values()
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
                tokens = self._tokens_but_for_cases(case)
                for i in range(1, len(tokens)):
                    splits.setdefault((tokens[i - 1][-1], tokens[i][0]), set()).add((tokens[:i], tokens[i:]))
        return splits

    def _tokens_but_for_cases(self, text: str) -> tuple[str, ...]:
        tokens = None if self._cases is None else simple_tokens(text, SpecialCases({}, frozenset()))
        return tuple(token.text for token in self._without_cases(text)) if tokens is None else tuple(tokens)

    @cached_property
    def longest_case(self) -> int:
        """The tokens of the longest special case."""
        return max((len(left) + len(right) for splits in self._splits.values() for left, right in splits), default=0)

    @cached_property
    def _in_cases(self) -> Array:
        """bool (65536,): the pairs of bytes within special cases; of letters, only where rules may part a word."""
        table = np.zeros(1 << 16, dtype=bool)
        cases = map(str.encode, self._original.rules)
        table[[first << 8 | second for case in cases for first, second in pairwise(case)]] = True
        if self._cases is not None:
            letters = np.array([ord(letter) for letter in ascii_letters])
            table[letters[:, None] << 8 | letters] = False
        return table

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

    def marked_words(self, chunks: Chunks, indices: Array) -> MarkedWords | None:
        """RETURNS: As `shapes.marked_words`; None where the tokenizer's rules may be others."""
        return None if self._case_keys is None else marked_words(chunks, indices, self._case_keys)

    def may_cross(self, last: Array, first: Array) -> Array:
        """RETURNS: bool (n,): whether a special case may lie across a border, by the bytes before and after it (n,)."""
        pairs = last.astype(np.int64) << 8 | first
        # A first text seldom has need of the splits, which take a while to find.
        return self._may_cross.take(pairs) if self._in_cases.take(pairs).any() else np.zeros(len(pairs), dtype=bool)

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

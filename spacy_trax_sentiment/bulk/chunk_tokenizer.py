"""Chunks between white space to tokens, as a pipeline's tokenizer finds them."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from itertools import pairwise, repeat
from string import ascii_letters
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import ORTH, SPACY
from spacy.tokenizer import Tokenizer
from spacy.vocab import Vocab

from ..text.hash_table import HashTable
from ..text.lexeme_cache import LexemeCache
from .byte_patterns import MARKS, MarkedWords, case_keys, marked_words
from .kinds import EXAMPLES, kinds_among
from .simple_tokens import SpecialCases, knows_rules, simple_tokens, special_cases
from .whitespace import Chunks

Array = NDArray[Any]
Split = tuple[tuple[str, ...], tuple[str, ...]]
"""The tokens of a special case, parted in two."""

# Unseen chunks are tokenized as one text, of about so many characters.
_TEXT_SIZE = 1 << 16


# By so many first characters special cases are looked for.
_CASE_START = 4


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
    def _without_cases(self) -> Tokenizer:
        return _copy(self._original)

    @cached_property
    def _with_cases(self) -> Tokenizer:
        tokenizer = _copy(self._original)
        for case in filter(str.isspace, self._original.rules):
            tokenizer.add_special_case(case, self._original.rules[case])
        return tokenizer

    @cached_property
    def _cases_to_add(self) -> dict[str, list[str]]:
        """The special cases that `_with_cases` lacks, by their first characters; the short ones under ""."""
        cases: dict[str, list[str]] = {}
        for case in self._original.rules:
            if not case.isspace():
                cases.setdefault(case[:_CASE_START] if len(case) >= _CASE_START else "", []).append(case)
        return cases

    @contextmanager
    def _with_cases_of(self, text: str) -> Iterator[Tokenizer]:
        """YIELDS: A tokenizer for the text, or parts of it. What it adds to its vocabulary is gone afterwards."""
        # A special case only matches where its characters follow each other, but for white space. Few ever do, and to
        # add all of them takes as long as to load a pipeline.
        text = "".join(text.split())
        with self._lock:
            waiting = self._cases_to_add
            for start in waiting.keys() & {"", *(text[i : i + _CASE_START] for i in range(len(text)))}:
                cases = [case for case in waiting[start] if case in text]
                for case in cases:
                    self._with_cases.add_special_case(case, self._original.rules[case])
                    waiting[start].remove(case)
            with self._with_cases.vocab.memory_zone():
                yield self._with_cases

    @cached_property
    def _case_borders(self) -> dict[int, set[str]]:
        orths = () if self._cases is None else self._cases.tokens.values()
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

    @cached_property
    def _idle_cases(self) -> list[str]:
        """The special cases of several tokens that come out as they would without them."""
        tokens, parted = special_cases(self._original.rules).tokens, self._tokens_but_for_cases
        with self._lock:
            return [case for case in tokens if len(tokens[case]) > 1 and parted(case) == tokens[case]]

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

    def rows(self, chunks: Sequence[str], lexemes: LexemeCache) -> tuple[Array, Array]:
        """Tokenize chunks, each by itself.

        RETURNS: The rows of all tokens in `lexemes`, int32 (n_tokens,), and how many each chunk has, int64 (n_chunks,).
        """
        with self._with_cases_of("".join(chunks)) as tokenizer:
            groups = [tokenizer(" ".join(group)).to_array([ORTH, SPACY]) for group in self._groups(chunks)]
            for group in groups:
                group[-1, 1] = True  # a chunk ends there, though no space follows
            tokens = np.concatenate(groups)
            rows = lexemes.indices(tokens[:, 0], tokenizer.vocab.strings)
        return rows, np.diff(np.flatnonzero(tokens[:, 1]) + 1, prepend=0)

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

    def rows_of_texts(self, texts: Sequence[str], lexemes: LexemeCache) -> tuple[Array, Array]:
        """Tokenize whole texts. RETURNS: As `rows`, of the texts."""
        with self._with_cases_of("".join(texts)) as tokenizer:
            docs = [tokenizer(text) for text in texts]
            return lexemes.preprocessor.tokens(docs, lexemes)

    def simple_tokens(self, chunks: Sequence[str]) -> Iterable[Sequence[str] | None]:
        """RETURNS: The texts of each chunk's tokens, where they can be told without tokenizing; else None."""
        cases = self._cases
        return repeat(None, len(chunks)) if cases is None else [simple_tokens(chunk, cases) for chunk in chunks]

    def marked_words(self, chunks: Chunks, indices: Array) -> MarkedWords:
        """RETURNS: As `shapes.marked_words`; none where the tokenizer's rules may be others."""
        if self._case_keys is None:
            return marked_words(chunks, indices[:0], HashTable())
        return marked_words(chunks, indices, self._case_keys)

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
        """RETURNS: Whether a special case that lies across the border between the last chunk of `before` and the first
        of `after` may change their tokens. They hold as many chunks as there are, or `longest_case` at the most.
        """
        for left, right in self.touch(before[-1], after[0]):
            n_after = self._n_chunks_of(after, right, forwards=True)
            n_before = self._n_chunks_of(before[::-1], left[::-1], forwards=False)
            if n_before and n_after and any(map(self._has_case, [*before[-n_before:], *after[:n_after]])):
                return True
        return False

    def _n_chunks_of(self, chunks: Sequence[str], tokens: Sequence[str], *, forwards: bool) -> int:
        """RETURNS: How many of the chunks it takes until their tokens, read in this direction, are those given; 0 where
        they begin with others.
        """
        for tokenized in self._tokenized(chunks[0]) if chunks else ():
            found = tokenized if forwards else tokenized[::-1]
            n = min(len(found), len(tokens))
            if found[:n] != tokens[:n]:
                continue
            if n == len(tokens):
                return 1
            if n_more := self._n_chunks_of(chunks[1:], tokens[n:], forwards=forwards):
                return 1 + n_more
        return 0

    def _has_case(self, chunk: str) -> bool:
        """RETURNS: Whether special cases may be matched in the chunk, which another that overlaps would drop."""
        return len(self._tokenized(chunk)) > 1 or any(case in chunk for case in self._idle_cases)

    def _tokenize_both_ways(self, chunk: str) -> set[tuple[str, ...]]:
        """RETURNS: The chunk's tokens before and after special cases are matched."""
        for tokens in self.simple_tokens([chunk]):
            if tokens is not None:
                return {tuple(tokens)}
        with self._with_cases_of(chunk) as tokenizer, self._without_cases.vocab.memory_zone():
            return {tuple(token.text for token in each(chunk)) for each in (tokenizer, self._without_cases)}

    def _in_word(self, inner: str, outer: str, token: str, place: int) -> bool:
        """RETURNS: Whether a token's border would lie between two letters of a word, where no rule but a special case
        puts one.
        """
        letters = inner.isalpha() and outer.isalpha() and (inner + outer).isascii()
        return self._cases is not None and letters and token not in self._case_borders[place]


def _copy(tokenizer: Tokenizer) -> Tokenizer:
    """RETURNS: A tokenizer without special cases and with a vocabulary of its own, which otherwise does the same."""
    return Tokenizer(
        Vocab(),
        prefix_search=tokenizer.prefix_search,
        suffix_search=tokenizer.suffix_search,
        infix_finditer=tokenizer.infix_finditer,
        token_match=tokenizer.token_match,
        url_match=tokenizer.url_match,
        faster_heuristics=tokenizer.faster_heuristics,
    )

"""Find the texts that must be tokenized whole, because of a special case across white space: chunks to text indices.

spaCy matches special cases such as `:)` by their tokens, so it also matches `: )`. It has no rule for that text and
changes nothing in it, but drops other matches that overlap with it. So a chunk with a special case in it may come out
otherwise than alone, if it brings tokens of another case together with its neighbour. The test finds a few texts too
many: of 12,284 tweets, two.
"""

import threading
from collections.abc import Collection, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np

from ..text.arrays import Array
from .chunk_tokenizer import ChunkTokenizer, tokenized, without_cases
from .simple_tokens import hold_case, simple_tokens
from .whitespace import Chunks

_N_REMEMBERED = 1 << 12


class CasesAcross:
    """Finds special cases of a tokenizer across white space. Threads may share one."""

    def __init__(self, tokenizer: ChunkTokenizer) -> None:
        self._cases, self._knows_rules = tokenizer.cases, tokenizer.knows_rules
        self._without_cases = without_cases(tokenizer.original)
        self._lock = threading.Lock()
        self._tokens = lru_cache(_N_REMEMBERED)(self._find_tokens)

    def texts(self, chunks: Chunks) -> list[int]:
        """Return the indices of the texts to tokenize whole, in order."""
        if len(chunks.keys) < 2:
            return []
        codes = np.frombuffer(chunks.data, dtype=np.uint8)
        byte_pairs = codes[chunks.ends[:-1] - 1].astype(np.int64) << 8 | codes[chunks.starts[1:]]
        before = np.flatnonzero(self._may_meet.take(byte_pairs))
        text_ends = np.cumsum(chunks.n_chunks)
        texts, texts_after = (np.searchsorted(text_ends, i, side="right") for i in (before, before + 1))
        before, texts = before[texts == texts_after], texts[texts == texts_after]
        neighbours = zip(texts.tolist(), chunks.texts(before), chunks.texts(before + 1), strict=True)
        return sorted({text for text, first, second in neighbours if self._meet(first, second)})

    @cached_property
    def _borders(self) -> dict[tuple[str, str], set[tuple[str, str]]]:
        """The neighbouring tokens of special cases, by the two characters that meet between them."""
        cases = [case for case in self._cases.tokens if not case.isspace()]
        borders: dict[tuple[str, str], set[tuple[str, str]]] = {}
        for left, right in pairwise(self._tokens_without_cases("\n".join(cases))):
            if "\n" not in (left, right):
                borders.setdefault((left[-1], right[0]), set()).add((left, right))
        return borders

    @cached_property
    def _may_meet(self) -> Array:
        """Whether two bytes, as first * 256 + second, may meet between tokens of a special case: bool (65536,)."""
        table = np.zeros(1 << 16, dtype=bool)
        table[[left.encode()[-1] << 8 | right.encode()[0] for left, right in self._borders]] = True
        return table

    def _meet(self, before: str, after: str) -> bool:
        """Return whether a special case may lie across two neighbouring chunks, and another one within one of them."""
        near: Collection[tuple[str, str]] = self._borders.get((before[-1], after[0]), ())
        borders = [border for border in near if before.endswith(border[0]) and after.startswith(border[1])]
        if not borders or not (self._holds_case(before) or self._holds_case(after)):
            return False
        lasts, firsts = self._tokens(before), self._tokens(after)
        return any(
            (lasts is None or lasts[-1] == left) and (firsts is None or firsts[0] == right) for left, right in borders
        )

    def _holds_case(self, chunk: str) -> bool:
        tokens = self._tokens(chunk)
        return tokens is None or (len(tokens) > 1 and chunk in self._cases.tokens)

    def _find_tokens(self, chunk: str) -> Sequence[str] | None:
        """Return a chunk's tokens before special cases are matched in it, or None if that is not sure."""
        tokens = simple_tokens(chunk, self._cases) if self._knows_rules else self._cases.tokens.get(chunk)
        if tokens is not None:
            return tokens
        tokens = self._tokens_without_cases(chunk)
        return None if hold_case(tokens, self._cases) else tokens

    def _tokens_without_cases(self, text: str) -> list[str]:
        with self._lock, self._without_cases.vocab.memory_zone():
            return [token.text for token in tokenized(self._without_cases, text)]

"""Tokenize chunks and whole texts with spaCy's tokenizer, without memory that grows: texts to lexeme indices."""

import re
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from spacy.attrs import ORTH
from spacy.tokenizer import Tokenizer
from spacy.vocab import Vocab

from ..text.arrays import Array, Ragged
from ..text.lexeme_cache import LexemeCache
from .simple_tokens import knows_rules, special_cases

# spaCy's tokenizer takes time that grows with the square of a run of marks: 0.1 s for 1,000, 7 s for 8,000. Chunks that
# are longer than this are tokenized in pieces, in 2 s per 100,000 characters at most.
LONGEST_CHUNK = 2048
_PIECE = 256
_LONG_CHUNK = re.compile(rf"(\S{{{LONGEST_CHUNK + 1},}})")

# Special cases are looked for by so many of their first characters.
_N_FIRST = 4


class ChunkTokenizer:
    """Tokenizes with a copy of a pipeline's tokenizer. Threads may share one.

    The copy has a vocabulary of its own, from which all that was added is removed after each use. It gets special cases
    only as texts need them: adding the 1,300 of English takes as long as loading a pipeline. `original` is the
    pipeline's tokenizer, and `knows_rules` says whether `simple_tokens` knows its rules other than special cases.
    """

    def __init__(self, tokenizer: Tokenizer, lexemes: LexemeCache) -> None:
        self.original, self.cases = tokenizer, special_cases(tokenizer)
        self.knows_rules = knows_rules(tokenizer)
        self._lexemes = lexemes
        self._lock = threading.Lock()

    def tokens(self, texts: Sequence[str]) -> Ragged:
        """Return the tokens of chunks or whole texts as lexeme indices, int32."""
        with self._lock:
            self._add_cases("".join("".join(texts).split()))  # a special case may match across white space
            tokenizer = self._copy
            with tokenizer.vocab.memory_zone():
                orths = Ragged.of((_orths(tokenizer, text) for text in texts), np.uint64)
                return Ragged(self._lexemes.indices(orths.values, tokenizer.vocab.strings), orths.lengths)

    def _add_cases(self, text: str) -> None:
        """Add the special cases that occur in the text to the copy."""
        starts = {text[i : i + _N_FIRST] for i in range(len(text))}
        for start in self._cases_to_add.keys() & {"", *starts}:
            waiting = self._cases_to_add[start]
            for case in [case for case in waiting if case in text]:
                self._copy.add_special_case(case, self.original.rules[case])
                waiting.remove(case)

    # Made when first needed, as many scorers never do.

    @cached_property
    def _copy(self) -> Tokenizer:
        tokenizer = without_cases(self.original)
        for case in filter(str.isspace, self.cases.tokens):
            tokenizer.add_special_case(case, self.original.rules[case])
        return tokenizer

    @cached_property
    def _cases_to_add(self) -> dict[str, list[str]]:
        """The special cases that the copy does not have yet, by their first characters; the short ones under ""."""
        cases: dict[str, list[str]] = {}
        for case in self.cases.tokens:
            if not case.isspace():
                cases.setdefault(case[:_N_FIRST] if len(case) >= _N_FIRST else "", []).append(case)
        return cases


def _orths(tokenizer: Tokenizer, text: str) -> Array:
    """Return spaCy's hashes of a text's tokens, uint64 (n_tokens,)."""
    if len(text) <= LONGEST_CHUNK:
        return np.asarray(tokenizer(text).to_array(ORTH))
    known: dict[str, Array] = {}  # most pieces of a run are alike
    pieces = list(_pieces(text))
    for piece in pieces:
        if piece not in known:
            known[piece] = tokenizer(piece).to_array(ORTH)
    return np.concatenate([known[piece] for piece in pieces])


def _pieces(text: str) -> Iterator[str]:
    """Yield a text as it is, but long chunks in pieces."""
    for i, part in enumerate(_LONG_CHUNK.split(text)):
        if i % 2:
            yield from (part[start : start + _PIECE] for start in range(0, len(part), _PIECE))
        elif part:
            yield part


def without_cases(tokenizer: Tokenizer) -> Tokenizer:
    """Return a copy of a tokenizer without its special cases and with a vocabulary of its own."""
    return Tokenizer(
        Vocab(),
        prefix_search=tokenizer.prefix_search,
        suffix_search=tokenizer.suffix_search,
        infix_finditer=tokenizer.infix_finditer,
        token_match=tokenizer.token_match,
        url_match=tokenizer.url_match,
        faster_heuristics=tokenizer.faster_heuristics,
    )

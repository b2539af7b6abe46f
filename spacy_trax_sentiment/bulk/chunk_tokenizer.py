"""Tokenize chunks and whole texts with spaCy's tokenizer, without memory that grows: texts to lexeme indices."""

import re
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
from spacy.attrs import ORTH
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..text.arrays import Ragged
from ..text.lexeme_cache import LexemeCache
from .simple_tokens import knows_rules, special_cases

# Special cases are looked for by so many of their first characters.
_N_FIRST = 4

# spaCy takes punctuation off a chunk mark by mark, and reads the rest of the chunk each time: for a chunk of emoji or
# brackets, 0.1 s at 384 characters, 10 s at 4,000. No other thread runs meanwhile.
LONGEST_CHUNK = 384
_PIECE = 128
_WORD = re.compile(r"[^\W_]{3}")
_LONG_CHUNK = re.compile(rf"\S{{{LONGEST_CHUNK + 1},}}")


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
                orths = Ragged.of((tokenized(tokenizer, text).to_array(ORTH) for text in texts), np.uint64)
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


def pieces(text: str) -> list[str]:
    """Return the text, cut within chunks that spaCy's tokenizer would take too long for."""
    cuts = [0]
    for chunk in _LONG_CHUNK.finditer(text):
        between = _WORD.split(chunk[0])
        n_marks = sum(not character.isalnum() for character in between[0] + between[-1])
        if n_marks * len(chunk[0]) > LONGEST_CHUNK**2:
            cuts += range(chunk.start() + _PIECE, chunk.end(), _PIECE)
    return [text[start:end] for start, end in pairwise([*cuts, len(text)])]


def tokenized(make_doc: Callable[[str], Doc], text: str) -> Doc:
    """Return the Doc of a text, made of the Docs of its pieces."""
    docs = list(map(make_doc, pieces(text)))
    if len(docs) == 1:
        return docs[0]
    tokens = [token for doc in docs for token in doc]
    return Doc(docs[0].vocab, [token.text for token in tokens], [bool(token.whitespace_) for token in tokens])


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

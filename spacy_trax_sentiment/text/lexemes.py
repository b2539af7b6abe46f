"""Batches of tokens to batches of ids, where terms depend on tokens alone: each lexeme's part is found out once and
remembered, and what depends on neighbours (negation, bigrams) is composed for a whole batch at a time, in NumPy.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import srsly
from numpy.typing import NDArray
from spacy.attrs import ORTH
from spacy.strings import StringStore, hash_string  # type: ignore[attr-defined]
from spacy.tokens import Doc

from .arrays import ranges, segment_sums, written
from .hashtable import HashTable
from .saving import saved_with_model
from .vocabulary import N_SPECIAL, PAD_ID, UNK

Array = NDArray[Any]

# What a lexeme does to the negation of those after it.
PLAIN, NEGATES, ENDS_NEGATION = ROLES = 0, 1, 2

# Lexemes to remember before all are forgotten: some 12 MB.
MAX_LEXEMES = 1 << 17

# The row of every lexeme that has no term.
_NO_TERM = 0

# Odd, with bits well mixed: 2**64 over the golden ratio (Knuth, TAOCP vol. 3, section 6.4).
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_HALF, _ROLE = np.uint64(32), np.uint64(3)


class Lexeme(NamedTuple):
    """term: What stands for the token; None where nothing does. role: PLAIN, NEGATES or ENDS_NEGATION."""

    term: str | None
    role: int = PLAIN


@saved_with_model
class TokenPreprocessor:
    """A preprocessor whose terms depend on the tokens alone: a subclass says by `lexeme` what a token stands for.

    It is then served from memory: `lexeme` is called once for each different token. A token of white space alone must
    have no term, and the settings must be msgpack's types. A subclass is registered in spaCy's `misc` as any other.

    negation_scope: The terms after a negating one that become negated terms of their own; 0 means none.
    bigram_buckets: Rows of the embedding that neighbouring terms are hashed to; 0 means no bigrams.
    """

    negation_scope: int = 0
    bigram_buckets: int = 0

    def lexeme(self, text: str) -> Lexeme:
        """RETURNS: What the token `text` stands for, the same each time."""
        raise NotImplementedError

    def lexemes(self, texts: Sequence[str]) -> tuple[Sequence[str | None], Sequence[int]]:
        """RETURNS: The terms and the roles of tokens; a subclass that is quicker for many at once may say how."""
        lexemes = list(map(self.lexeme, texts))
        return [term for term, _ in lexemes], [role for _, role in lexemes]

    def __call__(self, doc: Doc) -> list[str]:
        """RETURNS: The terms that the vocabulary numbers: one a token at most, without bigrams, which are hashed."""
        terms = []
        left = 0
        for token in doc:
            term, role = self.lexeme(token.text)
            if term is None:
                continue
            if role == ENDS_NEGATION:
                left = 0
            terms.append(negated(term) if left else term)
            left = self.negation_scope if role == NEGATES else max(left - 1, 0)
        return terms

    def initialize(self) -> None:
        pass

    def to_bytes(self) -> bytes:
        return bytes(srsly.msgpack_dumps(vars(self)))

    def from_bytes(self, data: bytes) -> "TokenPreprocessor":
        vars(self).update(srsly.msgpack_loads(data))
        return self


def negated(term: str | None) -> str:
    """RETURNS: The term as it is named within a negation's scope (Das and Chen 2001, as NLTK's `mark_negation`)."""
    return f"{term}_NEG"


class LexemeMemory:
    """What is known of each lexeme: rows of an array. Threads may share one: rows are only ever added.

    ids, negated_ids: int64 (n_rows,): the id of the term, and of the negated term.
    hashes: uint64 (n_rows,): the hash of a known term, 0 of another, with the role in its lowest two bits.

    Row 0 stands for lexemes that have no term. Lexemes that are alike share a row, as unknown ones mostly do, so that
    there are not many more rows than terms.
    """

    def __init__(self, preprocessor: TokenPreprocessor, vocabulary: Mapping[str, int]) -> None:
        self.preprocessor, self.vocabulary = preprocessor, vocabulary
        # Rows 1 to 3: what is unknown, by its role.
        self.ids = np.array([PAD_ID] + [vocabulary[UNK]] * len(ROLES))
        self.negated_ids = self.ids.copy()
        self.hashes = np.array([0, *ROLES], dtype=np.uint64)
        self._n_rows = len(self.ids)
        self._row_of: dict[tuple[str, int], int] = {}  # of known terms, by their roles
        self._table = HashTable()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._table)

    def rows(self, orths: Array, strings: StringStore | Mapping[int, str]) -> Array:
        """RETURNS: int32 (n,): the row of each of the lexemes `orths` (n,), spaCy's hashes of texts in `strings`.

        The hash of a text is the same in every vocabulary, so pipelines may share a memory.
        """
        rows, unseen = self._table.look_up(orths)
        if len(unseen):
            keys = orths[unseen].tolist()
            new = list(dict.fromkeys(keys))
            new_rows = self._rows([strings[key] for key in new])
            with self._lock:
                self._remember(np.array(new, dtype=np.uint64), np.array(new_rows, dtype=np.int32))
            row_of = dict(zip(new, new_rows, strict=True))
            rows[unseen] = [row_of[key] for key in keys]
        return rows

    def rows_of_texts(self, texts: Sequence[str]) -> list[int]:
        """RETURNS: The row of the lexeme of each text. These are not remembered."""
        different = list(dict.fromkeys(texts))
        row_of = dict(zip(different, self._rows(different), strict=True))
        return [row_of[text] for text in texts]

    def _remember(self, keys: Array, rows: Array) -> None:
        if len(self._table) + len(keys) > MAX_LEXEMES:
            self._table = HashTable()
        _, unseen = self._table.look_up(keys)  # another thread may have been quicker
        self._table.add(keys[unseen], rows[unseen])

    def _rows(self, texts: Sequence[str]) -> list[int]:
        terms, roles = self.preprocessor.lexemes(texts)
        rows = [_NO_TERM if term is None else 1 + role for term, role in zip(terms, roles, strict=True)]
        id_of = self.vocabulary.get
        ids = zip(map(id_of, terms), map(id_of, map(negated, terms)), strict=True)  # type: ignore[arg-type]
        known = [(i, pair) for i, pair in enumerate(ids) if pair != (None, None) and terms[i] is not None]
        new: dict[tuple[str, int], tuple[int | None, int | None]] = {}
        with self._lock:
            for i, pair in known:
                lexeme: Any = (terms[i], roles[i])
                row = self._row_of.get(lexeme)
                if row is None:
                    row = self._row_of[lexeme] = self._n_rows + len(new)
                    new[lexeme] = pair
                rows[i] = row
            if new:
                self._add_rows(new)
        return rows

    def _add_rows(self, new: Mapping[tuple[str, int], tuple[int | None, int | None]]) -> None:
        """new: The ids, where they are known, of the terms and of the negated terms of new lexemes."""
        unknown = self.vocabulary[UNK]
        ids, negated_ids = ([unknown if id is None else id for id in kind] for kind in zip(*new.values(), strict=True))
        # Only known terms have bigrams, and so need a hash.
        hashes = [
            (hash_string(term) >> 2 << 2 if id >= N_SPECIAL else 0) | role
            for (term, role), id in zip(new, ids, strict=True)
        ]
        self.ids = written(self.ids, self._n_rows, np.array(ids))
        self.negated_ids = written(self.negated_ids, self._n_rows, np.array(negated_ids))
        self.hashes = written(self.hashes, self._n_rows, np.array(hashes, dtype=np.uint64))
        self._n_rows += len(new)


def doc_orths(doc: Doc) -> Array:
    """RETURNS: uint64 (n_tokens,): spaCy's hash of each token's text."""
    orths: Array = doc.to_array(ORTH)
    return orths


def orths_to_rows(memory: LexemeMemory, orths: Sequence[Array], strings: StringStore) -> tuple[Array, Array]:
    """RETURNS: The rows of all tokens, int32 (n_tokens,), and the tokens of each text, int64 (n_texts,).

    orths: The `doc_orths` of each text.
    """
    lengths = np.array(list(map(len, orths)), dtype=np.int64)
    return memory.rows(np.concatenate(orths) if orths else np.empty(0, np.uint64), strings), lengths


def compose(memory: LexemeMemory, rows: Array, lengths: Array) -> tuple[Array, Array]:
    """Put together the terms of a batch of texts.

    rows: The rows of all texts' tokens, one text after the other, (n_tokens,).
    lengths: The tokens of each text, (n_texts,).
    RETURNS: int64 ids (n_kinds, n_kept), and how many of the n_kept each text has, (n_texts,). Kept are the tokens that
        have a term. The first kind is the term's id, or the negated term's; the second, where there are bigrams, that
        of the bigram with the term before, and the id of `__PAD__` for a text's first and where either is not known.
    """
    kept = rows != _NO_TERM
    if not kept.all():
        rows, lengths = rows[kept], segment_sums(kept, lengths)
    preprocessor = memory.preprocessor
    hashes = memory.hashes.take(rows)
    terms = memory.ids.take(rows)
    ends = np.cumsum(lengths)
    if preprocessor.negation_scope:
        within = _negated(hashes & _ROLE, ends, preprocessor.negation_scope)
        terms[within] = memory.negated_ids.take(rows[within])
    if not preprocessor.bigram_buckets:
        return terms[np.newaxis], lengths
    ids = np.full((2, len(terms)), PAD_ID)
    ids[0] = terms
    is_known = hashes > _ROLE
    follows = is_known[1:] & is_known[:-1]
    borders = ends[:-1]
    follows[borders[(borders > 0) & (borders < len(terms))] - 1] = False
    second = np.flatnonzero(follows) + 1
    buckets = _buckets(hashes[second - 1], hashes[second], preprocessor.bigram_buckets)
    ids[1, second] = buckets.view(np.int64) + len(memory.vocabulary)
    return ids, lengths


def flatten(ids: Array, lengths: Array) -> tuple[Array, Array]:
    """RETURNS: The ids of `compose` one after the other, without `__PAD__`, and how many each text has."""
    lengths = lengths * len(ids)
    ids = ids.T.ravel()
    real = ids != PAD_ID
    return (ids, lengths) if real.all() else (ids[real], segment_sums(real, lengths))


def _negated(roles: Array, ends: Array, scope: int) -> Array:
    """RETURNS: The indices of the terms that a negation before them reaches; some may come twice."""
    negations = np.flatnonzero(roles == NEGATES)
    if not len(negations):
        return negations
    # Up to the text's end, the next end of a scope, or as far as a negation reaches.
    last = np.minimum(negations + scope, ends[np.searchsorted(ends, negations, side="right")] - 1)
    scope_ends = np.append(np.flatnonzero(roles == ENDS_NEGATION), len(roles))
    last = np.minimum(last, scope_ends[np.searchsorted(scope_ends, negations)] - 1)
    return ranges(negations + 1, last - negations)


def _buckets(first: Array, second: Array, n_buckets: int) -> Array:
    """RETURNS: uint64 (n,): the bucket of each pair of hashes (n,)."""
    pairs = first * _MULTIPLIER + second
    # The product's high half: quicker than a remainder (Lemire 2019, "Fast random integer generation in an interval").
    return np.asarray(((pairs >> _HALF) * np.uint64(n_buckets)) >> _HALF)

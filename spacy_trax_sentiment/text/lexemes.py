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

from .saving import saved_with_model
from .vocabulary import N_SPECIAL, PAD_ID, UNK

Array = NDArray[Any]

# What a lexeme does to the negation of those after it.
PLAIN, NEGATES, ENDS_NEGATION = 0, 1, 2

# Lexemes to remember before all are forgotten: some 25 MB.
MAX_LEXEMES = 1 << 17

# The row of every lexeme that has no term.
_NO_TERM = 0

# Odd, with bits well mixed: 2**64 over the golden ratio (Knuth, TAOCP vol. 3, section 6.4).
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_HALF, _LOW_HALF, _ROLE = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint64(3)


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


def negated(term: str) -> str:
    """RETURNS: The term as it is named within a negation's scope (Das and Chen 2001, as NLTK's `mark_negation`)."""
    return f"{term}_NEG"


class LexemeMemory:
    """What is known of each lexeme: rows of an array. Threads may share one: rows are only ever added.

    known: uint64 (n_rows, 2), so that what is known of a lexeme lies in one line of the processor's cache: the ids of
        the term and, in the high half, of the negated term; and the hash of the term with the role in its lowest two
        bits. Row 0 stands for lexemes that have no term.
    """

    def __init__(self, preprocessor: TokenPreprocessor, vocabulary: Mapping[str, int]) -> None:
        self.preprocessor, self.vocabulary = preprocessor, vocabulary
        self.known = np.zeros((1024, 2), dtype=np.uint64)
        self._n_rows = 1
        self._n_lexemes = 0
        # A hash table with open addressing, as arrays, so that a batch is looked up at once: a dict's scattered
        # objects are not in the processor's cache after a batch was tokenized. 0 is a free slot, and no token's hash.
        self._table = np.zeros(1 << 12, dtype=np.uint64), np.zeros(1 << 12, dtype=np.int32)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._n_lexemes

    def rows(self, orths: Array, strings: StringStore | Mapping[int, str]) -> Array:
        """RETURNS: int32 (n,): the row of each of the lexemes `orths` (n,), spaCy's hashes of texts in `strings`.

        The hash of a text is the same in every vocabulary, so pipelines may share a memory.
        """
        rows, unseen = self._look_up(orths)
        if len(unseen):
            with self._lock:
                for key in dict.fromkeys(orths[unseen].tolist()):
                    self._insert(key, strings)
            rows, _ = self._look_up(orths)
        return rows

    def rows_of_texts(self, texts: Sequence[str]) -> Array:
        """RETURNS: int32 (n,): the row of the lexeme of each text."""
        keys = list(map(hash_string, texts))
        return self.rows(np.array(keys, dtype=np.uint64), dict(zip(keys, texts, strict=True)))

    def _look_up(self, orths: Array) -> tuple[Array, Array]:
        """RETURNS: The rows (n,), and the indices of the lexemes that are not in the table."""
        keys, rows = self._table
        slots = (orths & np.uint64(len(keys) - 1)).view(np.int64)
        found = keys.take(slots)
        missed = np.flatnonzero(found != orths)
        unseen = []
        while len(missed):
            free = found[missed] == 0
            unseen.append(missed[free])
            missed = missed[~free]
            slots[missed] = (slots[missed] + 1) & (len(keys) - 1)
            found[missed] = keys.take(slots[missed])
            missed = missed[found[missed] != orths[missed]]
        return rows.take(slots), np.concatenate(unseen) if unseen else missed

    def _insert(self, key: int, strings: StringStore | Mapping[int, str]) -> None:
        keys, rows = self._table
        if self._n_lexemes * 4 >= len(keys):
            keys, rows = self._table = _rehashed(keys, rows)
        slot = _free_slot(keys, key)
        if slot is not None:
            rows[slot] = self._new_row(strings[key])
            keys[slot] = key  # last, as other threads read without the lock
            self._n_lexemes += 1

    def _new_row(self, text: str) -> int:
        term, role = self.preprocessor.lexeme(text)
        if term is None:
            return _NO_TERM
        row = self._n_rows
        if row == len(self.known):
            # A new array, as another thread may be reading the old one.
            self.known = np.concatenate([self.known, np.zeros_like(self.known)])
        unknown = self.vocabulary[UNK]
        ids = self.vocabulary.get(term, unknown) | self.vocabulary.get(negated(term), unknown) << 32
        self.known[row] = ids, hash_string(term) >> 2 << 2 | role
        self._n_rows += 1
        return row


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
    RETURNS: int32 ids (n_kept, n_columns), and how many of their rows each text has, (n_texts,). Kept are the tokens
        that have a term. Column 0 is the term's id, or the negated term's; column 1, where there are bigrams, that of
        the bigram with the term before, and the id of `__PAD__` for a text's first and where either is not known.
    """
    kept = rows != _NO_TERM
    if not kept.all():
        rows, lengths = rows[kept], segment_sums(kept, lengths)
    starts = np.cumsum(lengths) - lengths
    preprocessor = memory.preprocessor
    known = memory.known.take(rows, axis=0)
    ids = np.empty((len(rows), 2 if preprocessor.bigram_buckets else 1), dtype=np.int32)
    ids[:, 0] = known[:, 0] & _LOW_HALF
    if preprocessor.negation_scope:
        within = _negated(known[:, 1] & _ROLE, starts, lengths, preprocessor.negation_scope)
        ids[within, 0] = known[within, 0] >> _HALF
    if preprocessor.bigram_buckets:
        in_vocabulary = known[:, 0] & _LOW_HALF >= N_SPECIAL
        ids[1:, 1] = _buckets(known[:, 1], preprocessor.bigram_buckets)
        ids[1:, 1] += len(memory.vocabulary)
        ids[1:, 1][~(in_vocabulary[1:] & in_vocabulary[:-1])] = PAD_ID
        ids[starts[lengths > 0], 1] = PAD_ID
    return ids, lengths


def flatten(ids: Array, lengths: Array) -> tuple[Array, Array]:
    """RETURNS: The ids of `compose` one after the other, without `__PAD__`, and how many each text has."""
    lengths = lengths * ids.shape[1]
    ids = ids.ravel()
    real = ids != PAD_ID
    return (ids, lengths) if real.all() else (ids[real], segment_sums(real, lengths))


def segment_sums(values: Array, lengths: Array, dtype: Any = np.int64) -> Array:
    """RETURNS: Shape (n_segments, ...): the sums of consecutive segments of `values`; 0 for an empty one."""
    sums = np.zeros((len(lengths), *values.shape[1:]), dtype=dtype)
    filled = lengths > 0
    if filled.any():
        starts = (np.cumsum(lengths) - lengths)[filled]
        sums[filled] = np.add.reduceat(values, starts, axis=0, dtype=dtype)
    return sums


def _negated(roles: Array, starts: Array, lengths: Array, scope: int) -> Array:
    """RETURNS: The indices of the terms that a negation before them reaches."""
    negating = np.flatnonzero(roles == NEGATES)
    if not len(negating):
        return negating
    # For each term the last negation before it, and the last end of a scope up to it.
    position = np.arange(len(roles))
    negation = np.full(len(roles), -1)
    reaching = negating[negating < len(roles) - 1]
    negation[reaching + 1] = reaching
    negation = np.maximum.accumulate(negation)
    end = np.maximum.accumulate(np.where(roles == ENDS_NEGATION, position, -1))
    first = np.repeat(starts, lengths)
    return np.flatnonzero((negation > end) & (negation >= np.maximum(first, position - scope)))


def _buckets(hashes: Array, n_buckets: int) -> Array:
    """RETURNS: uint64 (n - 1,): the bucket of each pair of neighbours."""
    pairs = hashes[:-1] * _MULTIPLIER + hashes[1:]
    # The product's high half: quicker than a remainder (Lemire 2019, "Fast random integer generation in an interval").
    return np.asarray(((pairs >> _HALF) * np.uint64(n_buckets)) >> _HALF)


def _free_slot(keys: Array, key: int) -> int | None:
    """RETURNS: The slot for the key; None where it has one."""
    slot = key & (len(keys) - 1)
    while (other := int(keys[slot])) != 0:
        if other == key:
            return None
        slot = (slot + 1) & (len(keys) - 1)
    return slot


def _rehashed(keys: Array, rows: Array) -> tuple[Array, Array]:
    """RETURNS: A table of four times as many slots that holds the same."""
    new_keys, new_rows = np.zeros(len(keys) * 4, dtype=keys.dtype), np.zeros(len(rows) * 4, dtype=rows.dtype)
    for old in np.flatnonzero(keys).tolist():
        slot = _free_slot(new_keys, int(keys[old]))
        new_keys[slot], new_rows[slot] = keys[old], rows[old]
    return new_keys, new_rows

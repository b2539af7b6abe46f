"""Tokens to rows of what is known of their lexemes, where terms depend on the token alone: each lexeme's part is found
out once and remembered.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import ORTH
from spacy.strings import (  # type: ignore[attr-defined]
    StringStore,
    hash_string,  # type: ignore[attr-defined]
)
from spacy.tokens import Doc

from .arrays import first_of_each, ranges, written
from .hash_table import HashTable
from .vocabulary import N_SPECIAL, UNK

Array = NDArray[Any]


# Lexemes to remember before all are forgotten: some 12 MB.
MAX_LEXEMES = 1 << 17

# The row of every lexeme that has no term.
NO_TERM = 0


class Texts(Protocol):
    """Hashes to texts, as spaCy's StringStore."""

    def __getitem__(self, key: int, /) -> str: ...


# Odd, with bits well mixed, as in `composition`.
_MULTIPLIER, _HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(32)


# The lowest two bits of a lexeme's hash are its role.
_ROLE = np.uint64(3)


class Contents(NamedTuple):
    """What is known of lexemes by a vocabulary.

    ids: int64 (n_kinds, n): of the first term of each, of the second one, and so on; 0 for none, or an unknown one.
    hashes: uint64 (n,): the hash of the first term where that is known, else 0, with the role in its lowest two bits.
    leanings: int64 (n,). has_term: bool (n,): whether the lexeme has a term, be it unknown.
    """

    ids: Array
    hashes: Array
    leanings: Array
    has_term: Array


class LexemeCache:
    """What is known of each lexeme: rows of arrays. Threads may share one: rows are only ever added.

    ids: int64 (sum of counts,): the ids of the known terms of all rows, one row after the other; `__UNK__` where none
        is known.
    starts, counts: int64 (n_rows,): where each row's ids begin, and how many they are.
    hashes: uint64 (n_rows,): the hash of the first term where that is known, else 0, with the role in its lowest two
        bits.
    leanings: int64 (n_rows,).

    Row 0 stands for lexemes that have no term. Lexemes that are alike share a row, as unknown ones mostly do, so that
    there are not many more rows than terms.
    """

    def __init__(self, preprocessor: Any, vocabulary: Mapping[str, int]) -> None:
        self.preprocessor, self.vocabulary = preprocessor, vocabulary
        self.ids = np.zeros(1024, dtype=np.int64)
        self.starts, self.counts = np.zeros(1024, dtype=np.int64), np.zeros(1024, dtype=np.int64)
        self.hashes = np.zeros(1024, dtype=np.uint64)
        self.leanings = np.zeros(1024, dtype=np.int64)
        self.n_rows = 1
        self._n_ids = 0
        self._row_of_content = HashTable()
        self._table = HashTable()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._table)

    def rows(self, orths: Array, strings: Texts) -> Array:
        """RETURNS: int32 (n,): the row of each of the lexemes `orths` (n,), spaCy's hashes of texts in `strings`.

        The hash of a text is the same in every vocabulary, so pipelines may share a memory.
        """
        return self.rows_by(orths, lambda indices: [strings[key] for key in orths[indices].tolist()])

    def rows_by(self, orths: Array, texts_of: Callable[[Array], list[str]]) -> Array:
        """As `rows`; `texts_of` gives the texts of the lexemes of these indices (n,), which ascend."""
        rows, unseen = self._table.look_up(orths)
        if len(unseen):
            unseen = np.sort(unseen)
            new = unseen[first_of_each(orths[unseen])]
            with self._lock:
                self._remember(orths[new], self._find_out(new, texts_of))
                rows[unseen], _ = self._table.look_up(orths[unseen])
        return rows

    def rows_of_texts(self, texts: Sequence[str]) -> list[int]:
        """RETURNS: The row of the lexeme of each text."""
        orths = np.array(list(map(hash_string, texts)), dtype=np.uint64)
        rows: list[int] = self.rows_by(orths, lambda indices: [texts[i] for i in indices.tolist()]).tolist()
        return rows

    def _remember(self, keys: Array, rows: Array) -> None:
        if len(self._table) + len(keys) > MAX_LEXEMES:
            self._table = HashTable()
        _, unseen = self._table.look_up(keys)  # another thread may have been quicker
        self._table.add(keys[unseen], rows[unseen])

    def _find_out(self, indices: Array, texts_of: Callable[[Array], list[str]]) -> Array:
        """RETURNS: int32 (n,): the rows of new lexemes, of the indices (n,)."""
        return self._rows(contents_of(texts_of(indices), self.preprocessor, self.vocabulary))

    def _rows(self, contents: Contents) -> Array:
        """RETURNS: int32 (n,): the rows of what is known of lexemes, (n,)."""
        ids, hashes, leanings, has_term = contents
        keys = _content_keys(ids, hashes, leanings)
        keys[~has_term] = 0  # a key that a HashTable has already, with the value 0
        rows, unseen = self._row_of_content.look_up(keys)
        if len(unseen):
            new = unseen[first_of_each(keys[unseen])]
            first = self.n_rows
            self._add_rows(ids[:, new], hashes[new], leanings[new])
            self._row_of_content.add(keys[new], np.arange(first, self.n_rows, dtype=np.int32))
            rows[unseen], _ = self._row_of_content.look_up(keys[unseen])
        return rows

    def _add_rows(self, ids: Array, hashes: Array, leanings: Array) -> None:
        """ids: (n_kinds, n): of each row, 0 for none. hashes, leanings: (n,)."""
        ids[0, ~ids.any(axis=0)] = self.vocabulary[UNK]
        counts = np.count_nonzero(ids, axis=0)
        self.ids = written(self.ids, self._n_ids, ids.T[ids.T > 0])
        self.starts = written(self.starts, self.n_rows, self._n_ids + np.cumsum(counts) - counts)
        self.counts = written(self.counts, self.n_rows, counts)
        self.hashes = written(self.hashes, self.n_rows, hashes)
        self.leanings = written(self.leanings, self.n_rows, leanings)
        self._n_ids += int(counts.sum())
        self.n_rows += len(counts)

    def ids_of(self, rows: Array, is_negated: Array) -> tuple[Array, Array]:
        """RETURNS: The ids of rows (n,), one row after the other, and how many each has, (n,).

        is_negated: bool (n,): whether to give the negated terms' ids.
        """
        counts = self.counts.take(rows)
        ids = self.ids.take(ranges(self.starts.take(rows), counts))
        negatable = np.repeat(is_negated, counts) & (ids >= N_SPECIAL)
        return ids + np.where(negatable, len(self.vocabulary), 0), counts


def _content_keys(ids: Array, hashes: Array, leanings: Array) -> Array:
    """RETURNS: uint64 (n,): a hash of what each row holds, never 0. Ids are told apart by their order, not by gaps."""
    keys = ((leanings + 2).astype(np.uint64) * _MULTIPLIER ^ hashes) * _MULTIPLIER
    for of_kind in ids:
        mixed = (keys ^ of_kind.astype(np.uint64)) * _MULTIPLIER
        keys = np.where(of_kind > 0, mixed ^ (mixed >> _HALF), keys)
    return np.asarray(np.maximum(keys, 1))


def doc_orths(doc: Doc) -> Array:
    """RETURNS: uint64 (n_tokens,): spaCy's hash of each token's text."""
    orths: Array = doc.to_array(ORTH)
    return orths


def orths_to_rows(memory: LexemeCache, orths: Sequence[Array], strings: StringStore) -> tuple[Array, Array]:
    """RETURNS: The rows of all tokens, int32 (n_tokens,), and the tokens of each text, int64 (n_texts,).

    orths: The `doc_orths` of each text.
    """
    lengths = np.array(list(map(len, orths)), dtype=np.int64)
    return memory.rows(np.concatenate(orths) if orths else np.empty(0, np.uint64), strings), lengths


def contents_of(texts: Sequence[str], preprocessor: Any, vocabulary: Mapping[str, int]) -> Contents:
    """RETURNS: What is known of the lexemes `texts` (n,)."""
    terms, roles, leanings = preprocessor.side_by_side(texts)
    ids = np.array([[vocabulary.get(term, 0) for term in of_kind] for of_kind in terms], dtype=np.int64)
    ids[ids < N_SPECIAL] = 0
    # Only pairs of known terms are counted, so others need no hash.
    hashed = [hash_string(term) if id else 0 for term, id in zip(terms[0], ids[0].tolist(), strict=True)]
    has_term = np.array([term is not None for term in terms[0]], dtype=bool)
    return Contents(ids, _with_roles(hashed, roles), np.array(leanings, dtype=np.int64), has_term)


def _with_roles(hashes: Sequence[int], roles: Any) -> Array:
    return np.asarray(np.array(hashes, dtype=np.uint64) & ~_ROLE | np.asarray(roles, dtype=np.uint64))

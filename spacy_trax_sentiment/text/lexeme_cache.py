"""Tokens to the indices of their lexemes: the ids, role and leaning of each distinct token, computed once."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from spacy.strings import hash_string  # type: ignore[attr-defined]

from .arrays import Array, Ragged, first_of_each, ranges, written
from .hash_table import HashTable
from .preprocessor import NEGATES, PLAIN, TokenTerms
from .vocabulary import N_SPECIAL, UNK

# Distinct tokens to remember before all of them are forgotten: some 12 MB.
MAX_LEXEMES = 1 << 17

# The index of every token that has no term.
NO_TERM = 0

# Tokens of more characters are looked at one by one.
_LONGEST_OF_SEVERAL = 256

# The lowest two bits of a lexeme's hash are its role.
ROLE = np.uint64(3)

# Odd, with well-mixed bits: 2**64 over the golden ratio (Knuth, TAOCP vol. 3, section 6.4).
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


class Texts(Protocol):
    """Hashes to texts, such as spaCy's StringStore."""

    def __getitem__(self, key: int, /) -> str: ...


class LexemeCache:
    """Maps tokens to indices of lexemes, and holds what is known of each. Threads may share one: it only grows.

    Index 0 stands for tokens without a term. Lexemes that are equal to the model share an index, as most unknown words
    do: there are not many more indices than terms, or, with a preprocessor of pieces, than distinct words.

    Attributes:
        ids: int64: the ids of the known terms of all lexemes, one lexeme after the other; `__UNK__` if none is known.
        starts, counts: int64 (n_lexemes,): where each lexeme's ids begin, and how many they are.
        hashes: uint64 (n_lexemes,): the hash of the first term if that is known, else 0; the role in the lowest two
            bits.
        leanings: int64 (n_lexemes,).
        is_evidence: bool (n_lexemes,): whether a term is known, and the lexeme is more than a mark that ends a clause,
            which a face is. A number is none.
        n_lexemes: The number of different indices.
    """

    def __init__(self, preprocessor: TokenTerms, vocabulary: Mapping[str, int], max_tokens: int = MAX_LEXEMES) -> None:
        """Start empty, and forget all tokens whenever there are more than `max_tokens` distinct ones."""
        self.preprocessor, self.vocabulary, self._max_tokens = preprocessor, vocabulary, max_tokens
        self.ids = np.zeros(1024, dtype=np.int64)
        self.starts, self.counts = np.zeros(1024, dtype=np.int64), np.zeros(1024, dtype=np.int64)
        self.hashes = np.zeros(1024, dtype=np.uint64)
        self.leanings = np.zeros(1024, dtype=np.int64)
        self.is_evidence = np.zeros(1024, dtype=bool)
        self.n_lexemes = 1
        self._n_ids = 0
        self._index_of_contents = HashTable()
        self._index_of_token = HashTable()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return the number of distinct tokens remembered."""
        return len(self._index_of_token)

    def indices(self, orths: Array, strings: Texts) -> Array:
        """Return the index of each token, int32 (n,), from spaCy's hashes `orths` (n,) of texts in `strings`.

        A text has the same hash in every vocabulary, so pipelines may share a cache.
        """
        return self.indices_by(orths, lambda places: [strings[key] for key in orths[places].tolist()])

    def indices_by(self, orths: Array, texts_of: Callable[[Array], list[str]]) -> Array:
        """Like `indices`, but call `texts_of(places)` for the texts of unseen tokens only; the places ascend."""
        indices, unseen = self._index_of_token.look_up(orths)
        if len(unseen):
            unseen = np.sort(unseen)
            new = unseen[first_of_each(orths[unseen])]
            with self._lock:
                self._remember(orths[new], self._indices_of(texts_of(new)))
                indices[unseen], _ = self._index_of_token.look_up(orths[unseen])
        return indices

    def indices_of_texts(self, texts: Sequence[str]) -> Array:
        """Return the index of each token given by its text, int32 (n,)."""
        # The hash of "" is 0, which no HashTable can hold.
        orths = np.array([hash_string(text) or 1 for text in texts], dtype=np.uint64)
        return self.indices_by(orths, lambda places: [texts[i] for i in places.tolist()])

    def _remember(self, keys: Array, indices: Array) -> None:
        if len(self._index_of_token) + len(keys) > self._max_tokens:
            self._index_of_token = HashTable()
        _, unseen = self._index_of_token.look_up(keys)  # another thread may have been quicker
        self._index_of_token.add(keys[unseen], indices[unseen])

    def _indices_of(self, texts: Sequence[str]) -> Array:
        """Return the index of the lexeme of each token, int32 (n,), adding the lexemes that are new."""
        # The terms of some tokens fill a rectangle, so one with many terms is taken alone.
        long = [i for i, text in enumerate(texts) if len(text) > _LONGEST_OF_SEVERAL]
        if not long:
            return self._indices_side_by_side(texts)
        short = [i for i, text in enumerate(texts) if len(text) <= _LONGEST_OF_SEVERAL]
        found = np.zeros(len(texts), dtype=np.int32)
        for places in filter(None, [short, *([i] for i in long)]):
            found[places] = self._indices_side_by_side([texts[i] for i in places])
        return found

    def _indices_side_by_side(self, texts: Sequence[str]) -> Array:
        lexemes, get = self.preprocessor.side_by_side(texts), self.vocabulary.get
        known = [[0 if term is None else get(term, 0) for term in of_place] for of_place in lexemes.terms]
        ids, leanings = np.array(known, dtype=np.int64), np.array(lexemes.leanings, dtype=np.int64)
        ids[ids < N_SPECIAL] = 0
        first_terms = lexemes.terms[0]
        # Only pairs of known terms count, so the others need no hash.
        hashed = [hash_string(term) if id else 0 for term, id in zip(first_terms, ids[0].tolist(), strict=True)]
        hashes = np.array(hashed, dtype=np.uint64) & ~ROLE | np.asarray(lexemes.roles, dtype=np.uint64)
        keys = _contents_keys(ids, hashes, leanings)
        keys[[term is None for term in first_terms]] = 0  # a key that every HashTable holds, with the value 0
        indices, unseen = self._index_of_contents.look_up(keys)
        if len(unseen):
            new = unseen[first_of_each(keys[unseen])]
            first = self.n_lexemes
            self._add(ids[:, new], hashes[new], leanings[new])
            self._index_of_contents.add(keys[new], np.arange(first, self.n_lexemes, dtype=np.int32))
            indices[unseen], _ = self._index_of_contents.look_up(keys[unseen])
        return indices

    def _add(self, ids: Array, hashes: Array, leanings: Array) -> None:
        is_known, roles = ids.any(axis=0), hashes & ROLE
        says_something = (roles == PLAIN) | (roles == NEGATES) | (leanings > 0)
        ids[0, ~is_known] = self.vocabulary[UNK]
        counts = np.count_nonzero(ids, axis=0)
        self.ids = written(self.ids, self._n_ids, ids.T[ids.T > 0])
        self.starts = written(self.starts, self.n_lexemes, self._n_ids + np.cumsum(counts) - counts)
        self.counts = written(self.counts, self.n_lexemes, counts)
        self.hashes = written(self.hashes, self.n_lexemes, hashes)
        self.leanings = written(self.leanings, self.n_lexemes, leanings)
        self.is_evidence = written(self.is_evidence, self.n_lexemes, is_known & says_something)
        self._n_ids += int(counts.sum())
        self.n_lexemes += len(counts)

    def ids_of(self, indices: Array, is_negated: Array) -> Ragged:
        """Return the ids of lexemes (n,), or the ids of their negated terms where `is_negated` (n,) is true."""
        counts = self.counts.take(indices)
        ids = self.ids.take(ranges(self.starts.take(indices), counts))
        negatable = np.repeat(is_negated, counts) & (ids >= N_SPECIAL)
        return Ragged(ids + np.where(negatable, len(self.vocabulary), 0), counts)


def _contents_keys(ids: Array, hashes: Array, leanings: Array) -> Array:
    """Return a hash of each lexeme's contents, uint64 (n,), never 0. The order of the ids counts, gaps do not."""
    keys = ((leanings + 2).astype(np.uint64) * MULTIPLIER ^ hashes) * MULTIPLIER
    for of_place in ids:
        mixed = (keys ^ of_place.astype(np.uint64)) * MULTIPLIER
        keys = np.where(of_place > 0, mixed ^ (mixed >> _HALF), keys)
    return np.asarray(np.maximum(keys, 1))

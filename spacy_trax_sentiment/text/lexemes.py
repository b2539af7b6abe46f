"""Tokens to rows of what is known of their lexemes, where terms depend on the token alone: each lexeme's part is found
out once and remembered.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import zip_longest
from typing import Any, NamedTuple, Protocol

import numpy as np
import srsly
from numpy.typing import NDArray
from spacy.attrs import ORTH
from spacy.strings import StringStore, hash_string  # type: ignore[attr-defined]
from spacy.tokens import Doc

from .arrays import first_of_each, ranges, written
from .forms import Contents, KnownForms, contents_of
from .hashtable import HashTable
from .saving import saved_with_model
from .vocabulary import N_SPECIAL, UNK

Array = NDArray[Any]

# What a lexeme does to the negation of those after it.
PLAIN, NEGATES, ENDS_NEGATION = 0, 1, 2

# The leaning of a lexeme that contrasts what is before it with what is after it, and of one that concedes the clause
# which it begins.
CONTRASTS, CONCEDES = -1, -2

# Lexemes to remember before all are forgotten: some 12 MB.
MAX_LEXEMES = 1 << 17

# The row of every lexeme that has no term.
NO_TERM = 0

# Lexemes to be found out of before what was saved of the known forms is read: that takes as long as some thousands.
_WORTH_FORMS = 2000


class Lexeme(NamedTuple):
    """What stands for a token.

    term: Its term; None where nothing stands for it. role: PLAIN, NEGATES or ENDS_NEGATION.
    more: Further terms of the same token, such as classes that it belongs to.
    leaning: From 1 to the preprocessor's `n_leanings`, or 0 for none: which way the token leans; or CONTRASTS or
        CONCEDES.
    """

    term: str | None
    role: int = PLAIN
    more: tuple[str, ...] = ()
    leaning: int = 0

    @property
    def terms(self) -> tuple[str, ...]:
        """All the terms."""
        return () if self.term is None else (self.term, *self.more)


class Lexemes(NamedTuple):
    """Many lexemes, side by side.

    terms: Of each lexeme its first term, then of each its second one, and so on: at least one list of n_lexemes each;
        None where a lexeme has no more.
    roles, leanings: (n_lexemes,) each.
    """

    terms: Sequence[Sequence[str | None]]
    roles: Sequence[int]
    leanings: Sequence[int]


class Texts(Protocol):
    """Hashes to texts, as spaCy's StringStore."""

    def __getitem__(self, key: int, /) -> str: ...


@saved_with_model
class TokenPreprocessor:
    """A preprocessor whose terms depend on the tokens alone: a subclass says by `lexeme` what a token stands for.

    It is then served from memory: `lexeme` is called once for each different token. A token of white space alone must
    have no term, and the settings must be msgpack's types. A subclass is registered in spaCy's `misc` as any other.

    negation_scope: The tokens after a negating one whose terms become negated terms, with rows of their own; 0: none.
    bigram_buckets: Rows of the embedding that pairs of tokens are hashed to, for each distance; 0 means no pairs.
    bigram_distance: The distances at which tokens are paired: 1 for neighbours alone, 2 with one token skipped too.
    n_leanings: The kinds of tokens of which it counts whether they come before or after a text's last contrast, and
        whether negated; 0 means none.
    """

    negation_scope: int = 0
    bigram_buckets: int = 0
    bigram_distance: int = 1
    n_leanings: int = 0

    @property
    def alike(self) -> frozenset[str]:
        """The kinds of tokens, of "mention", "link" and "number", of which each stands for the same as any other.

        A mention is an `@` and a name, a number all digits. A TextScorer does not look at these one by one.
        """
        return frozenset()

    @property
    def ignores_case(self) -> bool:
        """Whether a word of small ASCII letters stands for the same with a capital first letter, and in capitals."""
        return False

    def surface_forms(self, vocabulary: Iterable[str]) -> list[str]:
        """RETURNS: Tokens that the vocabulary's terms tell of, all different: a model saves what these stand for."""
        return []

    def lexeme(self, text: str) -> Lexeme:
        """RETURNS: What the token `text` stands for, the same each time."""
        raise NotImplementedError

    def lexemes(self, texts: Sequence[str]) -> Iterable[Lexeme]:
        """RETURNS: What each of the tokens stands for; a subclass that is quicker for many at once may say how."""
        return map(self.lexeme, texts)

    def side_by_side(self, texts: Sequence[str]) -> Lexemes:
        """RETURNS: As `lexemes`, in a form that is quicker still to look up."""
        lexemes = list(self.lexemes(texts))
        terms = list(zip_longest(*[lexeme.terms for lexeme in lexemes])) or [(None,) * len(lexemes)]
        return Lexemes(terms, [lexeme.role for lexeme in lexemes], [lexeme.leaning for lexeme in lexemes])

    def __call__(self, doc: Doc) -> list[str]:
        """RETURNS: The terms that the vocabulary numbers: plain ones, as all else is found from their ids."""
        return [term for token in doc for term in self.lexeme(token.text).terms]

    def n_rows(self, n_terms: int) -> int:
        """RETURNS: The rows of the embedding, of a vocabulary's length: of terms, negated terms, pairs, and sides."""
        return self.first_side(n_terms) + 4 * self.n_leanings

    def first_bucket(self, n_terms: int) -> int:
        """RETURNS: The id of the first bucket: before it come the ids of terms, and those of negated terms."""
        return n_terms * 2 if self.negation_scope else n_terms

    def first_side(self, n_terms: int) -> int:
        """RETURNS: The id of a token of leaning 1 before a contrast; negated, after it, and both are the next three."""
        return self.first_bucket(n_terms) + self.bigram_distance * self.bigram_buckets

    def initialize(self) -> None:
        pass

    def to_bytes(self) -> bytes:
        return bytes(srsly.msgpack_dumps(vars(self)))

    def from_bytes(self, data: bytes) -> "TokenPreprocessor":
        vars(self).update(srsly.msgpack_loads(data))
        return self


# Odd, with bits well mixed, as in `composition`.
_MULTIPLIER, _HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(32)


class LexemeMemory:
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

    def __init__(
        self, preprocessor: TokenPreprocessor, vocabulary: Mapping[str, int], forms: bytes | None = None
    ) -> None:
        """forms: What `forms_to_bytes` made of the preprocessor and the vocabulary; without it, all is found out."""
        self.preprocessor, self.vocabulary = preprocessor, vocabulary
        self._forms = forms
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
                self._remember(orths[new], self._find_out(orths[new], new, texts_of))
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

    @cached_property
    def _known_forms(self) -> KnownForms | None:
        return None if self._forms is None else KnownForms(self._forms, self.preprocessor, self.vocabulary)

    def _find_out(self, keys: Array, indices: Array, texts_of: Callable[[Array], list[str]]) -> Array:
        """RETURNS: int32 (n,): the rows of new lexemes, of the hashes `keys` (n,)."""
        rows, is_known = np.zeros(len(keys), dtype=np.int32), np.zeros(len(keys), dtype=bool)
        if len(self) + len(keys) >= _WORTH_FORMS and self._known_forms is not None:
            is_known, contents = self._known_forms.find(keys)
            rows[is_known] = self._rows(contents)
        if not is_known.all():
            contents = contents_of(texts_of(indices[~is_known]), self.preprocessor, self.vocabulary)
            rows[~is_known] = self._rows(contents)
        return rows

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


def orths_to_rows(memory: LexemeMemory, orths: Sequence[Array], strings: StringStore) -> tuple[Array, Array]:
    """RETURNS: The rows of all tokens, int32 (n_tokens,), and the tokens of each text, int64 (n_texts,).

    orths: The `doc_orths` of each text.
    """
    lengths = np.array(list(map(len, orths)), dtype=np.int64)
    return memory.rows(np.concatenate(orths) if orths else np.empty(0, np.uint64), strings), lengths

"""Tokens to rows of what is known of their lexemes, where terms depend on the token alone: each lexeme's part is found
out once and remembered.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import srsly
from numpy.typing import NDArray
from spacy.attrs import ORTH
from spacy.strings import StringStore, hash_string  # type: ignore[attr-defined]
from spacy.tokens import Doc

from .arrays import ranges, written
from .hashtable import HashTable
from .saving import saved_with_model
from .vocabulary import N_SPECIAL, UNK

Array = NDArray[Any]

# What a lexeme does to the negation of those after it.
PLAIN, NEGATES, ENDS_NEGATION = 0, 1, 2

# The leaning of a lexeme that contrasts what is before it with what is after it.
CONTRASTS = -1

# Lexemes to remember before all are forgotten: some 12 MB.
MAX_LEXEMES = 1 << 17

# The row of every lexeme that has no term.
NO_TERM = 0


class Lexeme(NamedTuple):
    """What stands for a token.

    term: Its term; None where nothing stands for it. role: PLAIN, NEGATES or ENDS_NEGATION.
    more: Further terms of the same token, such as classes that it belongs to.
    leaning: From 1 to the preprocessor's `n_leanings`, or 0 for none: which way the token leans; or CONTRASTS.
    """

    term: str | None
    role: int = PLAIN
    more: tuple[str, ...] = ()
    leaning: int = 0

    @property
    def terms(self) -> tuple[str, ...]:
        """All the terms."""
        return () if self.term is None else (self.term, *self.more)


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

    def lexeme(self, text: str) -> Lexeme:
        """RETURNS: What the token `text` stands for, the same each time."""
        raise NotImplementedError

    def lexemes(self, texts: Sequence[str]) -> Iterable[Lexeme]:
        """RETURNS: What each of the tokens stands for; a subclass that is quicker for many at once may say how."""
        return map(self.lexeme, texts)

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


_Known = tuple[tuple[int, ...], int, int]
"""What a row holds: the ids, the hash with the role, and the leaning."""


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

    def __init__(self, preprocessor: TokenPreprocessor, vocabulary: Mapping[str, int]) -> None:
        self.preprocessor, self.vocabulary = preprocessor, vocabulary
        self.ids = np.zeros(1024, dtype=np.int64)
        self.starts, self.counts = np.zeros(1024, dtype=np.int64), np.zeros(1024, dtype=np.int64)
        self.hashes = np.zeros(1024, dtype=np.uint64)
        self.leanings = np.zeros(1024, dtype=np.int64)
        self.n_rows = 1
        self._n_ids = 0
        self._row_of: dict[_Known, int] = {}
        self._row_of_text: dict[str, int] = {}
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
            new_rows = self._rows(self.preprocessor.lexemes([strings[key] for key in new]))
            with self._lock:
                self._remember(np.array(new, dtype=np.uint64), np.array(new_rows, dtype=np.int32))
            row_of = dict(zip(new, new_rows, strict=True))
            rows[unseen] = [row_of[key] for key in keys]
        return rows

    def rows_of_texts(self, texts: Sequence[str]) -> list[int]:
        """RETURNS: The row of the lexeme of each text."""
        row_of = self._row_of_text
        new = [text for text in dict.fromkeys(texts) if text not in row_of]
        row_of_new = dict(zip(new, self._rows(self.preprocessor.lexemes(new)), strict=True))
        rows = [row_of_new[text] if text in row_of_new else row_of[text] for text in texts]
        # What is no word, such as a number or a link, seldom comes again.
        words = {text: row for text, row in row_of_new.items() if text.isalpha()}
        if len(row_of) + len(words) > MAX_LEXEMES:
            self._row_of_text = words  # not emptied, as another thread may be reading it
        else:
            row_of.update(words)
        return rows

    def learn(self, lexemes: Mapping[str, Lexeme]) -> None:
        """Remember what the preprocessor has already said of texts, none of them empty."""
        rows = self._rows(lexemes.values())
        with self._lock:
            self._remember(np.array([*map(hash_string, lexemes)], dtype=np.uint64), np.array(rows, dtype=np.int32))

    def _remember(self, keys: Array, rows: Array) -> None:
        if len(self._table) + len(keys) > MAX_LEXEMES:
            self._table = HashTable()
        _, unseen = self._table.look_up(keys)  # another thread may have been quicker
        self._table.add(keys[unseen], rows[unseen])

    def _rows(self, lexemes: Iterable[Lexeme]) -> list[int]:
        id_of, unknown = self.vocabulary.get, (self.vocabulary[UNK],)
        rows = []
        new: dict[_Known, int] = {}
        with self._lock:
            for term, role, more, leaning in lexemes:
                if term is None:
                    rows.append(NO_TERM)
                    continue
                first = id_of(term, 0)
                # Only pairs of known terms are counted, so others need no hash.
                hashed = hash_string(term) >> 2 << 2 | role if first >= N_SPECIAL else role
                ids = [first] if first >= N_SPECIAL else []
                for each in more:
                    id = id_of(each, 0)
                    if id >= N_SPECIAL:
                        ids.append(id)
                key = tuple(ids) or unknown, hashed, leaning
                row = self._row_of.get(key)
                if row is None:
                    row = new.setdefault(key, self.n_rows + len(new))
                rows.append(row)
            if new:
                self._add_rows(list(new))
                self._row_of.update(new)  # not before, as a subclass's `lexemes` may raise
        return rows

    def _add_rows(self, new: Sequence[_Known]) -> None:
        counts = np.array([len(ids) for ids, _, _ in new])
        self.ids = written(self.ids, self._n_ids, np.array([id for ids, _, _ in new for id in ids]))
        self.starts = written(self.starts, self.n_rows, self._n_ids + np.cumsum(counts) - counts)
        self.counts = written(self.counts, self.n_rows, counts)
        self.hashes = written(self.hashes, self.n_rows, np.array([hashed for _, hashed, _ in new], dtype=np.uint64))
        self.leanings = written(self.leanings, self.n_rows, np.array([leaning for _, _, leaning in new]))
        self._n_ids += int(counts.sum())
        self.n_rows += len(new)

    def ids_of(self, rows: Array, is_negated: Array) -> tuple[Array, Array]:
        """RETURNS: The ids of rows (n,), one row after the other, and how many each has, (n,).

        is_negated: bool (n,): whether to give the negated terms' ids.
        """
        counts = self.counts.take(rows)
        ids = self.ids.take(ranges(self.starts.take(rows), counts))
        negatable = np.repeat(is_negated, counts) & (ids >= N_SPECIAL)
        return ids + np.where(negatable, len(self.vocabulary), 0), counts


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

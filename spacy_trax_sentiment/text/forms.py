"""What the surface forms of a vocabulary stand for, as saved with a model: a known word is then one look-up."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from spacy.strings import hash_string  # type: ignore[attr-defined]

from ..errors import Errors, SentimentError
from .arrays import ranges
from .hashing import murmur_hashes
from .npy import read_arrays, require_small
from .vocabulary import N_SPECIAL

Array = NDArray[Any]

# The lowest two bits of a lexeme's hash are its role.
_ROLE = np.uint64(3)
_TO_CAPITAL = ord("a") - ord("A")
# The most that is saved of a form: 4 bytes for each kind of term, and some for the rest.
_BYTES_A_FORM, _HEADERS = 256, 4096
_CONCEDES = -2  # as in `lexemes`, which imports this


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


class Describing(Protocol):
    """What of a TokenPreprocessor is needed here."""

    @property
    def ignores_case(self) -> bool: ...

    @property
    def n_leanings(self) -> int: ...

    def surface_forms(self, vocabulary: Mapping[str, int], /) -> list[str]: ...

    def side_by_side(self, texts: Sequence[str], /) -> Any: ...


def contents_of(texts: Sequence[str], preprocessor: Describing, vocabulary: Mapping[str, int]) -> Contents:
    """RETURNS: What is known of the lexemes `texts` (n,)."""
    terms, roles, leanings = preprocessor.side_by_side(texts)
    ids = np.array([[vocabulary.get(term, 0) for term in of_kind] for of_kind in terms], dtype=np.int64)
    ids[ids < N_SPECIAL] = 0
    # Only pairs of known terms are counted, so others need no hash.
    hashed = [hash_string(term) if id else 0 for term, id in zip(terms[0], ids[0].tolist(), strict=True)]
    has_term = np.array([term is not None for term in terms[0]], dtype=bool)
    return Contents(ids, _with_roles(hashed, roles), np.array(leanings, dtype=np.int64), has_term)


def forms_to_bytes(preprocessor: Describing, vocabulary: Mapping[str, int]) -> bytes | None:
    """RETURNS: What is known of the preprocessor's surface forms, for `KnownForms`; None where it has none."""
    forms = preprocessor.surface_forms(vocabulary)
    try:
        "".join(forms).encode()
    except UnicodeEncodeError:
        return None  # a vocabulary of a user's may hold lone surrogates; no text does
    if not forms:
        return None
    ids, hashes, leanings, has_term = contents_of(forms, preprocessor, vocabulary)
    # Of the hashes the roles alone, as the terms are in the vocabulary.
    arrays = {"ids": ids.astype(np.uint32), "roles": (hashes & _ROLE).astype(np.uint8)}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays, leanings=leanings.astype(np.int32), has_term=has_term)
    return buffer.getvalue()


class KnownForms:
    """The surface forms of a preprocessor, and what is known of them, found by their hashes."""

    def __init__(self, saved: bytes, preprocessor: Describing, vocabulary: Mapping[str, int]) -> None:
        """saved: What `forms_to_bytes` made of just this preprocessor and vocabulary. vocabulary: In its ids' order."""
        forms = preprocessor.surface_forms(vocabulary)
        try:
            ids, roles, leanings, has_term = _known(saved, len(forms), len(vocabulary), preprocessor.n_leanings)
        except (KeyError, TypeError, ValueError) as error:
            raise SentimentError(Errors.S071.format(path="surface_forms.npz", reason=str(error)[:100])) from None
        self._ids, self._roles, self._leanings, self._has_term = ids.astype(np.int64), roles, leanings, has_term
        self._terms = list(vocabulary)
        keys, of_form = _keys(forms, with_capitals=preprocessor.ignores_case)
        order = np.argsort(keys)
        self._keys, self._of_form = keys[order], of_form[order]

    def find(self, keys: Array) -> tuple[Array, Contents]:
        """keys: uint64 (n,): spaCy's hashes of tokens' texts.

        RETURNS: bool (n,): whether each is a known form; and what is known of those that are.
        """
        places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        is_known = self._keys.take(places) == keys
        found = self._of_form.take(places[is_known])
        ids = self._ids.take(found, axis=1)
        hashed = [hash_string(self._terms[id]) if id else 0 for id in ids[0].tolist()]
        hashes = _with_roles(hashed, self._roles.take(found))
        return is_known, Contents(ids, hashes, self._leanings.take(found), self._has_term.take(found))


def check_forms(saved: bytes, n_terms: int) -> None:
    """Raises ValueError where what `forms_to_bytes` made would be too large, unpacked, for a vocabulary of so many."""
    require_small(saved, _most_bytes(n_terms))


def _most_bytes(n_forms: int) -> int:
    return _BYTES_A_FORM * n_forms + _HEADERS


def _known(saved: bytes, n_forms: int, n_terms: int, n_leanings: int) -> tuple[Array, ...]:
    """Raises ValueError or KeyError where the arrays do not fit the forms, or the vocabulary."""
    arrays = read_arrays(saved, _most_bytes(n_terms))
    ids, roles, leanings, has_term = (arrays[name] for name in ("ids", "roles", "leanings", "has_term"))
    shapes = [ids.shape[1:], roles.shape, leanings.shape, has_term.shape]
    kinds = "".join(array.dtype.kind for array in (ids, roles, leanings, has_term))
    if ids.ndim != 2 or not len(ids) or shapes != [(n_forms,)] * 4 or kinds != "uuib":
        raise ValueError("its arrays are not of the vocabulary's forms")
    if n_forms and (ids.max() >= n_terms or leanings.min() < _CONCEDES or leanings.max() > n_leanings):
        raise ValueError("it tells of terms that there are not")
    return ids, roles, leanings, has_term


def _with_roles(hashes: Sequence[int], roles: Any) -> Array:
    return np.asarray(np.array(hashes, dtype=np.uint64) & ~_ROLE | np.asarray(roles, dtype=np.uint64))


def _keys(forms: Sequence[str], *, with_capitals: bool) -> tuple[Array, Array]:
    """RETURNS: uint64 (n,): hashes of the forms; of words of small ASCII letters also with a capital first letter, and
    in capitals. And int64 (n,): the index of each one's form.
    """
    encoded = list(map(str.encode, forms))
    lengths = np.array(list(map(len, encoded)), dtype=np.int64)
    starts = np.cumsum(lengths + 1) - lengths - 1
    codes = np.frombuffer(b" ".join([*encoded, b" " * 8]), dtype=np.uint8).copy()  # eight more, as in `split`
    keys, indices = [murmur_hashes(codes.tobytes(), starts, lengths)], [np.arange(len(forms))]
    if with_capitals:
        is_small = (codes >= ord("a")) & (codes <= ord("z"))
        words = np.flatnonzero(
            np.logical_and.reduceat(is_small, np.stack([starts, starts + lengths], axis=1).ravel())[::2]
        )
        starts, lengths = starts[words], lengths[words]
        for letters in (starts, ranges(starts + 1, lengths - 1)):
            codes[letters] -= _TO_CAPITAL
            keys.append(murmur_hashes(codes.tobytes(), starts, lengths))
            indices.append(words)
    return np.concatenate(keys), np.concatenate(indices)

"""Rows of tokens to the ids of texts: what depends on neighbours, negation and pairs, for a whole batch at a time."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arrays import ranges, segment_sums
from .lexemes import ENDS_NEGATION, NEGATES, NO_TERM, LexemeMemory
from .vocabulary import PAD_ID

Array = NDArray[Any]

# Odd, with bits well mixed: 2**64 over the golden ratio (Knuth, TAOCP vol. 3, section 6.4).
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_HALF, _ROLE = np.uint64(32), np.uint64(3)


class Composed(NamedTuple):
    """A batch of texts, put together of the tokens that have a term.

    rows: The tokens' rows in a LexemeMemory, one text after the other, (n_tokens,).
    is_negated: bool (n_tokens,): whether a negation reaches the token.
    pairs: int64 (n_distances, n_tokens): the id of the pair with the token 1, 2, ... before; the id of `__PAD__` where
        that is another text's, and where either's first term is not known.
    lengths: int64 (n_texts,): the tokens of each text.
    """

    rows: Array
    is_negated: Array
    pairs: Array
    lengths: Array


def compose(memory: LexemeMemory, rows: Array, lengths: Array) -> Composed:
    """Put together a batch of texts.

    rows: The rows of all texts' tokens, one text after the other, (n_tokens,).
    lengths: The tokens of each text, (n_texts,).
    """
    kept = rows != NO_TERM
    if not kept.all():
        rows, lengths = rows[kept], segment_sums(kept, lengths)
    preprocessor = memory.preprocessor
    hashes = memory.hashes.take(rows)
    ends = np.cumsum(lengths)
    is_negated = np.zeros(len(rows), dtype=bool)
    if preprocessor.negation_scope:
        is_negated[_negated(hashes & _ROLE, ends, preprocessor.negation_scope)] = True
    n_buckets = preprocessor.bigram_buckets
    pairs = np.full((preprocessor.bigram_distance if n_buckets else 0, len(rows)), PAD_ID)
    if n_buckets:
        is_known = hashes > _ROLE
        hashes = hashes + is_negated * _MULTIPLIER
        starts = ends - lengths
        first = preprocessor.first_bucket(len(memory.vocabulary))
        for i, of_distance in enumerate(pairs):
            paired = is_known.copy()
            paired[i + 1 :] &= is_known[: -i - 1]
            paired[ranges(starts, np.minimum(lengths, i + 1))] = False
            second = np.flatnonzero(paired)
            buckets = _buckets(hashes[second - i - 1], hashes[second], n_buckets)
            of_distance[second] = buckets.view(np.int64) + (first + i * n_buckets)
    return Composed(rows, is_negated, pairs, lengths)


def composed_ids(memory: LexemeMemory, composed: Composed) -> tuple[Array, Array]:
    """RETURNS: All ids of the texts, one text after the other, and how many each text has, (n_texts,)."""
    rows, is_negated, pairs, lengths = composed
    ids, counts = memory.ids_of(rows, is_negated)
    text = np.repeat(np.arange(len(lengths)), lengths)
    real = pairs != PAD_ID
    ids = np.concatenate([ids, pairs[real]])
    texts = np.concatenate([np.repeat(text, counts), np.broadcast_to(text, pairs.shape)[real]])
    return ids[np.argsort(texts, kind="stable")], np.bincount(texts, minlength=len(lengths))


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

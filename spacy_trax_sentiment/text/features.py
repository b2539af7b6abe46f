"""Rows of tokens to the ids of texts: what depends on neighbours, negation and pairs, for a whole batch at a time."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .arrays import ranges, segment_sums
from .lexeme_cache import NO_TERM, LexemeCache
from .preprocessor import CONTRASTS, ENDS_NEGATION, NEGATES
from .vocabulary import PAD_ID

Array = NDArray[Any]

# Odd, with bits well mixed: 2**64 over the golden ratio (Knuth, TAOCP vol. 3, section 6.4).
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
# A contrast, or concession, is between what stands near it.
CONTRAST_REACH = 30
_HALF, _ROLE = np.uint64(32), np.uint64(3)


class Composed(NamedTuple):
    """A batch of texts, put together of the tokens that have a term.

    rows: The tokens' rows in a LexemeCache, one text after the other, (n_tokens,).
    is_negated: bool (n_tokens,): whether a negation reaches the token.
    context: int64 (n_kinds, n_tokens): further ids that a token has from its neighbours, that of `__PAD__` for none.
        First those of the pairs with the tokens 1, 2, ... before, where these are the same text's and the first terms
        of both are known; then, where there are leanings, that of the token's side of the text's last contrast, or
        where it holds none, concession.
    lengths: int64 (n_texts,): the tokens of each text.
    """

    rows: Array
    is_negated: Array
    context: Array
    lengths: Array


def compose(memory: LexemeCache, rows: Array, lengths: Array) -> Composed:
    """Put together a batch of texts.

    rows: The rows of all texts' tokens, one text after the other, (n_tokens,).
    lengths: The tokens of each text, (n_texts,).
    """
    kept = rows != NO_TERM
    if not kept.all():
        rows, lengths = rows[kept], segment_sums(kept, lengths)
    preprocessor = memory.preprocessor
    hashes = memory.hashes.take(rows)
    roles = hashes & _ROLE
    ends = np.cumsum(lengths)
    is_negated = np.zeros(len(rows), dtype=bool)
    if preprocessor.negation_scope:
        is_negated[_negated(roles, ends, preprocessor.negation_scope)] = True
    n_buckets = preprocessor.bigram_buckets
    n_distances = preprocessor.bigram_distance if n_buckets else 0
    context = np.full((n_distances + (preprocessor.n_leanings > 0), len(rows)), PAD_ID)
    if preprocessor.n_leanings:
        first = preprocessor.first_side(len(memory.vocabulary))
        _set_sides(context[-1], memory.leanings.take(rows), roles, is_negated, ends, first)
    if n_buckets:
        is_known = hashes > _ROLE
        hashes = hashes + is_negated * _MULTIPLIER
        starts = ends - lengths
        first = preprocessor.first_bucket(len(memory.vocabulary))
        for i, of_distance in enumerate(context[:n_distances]):
            paired = is_known.copy()
            paired[i + 1 :] &= is_known[: -i - 1]
            paired[ranges(starts, np.minimum(lengths, i + 1))] = False
            second = np.flatnonzero(paired)
            buckets = _buckets(hashes[second - i - 1], hashes[second], n_buckets)
            of_distance[second] = buckets.view(np.int64) + (first + i * n_buckets)
    return Composed(rows, is_negated, context, lengths)


def composed_ids(memory: LexemeCache, composed: Composed) -> tuple[Array, Array]:
    """RETURNS: All ids of the texts, one text after the other, and how many each text has, (n_texts,)."""
    rows, is_negated, context, lengths = composed
    ids, counts = memory.ids_of(rows, is_negated)
    text = np.repeat(np.arange(len(lengths)), lengths)
    real = context != PAD_ID
    ids = np.concatenate([ids, context[real]])
    texts = np.concatenate([np.repeat(text, counts), np.broadcast_to(text, context.shape)[real]])
    small = texts.astype(np.uint16) if len(lengths) < 1 << 16 else texts  # NumPy sorts these by radix
    return ids[np.argsort(small, kind="stable")], np.bincount(texts, minlength=len(lengths))


def context_tokens(memory: LexemeCache, composed: Composed) -> Iterator[tuple[Array, Array, Array]]:
    """YIELDS: For each kind of context its ids (n,), those of `__PAD__` left out, and the indices (n,) of the first and
    of the second token that each comes from: the pair's two, or twice the one on a side of a contrast.
    """
    preprocessor = memory.preprocessor
    n_distances = preprocessor.bigram_distance if preprocessor.bigram_buckets else 0
    for i, ids in enumerate(composed.context):
        second = np.flatnonzero(ids != PAD_ID)
        yield ids[second], second - i - 1 if i < n_distances else second, second


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


def _set_sides(ids: Array, leanings: Array, roles: Array, is_negated: Array, ends: Array, first: int) -> None:
    """Write the ids (n_tokens,) of tokens that lean either way, near enough to their text's last contrast, or to its
    last concession where it holds no contrast. What comes before a contrast, and the clause that is conceded, is one
    side, and the rest the other.
    """
    marks = np.flatnonzero(leanings < 0)
    if not len(marks):
        return
    texts = np.searchsorted(ends, marks, side="right")
    order = np.lexsort((marks, leanings[marks], texts))  # CONTRASTS is more than CONCEDES
    is_last = np.append(texts[order[1:]] != texts[order[:-1]], True)
    marks, texts = marks[order[is_last]], texts[order[is_last]]
    starts = np.where(texts > 0, ends[texts - 1], 0)
    clause_ends = np.append(np.flatnonzero(roles == ENDS_NEGATION), len(roles))
    clause_ends = clause_ends[np.searchsorted(clause_ends, marks, side="right")]
    is_contrast = leanings[marks] == CONTRASTS
    from_, to = np.where(is_contrast, [starts, marks], [marks, clause_ends])
    n_before, n_after = (np.minimum(n, CONTRAST_REACH) for n in (marks - starts, ends[texts] - marks - 1))
    n_near = n_before + n_after + 1
    near = ranges(marks - n_before, n_near)
    is_other = (near < np.repeat(from_, n_near)) | (near >= np.repeat(to, n_near))
    leans = leanings[near] > 0
    near, is_other = near[leans], is_other[leans]
    ids[near] = first + 4 * (leanings[near] - 1) + 2 * is_other + is_negated[near]


def _buckets(first: Array, second: Array, n_buckets: int) -> Array:
    """RETURNS: uint64 (n,): the bucket of each pair of hashes (n,)."""
    pairs = first * _MULTIPLIER + second
    # The product's high half: quicker than a remainder (Lemire 2019, "Fast random integer generation in an interval").
    return np.asarray(((pairs >> _HALF) * np.uint64(n_buckets)) >> _HALF)

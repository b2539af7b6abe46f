"""Tokens to ids, a batch of texts at a time: what depends on neighbours, that is negation, pairs and contrast."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .arrays import Array, Ragged, ranges
from .lexeme_cache import MULTIPLIER, NO_TERM, ROLE, LexemeCache
from .preprocessor import ANSWERS, ASKS, CLOSES_TAG, CONCEDES, CONTRASTS, ENDS_NEGATION, NEGATES, OPENS_TAG
from .ratings import EMPTY, HYPHEN, NUMBER, STARS, THUMBS, graded
from .vocabulary import PAD_ID

# How many tokens a contrast or concession reaches, either way.
CONTRAST_REACH = 30
_HALF = np.uint64(32)


class Features(NamedTuple):
    """A batch of texts, reduced to the tokens that have a term.

    Attributes:
        indices: The tokens' indices in a LexemeCache, one text after the other, (n_tokens,).
        is_negated: bool (n_tokens,): whether a negation reaches the token.
        context: int64 (n_contexts, n_tokens): extra ids each token gets from its context; `__PAD__` if none. There is
            one row per bigram distance; then, if the preprocessor has leanings, one for the side of the text's last
            contrast (or concession) the token is on; then, if it is informal, one for the rating that the token ends.
        lengths: int64 (n_texts,): the number of tokens of each text.
    """

    indices: Array
    is_negated: Array
    context: Array
    lengths: Array


def compose(cache: LexemeCache, tokens: Ragged) -> Features:
    """Return the features of a batch of texts, given as indices of lexemes in the cache."""
    indices, lengths = tokens.kept(have_terms(cache, tokens))
    preprocessor = cache.preprocessor
    hashes, leanings = cache.hashes.take(indices), cache.leanings.take(indices)
    roles = hashes & ROLE
    ends = np.cumsum(lengths)
    is_negated = np.zeros(len(indices), dtype=bool)
    if preprocessor.negation_scope:
        is_negation = roles == NEGATES
        if preprocessor.informal:
            is_negation &= ~_answers(leanings, ends)
        is_negated[_negated(is_negation, roles, ends, preprocessor.negation_scope)] = True
    n_buckets = preprocessor.bigram_buckets
    n_distances = preprocessor.bigram_distance if n_buckets else 0
    n_others = (preprocessor.n_leanings > 0) + preprocessor.informal
    context = np.full((n_distances + n_others, len(indices)), PAD_ID)
    if preprocessor.n_leanings:
        first = preprocessor.first_side(len(cache.vocabulary))
        _set_sides(context[n_distances], leanings, roles, is_negated, ends, first)
    if preprocessor.informal:
        _set_ratings(context[-1], leanings, ends, cache)
    if n_buckets:
        is_known = hashes > ROLE
        hashes = hashes + is_negated.astype(np.uint64) * MULTIPLIER
        first = preprocessor.first_bucket(len(cache.vocabulary))
        for i, of_distance in enumerate(context[:n_distances]):
            paired = is_known.copy()
            paired[i + 1 :] &= is_known[: -i - 1]
            paired[ranges(ends - lengths, np.minimum(lengths, i + 1))] = False
            second = np.flatnonzero(paired)
            buckets = _buckets(hashes[second - i - 1], hashes[second], n_buckets)
            of_distance[second] = buckets.view(np.int64) + (first + i * n_buckets)
    return Features(indices, is_negated, context, lengths)


def have_terms(cache: LexemeCache, tokens: Ragged) -> Array:
    """Return which tokens have a term, bool (n_tokens,): all but those without one, and the names of HTML tags."""
    has_term = tokens.values != NO_TERM
    if cache.preprocessor.informal:
        leanings = cache.leanings.take(tokens.values)
        is_mark = (leanings == OPENS_TAG) | (leanings == CLOSES_TAG)
        if is_mark.any():
            has_term &= ~is_mark
            names = np.flatnonzero((leanings[:-2] == OPENS_TAG) & (leanings[2:] == CLOSES_TAG)) + 1
            ends = np.cumsum(tokens.lengths)
            has_term[names[np.searchsorted(ends, names - 1, "right") == np.searchsorted(ends, names + 1, "right")]] = 0
    return np.asarray(has_term)


def end_ratings(cache: LexemeCache, tokens: Ragged) -> Array:
    """Return which tokens, of those that have a term, end a rating across tokens, bool (n_tokens,)."""
    ids = np.full(len(tokens.values), PAD_ID)
    _set_ratings(ids, cache.leanings.take(tokens.values), np.cumsum(tokens.lengths), cache)
    return np.asarray(ids != PAD_ID)


def feature_ids(cache: LexemeCache, features: Features) -> Ragged:
    """Return all ids of each text: those of its lexemes, in order, then those from context."""
    indices, is_negated, context, lengths = features
    ids, counts = cache.ids_of(indices, is_negated)
    text = np.repeat(np.arange(len(lengths)), lengths)
    real = context != PAD_ID
    ids = np.concatenate([ids, context[real]])
    texts = np.concatenate([np.repeat(text, counts), np.broadcast_to(text, context.shape)[real]])
    return Ragged(ids[np.argsort(texts, kind="stable")], np.bincount(texts, minlength=len(lengths)))


def context_tokens(cache: LexemeCache, features: Features) -> Iterator[tuple[Array, Array, Array]]:
    """Yield, per context row, its non-padding ids (n,) and the two tokens behind each (for a contrast the same)."""
    preprocessor = cache.preprocessor
    n_distances = preprocessor.bigram_distance if preprocessor.bigram_buckets else 0
    for i, ids in enumerate(features.context):
        second = np.flatnonzero(ids != PAD_ID)
        yield ids[second], second - i - 1 if i < n_distances else second, second


def _negated(is_negation: Array, roles: Array, ends: Array, scope: int) -> Array:
    """Return the indices of the tokens that a negation before them reaches; some may come twice."""
    negations = np.flatnonzero(is_negation)
    if not len(negations):
        return negations
    # A negation ends at the text's end, the next end of a scope, or after `scope` tokens.
    last = np.minimum(negations + scope, ends[np.searchsorted(ends, negations, side="right")] - 1)
    scope_ends = np.append(np.flatnonzero(roles == ENDS_NEGATION), len(roles))
    last = np.minimum(last, scope_ends[np.searchsorted(scope_ends, negations)] - 1)
    return ranges(negations + 1, last - negations)


def _answers(leanings: Array, ends: Array) -> Array:
    """Return which tokens are a "no" right after a question: such an answer negates nothing."""
    asked = np.append(False, leanings[:-1] == ASKS)[: len(leanings)]
    asked[ends[ends < len(leanings)]] = False
    return np.asarray(asked & (leanings == ANSWERS))


def _set_sides(ids: Array, leanings: Array, roles: Array, is_negated: Array, ends: Array, first: int) -> None:
    """Mark opinion words with the side of the text's last "but" they are on, or of its last "although" if none.

    The conceded clause counts as "before". Writes into `ids` (n_tokens,).
    """
    marks = np.flatnonzero((leanings == CONTRASTS) | (leanings == CONCEDES))
    if not len(marks):
        return
    texts = np.searchsorted(ends, marks, side="right")
    order = np.lexsort((marks, leanings[marks], texts))  # CONTRASTS sorts after CONCEDES
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


def _set_ratings(ids: Array, leanings: Array, ends: Array, cache: LexemeCache) -> None:
    """Give the last token of each rating across tokens the id of its grade. Writes into `ids` (n_tokens,)."""
    maybe = np.flatnonzero((leanings <= STARS) & (leanings >= EMPTY))
    before = leanings[np.maximum(maybe - 1, 0)]
    maybe = maybe[(leanings[maybe] <= THUMBS) | (before <= NUMBER) | (before == HYPHEN)]
    borders = np.append(0, ends)
    # Not `np.unique`, whose first call imports numpy.ma, for 40 ms of the first text.
    for text in sorted(set(np.searchsorted(ends, maybe, side="right").tolist())):
        start, end = borders[text : text + 2].tolist()
        for place, grade in graded(leanings[start:end].tolist()).items():
            ids[start + place] = cache.vocabulary.get(grade, PAD_ID)


def _buckets(first: Array, second: Array, n_buckets: int) -> Array:
    """Return the bucket of each pair of hashes, uint64 (n,)."""
    pairs = first * MULTIPLIER + second
    # The product's high half, faster than a remainder (Lemire 2019, "Fast Random Integer Generation in an Interval").
    return np.asarray(((pairs >> _HALF) * np.uint64(n_buckets)) >> _HALF)

"""A Doc to the contributions that its scores are the sum of, each with the tokens it comes from."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model

from ..model.columns import narrowed_contributions, narrowed_prior
from ..model.folded import Folded, centred
from ..model.inputs import Tokens, doc_tokens, evidence, scored, token_preprocessor
from ..model.thinc_model import folds, lexeme_matrix
from ..text.arrays import Array
from ..text.features import Features, compose, context_tokens, have_terms
from ..text.lexeme_cache import LexemeCache


class Parts(NamedTuple):
    """The parts that sum to the scores of a Doc.

    Attributes:
        own: float64 (n_tokens, width + 1): what each token adds by itself: its row of the folded matrix, with the
            number of counted terms in the last column.
        shared: float64 (n_pairs, width + 1): what two tokens add together.
        first, last: int64 (n_pairs,): these two tokens.
        folded: Turns the sum of all of these into scores. For a layer that does not fold, `own` and `shared` are
            integrated gradients, and this only adds the bias.
    """

    own: Array
    shared: Array
    first: Array
    last: Array
    folded: Folded


@dataclass
class Contributions:
    """The contributions to the scores of a Doc, found when they are first needed.

    Integrated gradients take a hundred times as long as the scores of a layer that does not fold.

    Attributes:
        negated: bool (n_tokens,): the tokens that a negation reaches.
        known: bool (n_tokens,): the tokens that count as evidence, because the model knows a term of theirs.
        find: Finds the parts.
        score: Finds the log-probabilities, if that is quicker without the parts.
        needs_evidence: Whether the parts of other tokens do not count where there is no evidence.
    """

    negated: Array
    known: Array
    find: Callable[[], Parts]
    score: Callable[[], Array] | None = None
    needs_evidence: bool = False

    @cached_property
    def parts(self) -> Parts:
        """The parts that sum to the scores."""
        return self.find()

    @cached_property
    def log_probabilities(self) -> Array | None:
        """The Doc's, float64 (n_labels,), if they can be found without the parts, else None."""
        return None if self.score is None else self.score()


def doc_contributions(model: Model[Any, Any], doc: Doc) -> Contributions:
    """Return the contributions to a Doc's scores by the model, or raise SentimentError if it cannot be explained."""
    tokens = indices, cache = doc_tokens(model, [doc])
    places = np.flatnonzero(have_terms(cache, indices))
    spans = token_preprocessor(model).spans(doc)
    first, last = (each[places] for each in spans)
    features = compose(cache, indices)
    negated, known = np.zeros(len(doc), dtype=bool), np.zeros(len(doc), dtype=bool)
    negated[first[features.is_negated]] = True
    known[first[evidence(tokens)[places]]] = True
    if folds(model):
        # At once, because that takes no longer than what is above, and further training would change the matrix.
        found = _summed(len(doc), *_of_matrix(model, cache, features, first, last))
        return Contributions(negated, known, lambda: found, needs_evidence=cache.preprocessor.informal)
    return Contributions(
        negated,
        known,
        lambda: _summed(len(doc), *_of_layer(model, tokens, spans, known)),
        lambda: np.log(np.maximum(scored(model, tokens).probabilities[0], np.finfo(np.float32).tiny), dtype=np.float64),
    )


Part = tuple[Array, Array, Array]
"""Values (n, width + 1), and the first and the last token of each, int64 (n,)."""


def _summed(n_tokens: int, parts: list[Part], folded: Folded) -> Parts:
    """Return what each token adds by itself, and what pairs of tokens do."""
    own = np.zeros((n_tokens, parts[0][0].shape[1]))
    shared = []
    for values, one, other in parts:
        alone = one == other
        if not alone.any():
            shared.append((values, one, other))
            continue
        if not alone.all():
            shared.append((values[~alone], one[~alone], other[~alone]))
            values, one = values[alone], one[alone]
        for column, added in zip(own.T, values.T, strict=True):  # five times as fast as `np.add.at` on all columns
            column += np.bincount(one, added, minlength=n_tokens)
    nothing = own[:0], np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    values, first, last = map(np.concatenate, zip(nothing, *shared, strict=True))
    return Parts(own, values, first, last, folded)


def _of_matrix(
    model: Model[Any, Any], cache: LexemeCache, features: Features, first: Array, last: Array
) -> tuple[list[Part], Folded]:
    """Return the rows of the folded matrix for tokens and for each kind of context."""
    matrix = lexeme_matrix(model, cache)
    parts = [(matrix.rows(features), first, last)]
    for ids, one, other in context_tokens(cache, features):
        parts.append((matrix.folded.matrix.take(ids, axis=0), first[one], last[other]))
    return parts, matrix.folded


def _of_layer(
    model: Model[Any, Any], tokens: Tokens, spans: tuple[Array, Array], known: Array
) -> tuple[list[Part], Folded]:
    """Return the integrated gradients of all ids that tokens stand behind, and the two tokens of each.

    Those of tokens that are `known`, bool (n_tokens,), count as evidence. Without any, a span has the prior.
    """
    from .integrated_gradients import integrated_gradients

    preprocessor, prior = token_preprocessor(model), model.attrs["label_prior"]
    first, last = preprocessor.id_tokens(*tokens)
    of_tokens = first >= 0
    if prior is not None and not known.any():
        found = np.zeros((len(first), len(prior))), centred(np.log(prior))
    else:
        found = integrated_gradients(model, preprocessor.token_ids(*tokens).values, of_tokens)
    gradients, bias = (narrowed_contributions(each, model.attrs["columns"]) for each in found)
    one, other = spans[0][first[of_tokens]], spans[1][last[of_tokens]]
    values = np.column_stack([gradients[of_tokens], known[one]])
    narrowed = narrowed_prior(prior, model.attrs["columns"])
    return [(values, one, other)], Folded(values[:0], bias, None, None if narrowed is None else np.log(narrowed), 0.0)

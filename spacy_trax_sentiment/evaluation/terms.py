"""A folded model to its strongest terms: what each says for a label by itself, in log-odds (natural logarithm)."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model

from ..model.folded import Folded, dense, relu
from ..model.thinc_model import docs_to_ids, folded_classifier
from ..text.token_preprocessor import TokenPreprocessor
from ..text.vocabulary import N_SPECIAL

Array = NDArray[Any]

_DOCS_AT_A_TIME = 512

NEGATED = "not … "
"""What is put before a term to name the one that stands for it where a negation reaches it."""


class Term(NamedTuple):
    """weight: What a text of this term alone scores for the label, less what an empty one does: of two labels, the
    log-odds of it against the other; of more, its log-probability less the labels' mean. occurrences: In the texts.
    """

    text: str
    weight: float
    occurrences: int


def strongest_terms(
    model: Model[Any, Any], labels: Iterable[str], docs: Iterable[Doc], *, n: int = 15, min_count: int = 2
) -> dict[str, list[Term]]:
    """Find the terms that speak loudest for each label, of those that texts hold; pairs of tokens have no names.

    labels: Of the model's columns. docs: The texts that the terms are counted in.
    n: The most terms of a label. min_count: Leave out those that occur less often, of which little is known.
    RETURNS: By label, the strongest first; nothing at all for a model that does not fold.
    """
    if "layer" in model.attrs:
        return {}
    vocabulary, preprocessor = model.attrs["vocabulary"], model.attrs["preprocessor"]
    names = sorted(vocabulary, key=vocabulary.__getitem__)
    if isinstance(preprocessor, TokenPreprocessor) and preprocessor.negation_scope:
        names += [f"{NEGATED}{name}" for name in names]
    counts = _counts(model, docs, len(names))
    candidates = np.flatnonzero(counts >= min_count)
    candidates = candidates[candidates % len(vocabulary) >= N_SPECIAL]
    weights = label_weights(folded_classifier(model), candidates)
    found = {}
    for column, label in enumerate(labels):
        order = np.argsort(-weights[:, column], kind="stable")[:n]
        found[label] = [
            Term(names[candidates[i]], float(weights[i, column]), int(counts[candidates[i]]))
            for i in order
            if weights[i, column] > 0
        ]
    return found


def label_weights(folded: Folded, ids: Array) -> Array:
    """RETURNS: float64 (n_terms, n_labels): the `Term.weight` of each of the ids, (n_terms,), for each label."""
    rows, bias = folded.table[ids, :-1].astype(np.float64), np.asarray(folded.bias, dtype=np.float64)
    if folded.output is not None:
        rows = dense(relu(rows + bias), *folded.output) - dense(relu(bias), *folded.output)
    centred = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(2 * centred if rows.shape[1] == 2 else centred)


def _counts(model: Model[Any, Any], docs: Iterable[Doc], n_names: int) -> Array:
    counts = np.zeros(n_names, dtype=np.int64)
    for ids in docs_to_ids(model, docs):
        np.add.at(counts, ids[ids < n_names], 1)
    return counts

"""A trained classifier to a smaller one: the embedding folded to the width that scoring needs, weak terms left out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model

from ..text.vocabulary import N_SPECIAL
from .scoring import fold
from .thinc_model import get_weights, set_weights


def fold_embedding(model: Model[Any, Any]) -> None:
    """Replace E and the layer after the mean by their product and the identity.

    A mean of rows times a matrix is the mean of the rows times the matrix: the scores stay, to rounding. The embedding
    is then as wide as the labels are many, or the hidden layer is.
    """
    weights = get_weights(model)
    first = "W_hidden" if "W_hidden" in weights else "W"
    width = weights[first].shape[1]
    # As a plain mean, since a masked one's table leaves out the special terms.
    table = fold(weights, "plain").table[:, :width]
    _replace(model, {**weights, "E": table, first: np.eye(width, dtype=np.float32)})


def keep_terms(model: Model[Any, Any], n_terms: int) -> None:
    """Leave out the vocabulary's weakest terms; texts then score as if these were unknown.

    A term is weak where its row of the embedding, through the layer after the mean, lies near the mean of all rows:
    such a term moves a text's scores the least. Buckets of bigrams stay, as their rows are found by hashing.

    n_terms: The terms to keep; the special ones come on top.
    """
    vocabulary: dict[str, int] = model.attrs["vocabulary"]
    weights = get_weights(model)
    first = weights["W_hidden"] if "W_hidden" in weights else weights["W"]
    rows = fold(weights, "plain").table[N_SPECIAL : len(vocabulary), : first.shape[1]]
    # What moves all labels alike moves no probability.
    moves = rows - rows.mean(axis=1, keepdims=True) if "W_hidden" not in weights else rows
    strength = np.abs(moves - moves.mean(axis=0)).max(axis=1)
    kept = np.sort(np.argsort(-strength, kind="stable")[:n_terms]) + N_SPECIAL
    ids = np.concatenate([np.arange(N_SPECIAL), kept, np.arange(len(vocabulary), len(weights["E"]))])
    terms = sorted(vocabulary, key=vocabulary.__getitem__)
    new = {terms[i]: row for row, i in enumerate(ids[: N_SPECIAL + len(kept)].tolist())}
    _replace(model, {**weights, "E": weights["E"][ids]})
    model.attrs["vocabulary"] = new


def _replace(model: Model[Any, Any], weights: Mapping[str, NDArray[Any]]) -> None:
    for name in weights:
        model.set_grad(name, None) if model.has_grad(name) else None
    set_weights(model, weights)
    model.attrs["embedding_dim"] = weights["E"].shape[1]

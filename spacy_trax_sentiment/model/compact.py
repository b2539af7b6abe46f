"""A trained classifier to a smaller one: the embedding folded to the width that scoring needs, weak terms dropped."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from thinc.api import Model

from ..errors import Errors, SentimentError
from ..text.arrays import Array
from ..text.vocabulary import N_SPECIAL
from .files import model_to_files
from .folded import fold
from .inputs import lexeme_cache
from .parameters import get_weights, set_weights
from .stored_weights import stored
from .thinc_model import folds


def fold_embedding(model: Model[Any, Any]) -> None:
    """Replace E and the layer after the mean by their product and the identity.

    The scores stay the same up to rounding, because the mean is linear. The embedding is then as wide as there are
    labels, or as the hidden layer.
    """
    weights = get_weights(model)
    first = "W_hidden" if "W_hidden" in weights else "W"
    width = weights[first].shape[1]
    # Fold as a plain mean: the matrix of a masked one has zeros for the special terms.
    folded = fold(weights, "plain").matrix[:, :width]
    _replace(model, {**weights, "E": folded, first: np.eye(width, dtype=np.float32)})


def keep_terms(model: Model[Any, Any], n_terms: int) -> None:
    """Keep the `n_terms` strongest terms besides the special ones. Texts then score as if the others were unknown.

    A term is weak if its row of the folded matrix, and that of the negated term, lie near the mean of all rows: such a
    term moves a text's scores the least. The buckets of pairs stay, because their rows are found by hashing.
    """
    vocabulary: dict[str, int] = model.attrs["vocabulary"]
    weights = get_weights(model)
    first = weights["W_hidden"] if "W_hidden" in weights else weights["W"]
    moves = fold(weights, "plain").matrix[:, : first.shape[1]]
    if "W_hidden" not in weights:
        moves = moves - moves.mean(axis=1, keepdims=True)  # what moves all labels alike moves no probability
    first_bucket = _first_bucket(model)
    # The rows of the terms, then those of the negated terms, if there are any.
    starts = range(0, first_bucket, len(vocabulary))
    by_term = [moves[start : start + len(vocabulary)] for start in starts]
    strength = np.max([np.abs(rows - rows.mean(axis=0)).max(axis=1) for rows in by_term], axis=0)[N_SPECIAL:]
    kept = np.sort(np.argsort(-strength, kind="stable")[:n_terms]) + N_SPECIAL
    ids = np.concatenate([np.arange(N_SPECIAL), kept])
    rows = np.concatenate([*(ids + start for start in starts), np.arange(first_bucket, len(weights["E"]))])
    terms = sorted(vocabulary, key=vocabulary.__getitem__)
    _replace(model, {**weights, "E": weights["E"][rows]})
    model.attrs["vocabulary"] = {terms[i]: row for row, i in enumerate(ids.tolist())}


def _first_bucket(model: Model[Any, Any]) -> int:
    return lexeme_cache(model).preprocessor.first_bucket(len(model.attrs["vocabulary"]))


def _replace(model: Model[Any, Any], weights: Mapping[str, Array]) -> None:
    set_weights(model, weights)
    model.attrs["embedding_dim"] = weights["E"].shape[1]


def compact_files(model: Model[Any, Any], cfg: dict[str, Any], max_bytes: int) -> int:
    """Fold the embedding, store it as float16, drop as few terms as make the files fit, and return their size in bytes.

    The weights of a layer that does not fold are stored as int8, and all terms are kept: what a term does depends on
    the others. A model whose files do not fit raises SentimentError, and is of no use.
    """
    if folds(model):
        fold_embedding(model)
        cfg["weights_dtype"] = "float16"
    else:
        cfg["weights_dtype"] = "int8"
        # From now on the model is what will be loaded.
        set_weights(model, {name: stored(value, "int8") for name, value in get_weights(model).items()})
    size = files_size(model, cfg)
    while size > max_bytes:
        n_terms = len(model.attrs["vocabulary"]) - N_SPECIAL if folds(model) else 0
        if not n_terms:
            raise SentimentError(Errors.S075.format(size=f"{size / 1e6:.3f}", most=max_bytes / 1e6))
        # Terms take similar numbers of bytes, so that one or two rounds reach the size.
        per_term = _bytes_of_terms(model) / n_terms
        keep_terms(model, max(0, n_terms - max(1, int((size - max_bytes) / per_term))))
        size = files_size(model, cfg)
    return size


def files_size(model: Model[Any, Any], cfg: Mapping[str, Any]) -> int:
    """Return the number of bytes of the model's files."""
    return sum(map(len, model_to_files(model, cfg).values()))


def _bytes_of_terms(model: Model[Any, Any]) -> int:
    vocabulary = model.attrs["vocabulary"]
    rows_per_term = _first_bucket(model) // len(vocabulary)
    of_weights = 2 * model.attrs["embedding_dim"] * rows_per_term * (len(vocabulary) - N_SPECIAL)
    of_words: int = sum(len(json.dumps(term)) + 3 for term in list(vocabulary)[N_SPECIAL:])
    return int(of_weights) + of_words

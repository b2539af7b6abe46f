"""A trained classifier to a smaller one: the embedding folded to the width that scoring needs, weak terms left out."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model

from ..errors import Errors, SentimentError
from ..text.token_preprocessor import TokenPreprocessor
from ..text.vocabulary import N_SPECIAL
from .files import model_to_files
from .folded import fold
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
    such a term moves a text's scores the least, and so does the negated term. Buckets of pairs stay, as their rows are
    found by hashing.

    n_terms: The terms to keep; the special ones come on top.
    """
    vocabulary: dict[str, int] = model.attrs["vocabulary"]
    weights = get_weights(model)
    first = weights["W_hidden"] if "W_hidden" in weights else weights["W"]
    table = fold(weights, "plain").table[:, : first.shape[1]]
    # What moves all labels alike moves no probability.
    moves = table - table.mean(axis=1, keepdims=True) if "W_hidden" not in weights else table
    first_bucket = _first_bucket(model)
    # Of each term: its row, and where there are any, that of the negated term.
    by_term = [moves[start : start + len(vocabulary)] for start in range(0, first_bucket, len(vocabulary))]
    strength = np.max([np.abs(rows - rows.mean(axis=0)).max(axis=1) for rows in by_term], axis=0)[N_SPECIAL:]
    kept = np.sort(np.argsort(-strength, kind="stable")[:n_terms]) + N_SPECIAL
    ids = np.concatenate([np.arange(N_SPECIAL), kept])
    starts = np.arange(0, first_bucket, len(vocabulary))
    rows = np.concatenate([*(ids + start for start in starts), np.arange(first_bucket, len(weights["E"]))])
    terms = sorted(vocabulary, key=vocabulary.__getitem__)
    _replace(model, {**weights, "E": weights["E"][rows]})
    new = {terms[i]: row for row, i in enumerate(ids.tolist())}
    model.attrs["vocabulary"] = new


def _first_bucket(model: Model[Any, Any]) -> int:
    preprocessor, n_terms = model.attrs["preprocessor"], len(model.attrs["vocabulary"])
    return preprocessor.first_bucket(n_terms) if isinstance(preprocessor, TokenPreprocessor) else n_terms


def _replace(model: Model[Any, Any], weights: Mapping[str, NDArray[Any]]) -> None:
    set_weights(model, weights)
    model.attrs["embedding_dim"] = weights["E"].shape[1]


def compact_files(model: Model[Any, Any], cfg: dict[str, Any], max_bytes: int) -> int:
    """Fold the embedding, store as float16, and leave out as few terms as make the files fit.

    cfg: The component's settings; its `weights_dtype` is set.
    RETURNS: The bytes that the model's files then take.

    Raises SentimentError where the model does not fold, and where its files do not fit without any term either; it is
    then of no further use.
    """
    if "layer" in model.attrs:
        raise SentimentError(Errors.S076.format(layer=model.attrs["layer"]))
    fold_embedding(model)
    cfg["weights_dtype"] = "float16"
    size = files_size(model, cfg)
    while size > max_bytes:
        n_terms = len(model.attrs["vocabulary"]) - N_SPECIAL
        if not n_terms:
            raise SentimentError(Errors.S075.format(size=f"{size / 1e6:.3f}", most=max_bytes / 1e6))
        # Bytes a term are nearly even, so that one or two rounds reach the size.
        a_term = _bytes_of_terms(model) / n_terms
        keep_terms(model, max(0, n_terms - max(1, int((size - max_bytes) / a_term))))
        size = files_size(model, cfg)
    return size


def files_size(model: Model[Any, Any], cfg: Mapping[str, Any]) -> int:
    """RETURNS: The bytes of the model's files."""
    return sum(map(len, model_to_files(model, cfg).values()))


def _bytes_of_terms(model: Model[Any, Any]) -> int:
    vocabulary = model.attrs["vocabulary"]
    rows_a_term = _first_bucket(model) // len(vocabulary)
    of_weights = 2 * model.attrs["embedding_dim"] * rows_a_term * (len(vocabulary) - N_SPECIAL)
    of_words: int = sum(len(json.dumps(term)) + 3 for term in list(vocabulary)[N_SPECIAL:])
    return int(of_weights) + of_words

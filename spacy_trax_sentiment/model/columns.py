"""A model narrowed to some of its labels: the columns it keeps, and its scores over these alone.

`model.attrs["columns"]` holds the columns, or None for all. The weights stay whole, so that nothing is lost on saving.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from thinc.api import Model

from ..text.arrays import Array
from .folded import centred, log_softmax


def set_columns(model: Model[Any, Any], columns: list[int] | None) -> None:
    """Narrow a model, and those that it asks, to these columns; None for all."""
    for each in (model, *model.layers):
        each.attrs["columns"] = columns


def narrowed_weights(weights: Mapping[str, Any], columns: list[int] | None) -> Mapping[str, Any]:
    """Return an additive classifier's weights with only these columns of the last layer."""
    if columns is None:
        return weights
    return {**weights, "W": weights["W"][:, columns], "b": weights["b"][columns]}


def narrowed_prior(prior: Sequence[float] | None, columns: list[int] | None) -> Sequence[float] | None:
    """Return the probabilities of a text without evidence, (n_labels,), among these labels alone."""
    if prior is None or columns is None:
        return prior
    total = sum(prior[column] for column in columns)
    return [prior[column] / total for column in columns]


def narrowed_log_probabilities(scores: Array, columns: list[int] | None) -> Array:
    """Return log-probabilities (n_texts, n_labels) among these labels alone."""
    return scores if columns is None else log_softmax(np.asarray(scores[:, columns], dtype=np.float64))


def narrowed_contributions(values: Array, columns: list[int] | None) -> Array:
    """Return contributions (..., n_labels) to these labels' log-probabilities less the mean of these alone."""
    return values if columns is None else centred(values[..., columns])

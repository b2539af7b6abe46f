"""The ids of one text to their contributions by a layer that does not fold: integrated gradients.

The method is that of Sundararajan et al. (2017), "Axiomatic Attribution for Deep Networks". ONNX Runtime computes the
gradients of a saved model, and JAX those of one that was not saved yet.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from thinc.api import Model

from ..errors import Errors, SentimentError
from ..model.folded import centred
from ..model.layer_scores import Differentiable, differentiable
from ..model.parameters import get_weights
from ..text.arrays import Array
from ..text.vocabulary import N_SPECIAL

COMPLETENESS = 1e-2
"""The most by which the contributions' sum may miss the difference they explain, in log-odds."""

# Points between the baseline and the text: more are tried until the sum is close enough.
_STEPS = (8, 32, 128, 512, 2048)
_POINTS_AT_A_TIME, _IDS_AT_A_TIME = 32, 4096


def integrated_gradients(model: Model[Any, Any], ids: Array, of_tokens: Array | None = None) -> tuple[Array, Array]:
    """Attribute the scores of one text to its ids (n_ids,), by a model whose layer does not fold.

    Scores are attributed to the ids that are known and stand for a token, `of_tokens` (n_ids,), or None for all. The
    baseline is the text with these embedded as zeros. The integral along the straight line from there is a sum by
    Gauss's quadrature over as many points as `COMPLETENESS` needs.

    If the layer has no embedding of the terms, or the sum does not come close enough, SentimentError is raised.

    Returns:
        Each id's contribution to the log-probabilities less their mean over the labels, float64 (n_ids, n_labels), 0
        for unknown terms; and the rest, float64 (n_labels,): the scores at the baseline, and what the sum misses.
    """
    known, n_labels = (ids >= N_SPECIAL) & (True if of_tokens is None else of_tokens), model.get_dim("nO")
    layer = differentiable(model)
    if not layer.tables:
        raise SentimentError(Errors.S046.format(layer=model.attrs["layer"]))
    line = _Line(layer, {name: get_weights(model)[name] for name in layer.tables}, ids, known)
    start, end = centred(line.scores(np.array([0, 1], dtype=np.float32)))
    for n_steps in _STEPS:
        contributions = line.integral(n_steps, n_labels)
        if np.abs(contributions.sum(axis=0) - (end - start)).max() < COMPLETENESS:
            return contributions, end - contributions.sum(axis=0)
    raise SentimentError(Errors.S047.format(layer=model.attrs["layer"], n_steps=n_steps))


class _Line:
    """The straight line from the baseline (point 0) to a text (point 1).

    A batch holds the text at several points. Each of its places has an id, and so a row of the tables, of its own.
    """

    def __init__(self, layer: Differentiable, tables: dict[str, Array], ids: Array, known: Array) -> None:
        self._layer, self._ids, self._known = layer, ids, known
        self._special = {name: table[:N_SPECIAL] for name, table in tables.items()}
        self._rows = {name: table.take(ids, axis=0) for name, table in tables.items()}

    def scores(self, points: Array) -> Array:
        """Return the log-probabilities at some points, (n_points, n_labels)."""
        return self._layer.predict(*self._at(points))

    def integral(self, n_steps: int, n_labels: int) -> Array:
        """Return each id's contribution to the centred scores, float64 (n_ids, n_labels), by a number of points."""
        total = np.zeros((len(self._ids), n_labels))
        for points, weights in _batches(n_steps, len(self._ids)):
            ids, tables = self._at(points)
            for label in range(n_labels - 1):  # the last label's are what makes each row sum to 0
                direction = np.full((len(points), n_labels), -1 / n_labels, dtype=np.float32)
                direction[:, label] += 1
                found = self._layer.contribute(ids, tables, direction)
                # The contribution is of the rows at a point, which are that part of the text's own.
                total[:, label] += (weights / points) @ found.astype(np.float64)
        total[:, -1] = -total.sum(axis=1)
        return total * self._known[:, None]

    def _at(self, points: Array) -> tuple[Array, dict[str, Array]]:
        """Return the ids (n_points, n_ids) of the text at some points, and the tables that these are rows of."""
        places = np.arange(len(points) * len(self._ids), dtype=np.int32).reshape(len(points), -1)
        ids = np.where(self._ids >= N_SPECIAL, N_SPECIAL + places, self._ids).astype(np.int32)
        # Ids that get no contribution keep their own rows at every point.
        scale = np.where(self._known, points.astype(np.float32)[:, None], np.float32(1))[:, :, None]
        own = {name: (scale * rows).reshape(-1, rows.shape[1]) for name, rows in self._rows.items()}
        return ids, {name: np.concatenate([self._special[name], rows]) for name, rows in own.items()}


def _batches(n_steps: int, n_ids: int) -> Iterator[tuple[Array, Array]]:
    """Yield points between 0 and 1 and their weights, as many at a time as memory allows."""
    points, weights = _quadrature(n_steps)
    size = max(1, min(_POINTS_AT_A_TIME, _IDS_AT_A_TIME // n_ids))
    for start in range(0, n_steps, size):
        yield points[start : start + size], weights[start : start + size]


@lru_cache
def _quadrature(n_steps: int) -> tuple[Array, Array]:
    """Return points between 0 and 1 and their weights: a few of Gauss's, or many midpoints."""
    if n_steps > 32:
        return (np.arange(n_steps) + 0.5) / n_steps, np.full(n_steps, 1 / n_steps)
    points, weights = np.polynomial.legendre.leggauss(n_steps)
    return (points + 1) / 2, weights / 2

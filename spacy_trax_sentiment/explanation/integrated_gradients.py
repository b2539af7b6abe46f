"""The ids of one text to their contributions by a layer that does not fold: integrated gradients, computed by Trax.

The method is that of Sundararajan et al. (2017), "Axiomatic Attribution for Deep Networks".
"""

from functools import lru_cache
from typing import Any

import numpy as np
from thinc.api import Model

from ..errors import Errors, SentimentError
from ..model.padding import bucket_length
from ..model.parameters import get_architecture, get_weights
from ..model.trax_layers import initialized_layer, leaf_names
from ..text.arrays import Array
from ..text.vocabulary import N_SPECIAL, PAD_ID

COMPLETENESS = 1e-2
"""The most by which the contributions' sum may miss the difference they explain, in log-odds."""

# Points between the baseline and the text: more are tried until the sum is close enough.
_STEPS = (32, 128, 512, 2048)
_POINTS_AT_A_TIME = 32


def integrated_gradients(model: Model[Any, Any], ids: Array) -> tuple[Array, Array]:
    """Attribute the scores of one text to its ids (n_ids,), by a model whose layer does not fold.

    The baseline is the text with its known terms embedded as zeros. The integral along the straight line from there is
    a sum over midpoints, as many as `COMPLETENESS` needs.

    If the layer has no embedding of the terms, or the sum does not come close enough, SentimentError is raised.

    Returns:
        Each id's contribution to the log-probabilities less their mean over the labels, float64 (n_ids, n_labels), 0
        for unknown terms; and the rest, float64 (n_labels,): the scores at the baseline, and what the sum misses.
    """
    prior, known = model.attrs["label_prior"], ids >= N_SPECIAL
    contributions = np.zeros((len(ids), model.get_dim("nO")))
    if prior is not None and not known.any():
        return contributions, _centred(np.log(prior))
    path = _path(get_architecture(model))
    weights = get_weights(model)
    padded = np.full((1, bucket_length(len(ids))), PAD_ID, dtype=np.int32)
    # Each position gets an id, and so a row, of its own.
    padded[0, : len(ids)] = np.where(known, N_SPECIAL + np.arange(len(ids)), ids)
    rows = {name: _rows_of(weights[name], ids, known, padded.shape[1]) for name in path.embeddings}
    start, end = (_centred(path.scores(weights, rows, padded, np.float32(point))) for point in (0, 1))
    for n_steps in _STEPS:
        points = ((np.arange(n_steps) + 0.5) / n_steps).astype(np.float32).reshape(-1, _POINTS_AT_A_TIME)
        sums: Any = sum(np.asarray(path.gradients(weights, rows, padded, each), np.float64) for each in points)
        contributions = _centred(sums[: len(ids)] / n_steps * known[:, None])
        if np.abs(contributions.sum(axis=0) - (end - start)).max() < COMPLETENESS:
            return contributions, end - contributions.sum(axis=0)
    raise SentimentError(Errors.S047.format(layer=model.attrs["layer"], n_steps=n_steps))


def _centred(scores: Any) -> Array:
    scores = np.asarray(scores, dtype=np.float64)
    return np.asarray(scores - scores.mean(axis=-1, keepdims=True))


def _rows_of(embedding: Array, ids: Array, known: Array, length: int) -> tuple[Array, Array]:
    """Return the rows of the special terms, and those of the text's positions, (length, width), 0 if unknown."""
    rows = np.zeros((length, embedding.shape[1]), dtype=np.float32)
    rows[: len(ids)][known] = embedding[ids[known]]
    return embedding[:N_SPECIAL], rows


class _Path:
    """A layer's scores and their gradients along the line from the baseline to a text."""

    def __init__(self, architecture: Any) -> None:
        from ..model.trax_backend import jax

        layer = initialized_layer(architecture)
        names = leaf_names(architecture, layer)
        values, structure = jax.tree_util.tree_flatten(layer.weights)
        self.embeddings = tuple(
            name for name, value in zip(names, values, strict=True) if value.shape[:1] == (architecture.n_terms,)
        )
        if not self.embeddings or any(values[names.index(name)].ndim != 2 for name in self.embeddings):
            raise SentimentError(Errors.S046.format(layer=architecture.layer))
        state, jnp = layer.state, jax.numpy

        def scores(weights: Any, rows: Any, ids: Any, point: Any) -> Any:
            tables = {name: jnp.concatenate([special, point * own]) for name, (special, own) in rows.items()}
            leaves = jax.tree_util.tree_unflatten(structure, [tables.get(name, weights.get(name)) for name in names])
            return layer.pure_fn(ids, leaves, state, jax.random.PRNGKey(0))[0][0]

        def contributions(weights: Any, rows: Any, ids: Any, point: Any) -> Any:
            def of_rows(own: Any) -> Any:
                tables = {name: (special, own[name]) for name, (special, _) in rows.items()}
                return scores(weights, tables, ids, np.float32(1))

            own = {name: each for name, (_, each) in rows.items()}
            gradients = jax.jacrev(of_rows)(jax.tree_util.tree_map(lambda each: point * each, own))
            return sum(jnp.einsum("kld,ld->lk", gradients[name], own[name]) for name in own)

        def sum_of_contributions(weights: Any, rows: Any, ids: Any, points: Any) -> Any:
            return jax.vmap(lambda point: contributions(weights, rows, ids, point))(points).sum(axis=0)

        self.scores, self.gradients = jax.jit(scores), jax.jit(sum_of_contributions)


_path = lru_cache(maxsize=16)(_Path)

"""Shares of a layer that does not fold: integrated gradients (Sundararajan et al. 2017) of its embedding, by Trax."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model

from ..errors import Errors, SentimentError
from ..model.padding import bucket_length
from ..model.thinc_model import get_architecture, get_weights
from ..model.trax_layers import initialized_layer
from ..text.vocabulary import N_SPECIAL, PAD_ID

Array = NDArray[Any]

COMPLETENESS = 1e-2
"""How far the shares' sum may be from the difference that they explain, in log-odds."""

# Points on the way from the baseline to the text; more where these do not do.
_STEPS = (32, 128, 512, 2048)
_POINTS_AT_A_TIME = 32


def integrated_gradients(model: Model[Any, Any], ids: Array) -> tuple[Array, Array]:
    """Share out the scores of one text among its ids.

    The baseline is the text whose known terms are embedded as zeros. The integral along the straight way from there is
    a sum over midpoints, as many as completeness to `COMPLETENESS` needs.

    ids: Integers (n_ids,).
    RETURNS: float64 (n_ids, n_labels): each id's share of the log-probabilities less their mean over the labels;
        unknown terms have none. And float64 (n_labels,): the rest: the scores at the baseline, and what the sum misses.

    Raises SentimentError where the layer has no embedding of the terms, or the sum does not come near enough.
    """
    prior, known = model.attrs["label_prior"], ids >= N_SPECIAL
    shares = np.zeros((len(ids), model.get_dim("nO")))
    if prior is not None and not known.any():
        return shares, _centred(np.log(prior))
    path = _path(get_architecture(model))
    weights = get_weights(model)
    ids = np.asarray(ids)
    padded = np.full((1, bucket_length(len(ids))), PAD_ID, dtype=np.int32)
    # Each place has an id, and so a row, of its own.
    padded[0, : len(ids)] = np.where(known, N_SPECIAL + np.arange(len(ids)), ids)
    rows = {name: _rows_of(weights[name], ids, known, padded.shape[1]) for name in path.embeddings}
    start, end = (_centred(path.scores(weights, rows, padded, np.float32(point))) for point in (0, 1))
    for n_steps in _STEPS:
        points = ((np.arange(n_steps) + 0.5) / n_steps).astype(np.float32).reshape(-1, _POINTS_AT_A_TIME)
        sums: Any = sum(np.asarray(path.gradients(weights, rows, padded, each), np.float64) for each in points)
        shares = _centred(sums[: len(ids)] / n_steps * known[:, None])
        if np.abs(shares.sum(axis=0) - (end - start)).max() < COMPLETENESS:
            return shares, end - shares.sum(axis=0)
    raise SentimentError(Errors.S047.format(layer=model.attrs["layer"], n_steps=n_steps))


def _centred(scores: Any) -> Array:
    scores = np.asarray(scores, dtype=np.float64)
    return np.asarray(scores - scores.mean(axis=-1, keepdims=True))


def _rows_of(embedding: Array, ids: Array, known: Array, length: int) -> tuple[Array, Array]:
    """RETURNS: The rows of the special terms, and those of the text's places (length, width), zeros where none is."""
    rows = np.zeros((length, embedding.shape[1]), dtype=np.float32)
    rows[: len(ids)][known] = embedding[ids[known]]
    return embedding[:N_SPECIAL], rows


class _Path:
    """A layer's scores, and their gradients, along the way from the baseline to a text."""

    def __init__(self, architecture: Any) -> None:
        from ..model.trax_backend import jax

        layer = initialized_layer(architecture)
        names = architecture.names(layer)
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

        def shares(weights: Any, rows: Any, ids: Any, point: Any) -> Any:
            def of_rows(own: Any) -> Any:
                tables = {name: (special, own[name]) for name, (special, _) in rows.items()}
                return scores(weights, tables, ids, np.float32(1))

            own = {name: each for name, (_, each) in rows.items()}
            gradients = jax.jacrev(of_rows)(jax.tree_util.tree_map(lambda each: point * each, own))
            return sum(jnp.einsum("kld,ld->lk", gradients[name], own[name]) for name in own)

        def sum_of_shares(weights: Any, rows: Any, ids: Any, points: Any) -> Any:
            return jax.vmap(lambda point: shares(weights, rows, ids, point))(points).sum(axis=0)

        self.scores, self.gradients = jax.jit(scores), jax.jit(sum_of_shares)


_path = lru_cache(maxsize=16)(_Path)

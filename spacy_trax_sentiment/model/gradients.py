"""Weights and padded ids to log-probabilities (n_texts, n_labels) and gradients: a Trax layer, compiled by JAX."""

import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..text.arrays import Array
from .trax_layers import initialized_layer, leaf_names

Weights = Mapping[str, Array]

# While JAX traces a layer, Trax assigns tracers to its weights, so that two threads may not trace at once.
TRACING = threading.RLock()


def begin_update(architecture: Any, weights: Weights, ids: Array) -> tuple[Array, Callable[[Array], dict[str, Array]]]:
    """Run a layer as in training, from padded ids (n_rows, length) to log-probabilities (n_rows, n_labels).

    The returned function turns the gradient of a loss with respect to the first of them, (n_texts, n_labels), into the
    gradients of the weights, by name. With dropout, NumPy's generator draws the key.
    """
    key = np.random.randint(0, 2**31) if architecture.dropout else 0
    Y, run_backward = compiled(architecture).begin_update(weights, ids, key)

    def backprop(dY: Array) -> dict[str, Array]:
        padded = np.zeros((len(ids), dY.shape[1]), dtype=np.float32)
        padded[: len(dY)] = dY
        return run_backward(padded)

    return Y, backprop


class Compiled(NamedTuple):
    """A compiled layer: `run` and `begin_update` take (weights, ids, key), and `shapes` are the weights' by name."""

    run: Callable[..., Array]
    begin_update: Callable[..., tuple[Array, Callable[[Array], dict[str, Array]]]]
    shapes: dict[str, tuple[int, ...]]


@lru_cache(maxsize=16)
def compiled(architecture: Any) -> Compiled:
    """Return an architecture's layer, which JAX compiles once for each shape of ids."""
    from .trax_backend import jax

    layer = initialized_layer(architecture)
    names = leaf_names(architecture, layer)
    values, structure = jax.tree_util.tree_flatten(layer.weights)
    shapes, state = {name: value.shape for name, value in zip(names, values, strict=True)}, layer.state

    def apply(weights: Weights, ids: Any, key: Any) -> Any:
        leaves = jax.tree_util.tree_unflatten(structure, [weights[name] for name in names])
        return layer.pure_fn(ids, leaves, state, jax.random.PRNGKey(key))[0]

    # The vjp holds arrays of the forward pass, so that it may leave a jitted function.
    run, run_vjp = jax.jit(apply), jax.jit(lambda weights, ids, key: jax.vjp(lambda w: apply(w, ids, key), weights))
    pull_back = jax.jit(lambda vjp, dY: vjp(dY)[0])

    def predict(*arguments: Any) -> Array:
        with TRACING:
            return np.asarray(run(*arguments))

    def begin_update(*arguments: Any) -> tuple[Array, Callable[[Array], dict[str, Array]]]:
        with TRACING:
            Y, vjp = run_vjp(*arguments)

        def backprop(dY: Array) -> dict[str, Array]:
            with TRACING:
                return {name: np.asarray(gradient) for name, gradient in pull_back(vjp, dY).items()}

        return np.asarray(Y), backprop

    return Compiled(predict, begin_update, shapes)

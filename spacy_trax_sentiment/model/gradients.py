"""Weights and padded ids to log-probabilities (n_texts, n_labels) and to gradients: a Trax layer under `jax.jit`, its
gradient by `jax.vjp`.
"""

import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .trax_layers import initialized_layer

Array = NDArray[Any]
Weights = Mapping[str, Array]

# Trax assigns tracers to a layer's weights while JAX traces it.
_TRACING = threading.RLock()


def begin_update(architecture: Any, weights: Weights, ids: Array) -> tuple[Array, Callable[[Array], dict[str, Array]]]:
    """Run the layer as in training.

    architecture: What `initialized_layer` builds a layer of. With dropout, the key of its random choices is drawn from
        NumPy's generator.
    weights: The weights by name. ids: Padded ids, int32 (n_rows, length).
    RETURNS: Log-probabilities, (n_rows, n_labels); and a function that turns the gradient of a loss with respect to
        the first of these (n_texts, n_labels) into that of the weights, by name.
    """
    key = np.random.randint(0, 2**31) if architecture.dropout else 0
    Y, run_backward = compiled(architecture).begin_update(weights, ids, key)

    def backprop(dY: Array) -> dict[str, Array]:
        padded = np.zeros((len(ids), dY.shape[1]), dtype=np.float32)
        padded[: len(dY)] = dY
        return run_backward(padded)

    return Y, backprop


class Compiled(NamedTuple):
    """run: (weights, ids, key) -> log-probabilities. begin_update: The same -> log-probabilities, and a function of the
    gradient of those that gives the weights', by name. shapes: Each weight's, by name.
    """

    run: Callable[..., Array]
    begin_update: Callable[..., tuple[Array, Callable[[Array], dict[str, Array]]]]
    shapes: dict[str, tuple[int, ...]]


@lru_cache(maxsize=16)
def compiled(architecture: Any) -> Compiled:
    """RETURNS: What runs an architecture's layer. JAX compiles it once for each shape of ids."""
    from .trax_backend import jax

    layer = initialized_layer(architecture)
    names = architecture.names(layer)
    values, structure = jax.tree_util.tree_flatten(layer.weights)
    shapes, state = {name: value.shape for name, value in zip(names, values, strict=True)}, layer.state

    def apply(weights: Weights, ids: Any, key: Any) -> Any:
        leaves = jax.tree_util.tree_unflatten(structure, [weights[name] for name in names])
        return layer.pure_fn(ids, leaves, state, jax.random.PRNGKey(key))[0]

    # What the vjp keeps of the forward pass, for the backward one, are arrays, which may leave a jitted function.
    run, run_vjp = jax.jit(apply), jax.jit(lambda weights, ids, key: jax.vjp(lambda w: apply(w, ids, key), weights))
    pull_back = jax.jit(lambda vjp, dY: vjp(dY)[0])

    def predict(*arguments: Any) -> Array:
        with _TRACING:
            return np.asarray(run(*arguments))

    def begin_update(*arguments: Any) -> tuple[Array, Callable[[Array], dict[str, Array]]]:
        with _TRACING:
            Y, vjp = run_vjp(*arguments)

        def backprop(dY: Array) -> dict[str, Array]:
            with _TRACING:
                return {name: np.asarray(gradient) for name, gradient in pull_back(vjp, dY).items()}

        return np.asarray(Y), backprop

    return Compiled(predict, begin_update, shapes)

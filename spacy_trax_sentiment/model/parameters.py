"""A Thinc model's weights by name, to Trax layers and back."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from thinc.api import Model
from thinc.types import FloatsXd

from ..text.arrays import Array
from .trax_layers import initialized_layer, leaf_names, put_leaves


def has_weights(model: Model[Any, Any]) -> bool:
    """Return whether the model has been initialized or loaded."""
    return any(map(model.has_param, model.param_names)) or any(map(has_weights, model.layers))


def get_architecture(model: Model[Any, Any]) -> Any:
    """Return what decides the model's layers, without dropout: an `Architecture` or a `LayerArchitecture`."""
    return model.attrs["architecture"](model)


def get_weights(model: Model[Any, Any]) -> dict[str, Any]:
    """Return the float32 weights by name, or raise KeyError if the model has none yet."""
    return {name: model.get_param(name) for name in model.attrs["weight_names"](model)}


def set_weights(model: Model[Any, Any], weights: Mapping[str, Any]) -> None:
    """Set the model's parameters to copies of the weights, and drop the gradients of earlier ones."""
    for name, value in weights.items():
        # A copy: nothing may write to a JAX array's buffer, and Thinc's optimizers update in place.
        model.set_param(name, cast(FloatsXd, np.array(value, dtype=np.float32)))
        if model.has_grad(name):
            # The gradient of E has no rows, as RowUpdates leaves it between steps.
            shape = (0, value.shape[1]) if name == "E" else value.shape
            model.set_grad(name, cast(FloatsXd, np.zeros(shape, dtype=np.float32)))


def change_labels(model: Model[Any, Any], before: Sequence[str], labels: Sequence[str]) -> None:
    """Give a trained additive classifier other outputs, `labels`, which include the labels `before`.

    A new label's score before the softmax is 0.
    """
    weights = get_weights(model)
    columns = [labels.index(label) for label in before]
    for name in ("W", "b"):
        widened = np.zeros((*weights[name].shape[:-1], len(labels)), dtype=np.float32)
        widened[..., columns] = weights[name]
        weights[name] = widened
    for name in weights:
        model.set_param(name, None)  # Thinc changes the dimension only of a model without parameters
    model.set_dim("nO", len(labels), force=True)
    set_weights(model, weights)


def set_label_prior(model: Model[Any, Any], counts: Sequence[int]) -> None:
    """Set the probabilities of a text without a known term to each label's proportion of the training texts.

    One is added to each count (Laplace's rule), so that no probability is 0.
    """
    total = sum(counts) + len(counts)
    model.attrs["label_prior"] = [(count + 1) / total for count in counts]


def initial_weights(model: Model[Any, Any], seed: int) -> tuple[Any, dict[str, Array]]:
    """Return a fresh Trax layer and its weights by name, as training starts from them: random, or from a file."""
    architecture = get_architecture(model)
    layer = initialized_layer(architecture, seed)
    weights = layer_weights(layer, architecture)
    start = model.attrs.get("start")
    if start is not None:
        source = getattr(model.attrs["preprocessor"], "source", None)
        weights = start(architecture.layer, weights, model.attrs["vocabulary"], source)
        put_leaves(layer, [weights[name] for name in leaf_names(architecture, layer)])
    return layer, weights


def to_trax_layer(model: Model[Any, Any]) -> Any:
    """Return a fresh Trax layer, int32 ids (n_texts, length) -> log-probabilities, with copies of the weights."""
    architecture, weights = get_architecture(model), get_weights(model)
    layer = initialized_layer(architecture)
    put_leaves(layer, [weights[name].copy() for name in leaf_names(architecture, layer)])
    return layer


def layer_weights(layer: Any, architecture: Any) -> dict[str, Array]:
    """Return the weights of a Trax layer by name."""
    from .trax_backend import jax

    return dict(zip(leaf_names(architecture, layer), jax.tree_util.tree_leaves(layer.weights), strict=True))

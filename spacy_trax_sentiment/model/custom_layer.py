"""Docs to probabilities (n_docs, n_labels) by any Trax layer that a registered function makes.

Such a layer does not fold. It is exported to ONNX when the model is saved, and ONNX Runtime serves it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d, FloatsXd

from ..errors import Errors, SentimentError
from ..text.arrays import Array, Ragged
from ..text.preprocessor import Preprocessor
from .architecture import LayerArchitecture, LayerFunction
from .columns import narrowed_log_probabilities, narrowed_prior
from .gradients import begin_update
from .inputs import Tokens, doc_tokens, n_ids, new_attributes, prepare, scored, token_ids
from .layer_scores import layer_log_probabilities
from .padding import pad_ragged, row_bucket
from .parameters import get_architecture, get_weights, initial_weights, set_weights
from .sparse_rows import StepCount


def TraxLayer(  # noqa: N802 (named as it is registered)
    preprocessor: Preprocessor, layer: LayerFunction, *, nO: int | None = None
) -> Model[list[Doc], Floats2d]:
    """Build a classifier of any Trax layer. Registered as the architecture `spacy_trax_sentiment.TraxLayer.v1`.

    Args:
        preprocessor: Turns a Doc into terms.
        layer: Makes the layer, as `Convolution` does; a registered function returns it.
        nO: The number of labels, if it is known beforehand.

    Returns:
        A model like that of `Classifier`. Training needs the extra `train`, and predicting with a saved model `trf`.
    """
    functions = {"architecture": _architecture, "weight_names": _weight_names, "score": _score}
    attributes = {**new_attributes(preprocessor), **functions, "layer": layer, "graph": None}
    return Model("trax_layer", forward, init=init, dims={"nO": nO}, shims=[StepCount()], attrs=attributes)


def forward(
    model: Model[list[Doc], Floats2d], docs: Sequence[Doc], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Doc]]]:
    """Return the probabilities, and a function from the loss's gradient to nothing that sets the weights' gradients."""
    tokens = doc_tokens(model, docs)
    if not is_train:
        return cast(Floats2d, scored(model, tokens).probabilities), lambda dY: []
    return begin_layer_update(model, token_ids(model, tokens))


def begin_layer_update(model: Model[Any, Any], ids: Ragged) -> tuple[Floats2d, Callable[[Floats2d], list[Doc]]]:
    """Return what `forward` does in training, from the ids of texts."""
    architecture = replace(get_architecture(model), dropout=model.attrs["dropout_rate"])
    padded = pad_ragged(ids, n_rows=row_bucket(len(ids.lengths)))
    Y, run_backward = begin_update(architecture, get_weights(model), padded)

    def backprop(dY: Floats2d) -> list[Doc]:
        for name, gradient in run_backward(cast(Array, dY)).items():
            model.inc_grad(name, cast(FloatsXd, gradient))
        return []

    return cast(Floats2d, np.exp(Y[: len(ids.lengths)])), backprop


def init(model: Model[list[Doc], Floats2d], X: Sequence[Doc] | None = None, Y: Floats2d | None = None) -> None:
    """Draw the initial weights by the layer's own initializers, after `prepare`, and check that it can be used."""
    prepare(model, X, Y)
    architecture = get_architecture(model)
    layer, weights = initial_weights(model, seed=np.random.randint(0, 2**31))
    _check(layer, architecture)
    set_weights(model, weights)


def _architecture(model: Model[Any, Any]) -> LayerArchitecture:
    return LayerArchitecture(model.attrs["layer"], n_ids(model), model.get_dim("nO"))


def _weight_names(model: Model[Any, Any]) -> tuple[str, ...]:
    return tuple(sorted(model.param_names))


def _score(model: Model[Any, Any], tokens: Tokens, has_evidence: NDArray[np.bool_]) -> NDArray[np.float32]:
    columns = model.attrs["columns"]
    prior = narrowed_prior(model.attrs["label_prior"], columns)
    texts = token_ids(model, tokens).split()
    scores = np.zeros((len(texts), model.get_dim("nO") if columns is None else len(columns)), dtype=np.float32)
    if prior is not None:
        scores[:] = prior
    to_score = np.flatnonzero(has_evidence | (prior is None)).tolist()
    found = layer_log_probabilities(model, [texts[i] for i in to_score])
    scores[to_score] = np.exp(narrowed_log_probabilities(found, columns))
    return scores


def _check(layer: Any, architecture: LayerArchitecture) -> None:
    """Raise SentimentError if an initialized layer has a state that changes or does not give log-probabilities."""
    from .trax_backend import jax

    ids = (np.arange(16, dtype=np.int32) % architecture.n_terms).reshape(2, 8)
    Y, state = layer.pure_fn(ids, layer.weights, layer.state, jax.random.PRNGKey(0))
    before, after = map(jax.tree_util.tree_leaves, (layer.state, state))
    if len(before) != len(after) or not all(map(np.array_equal, before, after)):
        raise SentimentError(Errors.S043.format(layer=architecture.layer))
    shape = getattr(Y, "shape", None)
    if shape != (2, architecture.n_labels) or not np.allclose(np.exp(Y).sum(axis=-1), 1, atol=1e-3):
        raise SentimentError(Errors.S044.format(layer=architecture.layer, shape=shape, n_labels=architecture.n_labels))

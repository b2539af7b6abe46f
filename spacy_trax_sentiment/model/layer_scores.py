"""The ids of texts to log-probabilities, by ONNX Runtime, or by Trax before the model is saved; and their gradients."""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model

from ..errors import Errors, MissingExtraError, SentimentError, reason_of
from ..text.arrays import Array
from .architecture import LayerArchitecture
from .exported import exported, layer_functions
from .gradients import TRACING, compiled
from .graph import Graph
from .padding import bucket_length, longest_length, pad, row_bucket
from .parameters import get_architecture, get_weights
from .session import Session, import_onnxruntime

logger = logging.getLogger(__name__)

# The most texts, and the most ids with padding, to run at a time. A text of more ids runs alone. Larger batches have
# more padding, and what is computed for them no longer fits the processor's cache.
_MAX_TEXTS, _MAX_IDS = 128, 1024

Run = Callable[[NDArray[np.int32]], Array]
"""Padded ids (n_texts, length) to log-probabilities (n_texts, n_labels)."""


def layer_log_probabilities(model: Model[Any, Any], texts: Sequence[Array]) -> NDArray[np.float32]:
    """Return the log-probabilities of texts given by their ids, float32 (n_texts, n_labels), in their order.

    Texts of similar length run together, in batches that bound the memory.
    """
    scores = np.zeros((len(texts), model.get_dim("nO")), dtype=np.float32)
    run = predictor(model)  # even for no texts, so that what it lacks is reported by the first call
    for batch, padded in batches(texts):
        scores[batch] = run(padded)
    return scores


def batches(texts: Sequence[Array]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int32]]]:
    """Yield the indices of texts of similar length, and their padded ids, in batches that bound the memory."""
    lengths = np.array([max(len(text), 1) for text in texts], dtype=np.int64)
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        batch = order[start : start + _MAX_TEXTS]
        sizes = lengths[batch] * np.arange(1, len(batch) + 1)
        batch = batch[: max(int(np.searchsorted(sizes, _MAX_IDS, side="right")), 1)]
        yield batch, pad([texts[i] for i in batch], longest_length)
        start += len(batch)


def vectors_of(model: Model[Any, Any]) -> Callable[[NDArray[np.int32]], Array]:
    """Return the function of a model with a target head from padded ids to vectors (n_texts, length, width).

    It is the same one as long as the weights are, unless the model has no graph.
    """
    graph = _usable_graph(model)
    if graph is None:
        return _trax_vectors(model)
    session: Session = model.attrs["caches"].session(model, graph)
    return session.vectors


def predictor(model: Model[Any, Any]) -> Run:
    """Return the model's forward pass: its graph in ONNX Runtime, or Trax's own while it has no graph.

    A process that trains has none before the first save. A model that was saved without one gets it here.
    """
    graph = _usable_graph(model)
    if graph is None:
        return _trax_forward(model)
    session: Session = model.attrs["caches"].session(model, graph)
    return session


class Differentiable(NamedTuple):
    """A layer's scores and their gradient, for embedding tables that are given.

    Attributes:
        tables: The names of the embedding tables; none if the layer cannot be differentiated by its embeddings.
        predict: (ids, tables) -> log-probabilities (n_texts, n_labels).
        contribute: (ids, tables, direction (n_texts, n_labels)) -> each id's contribution (n_texts, length): its rows
            times the gradient of the log-probabilities' sum in that direction.
    """

    tables: tuple[str, ...]
    predict: Callable[..., Array]
    contribute: Callable[..., Array]


def differentiable(model: Model[Any, Any]) -> Differentiable:
    """Return the model's layer to differentiate: its graphs in ONNX Runtime, or JAX's functions without them."""
    graph = _usable_graph(model)
    if graph is None or graph.gradient is None:
        return _differentiable_by_jax(model)
    caches = model.attrs["caches"]
    predict, contribute = caches.session(model, graph), caches.session(model, graph.gradient)
    return Differentiable(
        tuple(predict.tables),
        lambda ids, tables: predict(ids, **tables),
        lambda ids, tables, direction: contribute(ids, direction=direction, **tables),
    )


def _usable_graph(model: Model[Any, Any]) -> Graph | None:
    """Return the graph to run, or None if Trax has to run the layer."""
    graph: Graph | None = model.attrs.get("graph")
    if graph is not None and not graph.data and graph.architecture == get_architecture(model):
        _require_train()
        model.attrs["graph"] = graph = current_graph(model)  # None if it cannot be exported: this is tried once
    if graph is None:
        return None
    try:
        if graph.architecture != get_architecture(model):
            raise SentimentError(Errors.S073.format(path=graph.where, reason=f"it is of {graph.architecture.layer}"))
        import_onnxruntime()
    except SentimentError as refused:
        try:
            from . import trax_backend  # noqa: F401
        except MissingExtraError:
            raise refused from None
        return None  # who trains need not install ONNX Runtime
    return graph


def current_graph(model: Model[Any, Any]) -> Graph | None:
    """Return the model's graph, made now if it has none for its architecture yet.

    None, with a warning in the log, if the layer cannot be exported or what that needs is not installed.
    """
    architecture, graph = get_architecture(model), model.attrs.get("graph")
    if graph is not None and graph.data and graph.architecture == architecture:
        return graph  # type: ignore[no-any-return]
    try:
        return exported(architecture)
    except MissingExtraError as error:
        reason: object = error
    except Exception as error:  # the exporter may fail in any way at an operator that it does not know
        reason = f"{type(error).__name__}: {reason_of(error)}"
    message = (
        "the layer of %s was not exported to ONNX (%s), so predicting with the saved model needs the extra 'train'"
    )
    logger.warning(message, architecture.layer, reason)
    return None


def _trax_forward(model: Model[Any, Any]) -> Run:
    """Return Trax's forward pass, which pads further, to few shapes, because XLA compiles once for each."""
    architecture, weights = get_architecture(model), get_weights(model)
    run, expected = compiled(architecture).run, compiled(architecture).shapes
    found = {name: value.shape for name, value in weights.items()}
    if expected != found:
        raise SentimentError(Errors.S045.format(layer=architecture.layer, expected=expected, found=found))

    def forward(ids: NDArray[np.int32]) -> Array:
        padded = pad(list(ids), bucket_length, n_rows=row_bucket(len(ids)))
        return run(weights, padded, 0)[: len(ids)]

    return forward


@lru_cache(maxsize=16)
def _jitted(architecture: LayerArchitecture) -> tuple[Any, Any, tuple[str, ...], tuple[str, ...]]:
    from .trax_backend import jax

    layer = layer_functions(architecture)
    return jax.jit(layer.predict), jax.jit(layer.contribute), tuple(layer.weights), layer.tables


def _trax_vectors(model: Model[Any, Any]) -> Callable[[NDArray[np.int32]], Array]:
    with TRACING:
        predict, _, names, _ = _jitted(get_architecture(model))
    weights = get_weights(model)

    def run(ids: NDArray[np.int32]) -> Array:
        padded = pad(list(ids), bucket_length, n_rows=row_bucket(len(ids)))
        with TRACING:
            return np.asarray(predict(padded, *(weights[name] for name in names))[1])[: len(ids), : ids.shape[1]]

    return run


def _differentiable_by_jax(model: Model[Any, Any]) -> Differentiable:
    weights = get_weights(model)
    with TRACING:
        predict, contribute, names, tables = _jitted(get_architecture(model))

    def padded(ids: Array, given: dict[str, Array]) -> tuple[Array, list[Array]]:
        """Pad texts and tables to few shapes, because XLA compiles once for each."""
        n_texts, length = ids.shape
        longer = bucket_length(length)
        values = {}
        for name, table in given.items():
            values[name] = np.zeros((len(table) + n_texts * (longer - length), table.shape[1]), dtype=np.float32)
            values[name][: len(table)] = table
        return pad(list(ids), bucket_length), [values.get(name, weights[name]) for name in names]

    def run_predict(ids: Array, given: dict[str, Array]) -> Array:
        more, leaves = padded(ids, given)
        with TRACING:
            return np.asarray(predict(more, *leaves)[0])

    def run_contribute(ids: Array, given: dict[str, Array], direction: Array) -> Array:
        more, leaves = padded(ids, given)
        with TRACING:
            return np.asarray(contribute(more, direction, *leaves))[:, : ids.shape[1]]

    return Differentiable(tables, run_predict, run_contribute)


def _require_train() -> None:
    """Raise MissingExtraError if a model without a graph cannot predict."""
    try:
        from . import trax_backend  # noqa: F401
    except MissingExtraError as error:
        cause = error.__cause__
        package = getattr(cause, "name", None) or "trax"
        raise MissingExtraError(Errors.S078.format(package=package, reason=cause)) from error

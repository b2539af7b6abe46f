"""Any layer that does not fold as an ONNX graph: made where Trax is installed, and run where it is not.

The graph takes the weights as inputs, so that it is made once per architecture, and changed weights need no new one.
"""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model

from ..errors import Errors, MissingExtraError, SentimentError
from ..text.arrays import Array
from .architecture import LayerArchitecture
from .gradients import TRACING, compiled
from .graph import IDS, OUTPUT, Graph
from .padding import bucket_length, pad, row_bucket
from .parameters import get_architecture, get_weights
from .session import Session, import_onnxruntime
from .trax_layers import initialized_layer, leaf_names

logger = logging.getLogger(__name__)

# The most texts, and the most ids with padding, to run at a time. A text of more ids runs alone.
_MAX_TEXTS, _MAX_IDS = 128, 4096
_TOLERANCE = 1e-4

Run = Callable[[NDArray[np.int32]], Array]
"""Padded ids (n_texts, length) to log-probabilities (n_texts, n_labels)."""


def layer_log_probabilities(model: Model[Any, Any], texts: Sequence[Array]) -> NDArray[np.float32]:
    """Return the log-probabilities of texts given by their ids, float32 (n_texts, n_labels), in their order.

    Texts of similar length run together, in batches that bound the memory.
    """
    scores = np.zeros((len(texts), model.get_dim("nO")), dtype=np.float32)
    lengths = np.array([max(len(text), 1) for text in texts], dtype=np.int64)
    order = np.argsort(lengths, kind="stable")
    run = predictor(model) if len(texts) else None
    start = 0
    while run is not None and start < len(order):
        batch = order[start : start + _MAX_TEXTS]
        sizes = lengths[batch] * np.arange(1, len(batch) + 1)
        batch = batch[: max(int(np.searchsorted(sizes, _MAX_IDS, side="right")), 1)]
        scores[batch] = run(pad([texts[i] for i in batch], lambda longest: max(longest, 1)))
        start += len(batch)
    return scores


def predictor(model: Model[Any, Any]) -> Run:
    """Return the model's forward pass: its graph in ONNX Runtime, or Trax's own while it has no graph.

    A process that trains has none before the first save. A model that was saved without one gets it here.
    """
    graph: Graph | None = model.attrs.get("graph")
    if graph is not None and not graph.data:
        _require_train()
        graph = current_graph(model)
        model.attrs["graph"] = graph  # None if the layer cannot be exported, so that this is tried once
    if graph is None:
        return _trax_forward(model)
    try:
        if not is_for(graph, get_architecture(model)):
            raise SentimentError(Errors.S073.format(path=graph.where, reason=f"it is of {graph.architecture.layer}"))
        import_onnxruntime()
    except SentimentError as refused:
        try:
            return _trax_forward(model)  # who trains need not install ONNX Runtime
        except MissingExtraError:
            raise refused from None
    session: Session = model.attrs["caches"].session(model, graph)
    return session


def current_graph(model: Model[Any, Any]) -> Graph | None:
    """Return the model's graph, made now if it has none for its architecture yet.

    None, with a warning in the log, if the layer cannot be exported or what that needs is not installed.
    """
    architecture, graph = get_architecture(model), model.attrs.get("graph")
    if graph is not None and graph.data and is_for(graph, architecture):
        return graph  # type: ignore[no-any-return]
    try:
        return Graph(exported(architecture), architecture)
    except MissingExtraError as error:
        reason: object = error
    except Exception as error:  # the exporter may fail in any way at an operator that it does not know
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    message = (
        "the layer of %s was not exported to ONNX (%s), so that predicting with the saved model needs the extra 'train'"
    )
    logger.warning(message, architecture.layer, reason)
    return None


def is_for(graph: Graph, architecture: LayerArchitecture) -> bool:
    """Return whether a graph was made for an architecture, as far as can be told."""
    return graph.architecture == architecture


@lru_cache(maxsize=16)
def exported(architecture: LayerArchitecture) -> bytes:
    """Return an architecture's layer as ONNX: ids int32 (n_texts, length) and its weights to log-probabilities.

    Any number of texts and any length fit. It is compared with Trax on a few ids before it is returned.
    """
    from .trax_backend import jax

    try:
        import jax2onnx
    except ImportError as error:
        raise MissingExtraError(Errors.S040.format(package=error.name or "jax2onnx", reason=error)) from error
    with TRACING, _quiet_export():
        layer = initialized_layer(architecture)
        names = leaf_names(architecture, layer)
        values, structure = jax.tree_util.tree_flatten(layer.weights)

        def forward(ids: Any, *leaves: Any) -> Any:
            weights = jax.tree_util.tree_unflatten(structure, leaves)
            return layer.pure_fn(ids, weights, layer.state, jax.random.PRNGKey(0))[0]

        shapes = [(jax.export.symbolic_shape("B, T"), np.int32), *((value.shape, value.dtype) for value in values)]
        specs = [jax.ShapeDtypeStruct(*each) for each in shapes]
        graph = jax2onnx.to_onnx(
            lambda *arguments: without_dead_code(forward, *arguments),
            specs,
            input_names=[IDS, *names],
            output_names=[OUTPUT],
        )
    with_matrix_products(graph)
    found = Graph(graph.SerializeToString(), architecture)
    _check_against_trax(found, {name: np.asarray(value) for name, value in zip(names, values, strict=True)})
    return found.data


def without_dead_code(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return the function's value, computed without what it does not depend on.

    Trax's layers split random keys even when they predict, which cannot be exported.
    """
    from .trax_backend import jax

    traced = jax.make_jaxpr(function)(*arguments)
    needed, _ = jax.interpreters.partial_eval.dce_jaxpr(traced.jaxpr, [True] * len(traced.out_avals), instantiate=True)
    (value,) = jax.core.eval_jaxpr(needed, traced.consts, *arguments)
    return value


def with_matrix_products(model: Any) -> None:
    """Make a dense layer's Einsum a MatMul, in place: ONNX Runtime packs only the latter's weights, 0.87 of the time.

    Other clean-ups, such as LayerNormalization as one operator or biases without Reshape, were measured to gain less
    than 2%.
    """
    for node in model.graph.node:
        if node.op_type == "Einsum" and node.attribute[0].s == b"abc,cd->abd":
            node.op_type = "MatMul"
            del node.attribute[:]


def _check_against_trax(graph: Graph, weights: dict[str, Array]) -> None:
    """Raise SentimentError if a graph scores some ids otherwise than Trax does. Without ONNX Runtime it is skipped."""
    try:
        import_onnxruntime()
    except MissingExtraError:
        return
    run, architecture = Session(graph, weights), graph.architecture
    for shape in ((1, 1), (3, 7)):
        ids = (np.arange(1, shape[0] * shape[1] + 1, dtype=np.int32) % architecture.n_terms).reshape(shape)
        difference = np.abs(run(ids) - compiled(architecture).run(weights, ids, 0)).max()
        if not difference < _TOLERANCE:
            raise SentimentError(f"its scores differ by {difference} from Trax's")


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


def _require_train() -> None:
    """Raise MissingExtraError if a model without a graph cannot predict."""
    try:
        from . import trax_backend  # noqa: F401
    except MissingExtraError as error:
        cause = error.__cause__
        package = getattr(cause, "name", None) or "trax"
        raise MissingExtraError(Errors.S078.format(package=package, reason=cause)) from error


@contextmanager
def _quiet_export() -> Iterator[None]:
    """Hide what the exporter says about shapes that it leaves open."""
    loggers = [logging.getLogger(name) for name in ("onnx_ir", "onnx_ir.serde", "jax2onnx", "onnxscript")]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)

"""Any layer that does not fold to ONNX graphs: of its predictions and of their gradient.

The graphs take the weights as inputs: they are made once per architecture, and changed weights need no new ones.
"""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import Errors, MissingExtraError, SentimentError
from .architecture import LayerArchitecture
from .exportable import rewritten
from .gradients import TRACING, compiled
from .graph import DIRECTION, GRADIENT, IDS, Graph
from .parameters import layer_weights
from .session import Session, import_onnxruntime
from .trax_layers import initialized_layer, leaf_names

logger = logging.getLogger(__name__)

_TOLERANCE = 1e-4


class LayerFunctions(NamedTuple):
    """A layer as functions of ids and weights, for JAX to trace.

    Attributes:
        weights: The initial weights by name, in the order in which the functions take them.
        tables: The names of the embedding tables, (n_terms, width). They may be given with another number of rows.
        predict: (ids, *weights) -> [log-probabilities (n_texts, n_labels)]; of a layer with a target head, the pieces'
            vectors (n_texts, length, width), too.
        contribute: (ids, direction (n_texts, n_labels), *weights) -> each id's contribution (n_texts, length): its
            rows times the gradient of the log-probabilities' sum in that direction.
    """

    weights: dict[str, Any]
    tables: tuple[str, ...]
    predict: Callable[..., Any]
    contribute: Callable[..., Any]


def layer_functions(architecture: LayerArchitecture) -> LayerFunctions:
    """Return an architecture's layer as functions."""
    from .trax_backend import jax

    architecture = replace(architecture, layer=getattr(architecture.layer, "serving", architecture.layer))
    layer = initialized_layer(architecture)
    values, structure = jax.tree_util.tree_flatten(layer.weights)
    weights, state = dict(zip(leaf_names(architecture, layer), values, strict=True)), layer.state
    tables = [i for i, v in enumerate(values) if v.ndim == 2 and v.shape[0] == architecture.n_terms]

    def run(ids: Any, *leaves: Any) -> Any:
        return layer.pure_fn(ids, jax.tree_util.tree_unflatten(structure, leaves), state, jax.random.PRNGKey(0))[0]

    def predict(ids: Any, *leaves: Any) -> list[Any]:
        return rewritten(run, ids, *leaves)

    def contribute(ids: Any, direction: Any, *leaves: Any) -> Any:
        def total(some: list[Any]) -> Any:
            given = dict(zip(tables, some, strict=True))
            return (direction * predict(ids, *(given.get(i, leaf) for i, leaf in enumerate(leaves)))[0]).sum()

        def rows(table: Any) -> Any:
            return jax.numpy.take(table, ids, axis=0, mode="clip")

        own = [leaves[i] for i in tables]
        products = [rows(a) * rows(b) for a, b in zip(jax.grad(total)(own), own, strict=True)]
        return sum(product.sum(axis=-1) for product in products)

    return LayerFunctions(weights, tuple(list(weights)[i] for i in tables), predict, contribute)


@lru_cache(maxsize=16)
def exported(architecture: LayerArchitecture) -> Graph:
    """Return an architecture's layer as ONNX, for any number of texts of any length.

    It has a gradient if that can be exported, too, and takes embedding tables of any number of rows. It is compared
    with Trax on a few ids before it is returned.
    """
    from .trax_backend import jax  # noqa: F401 (its error is the one to show, if it is missing)

    with TRACING, _light_export():
        layer = layer_functions(architecture)
        try:
            graph = _graph(architecture, layer, tables=layer.tables)
        except Exception:  # a weight that is as long as the vocabulary is large, and is no embedding
            graph = _graph(architecture, layer, tables=())
        else:
            if layer.tables:
                graph.gradient = _gradient(architecture, layer)
    _check_against_trax(graph)
    return graph


def _graph(architecture: LayerArchitecture, layer: LayerFunctions, tables: tuple[str, ...]) -> Graph:
    graph = Graph(b"", architecture)
    graph.data = _onnx(layer, tables, layer.predict, {IDS: ("B, T", np.int32)}, graph.outputs)
    return graph


def _gradient(architecture: LayerArchitecture, layer: LayerFunctions) -> Graph | None:
    graph = Graph(b"", architecture, GRADIENT, GRADIENT)
    inputs = {IDS: ("B, T", np.int32), DIRECTION: (f"B, {architecture.n_labels}", np.float32)}
    try:
        graph.data = _onnx(
            layer, layer.tables, lambda *arguments: rewritten(layer.contribute, *arguments), inputs, graph.outputs
        )
    except Exception as error:  # the exporter may fail in any way at an operator that it does not know
        logger.info("the gradient of %s was not exported to ONNX: %s", architecture.layer, error)
        return None
    return graph


def _onnx(
    layer: LayerFunctions,
    tables: tuple[str, ...],
    function: Callable[..., Any],
    inputs: dict[str, tuple[str, Any]],
    outputs: Sequence[str],
) -> bytes:
    """Return a function of `inputs`, given by shape and type, and of the weights as the bytes of an ONNX file."""
    import jax2onnx

    from .trax_backend import jax

    scope = jax.export.SymbolicScope()

    def symbolic(shape: str) -> Any:
        return jax.export.symbolic_shape(shape, scope=scope)

    specs = [jax.ShapeDtypeStruct(symbolic(shape), dtype) for shape, dtype in inputs.values()]
    for name, value in layer.weights.items():
        shape = symbolic(f"N, {value.shape[1]}") if name in tables else value.shape
        specs.append(jax.ShapeDtypeStruct(shape, value.dtype))
    names = [*inputs, *layer.weights]
    model = jax2onnx.to_onnx(function, specs, input_names=names, output_names=list(outputs))
    data: bytes = model.SerializeToString()
    return data


def _check_against_trax(graph: Graph) -> None:
    """Raise SentimentError if a graph scores some ids otherwise than Trax does. Without ONNX Runtime it is skipped."""
    try:
        import_onnxruntime()
    except MissingExtraError:
        return
    architecture = graph.architecture
    weights = {
        name: np.asarray(value) for name, value in layer_weights(initialized_layer(architecture), architecture).items()
    }
    run = Session(graph, weights)
    for shape in ((1, 1), (3, 7)):
        ids = (np.arange(1, shape[0] * shape[1] + 1, dtype=np.int32) % architecture.n_terms).reshape(shape)
        difference = np.abs(run(ids) - compiled(architecture).run(weights, ids, 0)).max()
        if not difference < _TOLERANCE:
            raise SentimentError(f"its scores differ by {difference} from Trax's")


@contextmanager
def _light_export() -> Iterator[None]:
    """Hide what jax2onnx says about shapes that it leaves open, and make it quick: 24 s for six blocks, not 47.

    It would import its plug-ins for Equinox and Flax too (8 s), and search all nodes so far for each value (15 s).
    """
    try:
        from jax2onnx.converter import output_binding
        from jax2onnx.plugins import plugin_system as plugins
    except ImportError as error:
        raise MissingExtraError(Errors.S040.format(package=error.name or "jax2onnx", reason=error)) from error
    searched, has_all = output_binding._value_is_graph_connected, plugins._already_imported_plugins

    def is_in_graph(context: Any, value: Any) -> bool:
        node = value.producer()
        return (node is not None and node.graph is context.builder.graph) or searched(context, value)

    plugins._import_tree(Path(plugins.__file__).parent / "jax", "jax2onnx.plugins.jax")
    loggers = [logging.getLogger(name) for name in ("onnx_ir", "onnx_ir.serde", "jax2onnx", "onnxscript")]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.ERROR)
    output_binding._value_is_graph_connected, plugins._already_imported_plugins = is_in_graph, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        output_binding._value_is_graph_connected, plugins._already_imported_plugins = searched, has_all
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)

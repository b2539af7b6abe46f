"""The bytes of an ONNX graph to a graph that is safe to run, or a reason to refuse it.

A graph of this package holds no weights: they are its inputs, stored once beside it. It has ONNX's own operators only,
and refers to no file.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import Errors, MissingExtraError, SentimentError, reason_of
from .architecture import LayerArchitecture

GRAPH, GRADIENT = "graph.onnx", "gradient.onnx"
IDS, DIRECTION = "ids", "direction"
VECTORS = "vectors"
_OUTPUTS = {GRAPH: "log_probabilities", GRADIENT: "contributions"}

# A graph without weights takes some hundred kilobytes.
MAX_BYTES = 1 << 25

Shape = tuple[int | str, ...]
"""A tensor's shape; a str names a length that differs from batch to batch."""


@dataclass
class Graph:
    """A layer's graph as it is stored.

    Attributes:
        data: The bytes of the ONNX file; none if the model was saved without a graph.
        architecture: What it was made for.
        where: The file that it came from.
        name: `GRAPH`, from ids to log-probabilities and, of a layer with a target head, vectors (n_texts, length,
            width); or `GRADIENT`, from ids and a direction (n_texts, n_labels) to each id's contribution (n_texts,
            length): its row times the gradient of the log-probabilities' sum in that direction.
        gradient: The graph of the gradient that belongs to this one, if there is one.
    """

    data: bytes
    architecture: LayerArchitecture
    where: str | Path = GRAPH
    name: str = GRAPH
    gradient: "Graph | None" = None
    _is_checked: bool = field(default=False, repr=False, compare=False)

    @property
    def outputs(self) -> list[str]:
        """The names of the outputs."""
        has_vectors = self.name == GRAPH and getattr(self.architecture.layer, "target_head", False)
        return [_OUTPUTS[self.name], *([VECTORS] if has_vectors else [])]

    def parsed(self, shapes: Mapping[str, tuple[int, ...]]) -> Any:
        """Return the `onnx.ModelProto`, whose inputs are `ids` and the weights, whose shapes by name are given.

        A graph that is damaged, does not fit or is not safe raises SentimentError, which names the file.
        """
        onnx, n_labels = import_onnx(), self.architecture.n_labels
        try:
            model = _parsed(onnx, self.data)
            if not self._is_checked:
                inputs: dict[str, Shape] = {IDS: ("B", "T"), **shapes}
                if self.name == GRADIENT:
                    inputs[DIRECTION] = ("B", n_labels)
                n_columns = n_labels if self.name == GRAPH else "T"
                outputs: dict[str, Shape] = {_OUTPUTS[self.name]: ("B", n_columns)}
                if VECTORS in self.outputs:
                    outputs[VECTORS] = ("B", "T", shapes["E"][1])
                check_model(onnx, model, inputs, outputs, self.architecture.n_terms)
                self._is_checked = True
        except (ValueError, RecursionError) as error:
            raise self.refused(error) from None
        return model

    def refused(self, error: Exception) -> SentimentError:
        """Return the error that names the file and says why it cannot be used."""
        return SentimentError(Errors.S077.format(path=self.where, reason=reason_of(error)))


def tables_of(model: Any) -> set[str]:
    """Return the inputs of an `onnx.ModelProto` that are embedding tables of any number of rows."""
    weights = (value for value in model.graph.input if value.name not in (IDS, DIRECTION))
    return {value.name for value in weights if _shape(value)[:1] == (None,)}


def import_onnx() -> Any:
    """Return the module `onnx`, or raise MissingExtraError."""
    try:
        import onnx
    except ImportError as error:
        raise missing_trf_extra(error) from error
    return onnx


def missing_trf_extra(error: ImportError) -> MissingExtraError:
    """Return the error for a package of the extra `trf` that cannot be imported."""
    return MissingExtraError(Errors.S079.format(package=error.name or "onnxruntime", reason=error))


def described(layer: Any) -> str | None:
    """Return what tells a layer function from others in another process, or None if nothing does."""
    text = repr(layer)
    return None if " at 0x" in text else text


def _parsed(onnx: Any, data: bytes) -> Any:
    if len(data) > MAX_BYTES:
        raise ValueError(f"it has {len(data):,} bytes; a graph without weights has at most {MAX_BYTES:,}")
    try:
        return onnx.load_model_from_string(data)
    except Exception as error:  # protobuf's errors have no common class that every version of it exports
        raise ValueError(f"it is not ONNX: {error}") from None


def check_model(onnx: Any, model: Any, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape], n_terms: int) -> None:
    """Raise ValueError unless the model is one that this package could have written, with such inputs and outputs.

    An input that nothing depends on may be missing. One with `n_terms` rows may take any number of rows.
    """
    if model.functions:
        raise ValueError(f"it defines the function {model.functions[0].name[:40]!r}")
    if model.training_info:
        raise ValueError("it holds a training algorithm")
    domains = {each.domain for each in model.opset_import} - {"", "ai.onnx"}
    if domains or not model.opset_import:
        raise ValueError(f"it imports the operators of {min(domains, default='nobody')[:40]!r}")
    for graph in _graphs(model.graph):
        _check_operators(onnx, graph)
    found = [value.name for value in model.graph.input]
    if len(set(found)) < len(found) or not {IDS} <= set(found) <= set(inputs):
        raise ValueError(f"its inputs are {str(found)[:100]}")
    if [value.name for value in model.graph.output] != list(outputs):
        raise ValueError(f"its outputs are {str([value.name for value in model.graph.output])[:100]}")
    for value in [*model.graph.input, *model.graph.output]:
        _check_value(onnx, value, {**inputs, **outputs}[value.name], n_terms)
    named = {each.name for each in model.graph.initializer}
    if named & set(inputs):
        raise ValueError(f"it holds a value for {min(named & set(inputs))[:40]!r}, which is an input")


def _graphs(graph: Any) -> Iterator[Any]:
    """Yield the graph and those within it, such as the body of a loop."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
                yield from _graphs(inner)


def _check_operators(onnx: Any, graph: Any) -> None:
    for node in graph.node:
        if node.domain not in ("", "ai.onnx"):
            raise ValueError(f"the operator {node.op_type[:40]!r} of {node.domain[:40]!r} is not one of ONNX's own")
        if not onnx.defs.has(node.op_type):
            raise ValueError(f"there is no operator {node.op_type[:40]!r}")
        for attribute in node.attribute:
            if attribute.ref_attr_name:
                raise ValueError(f"an attribute of {node.op_type[:40]!r} refers to another")
            _check_tensors(onnx, [*([attribute.t] if attribute.HasField("t") else []), *attribute.tensors])
            if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
                raise ValueError("it holds a sparse tensor")
    if graph.sparse_initializer:
        raise ValueError("it holds a sparse tensor")
    _check_tensors(onnx, graph.initializer)


def _check_tensors(onnx: Any, tensors: Sequence[Any]) -> None:
    for tensor in tensors:
        name = tensor.name[:40]
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise ValueError(f"the values of {name!r} are in another file")
        # Each value takes at least half a byte of the file.
        if any(n < 0 for n in tensor.dims) or math.prod(tensor.dims) > 2 * MAX_BYTES:
            raise ValueError(f"{name!r} claims the shape {list(tensor.dims)[:8]}")


def _check_value(onnx: Any, value: Any, shape: Shape, n_terms: int) -> None:
    """Raise ValueError unless an input or output has the shape; where it is a str, any length must be allowed."""
    found = _shape(value)
    expected = tuple(None if isinstance(n, str) else n for n in shape)
    if shape[:1] == (n_terms,) and found[:1] == (None,):
        expected = (None, *expected[1:])
    dtype = onnx.TensorProto.INT32 if value.name == IDS else onnx.TensorProto.FLOAT
    if found != expected or value.type.tensor_type.elem_type != dtype:
        raise ValueError(f"{value.name[:40]!r} has the shape {found} and the type {value.type.tensor_type.elem_type}")


def _shape(value: Any) -> tuple[int | None, ...]:
    """Return the shape of an input or output, None for any length."""
    dimensions = value.type.tensor_type.shape.dim
    return tuple(each.dim_value if each.HasField("dim_value") else None for each in dimensions)

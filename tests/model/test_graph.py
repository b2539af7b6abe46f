"""Graphs made to do harm, and what is wrong with each by name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.model.architecture import LayerArchitecture
from spacy_trax_sentiment.model.graph import MAX_BYTES, Graph
from spacy_trax_sentiment.model.session import Session, n_threads

onnx = pytest.importorskip("onnx", reason="the extra 'trf' is not installed")
helper, TensorProto = onnx.helper, onnx.TensorProto

WEIGHTS = {"E": np.arange(20, dtype=np.float32).reshape(10, 2)}


def layer(n_terms: int, n_labels: int, dropout: float) -> Any:
    raise NotImplementedError


ARCHITECTURE = LayerArchitecture(layer, n_terms=10, n_labels=2)


def small_model() -> Any:
    """Return a graph that adds up the rows of E and a constant."""
    nodes = [
        helper.make_node("Gather", ["E", "ids"], ["rows"]),
        helper.make_node("ReduceSum", ["rows", "axes"], ["sums"], keepdims=0),
        helper.make_node("Add", ["sums", "half"], ["log_probabilities"]),
    ]
    inputs = [
        helper.make_tensor_value_info("ids", TensorProto.INT32, ["B", "T"]),
        helper.make_tensor_value_info("E", TensorProto.FLOAT, [10, 2]),
    ]
    outputs = [helper.make_tensor_value_info("log_probabilities", TensorProto.FLOAT, ["B", 2])]
    constants = [
        helper.make_tensor("axes", TensorProto.INT64, [1], [1]),
        helper.make_tensor("half", TensorProto.FLOAT, [1], [0.5]),
    ]
    graph = helper.make_graph(nodes, "small", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def session(model: Any) -> Session:
    data = model if isinstance(model, bytes) else model.SerializeToString()
    return Session(Graph(data, ARCHITECTURE, "there/graph.onnx"), WEIGHTS)


def test_a_graph_of_our_own_runs() -> None:
    ids = np.array([[1, 2], [3, 0]], dtype=np.int32)
    np.testing.assert_array_equal(session(small_model())(ids), WEIGHTS["E"][ids].sum(axis=1) + 0.5)


def foreign_operator(model: Any) -> None:
    model.graph.node[2].domain = "com.microsoft"


def foreign_domain(model: Any) -> None:
    model.opset_import.append(helper.make_opsetid("com.evil", 1))


def unknown_operator(model: Any) -> None:
    model.graph.node[2].op_type = "Exec"


def input_twice(model: Any) -> None:
    model.graph.input.append(model.graph.input[1])


def within_a_branch(change: Callable[[Any], None]) -> Callable[[Any], None]:
    def changed(model: Any) -> None:
        inner = small_model()
        change(inner)
        branch = helper.make_graph(inner.graph.node, "branch", [], inner.graph.output, inner.graph.initializer)
        model.graph.node.append(helper.make_node("If", ["yes"], ["z"], then_branch=branch, else_branch=branch))

    return changed


def external_constant(model: Any) -> None:
    tensor = model.graph.initializer[1]
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def external_attribute(model: Any) -> None:
    tensor = helper.make_tensor("value", TensorProto.FLOAT, [1], [0.5])
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    model.graph.node.append(helper.make_node("Constant", [], ["z"], value=tensor))


def local_function(model: Any) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    model.functions.append(helper.make_function("", "Ours", ["x"], ["y"], [node], [helper.make_opsetid("", 20)]))


def sparse_constant(model: Any) -> None:
    values = helper.make_tensor("sparse", TensorProto.FLOAT, [1], [1.0])
    indices = helper.make_tensor("indices", TensorProto.INT64, [1], [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [1 << 40]))


def large_constant(model: Any) -> None:
    model.graph.initializer[1].dims[0] = 1 << 40


def value_for_an_input(model: Any) -> None:
    model.graph.initializer.append(helper.make_tensor("E", TensorProto.FLOAT, [10, 2], [0.0] * 20))


def another_input(model: Any) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))


def another_shape(model: Any) -> None:
    model.graph.input[1].type.tensor_type.shape.dim[0].dim_value = 11


def fixed_length(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 8


def another_output(model: Any) -> None:
    model.graph.output[0].name = "sums"


def missing_value(model: Any) -> None:
    model.graph.node[2].input[1] = "nowhere"


HOSTILE: dict[str, tuple[Callable[[Any], None], str]] = {
    "foreign operator": (foreign_operator, "'Add' of 'com.microsoft'"),
    "foreign operators": (foreign_domain, "operators of 'com.evil'"),
    "unknown operator": (unknown_operator, "no operator 'Exec'"),
    "foreign operator in a branch": (within_a_branch(foreign_operator), "'Add' of 'com.microsoft'"),
    "external constant": (external_constant, "'half' are in another file"),
    "external constant in a branch": (within_a_branch(external_constant), "'half' are in another file"),
    "external attribute": (external_attribute, "'value' are in another file"),
    "local function": (local_function, "function 'Ours'"),
    "sparse constant": (sparse_constant, "sparse"),
    "large constant": (large_constant, r"'half' claims the shape \[1099511627776\]"),
    "value for an input": (value_for_an_input, "'E', which is an input"),
    "another input": (another_input, "its inputs are"),
    "an input twice": (input_twice, "its inputs are"),
    "another shape": (another_shape, r"'E' has the shape \(11, 2\)"),
    "fixed length": (fixed_length, r"'ids' has the shape \(None, 8\)"),
    "another output": (another_output, "its outputs are"),
    "missing value": (missing_value, "nowhere"),
}


@pytest.mark.parametrize(("change", "message"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_graph_is_refused_by_name(change: Callable[[Any], None], message: str) -> None:
    model = small_model()
    change(model)
    with pytest.raises(SentimentError, match=rf"^\[S077\] there/graph\.onnx: .*{message}"):
        session(model)


@pytest.mark.parametrize("data", [b"\xff" * 99, small_model().SerializeToString()[:-9], b"", bytes(MAX_BYTES + 1)])
def test_what_is_no_graph_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(SentimentError, match=r"^\[S077\] there/graph\.onnx: "):
        session(data)


def test_a_process_uses_the_threads_that_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert n_threads() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert n_threads() >= 1
    monkeypatch.setattr("multiprocessing.parent_process", lambda: object())
    assert n_threads() == 1

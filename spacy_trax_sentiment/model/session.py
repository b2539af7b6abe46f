"""A graph and its weights to its output, by ONNX Runtime, without Trax."""

import multiprocessing
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..text.arrays import Array
from .graph import IDS, Graph, import_onnx, missing_trf_extra, tables_of


class Session:
    """A graph with weights, ready to run. Threads may share it; another process needs one of its own.

    Embedding tables stay inputs of the graph: nothing copies them, and a small one can be given instead. The other
    weights become constants, which ONNX Runtime packs for its matrix products.
    """

    def __init__(self, graph: Graph, weights: Mapping[str, Array]) -> None:
        ort = import_onnxruntime()
        model = graph.parsed({name: value.shape for name, value in weights.items()})
        used, tables = {value.name for value in model.graph.input}, tables_of(model)
        self._graph = graph
        self.tables: dict[str, Array] = {name: value for name, value in weights.items() if name in tables}
        # ONNX Runtime refers to these arrays while it packs them.
        constants = {name: np.ascontiguousarray(weights[name]) for name in weights.keys() & used - tables}
        inputs_to_constants(model.graph, constants)
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = n_threads(), 1
        options.log_severity_level = 4  # what matters is raised
        if constants:
            values = [ort.OrtValue.ortvalue_from_numpy(value) for value in constants.values()]
            options.add_external_initializers(list(constants), values)
        try:
            self._session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's errors have no common class
            raise graph.refused(error) from None

    def __call__(self, ids: NDArray[np.int32], **inputs: Array) -> Array:
        """Return the graph's output for padded ids (n_texts, length), its other inputs and, if given, other tables."""
        return self._run(0, {IDS: ids, **self.tables, **inputs})

    def vectors(self, ids: NDArray[np.int32]) -> Array:
        """Return the vectors (n_texts, length, width) of padded ids, from the graph of a layer with a target head."""
        return self._run(1, {IDS: ids, **self.tables})

    def _run(self, output: int, inputs: dict[str, Array]) -> Array:
        try:
            (value,) = self._session.run([self._graph.outputs[output]], inputs)
        except Exception as error:
            raise self._graph.refused(error) from None
        return np.asarray(value)


def import_onnxruntime() -> Any:
    """Return the module `onnxruntime`, or raise MissingExtraError."""
    import_onnx()
    try:
        import onnxruntime
    except ImportError as error:
        raise missing_trf_extra(error) from error
    return onnxruntime


def n_threads() -> int:
    """Return how many threads a session may use: one if the process is one of several, else one per core.

    OMP_NUM_THREADS decides if it is set, as Ray does in its workers.
    """
    chosen = os.environ.get("OMP_NUM_THREADS", "")
    if chosen.isdecimal() and int(chosen):
        return int(chosen)
    if multiprocessing.parent_process() is not None:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def inputs_to_constants(graph: Any, constants: Mapping[str, Array]) -> None:
    """Make some inputs of an ONNX graph constants whose values are handed over in memory, under their names."""
    from onnx import TensorProto

    kept = [value for value in graph.input if value.name not in constants]
    del graph.input[:]
    graph.input.extend(kept)
    for name, value in constants.items():
        tensor = graph.initializer.add()
        tensor.name, tensor.data_type, tensor.data_location = name, TensorProto.FLOAT, TensorProto.EXTERNAL
        tensor.dims.extend(value.shape)
        # ONNX Runtime wants to be told of a file, and does not open it.
        for key, text in (("location", "memory"), ("offset", "0"), ("length", str(value.nbytes))):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, text

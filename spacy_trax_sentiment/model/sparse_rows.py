"""Gradients of an embedding table's rows to steps of these rows alone.

Only the rows that occur in a batch go through a training step, so that its time does not grow with the vocabulary.
Adam then moves a row, and decays its moments and weights, only in steps whose batch holds the row ("lazy Adam", like
TensorFlow's LazyAdam and PyTorch's SparseAdam).
"""

from typing import Any, cast

import numpy as np
from thinc.api import Model, Optimizer
from thinc.shims import Shim
from thinc.types import FloatsXd

from ..text.arrays import Array
from ..text.vocabulary import N_SPECIAL

_FEWEST_ROWS = 256


def batch_rows(ids: Array, n_terms: int) -> tuple[Array, Array]:
    """Return the rows that a batch's ids, of any shape, touch of a table of `n_terms` rows, and each id's place there.

    The rows (n_rows,) are ascending and begin with those of the special terms; the places are int32.
    """
    flat = np.concatenate([np.arange(N_SPECIAL), ids.ravel()])
    # Faster than sorting all ids. What is not written is never read, and takes no memory.
    place = np.empty(n_terms, dtype=np.int32)
    order = np.arange(len(flat), dtype=np.int32)
    place[flat] = order
    rows = np.sort(flat[place[flat] == order])
    place[rows] = order[: len(rows)]
    return rows, place[ids]


def take_rows(table: Array, rows: Array, n_rows: int) -> Array:
    """Return the rows of the table, filled up with rows of zeros: (n_rows, width)."""
    taken = np.zeros((n_rows, table.shape[1]), dtype=table.dtype)
    np.take(table, rows, axis=0, out=taken[: len(rows)], mode="clip")  # "raise" would buffer the output
    return taken


def put_rows(table: Array, rows: Array, values: Array) -> None:
    """Write `values` (n_rows, width) into a C-contiguous table of their dtype, in half the time of an assignment.

    The rows (n_rows,) are each given once.
    """
    whole = np.dtype((np.void, table.dtype.itemsize * table.shape[1]))  # a row as one item
    np.put(table.view(whole), rows, np.ascontiguousarray(values).view(whole), mode="clip")


class SteadyRows:
    """Rounds a batch's number of rows up to the same number for nearly all batches: XLA compiles once per number."""

    def __init__(self, n_rows: int = 0) -> None:
        self.n_rows = n_rows

    def __call__(self, n_rows: int) -> int:
        """Return a number of at least `n_rows`, with some room for larger batches to come."""
        if n_rows > self.n_rows:
            self.n_rows = row_rung(n_rows + n_rows // 4)
        return self.n_rows


def row_rung(n_rows: int) -> int:
    """Return the next of a few numbers of rows."""
    return max(_FEWEST_ROWS, 1 << (max(n_rows, 1) - 1).bit_length())


class StepCount(Shim):  # type: ignore[misc]
    """Counts the steps of Thinc's optimizers, which write into the weights' arrays.

    `n_steps` tells whoever caches the weights that they changed.
    """

    def __init__(self) -> None:
        super().__init__(None)
        self.n_steps = 0

    def finish_update(self, optimizer: Any) -> None:
        """Count a step."""
        self.n_steps += 1

    def __reduce__(self) -> tuple[Any, ...]:  # a copy starts anew
        return type(self), ()

    def to_bytes(self) -> bytes:
        return b""

    def from_bytes(self, data: bytes) -> "StepCount":
        return self


class RowUpdates(StepCount):
    """Tracks which rows of a parameter's gradient are non-zero, and steps only those.

    Thinc's `Model.finish_update` calls its shims first. The gradient itself is a whole table, where Thinc expects it:
    whoever calls an optimizer on the parameters, or copies the model, steps the whole table, which takes longer. So
    does an optimizer that keeps averages, because these change in every row with every step.
    """

    def __init__(self) -> None:
        super().__init__()
        self.n_rows = SteadyRows()
        self._pending: tuple[Model[Any, Any], str, list[Array]] | None = None
        self._whole: Array | None = None  # all zeros whenever the model does not hold it

    def add(self, model: Model[Any, Any], name: str, rows: Array, gradient: Array) -> None:
        """Add to the rows (n_rows,), each given once, of the gradient of the parameter `name`."""
        table: Any = model.get_param(name)
        whole: Any = model.get_grad(name) if model.has_grad(name) else None
        if whole is None or whole.shape != table.shape:
            if self._whole is None or self._whole.shape != table.shape or self._pending is not None:
                self._whole = np.zeros(table.shape, dtype=np.float32)
            put_rows(self._whole, rows, gradient)
            model.set_grad(name, cast(FloatsXd, self._whole))
            self._pending = model, name, [rows]
            return
        whole[rows] += gradient
        if whole is self._whole:  # any other may be non-zero in rows we do not know of
            self._pending = self._pending or (model, name, [])
            self._pending[2].append(rows)

    def finish_update(self, optimizer: Any) -> None:
        """Step the rows of the gradient that are non-zero, and leave an empty gradient."""
        super().finish_update(optimizer)
        if self._pending is None or type(optimizer) is not Optimizer or optimizer.averages is not None:
            self._pending = None
            return
        (model, name, touched), self._pending = self._pending, None
        rows = touched[0] if len(touched) == 1 else np.unique(np.concatenate(touched))
        gradient: Any = model.get_grad(name)
        table: Any = model.get_param(name)
        of_rows = gradient.take(rows, axis=0)
        step_rows(optimizer, (model.id, name), table, rows, of_rows)
        put_rows(gradient, rows, np.zeros_like(of_rows))
        # Thinc's optimizers skip an empty gradient.
        model.set_grad(name, gradient[:0])


def step_rows(optimizer: Optimizer, key: tuple[int, str], table: Array, rows: Array, gradient: Array) -> None:
    """Take a step of Thinc's optimizer, in place, on the rows (n_rows,) of the table that it knows by `key`.

    The gradient (n_rows, width) is overwritten.
    """
    # The optimizer keeps a whole table's moments, flat, under its key. For this call it gets those of the rows.
    moments: tuple[dict[Any, Any], dict[Any, Any]] = (optimizer.mom1, optimizer.mom2)
    whole = [moment.pop(key, None) for moment in moments]
    for moment, values in zip(moments, whole, strict=True):
        if values is not None:
            moment[key] = values.reshape(table.shape).take(rows, axis=0).ravel()
    stepped, _ = optimizer(key, cast(FloatsXd, table.take(rows, axis=0)), cast(FloatsXd, gradient))
    put_rows(table, rows, cast(Array, stepped))
    for moment, values in zip(moments, whole, strict=True):
        if key in moment:
            values = np.zeros(table.size, dtype=np.float32) if values is None else values
            put_rows(values.reshape(table.shape), rows, moment[key].reshape(len(rows), -1))
            moment[key] = values

"""A batch's rows of an embedding table: these alone go through a training step, so that it takes no longer where the
table is larger.

Adam then moves a row, and forgets of its momenta, only in the steps whose batch holds the row ("lazy Adam", as
TensorFlow's LazyAdam and PyTorch's SparseAdam); so it is with weight decay. All else is as without.
"""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model, Optimizer
from thinc.shims import Shim
from thinc.types import FloatsXd

from ..text.vocabulary import N_SPECIAL

Array = NDArray[Any]

_FEWEST_ROWS = 256


def batch_rows(ids: Array, n_terms: int) -> tuple[Array, Array]:
    """Number the rows of a table that a batch touches.

    ids: Integers of any shape, each below `n_terms`, the table's rows.
    RETURNS: The different ids, ascending, (n_rows,), the special terms' always among them and so first; and int32 of
        the shape of `ids`: the place of each in the former. A special term's place is its id.
    """
    flat = np.concatenate([np.arange(N_SPECIAL), ids.ravel()])
    # Quicker than sorting all ids. What is not written is never read, nor brought into memory.
    place = np.empty(n_terms, dtype=np.int32)
    order = np.arange(len(flat), dtype=np.int32)
    place[flat] = order
    rows = np.sort(flat[place[flat] == order])
    place[rows] = order[: len(rows)]
    return rows, place[ids]


def take_rows(table: Array, rows: Array, n_rows: int) -> Array:
    """RETURNS: The rows of the table, filled up with zeros, (n_rows, width)."""
    taken = np.zeros((n_rows, table.shape[1]), dtype=table.dtype)
    np.take(table, rows, axis=0, out=taken[: len(rows)], mode="clip")  # "raise" would buffer the output
    return taken


def put_rows(table: Array, rows: Array, values: Array) -> None:
    """Write rows (n_rows, width) into their places in a table, in half the time of `table[rows] = values`.

    table: C-contiguous, of the values' dtype. rows: (n_rows,), each once.
    """
    whole = np.dtype((np.void, table.dtype.itemsize * table.shape[1]))  # a row as one item
    np.put(table.view(whole), rows, np.ascontiguousarray(values).view(whole), mode="clip")


class SteadyRows:
    """Says how many rows to take for a batch's: the same number for nearly all batches, as XLA compiles for each."""

    def __init__(self, n_rows: int = 0) -> None:
        self.n_rows = n_rows

    def __call__(self, n_rows: int) -> int:
        """RETURNS: A number of rows that is at least `n_rows`, with some room for batches of more rows to come."""
        if n_rows > self.n_rows:
            self.n_rows = row_rung(n_rows + n_rows // 4)
        return self.n_rows


def row_rung(n_rows: int) -> int:
    """RETURNS: The next of a few numbers of rows."""
    return max(_FEWEST_ROWS, 1 << (max(n_rows, 1) - 1).bit_length())


class RowUpdates(Shim):  # type: ignore[misc]
    """Knows which rows of a parameter's gradient are not zero, and has Thinc's optimizer step these alone.

    Thinc's `Model.finish_update` asks its shims first. The gradient itself stands where Thinc looks for it, a whole
    table: whoever calls an optimizer on the parameters, or copies the model, gets the whole table's step, which takes
    longer. So it is where the optimizer keeps averages, as these change with every step in every row.
    """

    def __init__(self) -> None:
        super().__init__(None)
        self.n_rows = SteadyRows()
        self._pending: tuple[Model[Any, Any], str, list[Array]] | None = None
        self._whole: Array | None = None  # where it does not stand in the model, it is zero

    def add(self, model: Model[Any, Any], name: str, rows: Array, gradient: Array) -> None:
        """Add to the gradient of the parameter `name`.

        rows: Which rows, (n_rows,), each once. gradient: (n_rows, width).
        """
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
        if whole is self._whole:  # any other may be not zero in more rows than we know
            self._pending = self._pending or (model, name, [])
            self._pending[2].append(rows)

    def finish_update(self, optimizer: Any) -> None:
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
        # Thinc's optimizers pass over an empty gradient.
        model.set_grad(name, gradient[:0])

    def copy(self) -> "RowUpdates":
        return RowUpdates()

    def __deepcopy__(self, memo: Any) -> "RowUpdates":
        return RowUpdates()

    def __reduce__(self) -> tuple[Any, ...]:
        return RowUpdates, ()

    def to_bytes(self) -> bytes:
        return b""

    def from_bytes(self, data: bytes) -> "RowUpdates":
        return self


def step_rows(optimizer: Optimizer, key: tuple[int, str], table: Array, rows: Array, gradient: Array) -> None:
    """Take a step of Thinc's optimizer on some rows of a table, in place.

    key: The optimizer's key of the whole table. rows: (n_rows,), each once. gradient: (n_rows, width), used up.
    """
    # The optimizer keeps the momenta of a whole table, flat, by its key. For the call it is shown those of the rows.
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

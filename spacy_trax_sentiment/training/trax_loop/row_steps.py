"""Have Trax's Loop step only the embedding rows that occur in the batch, as `nlp.update` does.

Trax's own step computes the gradient of the whole table and moves all of it, with Adam's moments, through memory.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...model.sparse_rows import SteadyRows, batch_rows, put_rows, take_rows
from ...model.trax_backend import jax, trax
from ...text.arrays import Array

# The embedding is the first leaf: see `weight_names` in model/architecture.py.
_TABLE = 0


def step_rows_alone(loop: Any) -> None:
    """Make a Loop with one task step and evaluate on the batch's rows of the embedding only.

    The embedding then is a NumPy array that the steps write to.
    """
    (trainer,) = loop._trainer_per_task
    taker = _RowTaker()
    loop._trainer_per_task = (RowTrainer(trainer.model_with_loss, trainer.optimizer, taker),)
    loop._evaluator_per_task = tuple(
        evaluator._replace(metrics_fn=_on_rows(evaluator.metrics_fn, taker)) for evaluator in loop._evaluator_per_task
    )


class _RowTaker:
    """Takes a batch's rows out of the weights, padded to a number of rows that seldom changes."""

    def __init__(self) -> None:
        self.n_rows = SteadyRows()

    def __call__(self, weights: Any, batch: Sequence[Any]) -> tuple[Any, Sequence[Any], Array]:
        """Return the weights with the batch's rows only, the batch with ids renumbered to match, and the rows' ids."""
        table = jax.tree_util.tree_leaves(weights)[_TABLE]
        ids = np.asarray(batch[0])
        rows, places = batch_rows(np.abs(ids), len(table))
        places = np.where(ids < 0, -places, places)  # the sign says which ids are of a target
        return _with_table(weights, take_rows(table, rows, self.n_rows(len(rows)))), (places, *batch[1:]), rows


class RowTrainer(trax.optimizers.Trainer):  # type: ignore[misc]
    """Trax's trainer of one task, changed to step only the batch's rows of the embedding."""

    _slots: Any

    def __init__(self, model_with_loss: Any, optimizer: Any, taker: _RowTaker) -> None:
        super().__init__(model_with_loss, optimizer)
        self._taker = taker
        model = self.accelerated_model_with_loss
        self._table = np.array(jax.tree_util.tree_leaves(model.weights)[_TABLE])
        model.weights = _with_table(model.weights, self._table)
        # Adam has two slots of the table's shape, SGD none. They start as zeros, which NumPy allocates lazily.
        slots, self._slots_tree = jax.tree_util.tree_flatten(self._slots[_TABLE])
        self._of_table = [np.zeros(slot.shape, slot.dtype) for slot in slots]

    @property
    def n_rows(self) -> int:
        """Number of rows that go through a step."""
        return self._taker.n_rows.n_rows

    def take_table(self, n_rows: int) -> None:
        """Continue from weights and slots that have been set from outside, with `n_rows` rows per step."""
        self._taker.n_rows = SteadyRows(n_rows)
        model = self.accelerated_model_with_loss
        self._table = np.array(jax.tree_util.tree_leaves(model.weights)[_TABLE])
        model.weights = _with_table(model.weights, self._table)
        self._of_table = [np.array(slot) for slot in jax.tree_util.tree_leaves(self._slots[_TABLE])]
        self._slots = (jax.tree_util.tree_unflatten(self._slots_tree, self._of_table), *self._slots[_TABLE + 1 :])

    def one_step(self, batch: Sequence[Any], rng: Any, step: int = 0, learning_rate: Any = None) -> tuple[Any, Any]:
        if learning_rate is not None:
            self._opt_params["learning_rate"] = learning_rate
        model = self.accelerated_model_with_loss
        weights, batch, rows = self._taker(model.weights, batch)
        taken = [take_rows(slot, rows, self._taker.n_rows(len(rows))) for slot in self._of_table]
        of_rows = jax.tree_util.tree_unflatten(self._slots_tree, taken)
        (weights, (of_rows, *others)), model.state, stats = self._accelerated_update_fn(
            (weights, (of_rows, *self._slots[_TABLE + 1 :])), step, self._opt_params, batch, model.state, rng
        )
        stepped = (jax.tree_util.tree_leaves(weights)[_TABLE], *jax.tree_util.tree_leaves(of_rows))
        for whole, part in zip((self._table, *self._of_table), stepped, strict=True):
            put_rows(whole, rows, np.asarray(part)[: len(rows)])
        model.weights = _with_table(weights, self._table)
        self._slots = (jax.tree_util.tree_unflatten(self._slots_tree, self._of_table), *others)
        return stats["loss"], stats


def _on_rows(metrics_fn: Callable[..., Any], taker: _RowTaker) -> Callable[..., Any]:
    def on_rows(batch: Sequence[Any], weights: Any, *others: Any) -> Any:
        weights, batch, _ = taker(weights, batch)
        return metrics_fn(batch, weights, *others)

    return on_rows


def _with_table(weights: Any, table: Any) -> Any:
    leaves, tree = jax.tree_util.tree_flatten(weights)
    leaves[_TABLE] = table
    return jax.tree_util.tree_unflatten(tree, leaves)

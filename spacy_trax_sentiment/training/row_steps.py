"""Steps of Trax's Loop that take and give back only a batch's rows of the embedding table, as `nlp.update` does.

Trax's own step computes the gradient of the whole table and passes all of it, with Adam's momenta, through memory.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.sparse_rows import SteadyRows, batch_rows, put_rows, take_rows
from ..model.trax_backend import jax, trax

Array = NDArray[Any]

# The embedding table is the first of the layer's weights, as `classifier.weight_names` has it.
_TABLE = 0


def step_rows_alone(loop: Any) -> None:
    """Have a Loop with one task step and evaluate on the batch's rows of the table.

    The table then is a NumPy array, which the steps write into.
    """
    (trainer,) = loop._trainer_per_task
    taker = _RowTaker()
    loop._trainer_per_task = (RowTrainer(trainer.model_with_loss, trainer.optimizer, taker),)
    loop._evaluator_per_task = tuple(
        evaluator._replace(metrics_fn=_on_rows(evaluator.metrics_fn, taker)) for evaluator in loop._evaluator_per_task
    )


class _RowTaker:
    """Takes a batch's rows out of the weights, filled up to a number that seldom changes."""

    def __init__(self) -> None:
        self.n_rows = SteadyRows()

    def __call__(self, weights: Any, batch: Sequence[Any]) -> tuple[Any, Sequence[Any], Array]:
        """RETURNS: The weights with the batch's rows of the table alone; the batch with the ids' places among these in
        place of the ids; and the rows, (n_rows,).
        """
        table = jax.tree_util.tree_leaves(weights)[_TABLE]
        rows, places = batch_rows(np.asarray(batch[0]), len(table))
        return _with_table(weights, take_rows(table, rows, self.n_rows(len(rows)))), (places, *batch[1:]), rows


class RowTrainer(trax.optimizers.Trainer):  # type: ignore[misc]
    """Trax's trainer of one task, of which only a batch's rows of the table go through a step."""

    _slots: Any

    def __init__(self, model_with_loss: Any, optimizer: Any, taker: _RowTaker) -> None:
        super().__init__(model_with_loss, optimizer)
        self._taker = taker
        model = self.accelerated_model_with_loss
        self._table = np.array(jax.tree_util.tree_leaves(model.weights)[_TABLE])
        model.weights = _with_table(model.weights, self._table)
        # Adam has two, of the table's shape, and SGD none. They are zeros, and NumPy's take no time until written to.
        slots, self._slots_tree = jax.tree_util.tree_flatten(self._slots[_TABLE])
        self._of_table = [np.zeros(slot.shape, slot.dtype) for slot in slots]

    @property
    def n_rows(self) -> int:
        """The rows that go through a step."""
        return self._taker.n_rows.n_rows

    def take_table(self, n_rows: int) -> None:
        """Go on from the weights and slots that this has been given. n_rows: As the property's."""
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

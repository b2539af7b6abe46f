"""Adam with a penalty on how far the embedding moves.

It makes a linear classifier a multinomial logistic regression, which has a single optimum, whatever the seed.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...model.trax_backend import jax, optimizers

_LEAST_EASE = np.float32(1e-6)


class Ridge(optimizers.Adam):  # type: ignore[misc]
    """Trax's Adam with the gradient of `penalty / 2` times the embedding's squared distance from its start added.

    If the embedding starts at 0, this is the penalty of ridge regression. Otherwise it keeps weights near those of
    another task unless the data disagrees (L2-SP; Li et al. 2018, "Explicit Inductive Bias for Transfer Learning").

    All other matrices stay fixed: if the layer after the embedding could grow, the embedding could shrink and evade the
    penalty. Adam's own weight decay would not do, because its effect depends on the learning rate and on how rare a
    term is.

    With `ease` (n_rows, 1), the optimizer works on each row's distance from the start divided by the row's ease. A row
    of ease 0 stays.
    """

    def __init__(
        self,
        penalty: float,
        start: NDArray[np.float32],
        learning_rate: float,
        eps: float,
        ease: NDArray[np.float32] | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay_rate=0.0, eps=eps)
        self.penalty, self.start, self.ease = penalty, start, ease

    def tree_update(self, step: Any, grad_tree: Any, weight_tree: Any, *others: Any, **options: Any) -> Any:
        # The embedding is the first leaf: see `weight_names` in model/architecture.py.
        gradients, tree = jax.tree_util.tree_flatten(grad_tree)
        table, *_ = jax.tree_util.tree_leaves(weight_tree)
        first, *rest = gradients
        rest = [each * (each.ndim == 1) for each in rest]
        if self.ease is None:
            gradients = [first + self.penalty * (table - self.start), *rest]
            tree = jax.tree_util.tree_unflatten(tree, gradients)
            return super().tree_update(step, tree, weight_tree, *others, **options)
        scaled = (table - self.start) / np.maximum(self.ease, _LEAST_EASE)
        weights = jax.tree_util.tree_unflatten(tree, [scaled, *jax.tree_util.tree_leaves(weight_tree)[1:]])
        gradients = [first * self.ease + self.penalty * scaled, *rest]
        updated, *more = super().tree_update(
            step, jax.tree_util.tree_unflatten(tree, gradients), weights, *others, **options
        )
        scaled, *rest = jax.tree_util.tree_leaves(updated)
        return jax.tree_util.tree_unflatten(tree, [self.start + self.ease * scaled, *rest]), *more

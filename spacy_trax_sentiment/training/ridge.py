"""Adam for a linear classifier with a penalty on its squared weights: multinomial logistic regression, which has one
optimum, whatever the seed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.trax_backend import jax, optimizers


class Ridge(optimizers.Adam):  # type: ignore[misc]
    """Trax's Adam on the embedding plus the gradient of `penalty / 2` times the sum of the squares of what it moved.

    Where it begins at 0, that is ridge regression's penalty; else its weights stay near those of another task, so far
    as the data does not say otherwise (L2-SP of Li et al. 2018, "Explicit inductive bias for transfer learning").

    All other matrices stay as they are: were the layer after the embedding to grow, the embedding could shrink and
    evade the penalty. Adam's own decay, in contrast, takes a share of each weight at each step, which depends on the
    learning rate and on how rare a term is.
    """

    def __init__(self, penalty: float, start: NDArray[np.float32], learning_rate: float, eps: float) -> None:
        """start: The embedding as it begins, (n_rows, width). learning_rate, eps: Adam's."""
        super().__init__(learning_rate, weight_decay_rate=0.0, eps=eps)
        self.penalty, self.start = penalty, start

    def tree_update(self, step: Any, grad_tree: Any, weight_tree: Any, *others: Any, **options: Any) -> Any:
        """As Trax's. The embedding is the first of the leaves, as `classifier.weight_names` has it."""
        gradients, tree = jax.tree_util.tree_flatten(grad_tree)
        table, *_ = jax.tree_util.tree_leaves(weight_tree)
        first, *rest = gradients
        gradients = [first + self.penalty * (table - self.start), *(each * (each.ndim == 1) for each in rest)]
        return super().tree_update(step, jax.tree_util.tree_unflatten(tree, gradients), weight_tree, *others, **options)

"""Adam with a penalty on how far the embedding moves.

It makes a linear classifier a multinomial logistic regression, which has a single optimum, whatever the seed.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...model.trax_backend import jax, optimizers


class Ridge(optimizers.Adam):  # type: ignore[misc]
    """Trax's Adam with the gradient of `penalty / 2` times the embedding's squared distance from its start added.

    If the embedding starts at 0, this is the penalty of ridge regression. Otherwise it keeps weights near those of
    another task unless the data disagrees (L2-SP; Li et al. 2018, "Explicit Inductive Bias for Transfer Learning").

    All other matrices stay fixed: if the layer after the embedding could grow, the embedding could shrink and evade the
    penalty. Adam's own weight decay would not do, because its effect depends on the learning rate and on how rare a
    term is.
    """

    def __init__(self, penalty: float, start: NDArray[np.float32], learning_rate: float, eps: float) -> None:
        super().__init__(learning_rate, weight_decay_rate=0.0, eps=eps)
        self.penalty, self.start = penalty, start

    def tree_update(self, step: Any, grad_tree: Any, weight_tree: Any, *others: Any, **options: Any) -> Any:
        # The embedding is the first leaf: see `weight_names` in model/architecture.py.
        gradients, tree = jax.tree_util.tree_flatten(grad_tree)
        table, *_ = jax.tree_util.tree_leaves(weight_tree)
        first, *rest = gradients
        gradients = [first + self.penalty * (table - self.start), *(each * (each.ndim == 1) for each in rest)]
        return super().tree_update(step, jax.tree_util.tree_unflatten(tree, gradients), weight_tree, *others, **options)

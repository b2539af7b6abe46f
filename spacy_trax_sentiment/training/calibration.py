"""Make a trained classifier's probabilities as often right as they say, by one temperature for all texts.

Temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural Networks"). The temperature is divided into the
weights, so serving needs to know nothing of it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model

from ..model.folded import log_probabilities
from ..model.layer_scores import layer_log_probabilities
from ..model.parameters import get_weights, set_weights
from ..model.thinc_model import folded_classifier, folds
from ..text.arrays import Ragged

# The natural logarithm of the temperature lies between these.
_BOUNDS = (-3.0, 3.0)
# The log-probability of a label that a text's source does not know, whatever the temperature.
_NEVER = -1e9


def calibrate(
    model: Model[Any, Any],
    ids: Sequence[NDArray[np.int32]],
    targets: Sequence[int],
    probabilities: NDArray[np.float32] | None = None,
) -> float:
    """Divide a trained model's output layer by the temperature that makes held-out texts most probable.

    Texts whose target is -1, because they have no label, are ignored.

    Args:
        model: A model whose output layer has the weights `W` and `b`.
        ids: The ids of each text.
        targets: The column of each text's label.
        probabilities: The targets (n_texts, n_labels) of texts that do not all know each label: see `Corpus`.

    Returns:
        The temperature: above 1, the model was overconfident.
    """
    known = [i for i, target in enumerate(targets) if target >= 0]
    scores = _scores(model, [ids[i] for i in known])
    if probabilities is not None:
        scores = np.where(probabilities[known] < 0, _NEVER, scores)
    temperature = fit_temperature(scores, np.array([targets[i] for i in known]))
    weights = get_weights(model)
    set_weights(model, weights | {name: weights[name] / temperature for name in ("W", "b")})
    return temperature


def _scores(model: Model[Any, Any], ids: Sequence[NDArray[np.int32]]) -> NDArray[Any]:
    """Return the log-probabilities of texts given by their ids, (n_texts, n_labels)."""
    if folds(model):
        return log_probabilities(folded_classifier(model), Ragged.of(ids))
    return layer_log_probabilities(model, ids)


def fit_temperature(scores: NDArray[Any], targets: NDArray[Any]) -> float:
    """Return the temperature with the least cross-entropy, for log-probabilities (n_texts, n_labels)."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    texts = np.arange(len(targets))

    def loss(log_temperature: float) -> float:
        return -float(log_softmax(scores / np.exp(log_temperature), axis=1)[texts, targets].mean())

    return float(np.exp(minimize_scalar(loss, bounds=_BOUNDS, options={"xatol": 1e-8}).x))

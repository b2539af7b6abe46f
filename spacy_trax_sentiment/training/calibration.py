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
from ..model.parameters import get_weights, set_weights
from ..model.thinc_model import folded_classifier
from ..text.arrays import Ragged

# The natural logarithm of the temperature lies between these.
_BOUNDS = (-3.0, 3.0)


def calibrate(model: Model[Any, Any], ids: Sequence[NDArray[np.int32]], targets: Sequence[int]) -> float:
    """Divide the output layer by the temperature that makes held-out texts most probable.

    Args:
        model: A trained Thinc model of the architecture `Classifier.v1`; its weights are changed.
        ids: The ids of each held-out text.
        targets: The label of each text, (n_texts,); -1 if it has none. Such texts are ignored.

    Returns:
        The temperature. Above 1, the model was overconfident.
    """
    known = [i for i, target in enumerate(targets) if target >= 0]
    texts = [ids[i] for i in known]
    scores = log_probabilities(folded_classifier(model), Ragged.of(texts))
    temperature = fit_temperature(scores, np.array([targets[i] for i in known]))
    weights = get_weights(model)
    set_weights(model, weights | {name: weights[name] / temperature for name in ("W", "b")})
    return temperature


def fit_temperature(scores: NDArray[Any], targets: NDArray[Any]) -> float:
    """Return the temperature with the least cross-entropy.

    Args:
        scores: Log-probabilities, (n_texts, n_labels).
        targets: The column of each text's label, integers (n_texts,).
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    texts = np.arange(len(targets))

    def loss(log_temperature: float) -> float:
        return -float(log_softmax(scores / np.exp(log_temperature), axis=1)[texts, targets].mean())

    return float(np.exp(minimize_scalar(loss, bounds=_BOUNDS, options={"xatol": 1e-8}).x))

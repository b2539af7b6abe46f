"""A trained classifier to one whose probabilities are as often right as they say: temperature scaling (Guo et al. 2017,
"On Calibration of Modern Neural Networks"), put into the weights, so that serving knows nothing of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model

from ..model.folded import log_probabilities
from ..model.parameters import get_weights, set_weights
from ..model.thinc_model import folded_classifier
from ..text.arrays import Ragged

# Powers of e between which a temperature lies, and how exactly it is found.
_LEAST, _MOST, _STEPS = -3.0, 3.0, 60
_GOLDEN = (5**0.5 - 1) / 2


def calibrate(model: Model[Any, Any], ids: Sequence[NDArray[np.int32]], targets: Sequence[int]) -> float:
    """Divide the scores before the softmax by the temperature that makes held-out texts likeliest.

    ids: The ids of each held-out text. targets: The label of each; -1 for a text that has none, which is left out.
    RETURNS: The temperature. Above 1, the model was too sure of itself.
    """
    known = [i for i, target in enumerate(targets) if target >= 0]
    texts = [ids[i] for i in known]
    scores = log_probabilities(folded_classifier(model), Ragged.of(texts))
    temperature = fit_temperature(scores, np.array([targets[i] for i in known]))
    weights = get_weights(model)
    set_weights(model, weights | {name: weights[name] / temperature for name in ("W", "b")})
    return temperature


def fit_temperature(scores: NDArray[Any], targets: NDArray[Any]) -> float:
    """RETURNS: The temperature with the least cross-entropy, found by golden-section search.

    scores: Log-probabilities (n_texts, n_labels). targets: Integers (n_texts,).
    """

    def loss(power: float) -> float:
        scaled = scores / np.exp(power)
        highest = scaled.max(axis=1)
        total = highest + np.log(np.exp(scaled - highest[:, None]).sum(axis=1))
        return float((total - scaled[np.arange(len(targets)), targets]).mean())

    low, high = _LEAST, _MOST
    for _ in range(_STEPS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return float(np.exp((low + high) / 2))

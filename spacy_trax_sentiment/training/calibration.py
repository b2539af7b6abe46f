"""Make a trained classifier's probabilities as often right as they say, by one temperature for all texts.

Temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural Networks"). The temperature is divided into the
weights, so serving needs to know nothing of it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model

from ..model.encoder_layer import TARGET_HEAD
from ..model.folded import log_probabilities
from ..model.layer_scores import layer_log_probabilities
from ..model.parameters import get_weights, set_weights
from ..model.targets import log_probabilities_of_targets
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

    Texts whose target is -1, because they have no label, are ignored. A target head gets a temperature of its own, from
    the texts with a target.

    Args:
        model: A model whose output layer has the weights `W` and `b`.
        ids: The ids of each text, those of a target negative.
        targets: The column of each text's label.
        probabilities: The targets (n_texts, n_labels) of texts that do not all know each label: see `Corpus`.

    Returns:
        The temperature for whole texts: above 1, the model was overconfident.
    """
    has_target = np.array([bool(len(each)) and int(each.min()) < 0 for each in ids], dtype=bool)
    has_label = np.asarray(targets) >= 0
    temperatures = []
    for known, score, head in (
        (has_label & ~has_target, _scores, ("W", "b")),
        (has_label & has_target, log_probabilities_of_targets, TARGET_HEAD),
    ):
        if not known.any():
            continue
        scores = score(model, [ids[i] for i in np.flatnonzero(known).tolist()])
        if probabilities is not None:
            scores = np.where(probabilities[known] < 0, _NEVER, scores)
        temperatures.append(fit_temperature(scores, np.asarray(targets)[known]))
        weights = get_weights(model)
        set_weights(model, weights | {name: weights[name] / temperatures[-1] for name in head})
    return temperatures[0]


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

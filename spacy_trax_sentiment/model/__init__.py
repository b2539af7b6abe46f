"""Padded ids to log-probabilities."""

from .classifier import Architecture, build_layer, classifier, initialized_layer
from .scoring import fold, log_probabilities
from .thinc_model import Classifier, get_architecture, layer_weights, set_vocabulary, set_weights, to_trax_layer

__all__ = [
    "Architecture",
    "Classifier",
    "build_layer",
    "classifier",
    "fold",
    "get_architecture",
    "initialized_layer",
    "layer_weights",
    "log_probabilities",
    "set_vocabulary",
    "set_weights",
    "to_trax_layer",
]

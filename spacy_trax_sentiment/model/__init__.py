"""Padded ids to log-probabilities."""

from .classifier import Architecture, build_layer, classifier
from .scoring import fold, log_probabilities
from .thinc_model import Classifier, get_architecture, set_vocabulary, set_weights, to_trax_layer

__all__ = [
    "Architecture",
    "Classifier",
    "build_layer",
    "classifier",
    "fold",
    "get_architecture",
    "log_probabilities",
    "set_vocabulary",
    "set_weights",
    "to_trax_layer",
]

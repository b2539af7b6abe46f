"""Trax layers from log-probabilities, targets (n_texts, n_labels) and text weights to a loss and an accuracy.

A target is a label's probability, or -1 for a label that the text's source does not know. Such a text says nothing of
that label: what counts is the model's distribution over the other labels.
"""

from typing import Any

from ...model.trax_backend import fastmath, jax, tl


def cross_entropy_of_known() -> Any:
    """Return a layer to the mean cross-entropy over the labels that each text's source knows."""

    def cross_entropy(log_probabilities: Any, targets: Any, weights: Any) -> Any:
        jnp = fastmath.numpy
        known = targets >= 0
        of_known = _of_known(log_probabilities, known)
        of_text = -jnp.where(known, targets * of_known, 0.0).sum(axis=-1)
        return (of_text * weights).sum() / weights.sum()

    return tl.Fn("CrossEntropyOfKnown", cross_entropy)


def accuracy_of_known() -> Any:
    """Return a layer to the fraction of texts whose most probable label, among those known, is the target's."""

    def accuracy(log_probabilities: Any, targets: Any, weights: Any) -> Any:
        jnp = fastmath.numpy
        of_known = _of_known(log_probabilities, targets >= 0)
        is_right = jnp.argmax(of_known, axis=-1) == jnp.argmax(targets, axis=-1)
        return (is_right * weights).sum() / weights.sum()

    return tl.Fn("AccuracyOfKnown", accuracy)


def _of_known(log_probabilities: Any, known: Any) -> Any:
    masked = fastmath.numpy.where(known, log_probabilities, -1e9)
    return masked - jax.nn.logsumexp(masked, axis=-1, keepdims=True)

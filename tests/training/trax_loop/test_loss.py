from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

pytestmark = pytest.mark.usefixtures("require_trax")

LOGITS = arrays(np.float32, (4, 3), elements=st.floats(-5, 5, width=32))
KINDS = st.lists(st.sampled_from(["one", "two labels", "soft"]), min_size=4, max_size=4)
_TARGETS = {"one": [0, 1, 0], "two labels": [1, -1, 0], "soft": [0.5, 0.25, 0.25]}


def _log_softmax(x: Any) -> Any:
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


def _expected(logits: Any, targets: Any, weights: Any) -> tuple[float, float]:
    losses, right = [], []
    for of_text, target in zip(logits.astype(np.float64), targets, strict=True):
        known = target >= 0
        losses.append(-(target[known] * _log_softmax(of_text[known])).sum())
        right.append(np.argmax(np.where(known, of_text, -np.inf)) == np.argmax(target))
    return float(np.average(losses, weights=weights)), float(np.average(right, weights=weights))


@given(LOGITS, KINDS, arrays(np.float32, 4, elements=st.sampled_from([0.5, 1, 2])))
def test_loss_and_accuracy_are_those_over_the_labels_that_a_text_knows(
    logits: Any, kinds: list[str], weights: Any
) -> None:
    from spacy_trax_sentiment.training.trax_loop.loss import accuracy_of_known, cross_entropy_of_known

    targets = np.array([_TARGETS[kind] for kind in kinds], dtype=np.float32)
    loss, accuracy = _expected(logits, targets, weights)
    inputs = _log_softmax(logits.astype(np.float64)).astype(np.float32), targets, weights
    assert float(cross_entropy_of_known()(inputs)) == pytest.approx(loss, abs=1e-4)
    # Else rounding decides which of two equal ones is the greatest.
    if all(len(np.unique(row)) == len(row) for row in inputs[0]):
        assert float(accuracy_of_known()(inputs)) == pytest.approx(accuracy, abs=1e-6)


def test_a_text_with_two_labels_teaches_nothing_of_the_third() -> None:
    from spacy_trax_sentiment.model.trax_backend import jax
    from spacy_trax_sentiment.training.trax_loop.loss import cross_entropy_of_known

    layer = cross_entropy_of_known()
    targets, weights = np.array([[1, -1, 0]], dtype=np.float32), np.ones(1, dtype=np.float32)
    gradient = jax.grad(lambda logits: layer((jax.nn.log_softmax(logits), targets, weights)))(np.zeros((1, 3), "f4"))
    assert np.allclose(gradient, [[-0.5, 0, 0.5]], atol=1e-6)

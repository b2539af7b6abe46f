"""The course notebook's functions."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language

from spacy_trax_sentiment.seed import compute_accuracy, evaluate_batches, predict


def test_compute_accuracy_is_the_seeds() -> None:
    preds = np.log(np.array([[0.2, 0.8], [0.9, 0.1], [0.4, 0.6], [0.5, 0.5]]))
    accuracy, correct, weights = compute_accuracy(preds, np.array([1, 0, 0, 1]), np.array([3, 1, 2, 1]))
    assert (accuracy, correct, weights) == (np.float32(4 / 7), 4.0, 7.0)  # equal scores are not positive
    assert accuracy.dtype == correct.dtype == np.float32


@pytest.mark.usefixtures("require_trax")
@given(st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_compute_accuracy_equals_trax(n: int, seed: int) -> None:
    from spacy_trax_sentiment.model import trax_backend

    rng = np.random.default_rng(seed)
    preds, y = rng.normal(size=(n, 2)).astype(np.float32), rng.integers(0, 2, size=n)
    weights = rng.uniform(0.5, 2, size=n).astype(np.float32)
    metric = trax_backend.tl.WeightedCategoryAccuracy()
    assert compute_accuracy(preds, y, weights)[0] == pytest.approx(float(metric((preds, y, weights))), abs=1e-6)


def test_the_accuracy_is_nan_if_the_weights_sum_to_0() -> None:
    assert np.isnan(compute_accuracy(np.zeros((1, 2)), np.array([0]), np.array([0]))[0])


def test_evaluate_batches_weighs_all_batches_together() -> None:
    def model(inputs: np.ndarray) -> np.ndarray:
        return np.stack([1 - inputs[:, 0], inputs[:, 0]], axis=1)  # positive where the first id is 1

    batches = [
        (np.array([[1], [0]], np.int32), np.array([1, 0], np.int32), np.ones(2, np.float32)),
        (np.array([[1]], np.int32), np.array([0], np.int32), np.full(1, 2, np.float32)),
    ]
    assert evaluate_batches(batches, model) == 0.5


def test_predict_returns_the_number_and_the_name_of_the_label(trained: Language) -> None:
    assert predict("what a wonderful day, I love it", trained) == (1, "positive")
    assert predict("I hated my day, it was the worst, I'm so sad.", trained) == (0, "negative")


CATS = {
    "good": {"negative": 0.2, "positive": 0.8},
    "bad": {"negative": 0.7, "positive": 0.3},
    "even": {"negative": 0.5, "positive": 0.5},
}


def test_predict_calls_equal_probabilities_negative() -> None:
    def nlp(text: str) -> Any:
        return SimpleNamespace(cats=CATS[text])

    assert [predict(text, nlp) for text in CATS] == [(1, "positive"), (0, "negative"), (0, "negative")]

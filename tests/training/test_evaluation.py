import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language

from spacy_trax_sentiment.model import trax_backend
from spacy_trax_sentiment.training import evaluate, predict
from spacy_trax_sentiment.training.evaluation import best_label, compute_accuracy, evaluate_batches

LABELS = ("negative", "neutral", "positive")


def test_figures_of_a_small_case_by_hand() -> None:
    gold = ["positive", "positive", "positive", "negative"]
    predicted = ["positive", "positive", "negative", "negative"]
    figures = evaluate(gold, predicted, ("negative", "positive"))
    assert figures.n_texts == 4
    assert figures.accuracy == 0.75
    assert figures.macro_recall == pytest.approx((1 + 2 / 3) / 2)
    assert figures.labels["negative"].precision == 0.5
    assert figures.labels["negative"].f1 == pytest.approx(2 / 3)
    assert figures.labels["positive"].support == 3
    assert figures.confusion["positive"] == {"negative": 1, "positive": 2}


@given(st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1))
def test_figures_keep_their_relations(pairs: list[tuple[str, str]]) -> None:
    gold, predicted = zip(*pairs, strict=True)
    figures = evaluate(gold, predicted, LABELS)
    assert figures.accuracy == pytest.approx(np.mean([g == p for g, p in pairs]))
    assert sum(n for row in figures.confusion.values() for n in row.values()) == len(pairs)
    occurring = [figures.labels[label].recall for label in LABELS if label in gold]
    assert figures.macro_recall == pytest.approx(np.mean(occurring))
    for label in LABELS:
        f = figures.labels[label]
        both = f.precision + f.recall
        assert f.f1 == pytest.approx(2 * f.precision * f.recall / both if both else 0)


def test_compute_accuracy_is_the_seeds() -> None:
    preds = np.log(np.array([[0.2, 0.8], [0.9, 0.1], [0.4, 0.6], [0.5, 0.5]]))
    accuracy, correct, weights = compute_accuracy(preds, np.array([1, 0, 0, 1]), np.array([1, 1, 2, 1]))
    assert (accuracy, correct, weights) == (np.float32(0.4), 2.0, 5.0)  # equal scores are not positive
    assert accuracy.dtype == correct.dtype == np.float32


@given(st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_compute_accuracy_equals_trax(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    preds, y = rng.normal(size=(n, 2)).astype(np.float32), rng.integers(0, 2, size=n)
    weights = rng.uniform(0.5, 2, size=n).astype(np.float32)
    metric = trax_backend.tl.WeightedCategoryAccuracy()
    assert compute_accuracy(preds, y, weights)[0] == pytest.approx(float(metric((preds, y, weights))), abs=1e-6)


def test_weights_of_zero_give_no_accuracy() -> None:
    assert np.isnan(compute_accuracy(np.zeros((1, 2)), np.array([0]), np.array([0]))[0])


def test_evaluate_batches_weighs_all_batches_together() -> None:
    def model(inputs: np.ndarray) -> np.ndarray:
        return np.stack([1 - inputs[:, 0], inputs[:, 0]], axis=1)  # positive where the first id is 1

    batches = [
        (np.array([[1], [0]], np.int32), np.array([1, 0], np.int32), np.ones(2, np.float32)),
        (np.array([[1]], np.int32), np.array([0], np.int32), np.full(1, 2, np.float32)),
    ]
    assert evaluate_batches(batches, model) == 0.5


def test_best_label_is_the_most_probable_one() -> None:
    assert best_label({"a": 0.2, "b": 0.5, "c": 0.3}) == "b"


def test_predict_gives_the_seeds_pair(trained: Language) -> None:
    assert predict("what a wonderful day, I love it", trained) == (1, "positive")
    assert predict("I hated my day, it was the worst, I'm so sad.", trained) == (0, "negative")

from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language

from spacy_trax_sentiment.evaluation.measures import (
    best_label,
    evaluate,
    evaluate_pipeline,
    expected_calibration_error,
    log_loss,
    macro_recall_interval,
    predict_labels,
    roc_auc,
)
from spacy_trax_sentiment.model import trax_backend
from spacy_trax_sentiment.seed import compute_accuracy, evaluate_batches, predict
from spacy_trax_sentiment.training.labelled import LabelledText

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


def test_figures_of_labels_that_are_never_guessed_or_never_true_are_0() -> None:
    figures = evaluate(["negative", "positive"], ["negative", "negative"], LABELS)
    assert type(figures.confusion["positive"]["negative"]) is int
    assert figures.to_dict() == {
        "n_texts": 2,
        "accuracy": 0.5,
        "macro_recall": 0.5,
        "labels": {
            "negative": {"precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1},
            "neutral": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0},
            "positive": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1},
        },
        "confusion": {
            "negative": {"negative": 1, "neutral": 0, "positive": 0},
            "neutral": {"negative": 0, "neutral": 0, "positive": 0},
            "positive": {"negative": 1, "neutral": 0, "positive": 0},
        },
    }


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


SCORED = st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])), min_size=2)


@given(SCORED.filter(lambda pairs: len({positive for positive, _ in pairs}) == 2))
def test_auc_is_the_share_of_pairs_in_order_with_ties_counting_half(pairs: list[tuple[bool, float]]) -> None:
    positives = [score for positive, score in pairs if positive]
    negatives = [score for positive, score in pairs if not positive]
    in_order = [(p > n) + (p == n) / 2 for p in positives for n in negatives]
    is_positive, scores = map(np.array, zip(*pairs, strict=True))
    assert roc_auc(is_positive, scores) == pytest.approx(np.mean(in_order))


def test_auc_of_one_kind_of_text_is_not_a_number() -> None:
    assert np.isnan(roc_auc(np.array([True, True]), np.array([0.2, 0.4])))


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1), st.integers(1, 20))
def test_calibration_error_is_guo_et_als_sum_over_bins(pairs: list[tuple[bool, float]], n_bins: int) -> None:
    correct, confidences = map(np.array, zip(*pairs, strict=True))
    bins = np.clip(np.ceil(confidences * n_bins) - 1, 0, None)
    expected = 0.0
    for each in range(n_bins):
        inside = bins == each
        if inside.any():
            expected += inside.mean() * abs(correct[inside].mean() - confidences[inside].mean())
    assert expected_calibration_error(correct, confidences, n_bins) == pytest.approx(expected)


def test_calibration_error_of_a_case_by_hand() -> None:
    correct = np.array([True, False, True, True])
    assert expected_calibration_error(correct, np.array([0.75, 0.75, 1.0, 1.0])) == pytest.approx(0.125)


def test_log_loss_is_finite_where_the_truth_was_ruled_out() -> None:
    assert log_loss(np.array([0.5, 0.25])) == pytest.approx(np.log(8) / 2)
    assert log_loss(np.array([0.0, 1.0])) == pytest.approx(-np.log(np.finfo(np.float64).tiny) / 2)


def test_calibration_error_has_15_bins_by_default() -> None:
    rng = np.random.default_rng(0)
    correct, confidences = rng.random(300) < 0.7, rng.random(300)
    default = expected_calibration_error(correct, confidences)
    assert default == expected_calibration_error(correct, confidences, 15)
    assert default not in (
        expected_calibration_error(correct, confidences, 14),
        expected_calibration_error(correct, confidences, 16),
    )


def test_calibration_error_is_summed_in_float64() -> None:
    rng = np.random.default_rng(0)
    correct, confidences = rng.random(1000) < 0.7, rng.random(1000).astype(np.float32)
    assert expected_calibration_error(correct, confidences) == expected_calibration_error(
        correct, confidences.astype(np.float64)
    )


def test_macro_recall_interval_is_as_wide_as_theory_has_it() -> None:
    gold = ["positive"] * 400 + ["negative"] * 400
    predicted = ["positive"] * 320 + ["negative"] * 80 + ["negative"] * 240 + ["positive"] * 160
    low, high = macro_recall_interval(gold, predicted)
    half_width = 1.96 * np.sqrt(0.8 * 0.2 / 400 + 0.6 * 0.4 / 400) / 2  # of the mean of two independent shares
    assert low == pytest.approx(0.7 - half_width, abs=0.004)
    assert high == pytest.approx(0.7 + half_width, abs=0.004)


def test_macro_recall_interval_takes_95_of_100_of_2000_draws_by_default() -> None:
    gold, predicted = list(LABELS) * 20, list(LABELS) * 10 + ["positive"] * 30
    default = macro_recall_interval(gold, predicted)
    assert default == macro_recall_interval(gold, predicted, level=0.95, n_draws=2000, seed=0)
    assert default != macro_recall_interval(gold, predicted, n_draws=2001)
    assert default != macro_recall_interval(gold, predicted, seed=1)
    low, high = macro_recall_interval(gold, predicted, level=0.0)
    assert low == high  # the median
    narrow = macro_recall_interval(gold, predicted, level=0.5)
    assert default[0] < narrow[0] < narrow[1] < default[1]
    with pytest.raises(ValueError, match="shorter"):
        macro_recall_interval(gold, predicted[1:])


def test_macro_recall_interval_leaves_out_labels_that_a_draw_lacks() -> None:
    # One text is wrong, and the only one of its label: draws without it are all right, with it half right.
    low, high = macro_recall_interval(["negative"] + ["positive"] * 9, ["positive"] * 10)
    assert (low, high) == (0.5, 1.0)


@given(st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1), st.integers(0, 9))
def test_macro_recall_interval_is_ordered_and_repeats(pairs: list[tuple[str, str]], seed: int) -> None:
    gold, predicted = zip(*pairs, strict=True)
    low, high = macro_recall_interval(gold, predicted, n_draws=50, seed=seed)
    assert 0 <= low <= high <= 1
    assert (low, high) == macro_recall_interval(gold, predicted, n_draws=50, seed=seed)
    if gold == predicted:
        assert (low, high) == (1, 1)


def test_compute_accuracy_is_the_seeds() -> None:
    preds = np.log(np.array([[0.2, 0.8], [0.9, 0.1], [0.4, 0.6], [0.5, 0.5]]))
    accuracy, correct, weights = compute_accuracy(preds, np.array([1, 0, 0, 1]), np.array([3, 1, 2, 1]))
    assert (accuracy, correct, weights) == (np.float32(4 / 7), 4.0, 7.0)  # equal scores are not positive
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


def _nlp(cats_of: dict[str, dict[str, float]]) -> Any:
    """A pipeline that gives these texts these `doc.cats`."""

    def doc(text: str) -> SimpleNamespace:
        return SimpleNamespace(cats=cats_of[text])

    nlp = Mock(side_effect=doc)
    nlp.pipe = lambda texts: map(doc, texts)
    return nlp


CATS = {
    "good": {"negative": 0.2, "positive": 0.8},
    "bad": {"negative": 0.7, "positive": 0.3},
    "even": {"negative": 0.5, "positive": 0.5},
}


def test_a_pipeline_is_evaluated_by_its_most_probable_labels() -> None:
    assert list(predict_labels(_nlp(CATS), CATS)) == ["positive", "negative", "negative"]
    texts = [LabelledText("good", "positive"), LabelledText("bad", "positive"), LabelledText("even", "negative")]
    assert evaluate_pipeline(_nlp(CATS), texts, ("negative", "positive")) == evaluate(
        ["positive", "positive", "negative"], ["positive", "negative", "negative"], ("negative", "positive")
    )


def test_predict_calls_equal_probabilities_negative() -> None:
    assert [predict(text, _nlp(CATS)) for text in CATS] == [(1, "positive"), (0, "negative"), (0, "negative")]

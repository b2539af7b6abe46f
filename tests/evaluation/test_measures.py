import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.evaluation.measures import (
    Confusion,
    bootstrap_interval,
    confidence_bins,
    expected_calibration_error,
    log_loss,
    macro_recall_interval,
    roc_auc,
)

LABELS = ("negative", "neutral", "positive")


def test_a_small_case_matches_a_calculation_by_hand() -> None:
    gold = ["positive", "positive", "positive", "negative"]
    predicted = ["positive", "positive", "negative", "negative"]
    figures = Confusion.of(gold, predicted, ("negative", "positive"))
    assert figures.n_texts == 4
    assert figures.accuracy == 0.75
    assert figures.macro_recall == pytest.approx((1 + 2 / 3) / 2)
    assert figures.label_figures["negative"].precision == 0.5
    assert figures.label_figures["negative"].f1 == pytest.approx(2 / 3)
    assert figures.label_figures["positive"].support == 3
    assert figures.counts.tolist() == [[1, 0], [1, 2]]


def test_labels_that_are_never_predicted_or_never_true_have_figures_of_0() -> None:
    figures = Confusion.of(["negative", "positive"], ["negative", "negative"], LABELS)
    assert json.loads(json.dumps(figures.to_dict()))
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
def test_the_figures_are_consistent_with_each_other(pairs: list[tuple[str, str]]) -> None:
    gold, predicted = zip(*pairs, strict=True)
    figures = Confusion.of(gold, predicted, LABELS)
    assert figures.accuracy == pytest.approx(np.mean([g == p for g, p in pairs]))
    assert figures.n_texts == figures.counts.sum() == len(pairs)
    occurring = [figures.label_figures[label].recall for label in LABELS if label in gold]
    assert figures.macro_recall == pytest.approx(np.mean(occurring))
    for label in LABELS:
        f = figures.label_figures[label]
        both = f.precision + f.recall
        assert f.f1 == pytest.approx(2 * f.precision * f.recall / both if both else 0)


SCORED = st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])), min_size=2)


@given(SCORED.filter(lambda pairs: len({positive for positive, _ in pairs}) == 2))
def test_auc_is_the_fraction_of_pairs_in_order_and_ties_count_half(pairs: list[tuple[bool, float]]) -> None:
    positives = [score for positive, score in pairs if positive]
    negatives = [score for positive, score in pairs if not positive]
    in_order = [(p > n) + (p == n) / 2 for p in positives for n in negatives]
    is_positive, scores = map(np.array, zip(*pairs, strict=True))
    assert roc_auc(is_positive, scores) == pytest.approx(np.mean(in_order))


def test_auc_is_nan_if_all_texts_are_positive() -> None:
    assert np.isnan(roc_auc(np.array([True, True]), np.array([0.2, 0.4])))


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1), st.integers(1, 20))
def test_calibration_error_is_the_sum_over_bins_of_guo_et_al(pairs: list[tuple[bool, float]], n_bins: int) -> None:
    correct, confidences = map(np.array, zip(*pairs, strict=True))
    bins = np.clip(np.ceil(confidences * n_bins) - 1, 0, None)
    expected = 0.0
    for each in range(n_bins):
        inside = bins == each
        if inside.any():
            expected += inside.mean() * abs(correct[inside].mean() - confidences[inside].mean())
    assert expected_calibration_error(correct, confidences, n_bins) == pytest.approx(expected)


def test_calibration_error_matches_a_calculation_by_hand() -> None:
    correct = np.array([True, False, True, True])
    assert expected_calibration_error(correct, np.array([0.75, 0.75, 1.0, 1.0])) == pytest.approx(0.125)


def test_log_loss_is_finite_even_if_the_true_label_has_probability_0() -> None:
    true = np.array([0, 1])
    assert log_loss(true, np.array([[0.5, 0.5], [0.75, 0.25]])) == pytest.approx(np.log(8) / 2)
    assert log_loss(true, np.array([[0.0, 1.0], [0.0, 1.0]])) == pytest.approx(-np.log(np.finfo(np.float64).tiny) / 2)
    assert str(log_loss(true, np.eye(2))) == "0.0"


def test_a_confidence_bin_includes_its_upper_end() -> None:
    bins = confidence_bins(np.array([True, False, True]), np.array([0.5, 0.51, 1.0]), 2)
    assert [(each.low, each.high, each.n_texts) for each in bins] == [(0, 0.5, 1), (0.5, 1, 2)]
    assert [each.accuracy for each in bins] == [1, 0.5]
    assert [each.confidence for each in bins] == pytest.approx([0.5, 0.755])


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


def test_macro_recall_interval_is_as_wide_as_theory_predicts() -> None:
    gold = ["positive"] * 400 + ["negative"] * 400
    predicted = ["positive"] * 320 + ["negative"] * 80 + ["negative"] * 240 + ["positive"] * 160
    low, high = macro_recall_interval(Confusion.of(gold, predicted, LABELS))
    half_width = 1.96 * np.sqrt(0.8 * 0.2 / 400 + 0.6 * 0.4 / 400) / 2  # of the mean of two independent fractions
    assert low == pytest.approx(0.7 - half_width, abs=0.004)
    assert high == pytest.approx(0.7 + half_width, abs=0.004)


def test_macro_recall_interval_is_by_default_the_95_percent_interval_of_2000_draws() -> None:
    confusion = Confusion.of(list(LABELS) * 20, list(LABELS) * 10 + ["positive"] * 30, LABELS)
    default = macro_recall_interval(confusion)
    assert default == macro_recall_interval(confusion, level=0.95, n_draws=2000, seed=0)
    assert default != macro_recall_interval(confusion, n_draws=2001)
    assert default != macro_recall_interval(confusion, seed=1)
    low, high = macro_recall_interval(confusion, level=0.0)
    assert low == high  # the median
    narrow = macro_recall_interval(confusion, level=0.5)
    assert default[0] < narrow[0] < narrow[1] < default[1]


def test_each_text_needs_a_true_and_a_predicted_label() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Confusion.of(["negative", "positive"], ["positive"], LABELS)


def test_macro_recall_interval_ignores_labels_that_a_draw_lacks() -> None:
    # The only text of its label is wrong: draws without it are all right, draws with it half right.
    low, high = macro_recall_interval(Confusion.of(["negative"] + ["positive"] * 9, ["positive"] * 10, LABELS))
    assert (low, high) == (0.5, 1.0)


def test_bootstrap_interval_of_a_fraction_is_as_wide_as_theory_predicts() -> None:
    low, high = bootstrap_interval(np.array([300, 100]), lambda drawn: drawn[:, 0] / drawn.sum(axis=1))
    half_width = 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert (low, high) == pytest.approx((0.75 - half_width, 0.75 + half_width), abs=0.005)


@given(st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1), st.integers(0, 9))
def test_macro_recall_interval_is_ordered_and_reproducible(pairs: list[tuple[str, str]], seed: int) -> None:
    gold, predicted = zip(*pairs, strict=True)
    confusion = Confusion.of(gold, predicted, LABELS)
    low, high = macro_recall_interval(confusion, n_draws=50, seed=seed)
    assert 0 <= low <= high <= 1
    assert (low, high) == macro_recall_interval(confusion, n_draws=50, seed=seed)
    if gold == predicted:
        assert (low, high) == (1, 1)

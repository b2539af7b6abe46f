from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.evaluation.comparison import binomial_test, compare, comparison_headline
from spacy_trax_sentiment.evaluation.figures import Evaluation
from spacy_trax_sentiment.training.labelled import LabelledText

LABELS = ("negative", "positive")


def evaluation_of(positive: list[float], gold: list[int], labels: tuple[str, ...] = LABELS) -> Evaluation:
    scores = np.array(positive)
    texts = [LabelledText(f"text {i}", LABELS[true]) for i, true in enumerate(gold)]
    columns = {"negative": 1 - scores, "positive": scores}
    return Evaluation(labels, texts, np.stack([columns[label] for label in labels], axis=1))


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_p_value_is_that_of_the_binomial_distribution(n_first: int, n_second: int) -> None:
    n = n_first + n_second
    tail = sum(comb(n, k) for k in range(min(n_first, n_second) + 1)) / 2**n
    assert binomial_test(n_first, n_second) == pytest.approx(min(1, 2 * tail), rel=1e-9)
    assert binomial_test(n_second, n_first) == binomial_test(n_first, n_second)


def test_disagreements_are_ordered_by_who_is_right() -> None:
    gold = [1, 1, 0, 0, 1]
    comparison = compare(evaluation_of([0.9, 0.8, 0.9, 0.1, 0.6], gold), evaluation_of([0.9, 0.1, 0.2, 0.3, 0.3], gold))
    assert (comparison.n_only_first, comparison.n_only_second) == (2, 1)
    assert comparison.disagreements() == [
        2,
        1,
        4,
    ]  # first those that only the second gets right; then the most confident
    assert [comparison.right(i) for i in (2, 1, 0)] == ["second", "first", "both"]
    assert comparison.accuracy_difference == pytest.approx(-1 / 5)
    assert comparison.p_value == 1


def test_the_order_of_the_labels_does_not_matter() -> None:
    first = evaluation_of([0.9, 0.2], [1, 0])
    comparison = compare(first, evaluation_of([0.9, 0.2], [1, 0], LABELS[::-1]))
    assert np.array_equal(comparison.second.probabilities, first.probabilities)
    assert comparison.disagreements() == []


def test_different_labels_are_refused() -> None:
    first = evaluation_of([0.9], [1])
    with pytest.raises(SentimentError, match="S101.*negative, neutral, positive"):
        compare(first, Evaluation(("negative", "neutral", "positive"), first.texts, np.full((1, 3), 1 / 3)))


def test_the_interval_contains_the_difference_and_is_narrower_for_paired_models() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 2, 400)
    score = np.where(rng.random(400) < 0.8, gold, 1 - gold) * 0.8 + 0.1
    better = np.where(rng.random(400) < 0.1, gold * 0.8 + 0.1, score)
    comparison = compare(evaluation_of(list(score), list(gold)), evaluation_of(list(better), list(gold)))
    low, high = comparison.macro_recall_difference_interval
    difference = comparison.second.macro_recall - comparison.first.macro_recall
    assert low < difference < high
    single = comparison.first.macro_recall_interval
    assert high - low < single[1] - single[0]
    assert compare(comparison.first, comparison.first).macro_recall_difference_interval == (0, 0)


def test_the_headline_says_whether_chance_may_explain_the_difference() -> None:
    gold = [1] * 40
    right, wrong = [0.9] * 40, [0.1] * 40
    by_far = compare(evaluation_of(right, gold), evaluation_of(wrong, gold))
    assert comparison_headline(by_far, ["a", "b"]) == (
        "a is right on 40 of 40 texts, b on 0; chance alone rarely makes such a difference (McNemar's exact p < 0.001)."
    )
    by_one = compare(evaluation_of(right, gold), evaluation_of([*right[1:], 0.1], gold))
    assert "chance alone may explain the difference (McNemar's exact p = 1.000)" in comparison_headline(by_one, "ab")
    same = compare(evaluation_of(right, gold), evaluation_of(right, gold))
    assert comparison_headline(same, ["a", "b"]) == "a and b are each right on 40 of 40 texts."

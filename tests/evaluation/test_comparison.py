from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.evaluation.comparison import binomial_test, compare
from spacy_trax_sentiment.evaluation.figures import Figures
from spacy_trax_sentiment.training.labelled import LabelledText

LABELS = ("negative", "positive")


def figures_of(positive: list[float], gold: list[int], labels: tuple[str, ...] = LABELS) -> Figures:
    scores = np.array(positive)
    texts = [LabelledText(f"text {i}", LABELS[true]) for i, true in enumerate(gold)]
    columns = {"negative": 1 - scores, "positive": scores}
    return Figures(labels, texts, np.stack([columns[label] for label in labels], axis=1))


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_p_value_is_the_binomial_distributions(n_first: int, n_second: int) -> None:
    n = n_first + n_second
    tail = sum(comb(n, k) for k in range(min(n_first, n_second) + 1)) / 2**n
    assert binomial_test(n_first, n_second) == pytest.approx(min(1, 2 * tail), rel=1e-9)
    assert binomial_test(n_second, n_first) == binomial_test(n_first, n_second)


def test_disagreements_tell_who_is_right() -> None:
    gold = [1, 1, 0, 0, 1]
    comparison = compare(figures_of([0.9, 0.8, 0.9, 0.1, 0.6], gold), figures_of([0.9, 0.1, 0.2, 0.3, 0.3], gold))
    assert (comparison.n_only_first, comparison.n_only_second) == (2, 1)
    assert comparison.disagreements() == [2, 1, 4]  # the second's first; then the surer
    assert [comparison.right(i) for i in (2, 1, 0)] == ["second", "first", "both"]
    assert comparison.accuracy_difference == pytest.approx(-1 / 5)
    assert comparison.p_value == 1


def test_labels_in_another_order_are_set_right() -> None:
    first = figures_of([0.9, 0.2], [1, 0])
    comparison = compare(first, figures_of([0.9, 0.2], [1, 0], LABELS[::-1]))
    assert np.array_equal(comparison.second.probabilities, first.probabilities)
    assert comparison.disagreements() == []


def test_other_labels_are_refused() -> None:
    first = figures_of([0.9], [1])
    with pytest.raises(SentimentError, match="S101.*negative, neutral, positive"):
        compare(first, Figures(("negative", "neutral", "positive"), first.texts, np.full((1, 3), 1 / 3)))


def test_the_interval_of_the_difference_holds_it_and_is_narrower_for_paired_models() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 2, 400)
    score = np.where(rng.random(400) < 0.8, gold, 1 - gold) * 0.8 + 0.1
    better = np.where(rng.random(400) < 0.1, gold * 0.8 + 0.1, score)
    comparison = compare(figures_of(list(score), list(gold)), figures_of(list(better), list(gold)))
    low, high = comparison.macro_recall_difference_interval
    difference = comparison.second.evaluation.macro_recall - comparison.first.evaluation.macro_recall
    assert low < difference < high
    single = comparison.first.macro_recall_interval
    assert high - low < single[1] - single[0]
    assert compare(comparison.first, comparison.first).macro_recall_difference_interval == (0, 0)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from spacy.language import Language

from spacy_trax_sentiment.evaluation.figures import Figures, count_labels, measure
from spacy_trax_sentiment.training.labelled import LabelledText

LABELS = ("negative", "neutral", "positive")


def figures_of(probabilities: np.ndarray, gold: list[int], labels: tuple[str, ...] = LABELS) -> Figures:
    return Figures(labels, [LabelledText(f"text {i}", labels[true]) for i, true in enumerate(gold)], probabilities)


@given(
    arrays(np.float64, st.tuples(st.integers(1, 40), st.just(3)), elements=st.floats(0.01, 1)),
    st.randoms(use_true_random=False),
)
def test_figures_agree_with_each_other(scores: np.ndarray, random: object) -> None:
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    figures = figures_of(probabilities, [random.randrange(3) for _ in probabilities])  # type: ignore[attr-defined]
    assert figures.correct.mean() == pytest.approx(figures.evaluation.accuracy)
    assert sum(each.n_texts for each in figures.bins) == len(probabilities)
    gaps = [abs(each.accuracy - each.confidence) * each.n_texts for each in figures.bins]
    assert sum(gaps) / len(probabilities) == pytest.approx(figures.calibration_error)
    low, high = figures.macro_recall_interval
    assert 0 <= low <= high <= 1
    errors = figures.errors()
    assert set(errors) == set(np.flatnonzero(~figures.correct))
    assert list(figures.confidences[errors]) == sorted(figures.confidences[errors], reverse=True)


def test_auc_of_two_labels_is_that_of_the_second_column() -> None:
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8]])
    figures = figures_of(probabilities, [0, 0, 1, 1], ("negative", "positive"))
    assert figures.auc == 3 / 4


def test_of_one_label_alone_there_is_no_auc() -> None:
    figures = figures_of(np.array([[0.9, 0.1]]), [0], ("negative", "positive"))
    assert np.isnan(figures.auc)
    assert figures.to_dict()["auc"] is None


def test_measure_reads_the_cats(trained: Language) -> None:
    texts = [LabelledText("I love it", "positive"), LabelledText("It was awful", "negative")]
    figures = measure(trained, ["positive", "negative"], texts)
    assert figures.probabilities[0, 0] == trained("I love it").cats["positive"]
    assert figures.predicted_labels == ["positive", "negative"]


def test_other_labels_are_counted_last() -> None:
    texts = [LabelledText("a", label) for label in ("other", "positive", "other")]
    assert count_labels(texts, ["negative", "positive"]) == {"negative": 0, "positive": 1, "other": 2}

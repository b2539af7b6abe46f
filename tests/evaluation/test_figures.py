import json
import logging
from pathlib import Path

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from spacy.language import Language
from spacy.tokens import Doc

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.evaluation.figures import Evaluation, evaluate, figure, measure
from spacy_trax_sentiment.training.labelled import LabelledText

LABELS = ("negative", "neutral", "positive")


def evaluation_of(probabilities: np.ndarray, true: list[int], labels: tuple[str, ...] = LABELS) -> Evaluation:
    return Evaluation(labels, [LabelledText(f"text {i}", labels[each]) for i, each in enumerate(true)], probabilities)


@given(
    arrays(np.float64, st.tuples(st.integers(1, 40), st.just(3)), elements=st.floats(0.01, 1)),
    st.randoms(use_true_random=False),
)
def test_figures_agree_with_each_other(scores: np.ndarray, random: object) -> None:
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    evaluation = evaluation_of(probabilities, [random.randrange(3) for _ in probabilities])  # type: ignore[attr-defined]
    assert evaluation.correct.mean() == pytest.approx(evaluation.accuracy)
    assert sum(each.n_texts for each in evaluation.bins) == evaluation.n_texts == len(probabilities)
    gaps = [abs(each.accuracy - each.confidence) * each.n_texts for each in evaluation.bins]
    assert sum(gaps) / len(probabilities) == pytest.approx(evaluation.calibration_error)
    low, high = evaluation.macro_recall_interval
    assert 0 <= low <= high <= 1
    errors = evaluation.errors()
    assert set(errors) == set(np.flatnonzero(~evaluation.correct))
    assert list(evaluation.confidences[errors]) == sorted(evaluation.confidences[errors], reverse=True)


def test_auc_of_two_labels_is_that_of_the_second_column() -> None:
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.2, 0.8]])
    assert evaluation_of(probabilities, [0, 0, 1, 1], ("negative", "positive")).auc == 3 / 4


def test_there_is_no_auc_if_only_one_label_occurs() -> None:
    evaluation = evaluation_of(np.array([[0.9, 0.1]]), [0], ("negative", "positive"))
    assert np.isnan(evaluation.auc)
    assert evaluation.to_dict()["auc"] is None
    assert figure(evaluation.auc, 1) == "none"


def test_the_headline_names_the_label_with_the_lowest_recall() -> None:
    probabilities = np.array([[0.9, 0.05, 0.05], [0.9, 0.05, 0.05], [0.1, 0.1, 0.8]])
    assert evaluation_of(probabilities, [0, 2, 2]).headline() == "Right on 2 of 3 texts; weakest on positive."
    assert evaluation_of(probabilities, [0, 0, 2]).headline() == "Right on 3 of 3 texts."
    assert "Right on 3 of 3 texts." in repr(evaluation_of(probabilities, [0, 0, 2]))


def test_a_figure_of_fewer_than_1000_texts_has_two_decimals() -> None:
    assert [figure(0.98765, n) for n in (999, 1000)] == ["0.99", "0.9877"]
    assert figure(0.012, 999, "+") == "+0.01"


def test_measure_reads_doc_cats(trained: Language) -> None:
    texts = [LabelledText("I love it", "positive"), LabelledText("It was awful", "negative")]
    evaluation = measure(trained, ["positive", "negative"], texts)
    assert evaluation.probabilities[0, 0] == trained("I love it").cats["positive"]
    assert evaluation.predicted_labels == ["positive", "negative"]


@Language.component("a_categorizer_of_somebody_else")
def _categorizer(doc: Doc) -> Doc:
    doc.cats = {"positive": 0.25, "negative": 0.75}
    return doc


def test_measure_reads_what_any_component_wrote() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("a_categorizer_of_somebody_else")
    evaluation = measure(nlp, ["positive", "negative"], [LabelledText("", "negative"), LabelledText("a", "positive")])
    assert evaluation.predicted_labels == ["negative", "negative"]
    assert evaluation.confidences.tolist() == [0.75, 0.75]


def test_evaluate_takes_texts_and_labels_a_file_or_a_named_source(tmp_path: Path) -> None:
    texts, labels = ["I love it", "It was awful"], ["positive", "negative"]
    evaluation = evaluate((texts, labels))
    assert evaluation.accuracy == 1
    assert evaluation.predicted_labels == labels
    path = tmp_path / "a.jsonl"
    rows = ({"t": text, "l": label} for text, label in zip(texts, labels, strict=True))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    read = evaluate(path, "en", text_column="t", label_column="l")
    assert np.array_equal(read.probabilities, evaluation.probabilities)
    assert evaluate("bundled:short_texts").n_texts == 826


def test_evaluate_takes_a_pipeline() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={"pretrained": "en_ternary"})
    evaluation = evaluate((["It is a table."], ["neutral"]), nlp)
    assert evaluation.labels == LABELS


def test_texts_whose_label_the_model_lacks_are_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    source = (["I love it", "a table", "a chair"], ["positive", "neutral", "neutral"])
    with caplog.at_level(logging.WARNING, logger="spacy_trax_sentiment"):
        evaluation = evaluate(source, "en")
    assert evaluation.n_texts == 1
    assert evaluation.left_out == evaluation.to_dict()["left_out"] == {"neutral": 2}
    assert "'neutral': 2" in caplog.text
    assert "all labels of these texts: en_auto, en_ternary" in caplog.text
    assert evaluate(source, "en_ternary").left_out == {}


def test_texts_with_none_of_the_models_labels_are_refused() -> None:
    with pytest.raises(SentimentError, match=r"S019.*'neutral'.*negative, positive.*texts: .*en_ternary"):
        evaluate((["a table"], ["neutral"]), "en")
    with pytest.raises(SentimentError, match=r"S019.*'postive'.*spelling"):
        evaluate((["so good"], ["postive"]), "en")
    with pytest.raises(SentimentError, match="S003"):
        evaluate(([], []))


def test_texts_without_evidence_are_measured_as_neutral_or_as_the_prior() -> None:
    texts, labels = ["12:30", "https://example.org", "I love it"], ["neutral", "neutral", "positive"]
    assert evaluate((texts, labels), "en_ternary").accuracy == 1
    assert evaluate((texts[1:], ["negative", "positive"]), "en").accuracy == 1


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0.01, 1), st.floats(0.01, 1)), min_size=1, max_size=20))
def test_labels_that_are_numbers_have_expected_values(rows: list[tuple[int, float, float]]) -> None:
    scores = np.array([[a, b, 0.5] for _, a, b in rows])
    evaluation = evaluation_of(
        scores / scores.sum(axis=1, keepdims=True), [true for true, _, _ in rows], ("1", "3", "5")
    )
    stars = [(a + 3 * b + 5 * 0.5) / (a + b + 0.5) for _, a, b in rows]
    true = [1 + 2 * each for each, _, _ in rows]
    figures = evaluation.to_dict()
    assert figures["expected_value"] == pytest.approx(np.mean(stars))
    assert figures["mean_value"] == pytest.approx(np.mean(true))
    assert figures["mean_absolute_error"] == pytest.approx(np.mean(np.abs(np.subtract(stars, true))))
    assert evaluation.figures()["mean absolute error"] == figures["mean_absolute_error"]


def test_labels_that_are_words_have_no_expected_value() -> None:
    evaluation = evaluation_of(np.array([[0.5, 0.25, 0.25]]), [0], ("1", "2", "many"))
    assert "expected value" not in evaluation.figures()
    assert "expected_value" not in evaluation.to_dict()


def test_labels_are_measured_in_any_case_and_by_a_label_map(tmp_path: Path) -> None:
    assert evaluate((["I love it", "It was awful"], ["Positive", " NEGATIVE"])).accuracy == 1
    path = tmp_path / "stars.csv"
    path.write_text("text,label\nI love it,5\nIt was awful,1\n")
    assert evaluate(path, label_map={"1": "negative", "5": "positive"}).accuracy == 1
    with pytest.raises(SentimentError, match=r"S161.*stars\.csv, line 3"):
        evaluate(path, label_map={"5": "positive"})


def test_the_option_is_named_for_labels_that_it_leaves_out(caplog: pytest.LogCaptureFixture) -> None:
    source = (["I love it", "a table"], ["positive", "neutral"])
    evaluation = evaluate(source, "en_ternary", labels=["negative", "positive"])
    assert evaluation.left_out == {"neutral": 1}
    assert "a label that --only-labels leaves out ('neutral': 1). To measure them, name neutral by" in caplog.text
    wanted = r"S019.*'neutral'.*one of those of --only-labels: negative, positive\. To measure them, name neutral"
    with pytest.raises(SentimentError, match=wanted):
        evaluate((["a table"], ["neutral"]), "en_ternary", labels=["negative", "positive"])


def test_the_option_is_named_in_any_spelling_and_beside_labels_of_no_model(caplog: pytest.LogCaptureFixture) -> None:
    source = (["I love it", "a table", "a chair"], ["positive", " NEUTRAL", "other"])
    evaluation = evaluate(source, "en_ternary", labels=["negative", "positive"])
    assert evaluation.left_out == {"neutral": 1, "other": 1}
    assert "the model lacks or --only-labels leaves out" in caplog.text
    assert "name neutral by --only-labels" in caplog.text

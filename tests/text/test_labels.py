import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.text.labels import Scored, chosen_labels, measured_columns

TWO, THREE = ("negative", "positive"), ("negative", "neutral", "positive")


def _scored(rows: list[list[float]], has_evidence: list[bool]) -> Scored:
    return Scored(np.array(rows, dtype=np.float32), np.array(has_evidence))


def test_the_most_probable_label_is_chosen_and_the_first_of_equals() -> None:
    assert chosen_labels(TWO, _scored([[0.2, 0.8], [0.5, 0.5]], [True, True])) == ["positive", "negative"]


@pytest.mark.parametrize(("labels", "expected"), [(TWO, None), (THREE, "neutral")])
def test_a_text_without_evidence_is_neutral_or_has_no_label(labels: tuple[str, ...], expected: str | None) -> None:
    prior = [0.6, *[0.4 / (len(labels) - 1)] * (len(labels) - 1)]
    assert chosen_labels(labels, _scored([prior, prior], [True, False])) == ["negative", expected]


@given(st.lists(st.tuples(st.lists(st.floats(0, 1), min_size=3, max_size=3), st.booleans()), max_size=8))
def test_what_is_measured_is_the_chosen_label_if_there_is_one(drawn: list[tuple[list[float], bool]]) -> None:
    rows = np.array([row for row, _ in drawn], dtype=np.float32).reshape(-1, 3)
    scored = Scored(rows, np.array([has_evidence for _, has_evidence in drawn], dtype=bool))
    assert [THREE[i] for i in measured_columns(THREE, *scored)] == chosen_labels(THREE, scored)
    columns = measured_columns(("a", "b", "c"), *scored)
    np.testing.assert_array_equal(columns, rows.argmax(axis=1))

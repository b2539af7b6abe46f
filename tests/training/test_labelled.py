from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.tables.readers import label_text
from spacy_trax_sentiment.text.labels import DEFAULT_LABELS
from spacy_trax_sentiment.training.labelled import (
    LabelledText,
    inferred_labels,
    make_docs,
    matcher,
    ordered,
    paired,
    parse_label_map,
)

WORDS = st.text("abcXYZ", min_size=1, max_size=4)
CASES: st.SearchStrategy[Callable[[str], str]] = st.sampled_from([str.upper, str.lower, str.title, str])


@given(st.lists(WORDS, unique_by=str.casefold, min_size=1), CASES, st.data())
def test_a_label_is_found_in_any_case(labels: list[str], case: Callable[[str], str], data: st.DataObject) -> None:
    label = data.draw(st.sampled_from(labels))
    assert matcher(labels)(case(label)) == label
    assert matcher(labels)("other") == "other"


def test_the_exact_spelling_of_a_label_goes_first() -> None:
    matched = matcher(["Up", "up", "1"])
    assert [matched(label) for label in ("up", "Up", "1.0", "01", "2")] == ["up", "Up", "1", "1", "2"]


@given(st.lists(st.integers(-50, 50), unique=True, min_size=2))
def test_labels_that_are_numbers_are_ordered_by_value(numbers: list[int]) -> None:
    labels = [str(number) for number in numbers]
    assert ordered(labels) == inferred_labels(labels) == [str(number) for number in sorted(numbers)]


@pytest.mark.parametrize(
    ("found", "labels"),
    [
        (["positive", "negative"], list(DEFAULT_LABELS)),
        (["NEGATIVE", "Positive"], list(DEFAULT_LABELS)),
        (["positive"], list(DEFAULT_LABELS)),
        (["Positive", "NEUTRAL", "Negative", "neutral"], ["negative", "neutral", "positive"]),
        (["up", "Down", "down", "down", ""], ["down", "up"]),
        (["true", "false"], ["false", "true"]),
        (["10", "9", "-1"], ["-1", "9", "10"]),
        (["up"], list(DEFAULT_LABELS)),
        ([str(i) for i in range(200)], list(DEFAULT_LABELS)),
    ],
)
def test_labels_are_inferred_from_those_that_occur(found: list[str], labels: list[str]) -> None:
    assert inferred_labels(found) == labels


@given(st.dictionaries(WORDS, WORDS, min_size=1))
def test_a_label_map_is_read_as_it_is_written(label_map: dict[str, str]) -> None:
    assert parse_label_map(" ".join(f"{value}={label}" for value, label in label_map.items())) == label_map


def test_values_of_a_label_map_share_a_label_and_quotes_keep_blanks() -> None:
    assert parse_label_map(None) is None
    assert parse_label_map("1,2=negative  '4, very good'=positive") == {
        "1": "negative",
        "2": "negative",
        "4": "positive",
        "very good": "positive",
    }


@pytest.mark.parametrize("text", ["", " ", "1", "=up", "1=", "1,=up", "1=up 1=down", "1=2=3", "'1=up"])
def test_a_malformed_label_map_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SentimentError, match=r"S160.*cannot be used.*'1,2=negative 3=neutral"):
        parse_label_map(text)


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (3, "3"),
        (3.0, "3"),
        (3.5, "3.5"),
        (True, "true"),
        (" Up ", "Up"),
        (np.int64(3), "3"),
        (np.float32(3), "3"),
        (np.bool_(False), "false"),
        (None, None),
        (float("nan"), None),
        ([1], None),
    ],
)
def test_a_label_may_be_a_string_a_number_or_a_bool(value: object, label: str | None) -> None:
    assert label_text(value) == label


def test_lists_are_paired() -> None:
    assert paired(["a", "b\ud800"], [1, True]) == [("a", "1"), ("b\ufffd", "true")]
    with pytest.raises(SentimentError, match="S028.*label 1 is ' '"):
        paired(["a", "b"], ["up", " "])


def test_a_long_run_of_marks_is_tokenized_in_pieces() -> None:
    (doc,) = make_docs([LabelledText("so good " + "=" * 20_000, "up")])  # by spaCy in one piece, it takes minutes
    assert doc.text == "so good " + "=" * 20_000

from pathlib import Path

import numpy as np
import pytest
import srsly

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.training.labelled import LabelledText
from spacy_trax_sentiment.training.soft_labels import read_soft_labels

LABELS = ["negative", "neutral", "positive"]


def test_probabilities_are_read_and_sum_to_one(tmp_path: Path) -> None:
    rows = [
        {"text": "a", "p_negative": 0.2, "p_neutral": 0.2, "p_positive": 0.4},
        {"text": "b", "p_positive": 0, "p_neutral": 0, "p_negative": 1, "label": "positive"},
    ]
    srsly.write_jsonl(tmp_path / "soft.jsonl", rows)
    texts, targets = read_soft_labels(tmp_path / "soft.jsonl", "p_", LABELS)
    assert texts == [LabelledText("a", "positive"), LabelledText("b", "negative")]
    assert np.allclose(targets, [[0.25, 0.25, 0.5], [1, 0, 0]])
    assert targets.dtype == np.float32


def test_the_probability_of_another_label_is_divided_evenly(tmp_path: Path) -> None:
    srsly.write_jsonl(tmp_path / "soft.jsonl", [{"text": "a", "p_negative": 0.1, "p_neutral": 0.6, "p_positive": 0.3}])
    texts, targets = read_soft_labels(tmp_path / "soft.jsonl", "p_", ["negative", "positive"])
    assert texts == [LabelledText("a", "positive")]
    assert np.allclose(targets, [[0.4, 0.6]])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "a", "p_negative": 1, "p_neutral": 0}, "S021.*line 1: p_positive is None"),
        ({"text": "a", "p_negative": 2, "p_neutral": 0, "p_positive": 0}, "p_negative is 2.*from 0 to 1"),
        ({"text": "a", "p_negative": True, "p_neutral": 0, "p_positive": 0}, "p_negative is True"),
        ({"text": "a", "p_negative": 0, "p_neutral": 0, "p_positive": 0}, "above 0 for some label"),
        ({"text": 1, "p_negative": 0, "p_neutral": 0, "p_positive": 1}, "S065.*text"),
        (["a"], "S063.*not a JSON object"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(tmp_path: Path, row: object, message: str) -> None:
    srsly.write_jsonl(tmp_path / "soft.jsonl", [row])
    with pytest.raises(SentimentError, match=message):
        read_soft_labels(tmp_path / "soft.jsonl", "p_", LABELS)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SentimentError, match=r"S001.*none.jsonl"):
        read_soft_labels(tmp_path / "none.jsonl", "p_", LABELS)
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(SentimentError, match=r"S003.*empty.jsonl"):
        read_soft_labels(tmp_path / "empty.jsonl", "p_", LABELS)
    (tmp_path / "half.jsonl").write_text('{"text": ')
    with pytest.raises(SentimentError, match=r"S004.*half.jsonl"):
        read_soft_labels(tmp_path / "half.jsonl", "p_", LABELS)

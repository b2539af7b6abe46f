from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import srsly

from spacy_trax_sentiment.training.soft_labels import read_soft_labels

LABELS = ("negative", "neutral", "positive")


class Saying:
    """A stand-in for a scorer that gives every text the same probabilities."""

    def __init__(self, **probabilities: float) -> None:
        self.labels, self.row = tuple(probabilities), list(probabilities.values())

    def predict_proba(self, texts: Sequence[str]) -> Any:
        return np.array([self.row] * len(texts), dtype=np.float32)


NETWORK, TERMS = Saying(negative=0.1, neutral=0.3, positive=0.6), Saying(positive=0.2, negative=0.7, neutral=0.1)


@pytest.fixture
def soft(benchmark_module: Callable[..., ModuleType]) -> ModuleType:
    return benchmark_module("soft_labels")


def test_the_probabilities_are_a_mean_in_logarithms_whatever_the_order_of_labels(soft: ModuleType) -> None:
    (row,) = soft.mean_probabilities(["a"], NETWORK, TERMS)
    share = soft.SHARE_OF_TERMS
    expected = np.array([0.1, 0.3, 0.6]) ** (1 - share) * np.array([0.7, 0.1, 0.2]) ** share
    np.testing.assert_allclose(row, expected / expected.sum(), rtol=1e-5)


def test_texts_to_measure_on_are_left_out_and_a_recipe_can_read_the_rest(soft: ModuleType, tmp_path: Path) -> None:
    data = tmp_path / "data"
    aspects = [f"aspects/{name}.train.jsonl" for name in soft.ASPECTS]
    for name in (*soft.MEASURED, *aspects, "unlabelled/tweets.jsonl", "movie_reviews/reviews.jsonl"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text("")
    srsly.write_jsonl(data / "sst2/test.jsonl", [{"text": "A film to see !"}])
    srsly.write_jsonl(data / "unlabelled/tweets.jsonl", [{"text": "a film, to see"}, {"text": "sunny"}])
    srsly.write_jsonl(data / aspects[0], [{"text": "the soup was cold"}] * 2)
    review = {"text": "too short. this sentence is long enough .\nso is the one on this line"}
    srsly.write_jsonl(data / "movie_reviews/reviews.jsonl", [review])
    soft.label(data, tmp_path / "soft", NETWORK, TERMS)
    texts, targets = read_soft_labels(tmp_path / "soft/tweets.jsonl", "p_", LABELS)
    assert [text.text for text in texts] == ["sunny"]
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    assert [text.text for text in read_soft_labels(tmp_path / "soft/reviews.jsonl", "p_", LABELS)[0]] == [
        "the soup was cold"
    ]
    films = {text.text for text in read_soft_labels(tmp_path / "soft/films.jsonl", "p_", LABELS)[0]}
    assert films == {"this sentence is long enough .", "so is the one on this line"}

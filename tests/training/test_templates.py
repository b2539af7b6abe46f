from collections import Counter

import pytest

from spacy_trax_sentiment.training.corpora import read_labelled_texts
from spacy_trax_sentiment.training.templates import template_texts


def test_a_seed_gives_the_same_texts() -> None:
    assert template_texts(1, 50, 10) == template_texts(1, 50, 10)
    assert template_texts(1, 50, 10) != template_texts(2, 50, 10)


def test_texts_are_of_three_labels_and_whole() -> None:
    texts = template_texts(0, 4000, 100)
    counts = Counter(label for _, label in texts)
    assert counts["neutral"] == 100
    assert 0.4 < counts["positive"] / 4000 < 0.6
    for text, _ in texts:
        assert text.strip() == text
        assert not set("{}|") & set(text)


def test_labels_follow_from_the_words() -> None:
    texts = template_texts(0, 4000, 0)
    label_of = dict(texts)
    assert len(label_of) == len(set(texts))  # no text has two labels
    assert {label for text, label in texts if text.startswith("not ")} == {"negative", "positive"}


@pytest.mark.slow
def test_they_are_a_source_for_training() -> None:
    assert {label for _, label in read_labelled_texts("bundled:templates", labels=None)} == {
        "negative",
        "neutral",
        "positive",
    }

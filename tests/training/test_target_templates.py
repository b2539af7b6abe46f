import json
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from spacy_trax_sentiment.training.target_templates import target_template_texts
from spacy_trax_sentiment.training.target_texts import read_target_texts

OPPOSITE = Path(__file__).parents[1] / "data" / "opposite_targets.jsonl"
Rows = dict[str, dict[str, str]]
"""The label of each target, by text."""


@pytest.fixture(scope="module")
def rows() -> Rows:
    targets: Rows = defaultdict(dict)
    for text, (start, end) in zip(*target_template_texts(n=8000), strict=True):
        targets[text.text][text.text[start:end]] = text.label
    return targets


def test_a_seed_gives_the_same_texts() -> None:
    assert target_template_texts(1, 300) == target_template_texts(1, 300)
    assert target_template_texts(1, 300) != target_template_texts(2, 300)


def test_a_recipe_reads_them_by_name() -> None:
    texts, spans = read_target_texts("bundled:target_templates")
    assert (texts, spans) == target_template_texts()
    assert len(set(zip(texts, spans, strict=True))) == len(texts)
    shares = {label: count / len(texts) for label, count in Counter(text.label for text in texts).items()}
    assert shares == pytest.approx({"positive": 0.41, "negative": 0.41, "neutral": 0.18}, abs=0.02)


def test_most_texts_have_targets_with_different_labels(rows: Rows) -> None:
    several = [labels for labels in rows.values() if len(labels) > 1]
    assert len(several) > 0.7 * len(rows)
    assert sum(len(set(labels.values())) > 1 for labels in several) > 0.6 * len(several)


def test_no_place_in_the_text_gives_the_label(rows: Rows) -> None:
    first = Counter(labels[min(labels, key=text.index)] for text, labels in rows.items())
    assert 0.8 < first["positive"] / first["negative"] < 1.25


def test_texts_and_targets_are_whole(rows: Rows) -> None:
    for text, labels in rows.items():
        assert text.strip() == text
        assert not re.search(r"[{}\[\]«»‹›|]|  | ,", text), text
        for target in labels:
            assert re.search(rf"(?<!\w){re.escape(target)}(?!\w)", text), (text, target)


def test_no_sentence_is_one_that_is_measured_on(rows: Rows) -> None:
    measured = {json.loads(line)["text"].lower() for line in OPPOSITE.read_text(encoding="utf-8").splitlines()}
    assert measured.isdisjoint(text.lower() for text in rows)

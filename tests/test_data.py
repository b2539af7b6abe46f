from collections import Counter
from pathlib import Path

import srsly

DATA = Path(__file__).parent / "data"


def test_there_are_a_hundred_contrast_sentences_balanced_in_every_phenomenon() -> None:
    rows = list(srsly.read_jsonl(DATA / "contrast.jsonl"))
    assert len(rows) == len({row["text"] for row in rows}) == 100
    assert all(set(row) == {"text", "label", "phenomenon"} and row["text"].strip() == row["text"] for row in rows)
    counts = Counter((row["phenomenon"], row["label"]) for row in rows)
    phenomena = {"negation", "but", "comparison", "intensifier", "sarcasm"}
    assert set(counts) == {(phenomenon, label) for phenomenon in phenomena for label in ("negative", "positive")}
    assert all(counts[phenomenon, "negative"] == counts[phenomenon, "positive"] for phenomenon in phenomena)


def test_contrast_sentences_for_choosing_differ_from_those_for_measuring() -> None:
    rows, dev_rows = (list(srsly.read_jsonl(DATA / name)) for name in ("contrast.jsonl", "contrast_dev.jsonl"))
    texts = [row["text"] for row in rows + dev_rows]
    assert len(texts) == len(set(texts)) == 192
    assert {row["phenomenon"] for row in dev_rows} == {row["phenomenon"] for row in rows}
    counts = Counter(row["label"] for row in dev_rows)
    assert abs(counts["positive"] - counts["negative"]) <= 4


def test_there_are_fifty_factual_sentences() -> None:
    sentences = (DATA / "factual.txt").read_text(encoding="utf8").splitlines()
    assert len(sentences) == len(set(sentences)) == 50
    assert all(sentence.endswith(".") for sentence in sentences)

import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from spacy_trax_sentiment.training.composition import composition_kinds, composition_texts, texts_of_kind
from spacy_trax_sentiment.training.corpora import read_labelled_texts
from spacy_trax_sentiment.training.templates import template_texts

CASES = Path(__file__).parents[1] / "data" / "cases.jsonl"
WITH_MIRRORS = [
    kind for kind, shares in composition_kinds().items() if shares.get("positive") == shares.get("negative")
]


@pytest.fixture(scope="module")
def texts() -> list[tuple[str, str]]:
    return [tuple(text) for text in composition_texts()]


def test_a_seed_gives_the_same_texts() -> None:
    assert composition_texts(1, 300) == composition_texts(1, 300)
    assert composition_texts(1, 300) != composition_texts(2, 300)


def test_labels_have_their_shares_and_no_text_occurs_twice(texts: list[tuple[str, str]]) -> None:
    assert 39_500 < len(texts) < 40_500
    assert len({text for text, _ in texts}) == len(texts)
    shares = {label: count / len(texts) for label, count in Counter(label for _, label in texts).items()}
    assert shares == pytest.approx({"positive": 0.37, "negative": 0.37, "neutral": 0.26}, abs=0.015)


@pytest.mark.parametrize("kind", composition_kinds())
def test_each_kind_has_its_share_of_each_label(kind: str) -> None:
    counts = Counter(label for _, label in texts_of_kind(kind, n=8000))
    assert counts == {label: round(share * 8000) for label, share in composition_kinds()[kind].items()}


def test_most_kinds_have_as_many_positive_texts_as_negative_ones() -> None:
    opinions = [kind for kind, shares in composition_kinds().items() if "positive" in shares]
    assert set(opinions) - set(WITH_MIRRORS) == {"wishes", "irony"}


def test_no_word_alone_gives_the_label(texts: list[tuple[str, str]]) -> None:
    for words in ("great wonderful amazing lovely", "bad awful terrible horrible"):
        having = Counter(label for text, label in texts if set(words.split()) & set(re.findall(r"\w+", text.lower())))
        assert min(having["positive"], having["negative"]) > 0.2 * having.total(), words


def test_texts_are_whole(texts: list[tuple[str, str]]) -> None:
    for text, _ in texts:
        assert text.strip() == text
        assert text
        assert not re.search(r"[{}\[\]]|  | ,", text), text
        assert not re.search(r"\b[Aa] an? |\ban? the ", text), text
        assert not re.search(r"\ba (?:[aio]\w|e[^u]\w)", text), text
    variants = [sum(test(text) for text, _ in texts) / len(texts) for test in (str.isupper, str.islower)]
    assert 0.02 < variants[0] < 0.06
    assert 0.08 < variants[1] < 0.2


def test_cases_to_be_judged_on_are_not_among_the_texts(texts: list[tuple[str, str]]) -> None:
    cases = {_plain(json.loads(line)["text"]) for line in CASES.read_text("utf8").splitlines()}
    assert not cases & {_plain(text) for text, _ in texts}


def test_the_earlier_templates_give_the_same_texts_as_ever() -> None:
    lines = "".join(f"{label} {text}\n" for text, label in template_texts()[:1000])
    assert hashlib.sha256(lines.encode()).hexdigest() == (
        "b0e91ae35195874457f0a260ce2ba32c80e0b4b0df9012a94b2cf3f08e91cd74"
    )


def test_they_are_a_source_for_training(texts: list[tuple[str, str]]) -> None:
    assert read_labelled_texts("bundled:composition", labels=None) == texts


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower().replace("’", "'")).strip() or text

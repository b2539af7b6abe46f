"""Measure sentiment toward targets beside VADER and the text's own sentiment: accuracy, macro-F1 and time.

    python benchmarks/targets.py DATA [--model en_trf]

DATA has the folder `aspects`, as the recipe `en_trf` reads it. Measured are the texts that the recipe keeps back, a
tenth of each file, and the sentences with opposite targets in tests/data. Needs the extras `trf` and `bench`.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from report import print_machine, print_table

from spacy_trax_sentiment import TextScorer
from spacy_trax_sentiment.evaluation.measures import Confusion
from spacy_trax_sentiment.training.recipes import part_of
from spacy_trax_sentiment.training.target_texts import read_target_texts

OPPOSITE = Path(__file__).resolve().parent.parent / "tests" / "data" / "opposite_targets.jsonl"
LABELS = ("negative", "neutral", "positive")
# Accuracy on the public test splits, in percent, as published; of the news the macro-F1. The splits are not ours.
PUBLISHED = (
    ("TD-LSTM (Tang et al. 2016)", "75.6", "68.1", "70.8", "", ""),
    ("RAM (Chen et al. 2017)", "80.2", "74.5", "69.4", "", ""),
    ("BERT-SPC (Song et al. 2019)", "86.0", "80.3", "75.3", "", "73.7"),
    ("LCF-BERT (Zeng et al. 2019)", "87.1", "82.4", "77.3", "", ""),
    ("CapsNet-BERT (Jiang et al. 2019)", "", "", "", "83.4", ""),
    ("GRU-TSC (Hamborg and Donnay 2021)", "", "", "", "", "82.5"),
)
_AROUND = 40  # characters on either side of a target that VADER sees


class Example(NamedTuple):
    """A text, its target and what the text expresses toward it."""

    text: str
    start: int
    end: int
    label: str


Way = Callable[[Sequence[Example]], list[str]]
"""Examples to their labels."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="en_trf")
    arguments = parser.parse_args()
    print_machine(("spacy", "numpy", "onnxruntime"))
    scorer = TextScorer.load(arguments.model)
    sets = {name: kept_back(arguments.data / "aspects" / f"{name}.train.jsonl") for name in
            ("restaurants", "laptops", "twitter", "mams", "news")}  # fmt: skip
    sets["mams.val"] = examples(arguments.data / "aspects" / "mams.val.jsonl")
    ways: dict[str, Way] = {
        "toward the target": lambda some: of_targets(scorer, some),
        "of the text": lambda some: of_texts(scorer, some),
        "VADER, the text": vader(None),
        f"VADER, {_AROUND} characters around": vader(_AROUND),
    }
    rows = []
    for name, some in sets.items():
        gold = [each.label for each in some]
        most = max(LABELS, key=gold.count)
        found = {way: predict(some) for way, predict in ways.items()} | {f"always {most}": [most] * len(some)}
        for way, predicted in found.items():
            rows.append((f"{name} ({len(some):,})", way, *figures(gold, predicted)))
    print_table(
        "Texts kept back", ("set", "sentiment", "accuracy", "interval", "macro-F1"), rows, ("l", "l", "r", "r", "r")
    )
    header = ("", "restaurants", "laptops", "twitter", "mams", "news (macro-F1)")
    print_table("Published, on the public test splits", header, PUBLISHED)
    opposite(scorer, ways)
    speed(scorer, sets["restaurants"])


def kept_back(path: Path) -> list[Example]:
    return [each for each in examples(path) if part_of(each.text) == "dev"]


def examples(path: Path) -> list[Example]:
    texts, spans = read_target_texts(path)
    return [Example(text, *span, label) for (text, label), span in zip(texts, spans, strict=True)]


def of_targets(scorer: TextScorer, some: Sequence[Example]) -> list[str]:
    found = scorer.predict_proba([each.text for each in some], [[(each.start, each.end)] for each in some])
    return [scorer.labels[i] for i in found.values.argmax(axis=1)]


def of_texts(scorer: TextScorer, some: Sequence[Example]) -> list[str]:
    return [label or "neutral" for label in scorer.predict([each.text for each in some])]


def vader(around: int | None) -> Way:
    """Return VADER's labels, by its own thresholds, of texts or of what is around their targets."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()

    def label(each: Example) -> str:
        seen = each.text if around is None else each.text[max(each.start - around, 0) : each.end + around]
        compound = analyzer.polarity_scores(seen)["compound"]
        return "positive" if compound >= 0.05 else "negative" if compound <= -0.05 else "neutral"

    return lambda some: list(map(label, some))


def figures(gold: Sequence[str], predicted: Sequence[str]) -> tuple[str, str, str]:
    """Return the accuracy, its 95% interval by the bootstrap, and the macro-F1."""
    confusion = Confusion.of(gold, predicted, LABELS)
    right = np.array(gold) == np.array(predicted)
    drawn = np.random.default_rng(0).integers(0, len(right), (1000, len(right)))
    low, high = np.quantile(right[drawn].mean(axis=1), (0.025, 0.975))
    f1 = np.mean([each.f1 for each in confusion.label_figures.values()])
    return f"{confusion.accuracy:.3f}", f"{low:.3f} to {high:.3f}", f"{f1:.3f}"


def opposite(scorer: TextScorer, ways: dict[str, Way]) -> None:
    rows = [json.loads(line) for line in OPPOSITE.read_text(encoding="utf-8").splitlines()]
    some = [Example(row["text"], each["from"], each["to"], each["label"]) for row in rows for each in row["targets"]]
    ends = np.cumsum([0, *(len(row["targets"]) for row in rows)])
    table = []
    for way, predict in ways.items():
        right = [each.label == label for each, label in zip(some, predict(some), strict=True)]
        n_right = sum(all(right[start:end]) for start, end in pairwise(ends.tolist()))
        table.append((way, f"{n_right} of {len(rows)}"))
    print_table("Sentences with opposite targets, right if both are", ("sentiment", "right"), table)


def speed(scorer: TextScorer, some: Sequence[Example], n_texts: int = 1000, n_targets: int = 5) -> None:
    """Print the time for texts with some targets each, beside that for the texts: the best of three."""
    texts = [some[i % len(some)].text for i in range(n_texts)]
    targets = [word_spans(text, n_targets) for text in texts]

    def seconds(function: Callable[[], object]) -> float:
        times = []
        for _ in range(3):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
        return min(times)

    alone, both = seconds(lambda: scorer(texts)), seconds(lambda: scorer.predict_proba(texts, targets))
    rows = [("the texts", f"{alone:.2f}", "1.00"), ("their targets", f"{both:.2f}", f"{both / alone:.2f}")]
    print_table(f"{n_texts:,} reviews with {n_targets} targets each", ("scored", "seconds", "ratio"), rows)


def word_spans(text: str, n: int) -> list[tuple[int, int]]:
    """Return the places of some words of a text, the same ones again if it has fewer."""
    words, start = [], 0
    for word in text.split():
        start = text.index(word, start)
        words.append((start, start + len(word)))
        start += len(word)
    return [words[i * len(words) // n % len(words)] for i in range(n)]


if __name__ == "__main__":
    main()

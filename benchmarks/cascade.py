"""Compare a cascade, at several thresholds and weights, with both of its models: recall, ECE, texts read and time.

    python benchmarks/cascade.py DATA [--model en_auto] [--thresholds 0.8,0.9,0.95] [--weights 0,0.3,0.5] [--test]

DATA is a folder as `quality.py` takes it. Also prints how often each model is right on the texts of which the first is
certain, by what calls for reading. Needs the extra `trf`, and with `--test` NLTK's corpus `twitter_samples`.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import quality_data as data
from report import print_machine, print_table

from spacy_trax_sentiment import TextScorer, load
from spacy_trax_sentiment.evaluation.measures import Confusion, expected_calibration_error, macro_recall_interval
from spacy_trax_sentiment.model.cascade import CascadeSettings, answered, mixed, must_be_read
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.text.labels import DEFAULT_LABELS, Scored, measured_columns
from spacy_trax_sentiment.text.reading import kind_of_reading
from spacy_trax_sentiment.training.labelled import LabelledText

CASES = Path(__file__).resolve().parent.parent / "tests" / "data" / "cases.jsonl"
SETS = (data.SST2, data.SENTIMENT140, data.TWEETEVAL, data.IMDB, data.CONTRAST)


class Models(NamedTuple):
    """A cascade with its models, narrowed to the labels of a set."""

    settings: CascadeSettings
    cascade: TextScorer
    first: TextScorer
    second: TextScorer
    attributes: dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="en_auto")
    parser.add_argument("--thresholds", type=_numbers, default=[0.8, 0.9, 0.95])
    parser.add_argument("--weights", type=_numbers, default=[0.0, 0.3, 0.5])
    parser.add_argument("--cases", type=Path, default=CASES)
    parser.add_argument("--test", action="store_true", help="also measure on the test sets")
    arguments = parser.parse_args()
    print_machine(("spacy", "numpy", "onnxruntime"))
    two, three = (load_models(arguments.model, labels) for labels in (DEFAULT_LABELS, None))
    binary = dict(data.dev_sets(arguments.data)), "dev"
    rounds = [binary, (data.test_sets(arguments.data), "test")] if arguments.test else [binary]
    for sets, part in rounds:
        for name in SETS:
            if name in sets:
                measure(f"{name} {part}", sets[name], two, arguments)
        measure(f"{data.TWEETEVAL} {part}", data.ternary_set(arguments.data, part == "dev"), three, arguments)
    cases = [LabelledText(case.text, case.label) for case in data.read_cases(arguments.cases)]
    measure(data.CASES, cases, three, arguments)


def _numbers(text: str) -> list[float]:
    return [float(each) for each in text.split(",")]


def load_models(name: str, labels: Sequence[str] | None) -> Models:
    nlp = load(name, labels=labels)
    attributes = find_component(nlp).model.attrs
    settings = attributes["settings"]
    first, second = (TextScorer(load(each, labels=labels)) for each in (settings.first, settings.second))
    return Models(settings, TextScorer(nlp), first, second, attributes)


def measure(name: str, texts: Sequence[LabelledText], models: Models, arguments: argparse.Namespace) -> None:
    raw, labels = [text.text for text in texts], models.cascade.labels
    gold = [text.label for text in texts]
    (first, of_first), (second, of_second) = (timed(each, raw) for each in (models.first, models.second))

    def row(name: str, settings: str, found: Scored, read: float, seconds: float) -> None:
        predicted = [labels[i] for i in measured_columns(labels, *found)]
        figures = Confusion.of(gold, predicted, labels)
        low, high = macro_recall_interval(figures, seed=0)
        ece = expected_calibration_error(np.array(predicted) == np.array(gold), found.probabilities.max(axis=1))
        recall = f"{figures.macro_recall:.4f}", f"{low:.4f} to {high:.4f}", f"{figures.accuracy:.4f}", f"{ece:.4f}"
        rows.append((name, settings, *recall, f"{read:.1%}", f"{seconds / len(raw) * 1000:.3f}"))

    rows: list[tuple[str, ...]] = []
    row(models.settings.first, "", first, 0.0, of_first)
    row(models.settings.second, "", second, 1.0, of_second)
    for threshold in arguments.thresholds:
        models.attributes["settings"] = replace(models.settings, threshold=threshold)
        _, seconds = timed(models.cascade, raw)
        read = must_be_read(models.attributes["settings"], raw, first)
        for weight in arguments.weights:
            settings = replace(models.settings, threshold=threshold, weight=weight)
            probabilities = np.where(
                read[:, None],
                mixed(settings, first.probabilities, second.probabilities),
                answered(settings, first.probabilities),
            )
            known = np.where(read, second.has_evidence, first.has_evidence) | (first.has_evidence & (weight > 0))
            row(arguments.model, f"{threshold:g}, {weight:g}", Scored(probabilities, known), read.mean(), seconds)
    header = ("", "threshold, weight", "macro-recall", "95% interval", "accuracy", "ECE", "texts read", "ms a text")
    print_table(f"{name}, {len(labels)} labels, {len(raw):,} texts", header, rows)
    certain = first.has_evidence & (first.probabilities.max(axis=1) >= min(arguments.thresholds))
    kinds = np.array([kind_of_reading(text) or "none" for text in raw])
    right = [np.array(labels)[each.probabilities.argmax(axis=1)] == np.array(gold) for each in (first, second)]
    counts = [(kind, certain & (kinds == kind)) for kind in np.unique(kinds)]
    shown = [(kind, str(of.sum()), *(f"{each[of].mean():.3f}" for each in right)) for kind, of in counts if of.any()]
    print_table("Right where the first is certain", ("calls for reading", "texts", "first", "second"), shown)


def timed(scorer: TextScorer, texts: list[str]) -> tuple[Scored, float]:
    scorer.scored(texts[:100])
    start = time.perf_counter()
    return scorer.scored(texts), time.perf_counter() - start


if __name__ == "__main__":
    main()

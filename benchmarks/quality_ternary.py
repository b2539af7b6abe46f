"""The tables of three labels that `quality.py` prints: TweetEval, DynaSent by round, and hand-written cases by kind."""

from collections.abc import Mapping, Sequence

import numpy as np
from quality_data import CASES, TERNARY_LABELS, Case, labels_of
from quality_peers import LEXICONS, OURS, TRF, Floats, Scores
from report import Bound, at_least, print_table
from speed_peers import VADER

from spacy_trax_sentiment.evaluation.measures import Confusion, expected_calibration_error, macro_recall_interval
from spacy_trax_sentiment.text.labels import NEUTRAL
from spacy_trax_sentiment.training.labelled import LabelledText

SHOWN = (OURS, TRF, VADER)
"""The contenders on texts that were made to fool models."""

WANTED_ROUND, WANTED_CASES = 0.65, 0.78
"""Bounds of the encoder: the macro-recall on each round of DynaSent, and the accuracy on the cases."""


def print_ternary(name: str, texts: Sequence[LabelledText], results: Mapping[str, Floats], seed: int) -> None:
    gold = labels_of(texts)
    rows = []
    for contender, probabilities in results.items():
        figures = evaluate_ternary(texts, probabilities)
        low, high = macro_recall_interval(figures, seed=seed)
        correct = np.array(gold) == np.array(ternary_labels(probabilities))
        ece = ""
        if contender not in LEXICONS:
            ece = f"{expected_calibration_error(correct, probabilities.max(axis=1)):.4f}"
        recalls = (f"{figures.label_figures[label].recall:.4f}" for label in TERNARY_LABELS)
        macro_recall = (f"{figures.macro_recall:.4f}", f"{low:.4f} to {high:.4f}")
        rows.append((contender, f"{figures.accuracy:.4f}", *macro_recall, ece, *recalls))
    header = ("", "accuracy", "macro-recall", "95% interval", "ECE", *(f"recall, {label}" for label in TERNARY_LABELS))
    print_table(f"{name}, three labels, {len(texts):,} texts", header, rows)


def measure_rounds(
    contenders: Mapping[str, Scores], rounds: Mapping[str, Sequence[LabelledText]], seed: int
) -> list[Bound]:
    """Print a table for each round of DynaSent, and return the encoder's bounds."""
    bounds = []
    for name, texts in rounds.items():
        results = score_shown(contenders, [text.text for text in texts])
        print_ternary(name, texts, results, seed)
        if TRF in results:
            reached = evaluate_ternary(texts, results[TRF]).macro_recall
            bounds.append(at_least(f"{name}, {TRF}: macro-recall", reached, WANTED_ROUND))
    return bounds


def measure_cases(contenders: Mapping[str, Scores], cases: Sequence[Case]) -> list[Bound]:
    """Print how many cases of each kind are right, and return the encoder's bound."""
    results = score_shown(contenders, [case.text for case in cases])
    right = {name: cases_right(cases, probabilities) for name, probabilities in results.items()}
    kinds = list(dict.fromkeys(case.kind for case in cases))
    rows = []
    for kind in kinds:
        of_kind = np.array([case.kind == kind for case in cases])
        rows.append((f"{kind} ({of_kind.sum()})", *(str(each[of_kind].sum()) for each in right.values())))
    rows.append((f"all ({len(cases)})", *(f"{each.mean():.3f}" for each in right.values())))
    print_table(f"{CASES}, three labels: right", ("kind", *right), rows)
    if TRF not in right:
        return []
    return [at_least(f"{CASES}, {TRF}: accuracy", float(right[TRF].mean()), WANTED_CASES)]


def score_shown(contenders: Mapping[str, Scores], texts: Sequence[str]) -> dict[str, Floats]:
    return {name: contenders[name](texts) for name in SHOWN if name in contenders}


def cases_right(cases: Sequence[Case], probabilities: Floats) -> Floats:
    """Return whether the label of each case is right, (n_cases,)."""
    return np.asarray(np.array([case.label for case in cases]) == np.array(ternary_labels(probabilities)))


def evaluate_ternary(texts: Sequence[LabelledText], probabilities: Floats) -> Confusion:
    return Confusion.of(labels_of(texts), ternary_labels(probabilities), TERNARY_LABELS)


def ternary_labels(probabilities: Floats) -> list[str]:
    """Return the most probable labels; neutral if all are equally probable, as in a text without evidence."""
    is_even = np.ptp(probabilities, axis=1) < 1e-6
    return [
        NEUTRAL if even else TERNARY_LABELS[i] for even, i in zip(is_even, probabilities.argmax(axis=1), strict=True)
    ]

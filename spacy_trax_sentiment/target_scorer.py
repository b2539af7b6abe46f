"""Examples with predicted spans to how well their sentiment was told: the scorer of `trax_target_sentiment`."""

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from spacy.pipeline.spancat import spancat_score
from spacy.scorer import PRFScore
from spacy.tokens import Doc
from spacy.training import Example

from .text.word_pieces import Spans


def make_target_scorer() -> Callable[..., dict[str, Any]]:
    """Make the scorer of targets. Registered as `spacy_trax_sentiment.TargetScorer.v1`.

    It gives what spaCy's `spancat` does for `doc.spans[spans_key]`, such as `spans_targets_f`: a span is right if its
    offsets and its label are. `target_acc` and `target_macro_f`, the mean of the labels' F1, are of the gold spans
    alone. The component judges each of them, whether it would have chosen it or not; called without a component, a
    gold span that was not found counts as wrong.
    """
    return target_score


def target_score(
    examples: Iterable[Example],
    *,
    spans_key: str,
    judge: Callable[[Sequence[Doc], Sequence[Spans]], list[list[str]]] | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Return the scores that `make_target_scorer` describes. `judge` returns the label of each span of Docs."""
    examples = list(examples)
    docs = [eg.predicted for eg in examples]
    gold = [eg.get_aligned_spans_y2x(eg.reference.spans.get(spans_key, ()), True) for eg in examples]
    places = [[(span.start, span.end) for span in spans] for spans in gold]
    if judge is not None:
        chosen: list[Any] = [label for labels in judge(docs, places) for label in labels]
    else:
        found = [{(span.start, span.end): span.label_ for span in doc.spans.get(spans_key, ())} for doc in docs]
        chosen = [known.get(place) for known, of_doc in zip(found, places, strict=True) for place in of_doc]
    scores = {**spancat_score(examples, spans_key=spans_key), "target_acc": None, "target_macro_f": None}
    labels = [span.label_ for spans in gold for span in spans]
    by_label = {label: PRFScore() for label in labels}
    for label, score in by_label.items():
        score.score_set(_places_of(label, chosen), _places_of(label, labels))
    if labels:
        scores["target_acc"] = sum(map(operator.eq, labels, chosen)) / len(labels)
        scores["target_macro_f"] = sum(score.fscore for score in by_label.values()) / len(by_label)
    return scores


def _places_of(label: str, labels: Sequence[Any]) -> set[int]:
    return {i for i, each in enumerate(labels) if each == label}

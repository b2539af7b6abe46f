"""Examples with predicted spans to how well their sentiment was told: the scorer of `trax_target_sentiment`."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

from spacy.pipeline.spancat import spancat_score
from spacy.tokens import Doc
from spacy.training import Example

from .text.word_pieces import TokenSpans

Judge = Callable[[Sequence[Doc], Sequence[TokenSpans]], list[list[str]]]
"""Returns the label of each span of Docs."""


def make_target_scorer() -> Callable[..., dict[str, Any]]:
    """Make the scorer of targets. Registered as `spacy_trax_sentiment.TargetScorer.v1`.

    It gives what spaCy's `spancat` does for `doc.spans[spans_key]`, such as `spans_targets_f`: a span is right if its
    offsets and its label are. `target_acc` and `target_macro_f`, the mean of the labels' F1, are of the gold spans
    alone. The component judges each of them, whether it would have chosen it or not; called without a component, a
    gold span that was not found counts as wrong.
    """
    return target_score


def target_score(
    examples: Iterable[Example], *, spans_key: str, judge: Judge | None = None, **settings: Any
) -> dict[str, Any]:
    """Return the scores that `make_target_scorer` describes."""
    examples = list(examples)
    docs = [eg.predicted for eg in examples]
    aligned = [eg.get_aligned_spans_y2x(eg.reference.spans.get(spans_key, ()), True) for eg in examples]
    gold = [[span for span in spans if span.label_] for spans in aligned]
    places = [[(span.start, span.end) for span in spans] for spans in gold]
    if judge is None:
        found = [{(span.start, span.end): span.label_ for span in doc.spans.get(spans_key, ())} for doc in docs]
        judged = [[known.get(place, "") for place in of_doc] for known, of_doc in zip(found, places, strict=True)]
    else:
        judged = judge(docs, places)
    truths = [span.label_ for spans in gold for span in spans]
    chosen = list(chain.from_iterable(judged))
    scores = {**spancat_score(examples, spans_key=spans_key), "target_acc": None, "target_macro_f": None}
    if truths:
        right = Counter(label for label, other in zip(truths, chosen, strict=True) if label == other)
        f1 = [2 * right[label] / (truths.count(label) + chosen.count(label)) for label in set(truths)]
        scores |= {"target_acc": right.total() / len(truths), "target_macro_f": sum(f1) / len(f1)}
    return scores

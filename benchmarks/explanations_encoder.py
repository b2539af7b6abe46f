"""Measure, for `explanations.py`, how long an encoder takes to explain texts, and how completely it does."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar
from unittest.mock import patch

import numpy as np
from report import Bound, at_most, print_table
from spacy.language import Language

from spacy_trax_sentiment.explanation import doc_extension, integrated_gradients
from spacy_trax_sentiment.explanation.integrated_gradients import COMPLETENESS
from spacy_trax_sentiment.model.folded import centred
from spacy_trax_sentiment.pipelines import find_component

T = TypeVar("T")


class Explained(NamedTuple):
    """The cost of one text's explanation.

    Attributes:
        n_tokens: The text's tokens.
        score: Seconds for its score alone.
        explain: Seconds for all tokens' contributions.
        n_points: The points at which gradients were taken, with those that turned out to be too few.
        missed: By how much the contributions' sum misses the difference that they explain, in log-odds.
    """

    n_tokens: int
    score: float
    explain: float
    n_points: int
    missed: float


class RecordingLine(integrated_gradients._Line):
    """The line of integrated gradients, with what it found: the ends' scores, and each integral's sum by its points."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.ends: Any = None
        self.sums: dict[int, Any] = {}

    def scores(self, points: Any) -> Any:
        found = super().scores(points)
        self.ends = centred(found)
        return found

    def integral(self, n_steps: int, n_labels: int) -> Any:
        found = super().integral(n_steps, n_labels)
        self.sums[n_steps] = found.sum(axis=0)
        return found

    @property
    def missed(self) -> float:
        start, end = self.ends
        return float(np.abs(list(self.sums.values())[-1] - (end - start)).max())


def measure_encoder(nlp: Language, texts: Sequence[str]) -> list[Bound]:
    """Explain each of the texts, print a table, and return its bound."""
    component = find_component(nlp)
    explained = []
    component.predict([nlp.make_doc(texts[0])])  # the session is made at the first score
    doc_extension.sentiment_of(nlp.make_doc(texts[0]), component).contributions  # noqa: B018 (and that of the gradient)
    for text in texts:
        doc = nlp.make_doc(text)
        score, _ = timed(lambda doc=doc: component.predict([doc]))  # type: ignore[misc]
        with recorded_lines() as lines:
            explain, _ = timed(lambda doc=doc: doc_extension.sentiment_of(doc, component).contributions)  # type: ignore[misc]
        n_points = sum(sum(line.sums) for line in lines)
        missed = max((line.missed for line in lines), default=0.0)  # a text without evidence has no line
        explained.append(Explained(len(doc), score, explain, n_points, missed))
    shown: dict[str, tuple[Callable[[Explained], float], str]] = {
        "tokens": (lambda each: each.n_tokens, ".0f"),
        "score, ms": (lambda each: each.score * 1e3, ".1f"),
        "contributions, ms": (lambda each: each.explain * 1e3, ".1f"),
        "times the score": (lambda each: each.explain / each.score, ".1f"),
        "gradients": (lambda each: each.n_points, ".0f"),
        "missed, log-odds": (lambda each: each.missed, ".1e"),
    }
    rows = []
    for name, (figure, form) in shown.items():
        figures = [figure(each) for each in explained]
        rows.append((name, *(format(of(figures), form) for of in (statistics.median, min, max))))
    print_table(f"Integrated gradients of {len(texts)} texts, one at a time", ("", "median", "least", "most"), rows)
    most = max(each.missed for each in explained)
    return [at_most("what contributions miss of the log-odds", most, COMPLETENESS)]


def timed(run: Callable[[], T]) -> tuple[float, T]:
    """Return the processor time of a call in seconds, and what it returned."""
    start = time.process_time()
    result = run()
    return time.process_time() - start, result


@contextmanager
def recorded_lines() -> Iterator[list[RecordingLine]]:
    """Record the lines along which gradients are integrated meanwhile."""
    lines: list[RecordingLine] = []

    def make(*arguments: Any) -> RecordingLine:
        lines.append(RecordingLine(*arguments))
        return lines[-1]

    with patch.object(integrated_gradients, "_Line", make):
        yield lines

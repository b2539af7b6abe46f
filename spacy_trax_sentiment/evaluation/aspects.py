"""Rows of texts to what they express toward targets: a summary for each target, and for each of its groups.

However many rows there are, only sums and the most certain quotes are kept.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from ..errors import Errors, SentimentError
from ..explanation.target_sentiment import most_probable
from ..tables.readers import label_text
from ..tables.rows import TableBatch, as_json, column_values, text_or_none
from ..text.arrays import Array, Ragged
from ..text.cleaning import without_surrogates
from ..text.labels import NEGATIVE, POSITIVE, has_poles
from .mentions import Phrases, Spans, mentions, quoted

Score = Callable[[list[str], list[Spans]], Ragged]
"""Texts and the mentions in each to their probabilities, as `TextScorer.predict_proba` does."""

logger = logging.getLogger(__name__)


class Row(NamedTuple):
    """A row: its number, from 1; its text, or None if it has none; and its group, or None if rows are not grouped."""

    number: int
    text: str | None
    group: str | None = None


class Quote(NamedTuple):
    """A mention with what stands around it in its row, and the probability of the mention's label."""

    row: int
    before: str
    mention: str
    after: str
    probability: float


@dataclass
class Summary:
    """The sentiment toward a target of all texts that mention it (the group is None), or of those of a group.

    A text that mentions the target several times counts once, with the mean of the probabilities.

    Attributes:
        counts: The number of texts of each label.
        n_mentions: The number of mentions in all texts.
        quotes: For positive and for negative, the most certain mentions, at most one from a text.
    """

    target: str
    group: str | None
    counts: dict[str, int]
    n_mentions: int = 0
    quotes: dict[str, list[Quote]] = field(default_factory=lambda: {POSITIVE: [], NEGATIVE: []})
    _sums: Array = field(default_factory=lambda: np.zeros(2))  # of the texts' polarities and of their squares

    @property
    def n_texts(self) -> int:
        """Number of texts that mention the target."""
        return sum(self.counts.values())

    @property
    def polarity(self) -> float:
        """The mean over the texts, at least one, of p(positive) less p(negative)."""
        return float(self._sums[0] / self.n_texts)

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the polarity's 95% interval, by the normal approximation; NaN below two texts."""
        n = self.n_texts
        if n < 2:
            return float("nan"), float("nan")
        variance = max(float(self._sums[1]) - n * self.polarity**2, 0.0) / (n - 1)
        reach = 1.96 * float(np.sqrt(variance / n))
        return max(self.polarity - reach, -1.0), min(self.polarity + reach, 1.0)

    def add(self, row: Row, spans: Spans, probabilities: Array, n_quotes: int) -> None:
        """Add a row by its mentions and their probabilities (n_mentions, n_labels)."""
        labels = list(self.counts)
        mean = probabilities.mean(axis=0, dtype=np.float64)
        polarity = mean[labels.index(POSITIVE)] - mean[labels.index(NEGATIVE)]
        label = most_probable(labels, mean.tolist())
        if label is None:  # nothing was recognized, and there is no neutral
            return
        self.counts[label] += 1
        self.n_mentions += len(spans)
        self._sums += polarity, polarity**2
        for label, kept in self.quotes.items():
            column = labels.index(label)
            i = int(probabilities[:, column].argmax())
            quote = Quote(row.number, *quoted(row.text or "", *spans[i]), float(probabilities[i, column]))
            is_new = quote[1:4] not in [each[1:4] for each in kept]  # tables have copies
            if is_new and most_probable(labels, probabilities[i].tolist()) == label:
                kept[:] = sorted([*kept, quote], key=lambda each: -each.probability)[:n_quotes]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures by name, and the quotes, in JSON's types; an end of the interval is None if unknown."""
        of_texts = {"target": self.target, "group": self.group, "n_texts": self.n_texts, "n_mentions": self.n_mentions}
        counts = {f"n_{label}": n for label, n in self.counts.items()}
        low, high = (None if np.isnan(end) else end for end in self.interval)
        quotes = {label: [quote._asdict() for quote in kept] for label, kept in self.quotes.items()}
        polarity = {"polarity": self.polarity, "polarity_low": low, "polarity_high": high}
        return of_texts | counts | polarity | {"quotes": quotes}


class Aspects(NamedTuple):
    """The number of texts, and for each target that they mention its summaries: of all texts, then of its groups."""

    n_texts: int
    targets: list[list[Summary]]


def aspects(
    batches: Iterable[Sequence[Row]],
    score: Score,
    labels: Sequence[str],
    targets: Mapping[str, Phrases],
    *,
    n_quotes: int = 5,
    most_groups: int = 1000,
) -> Aspects:
    """Summarize what texts express toward targets; a target that none mentions is reported in the log.

    Args:
        batches: The rows. Each batch is scored at once.
        score: Returns the mentions' probabilities.
        labels: The labels of their columns.
        targets: The phrases of each target, by its name: see `parse_targets`.
        n_quotes: Number of quotes to keep for positive and for negative.
        most_groups: Number of groups that are allowed, which bounds RAM.

    Returns:
        The summaries, groups with the most texts first.

    Raises:
        SentimentError: The labels lack positive or negative, no text mentions a target, or there are too many groups.
    """
    if not has_poles(labels):
        raise SentimentError(Errors.S224.format(labels=", ".join(labels)))
    found: dict[str, dict[str | None, Summary]] = {name: {} for name in targets}
    groups, n_texts = set(), 0
    for batch in batches:
        rows = [row._replace(text=without_surrogates(row.text)) for row in batch if row.text is not None]
        n_texts += len(rows)
        for row, name, spans, probabilities in _scored_mentions(rows, score, targets):
            groups.add(row.group)
            if len(groups) > most_groups:
                raise SentimentError(Errors.S225.format(most=most_groups))
            for group in {None, row.group}:
                summary = found[name].setdefault(group, Summary(name, group, dict.fromkeys(labels, 0)))
                summary.add(row, spans, probabilities, n_quotes)
    if not any(found.values()):
        raise SentimentError(Errors.S222.format(n_texts=n_texts, targets=", ".join(targets)))
    for name in (name for name, summaries in found.items() if not summaries):
        logger.warning("No text mentions %s.", name)
    summaries = (each.values() for each in found.values() if each)
    return Aspects(n_texts, [sorted(each, key=lambda s: (bool(s.group), -s.n_texts, s.group)) for each in summaries])


def _scored_mentions(
    rows: Iterable[Row], score: Score, targets: Mapping[str, Phrases]
) -> Iterator[tuple[Row, str, Spans, Array]]:
    """Yield each row with each target that it mentions, the mentions and their probabilities (n_mentions, n_labels)."""
    found: list[tuple[Row, dict[str, Spans]]] = []
    for row in rows:
        spans = {name: mentions(phrases, row.text or "") for name, phrases in targets.items()}
        if any(spans.values()):
            found.append((row, spans))
    if not found:
        return
    values = score([row.text or "" for row, _ in found], [[*chain(*spans.values())] for _, spans in found]).values
    for row, spans in found:
        for name, of_target in spans.items():
            if of_target:
                yield row, name, of_target, values[: len(of_target)]
            values = values[len(of_target) :]


def table_rows(batches: Iterable[TableBatch], group_by: str | None = None) -> Iterator[list[Row]]:
    """Yield the rows of each batch of a table, with the values of a column as groups."""
    n_rows = 0
    for batch in batches:
        groups = map(_group, column_values(batch, group_by, "--group-by")) if group_by else [None] * len(batch.texts)
        texts = map(text_or_none, batch.texts)
        yield [Row(i, *each) for i, each in enumerate(zip(texts, groups, strict=True), start=n_rows + 1)]
        n_rows += len(batch.texts)


def _group(value: Any) -> str:
    text = label_text(as_json(value) if isinstance(value, list | dict) else value)
    return without_surrogates(text or "(blank)")

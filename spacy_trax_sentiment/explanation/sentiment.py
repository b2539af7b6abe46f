"""A Doc's contributions to the `Sentiment` of the Doc or a span of it: arrays (n_tokens, n_labels) and (n_labels,)."""

from collections.abc import Sequence
from functools import cached_property, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc, Span

from ..errors import Errors, SentimentError
from ..model.folded import Folded, centred, dense, log_softmax, relu, scores_of_sums
from ..text.labels import NEGATIVE, POSITIVE, has_poles, label_without_evidence, polarity_of
from .contributions import Contributions, Parts
from .fragment import fragments
from .style import STYLE

Array = NDArray[np.float64]


class Sentiment:
    """The sentiment of a Doc or Span, and each token's contribution to it: `doc._.sentiment` and `span._.sentiment`.

    A span's sentiment is what its own words say. Its `TargetSentiment`, `span._.target_sentiment`, is what the text
    says of the span, for example of a product that it names.

    A span is scored as a text of its own, with two differences: a negation before it, a contrast on either side of it
    and a rating that ends in it still apply, and a pair of tokens across its edge does not count. If the layer does not
    fold, a span's scores are the sum of its tokens' contributions to the Doc's, and the bias.

    All logarithms are natural. Whatever the number of labels, the arrays have the same ranks.

    Args:
        target: The Doc or Span.
        labels: The model's labels.
        contributions: Those of the whole Doc, as `doc_contributions` returns them.

    Attributes:
        target (Doc | Span): The Doc or Span.
        labels (tuple[str, ...]): The model's labels, in the order of all arrays.
        negated (NDArray[bool]): (n_tokens,), whether a negation applies to the token.
    """

    def __init__(self, target: Doc | Span, labels: tuple[str, ...], contributions: Contributions) -> None:
        self.target, self.labels = target, labels
        self._range = (target.start, target.end) if isinstance(target, Span) else (0, len(target))
        self._found = contributions
        self._known = contributions.known[slice(*self._range)]
        self.negated: NDArray[np.bool_] = contributions.negated[slice(*self._range)]

    def __repr__(self) -> str:
        log_odds = "" if self.log_odds is None else f", log_odds={self.log_odds:.3f}"
        probability = "" if self.probability is None else f", probability={self.probability:.3f}"
        return f"Sentiment(label={self.label!r}{probability}{log_odds})"

    def _repr_html_(self) -> str:
        return "\n".join([f"<style>{STYLE}</style>", *fragments([self])])

    @property
    def _is_whole(self) -> bool:
        return self._range == (0, len(self._found.known))

    @cached_property
    def _parts(self) -> Parts:
        """The Doc's parts that are of the target's tokens alone."""
        (start, end), parts = self._range, self._found.parts
        if not self._is_whole:
            inside = (parts.first >= start) & (parts.last < end)
            first, last = parts.first[inside] - start, parts.last[inside] - start
            parts = Parts(parts.own[start:end], parts.shared[inside], first, last, parts.folded)
        if self._found.needs_evidence and not self.n_known:  # all there is is the prior
            parts = parts._replace(own=np.zeros_like(parts.own), shared=np.zeros_like(parts.shared))
        return parts

    @property
    def _folded(self) -> Folded:
        return self._parts.folded

    @cached_property
    def _sums(self) -> Array:
        own, shared = self._parts.own, self._parts.shared
        # Twelve times as fast as `sum(axis=0)` on an array this narrow, which counts in a Doc of a million tokens.
        sums: Array = np.ones(len(own)) @ own + np.ones(len(shared)) @ shared
        return sums

    @cached_property
    def _log_probabilities(self) -> Array:
        if self._of_whole is not None:
            return self._of_whole
        return np.asarray(scores_of_sums(self._folded, self._sums[None])[0])

    @property
    def _of_whole(self) -> Array | None:
        """The log-probabilities if they are the Doc's own, and found without its parts."""
        return self._found.log_probabilities if self._is_whole else None

    @property
    def probabilities(self) -> dict[str, float]:
        """Each label's probability, as in `doc.cats`."""
        return dict(zip(self.labels, np.exp(self._log_probabilities).tolist(), strict=True))

    @property
    def n_known(self) -> int:
        """The number of tokens that count as evidence: those with a term that the model knows."""
        return int(np.count_nonzero(self._known))

    @property
    def label(self) -> str | None:
        """The most probable label. Without evidence it is neutral, or None if the model has no such label."""
        if not self.n_known:
            return label_without_evidence(self.labels)
        return self.labels[int(self._log_probabilities.argmax())]

    @property
    def probability(self) -> float | None:
        """The probability of `label`; None if that is None."""
        return None if self.label is None else self.probabilities[self.label]

    @property
    def polarity(self) -> float | None:
        """The probability of positive minus that of negative, from -1 to 1; None without both labels."""
        return polarity_of(self.probabilities)

    @property
    def log_odds(self) -> float | None:
        """The log-odds of positive against negative; None without both labels."""
        if not has_poles(self.labels):
            return None
        logs = dict(zip(self.labels, self._log_probabilities.tolist(), strict=True))
        return float(logs[POSITIVE] - logs[NEGATIVE])

    @cached_property
    def contributions(self) -> Array:
        """float64 (n_tokens, n_labels): each token's part of each label's log-probability.

        For each label they sum, with its `bias`, to its log-probability less the mean of all labels' log-probabilities.
        What two tokens add together is split between them evenly. For a model with a hidden layer these are integrated
        gradients from the empty text (Sundararajan et al. 2017), exact because each unit is piecewise linear on the
        way.
        """
        # One row per label, because NumPy adds along rows twice as fast. A token's contributions sum to 0, so those to
        # the last label follow from the others, which saves a quarter of the time with two labels.
        directions = self._directions()[:, :-1].T
        own, shared, first, last, _ = self._parts
        rows = np.empty((len(self.labels), len(own)))
        rows[:-1] = directions @ own.T
        for row, halves in zip(rows, directions / 2 @ shared.T, strict=False):
            for tokens in (first, last):
                row += np.bincount(tokens, halves, minlength=len(row))
        rows[-1] = -rows[:-1].sum(axis=0)
        return np.asarray(rows.T)

    @cached_property
    def bias(self) -> Array:
        """float64 (n_labels,): the part of each label's log-probability that no token contributes."""
        if self._of_whole is not None:
            return np.asarray(centred(self._of_whole) - self.contributions.sum(axis=0))
        folded = self._folded
        if self._is_prior:
            return centred(np.asarray(folded.log_prior))
        bias = np.asarray(folded.bias, dtype=np.float64)
        return centred(bias if folded.output is None else dense(relu(bias), *folded.output))

    def toward(self, label: str) -> Array:
        """Return each token's contribution to one label against the others.

        With two labels, these and `bias_toward(label)` sum to the log-odds of `label`.

        Args:
            label: One of `labels`.

        Returns:
            float64 (n_tokens,): the label's column of `contributions` less the mean of the other columns.

        Raises:
            SentimentError: The model has no such label.
        """
        return self.contributions[:, self._column(label)] * self._against_the_others

    def bias_toward(self, label: str) -> float:
        """Return the bias of one label less the mean of the others'; raises as `toward` does."""
        return float(self.bias[self._column(label)]) * self._against_the_others

    def _column(self, label: str) -> int:
        if label not in self.labels:
            wanted = f"one of {', '.join(self.labels)}"
            raise SentimentError(Errors.S021.format(name="label", value=label, wanted=wanted))
        return self.labels.index(label)

    @property
    def _against_the_others(self) -> float:
        # The columns sum to 0, so the mean of the others is -1 / (n_labels - 1) times a label's own.
        return len(self.labels) / max(len(self.labels) - 1, 1)

    @property
    def _is_prior(self) -> bool:
        """Whether no term is known, so that the probabilities are the labels' prior."""
        return self._folded.log_prior is not None and bool(self._sums[-1] <= 0)

    def _directions(self) -> Array:
        """Return (width + 1, n_labels): what to multiply a token's values by to get its contributions."""
        folded, (*sums, count) = self._folded, self._sums
        divisor = max(count, 1.0) ** folded.length_exponent
        directions = centred(np.eye(len(self.labels)))
        if folded.output is not None:
            bias, change = np.asarray(folded.bias, dtype=np.float64), np.array(sums) / divisor
            with np.errstate(divide="ignore", invalid="ignore"):
                slope = np.where(change == 0, bias > 0, (relu(bias + change) - relu(bias)) / change)
            directions = slope[:, None] * folded.output[0] @ directions
        if self._is_prior:
            directions = np.zeros_like(directions)
        # The last of a token's values counts its terms.
        return np.asarray(np.append(directions, np.zeros_like(directions[:1]), axis=0) / divisor)

    def to_dict(self) -> dict[str, Any]:
        """Return the sentiment in JSON's types, as `trax-sentiment explain --json` and the server write it.

        Returns:
            `label`, `probability`, `probabilities`, `polarity`, `log_odds`, `bias`, `n_known` and `tokens`. Each token
            has `text`, `start` and `end` (offsets in the Doc's text), `whitespace` (whether a space follows), `negated`
            and `contributions`. `probabilities`, `bias` and `contributions` are dicts by label.
        """
        contributions, negated = self.contributions.tolist(), self.negated.tolist()
        return {
            "label": self.label,
            "probability": self.probability,
            "probabilities": self.probabilities,
            "polarity": self.polarity,
            "log_odds": self.log_odds,
            "bias": dict(zip(self.labels, self.bias.tolist(), strict=True)),
            "n_known": self.n_known,
            "tokens": [
                {
                    "text": token.text,
                    "start": token.idx,
                    "end": token.idx + len(token),
                    "whitespace": bool(token.whitespace_),
                    "negated": is_negated,
                    "contributions": {label: value + 0.0 for label, value in zip(self.labels, row, strict=True)},
                }
                for token, is_negated, row in zip(self.target, negated, contributions, strict=True)
            ],
        }


class WeightedSentiment(Sentiment):
    """The sentiment of a Doc or Span by a cascade.

    Its contributions and bias are the sums of those of the models that were asked, each times its factor. They add up
    as each model's do, because a log-probability less the mean over the labels is a sum of the models'. A token counts
    as evidence if it does for one of them.
    """

    def __init__(self, target: Doc | Span, labels: tuple[str, ...], parts: Sequence[tuple[Sentiment, float]]) -> None:
        self.target, self.labels, self._weighted = target, labels, parts
        self._known = reduce(np.logical_or, [each._known for each, _ in parts])
        self.negated = reduce(np.logical_or, [each.negated for each, _ in parts])

    @cached_property
    def _log_probabilities(self) -> Array:
        return log_softmax(np.asarray(sum(each._log_probabilities * factor for each, factor in self._weighted)))

    @cached_property
    def contributions(self) -> Array:
        return np.asarray(sum(each.contributions * factor for each, factor in self._weighted))

    @cached_property
    def bias(self) -> Array:
        return np.asarray(sum(each.bias * factor for each, factor in self._weighted))

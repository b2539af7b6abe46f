"""`doc._.sentiment` and `span._.sentiment`: the score, and each token's share of it, found when asked for."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc, Span

from ..model.folded import dense, relu, scores_of_sums
from .contributions import Contributions

if TYPE_CHECKING:
    pass

Array = NDArray[np.float64]


class Sentiment:
    """What the tokens of a Doc, or of a span of it, say. Scores and shares are in log-odds (natural logarithm).

    A span is scored as a text of its own, but for what reaches into it: a negation or a contrast before it still
    counts, a pair of tokens across its edge does not. Where a layer does not fold, a span's score is the sum of its
    tokens' shares in the Doc's, and the bias.
    """

    def __init__(self, target: Doc | Span, labels: tuple[str, ...], parts: Contributions) -> None:
        """target: The Doc or Span. labels: The model's. parts: Those of the whole Doc's score."""
        self.target, self.labels = target, labels
        start, end = (target.start, target.end) if isinstance(target, Span) else (0, len(target))
        self._folded, self._own = parts.folded, parts.own[start:end]
        self._shared, self._first, self._last = parts.shared, parts.first, parts.last
        if end - start < len(parts.own):
            inside = (parts.first >= start) & (parts.last < end)
            self._shared = parts.shared[inside]
            self._first, self._last = parts.first[inside] - start, parts.last[inside] - start
        self.negated: NDArray[np.bool_] = parts.negated[start:end]
        """bool (n_tokens,): whether a negation reaches the token."""

    def __repr__(self) -> str:
        score = "" if self.score is None else f", score={self.score:.3f}"
        return f"Sentiment(label={self.label!r}, probability={self.probability:.3f}{score})"

    @cached_property
    def _sums(self) -> Array:
        # Quicker than sums over columns.
        sums: Array = np.ones(len(self._own)) @ self._own + np.ones(len(self._shared)) @ self._shared
        return sums

    @cached_property
    def log_probabilities(self) -> Array:
        """float64 (n_labels,), in the order of `labels`."""
        return np.asarray(scores_of_sums(self._folded, self._sums[None])[0])

    @property
    def probabilities(self) -> dict[str, float]:
        """Each label's probability, as `doc.cats` has it."""
        return dict(zip(self.labels, np.exp(self.log_probabilities).tolist(), strict=True))

    @property
    def label(self) -> str:
        """The most probable label."""
        return self.labels[int(self.log_probabilities.argmax())]

    @property
    def probability(self) -> float:
        """The probability of that label."""
        return float(np.exp(self.log_probabilities.max()))

    @property
    def poles(self) -> tuple[str, str] | None:
        """The labels for and against which `score` speaks: positive and negative; or else, of two labels, the second
        and the first; or else none.
        """
        return poles_of(self.labels)

    @property
    def score(self) -> float | None:
        """The log-odds of the one of the `poles` against the other; None where there are none."""
        score = self._toward_pole(self.log_probabilities)
        return None if score is None else float(score)

    @cached_property
    def label_contributions(self) -> Array:
        """float64 (n_tokens, n_labels): each token's share of each label's log-probability less the labels' mean.

        With `label_bias` they sum to these. With a hidden layer they are the integrated gradients from the empty text
        on, which its ReLU gives exactly, as the units are linear in the distance from there on both sides of zero.
        """
        # As a token's shares sum to 0, the last label's follow from the others'.
        shares = self._shares(_centred(np.eye(len(self.labels)))[:, :-1]).T
        return np.asarray(np.concatenate([shares, -shares.sum(axis=0, keepdims=True)]).T)

    @cached_property
    def label_bias(self) -> Array:
        """float64 (n_labels,): what no token has a share in."""
        folded = self._folded
        if self._has_prior:
            return _centred(np.asarray(folded.log_prior))
        bias = np.asarray(folded.bias, dtype=np.float64)
        return _centred(bias if folded.output is None else dense(relu(bias), *folded.output))

    @property
    def contributions(self) -> Array:
        """float64 (n_tokens,), each token's share of `score`; or, for more than two labels, `label_contributions`."""
        return self.token_scores if len(self.labels) == 2 else self.label_contributions

    @property
    def bias(self) -> Any:
        """What no token has a share in: with the contributions' sum it is `score`, a float; or `label_bias`."""
        return float(self._toward_pole(self.label_bias)) if len(self.labels) == 2 else self.label_bias

    @cached_property
    def token_scores(self) -> Array:
        """float64 (n_tokens,): each token's share of `score`; where there is no such, of the most probable label's."""
        direction = self._toward_pole(np.eye(len(self.labels)))
        if direction is None:
            return self.label_contributions[:, self.labels.index(self.label)]
        return self._shares(direction[:, None])[:, 0]

    @property
    def _has_prior(self) -> bool:
        """Whether no term is known, so that the score is the labels' prior."""
        return self._folded.log_prior is not None and bool(self._sums[-1] <= 0)

    def _shares(self, directions: Array) -> Array:
        """RETURNS: float64 (n_tokens, n_directions): what each token adds, half of what it adds with others.

        directions: (n_labels, n_directions): what to sum up of the labels' log-probabilities. Each token is taken
            there at once, as one column is less work than several.
        """
        folded, (*sums, count) = self._folded, self._sums
        if self._has_prior:
            return np.zeros((len(self._own), directions.shape[1]))
        divisor = max(count, 1.0) ** folded.length_exponent
        if folded.output is not None:
            bias, change = np.asarray(folded.bias, dtype=np.float64), np.array(sums) / divisor
            with np.errstate(divide="ignore", invalid="ignore"):
                slope = np.where(change == 0, bias > 0, (relu(bias + change) - relu(bias)) / change)
            directions = slope[:, None] * dense(folded.output[0], directions)
        # The last column of what tokens add counts terms.
        directions = np.append(directions, np.zeros_like(directions[:1]), axis=0) / divisor
        # A row each direction, as NumPy is quicker along rows.
        shares = directions.T @ self._own.T
        for row, shared in zip(shares, directions.T / 2 @ self._shared.T, strict=True):
            for tokens in (self._first, self._last):
                row += np.bincount(tokens, shared, minlength=len(row))
        return np.asarray(shares.T)

    def _toward_pole(self, values: Array) -> Any:
        """RETURNS: Of values (..., n_labels), those of the one pole less those of the other."""
        if self.poles is None:
            return None
        toward, against = map(self.labels.index, self.poles)
        return np.asarray(values[..., toward] - values[..., against])

    def to_dict(self) -> dict[str, Any]:
        """RETURNS: All of it, as JSON's types: `label`, `probability`, `probabilities`, `score`, `bias`, and `tokens`,
        each with `text`, `start` and `end` (offsets in the Doc's text), `contribution` (a number; or a dict, by label),
        `negated` and `whitespace`.
        """
        two = len(self.labels) == 2
        shares = (
            self.contributions.tolist()
            if two
            else [dict(zip(self.labels, row, strict=True)) for row in self.contributions.tolist()]
        )
        return {
            "label": self.label,
            "probability": self.probability,
            "probabilities": self.probabilities,
            "score": self.score,
            "bias": self.bias if two else dict(zip(self.labels, self.label_bias.tolist(), strict=True)),
            "tokens": [
                {
                    "text": token.text,
                    "start": token.idx,
                    "end": token.idx + len(token),
                    "whitespace": bool(token.whitespace_),
                    "contribution": share,
                    "negated": negated,
                }
                for token, share, negated in zip(self.target, shares, self.negated.tolist(), strict=True)
            ],
        }


def poles_of(labels: Sequence[str]) -> tuple[str, str] | None:
    """RETURNS: As `Sentiment.poles`, of a model of these labels."""
    if {"positive", "negative"} <= set(labels):
        return "positive", "negative"
    return (labels[1], labels[0]) if len(labels) == 2 else None


def _centred(values: Array) -> Array:
    return np.asarray(values - values.mean(axis=-1, keepdims=True))

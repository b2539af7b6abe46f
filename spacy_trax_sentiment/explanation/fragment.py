"""A sentiment to a fragment of HTML: the probabilities as a bar, and each token shaded by its contribution."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc, Span

from ..text.labels import NEGATIVE, POSITIVE, has_poles
from .style import N_STEPS, OTHERS

FLOOR = 2.0
"""The contribution, in log-odds, that is shaded in full if no other in the text is larger. Neutral texts stay pale."""

NO_EVIDENCE = "no evidence"
"""Shown in place of a label, or after it."""

OF_WORDS = "what these words say by themselves, not what the text says of them"
"""Explains the label of a span."""

N_LISTED = 10
"""The tokens that a text's table lists one by one."""

# A region that scrolls must be reachable by keyboard.
_TABLE = (
    "<details><summary>What each token contributes, in log-odds</summary>"
    '<div class="scroll" tabindex="0" role="group" aria-label="Contributions"><table>'
    '<thead><tr><th scope="col">token</th>{columns}</tr></thead><tbody>{rows}</tbody><tfoot>{sum}</tfoot>'
    "</table></div></details>"
)

_LEGEND = (
    '<div class="trax-sentiment legend"><ul>'
    '<li><span class="token for p7">solid line</span> speaks for {toward}</li>'
    '<li><span class="token against n7">dashed line</span> speaks for {against}</li>'
    '<li><span class="negated">bracket</span> negated</li></ul></div>'
)


class Explained(Protocol):
    """The parts of a `Sentiment` that are shown."""

    target: Doc | Span
    labels: tuple[str, ...]
    negated: NDArray[np.bool_]

    @property
    def label(self) -> str | None: ...
    @property
    def probability(self) -> float | None: ...
    @property
    def n_known(self) -> int: ...
    @property
    def probabilities(self) -> dict[str, float]: ...
    @property
    def log_odds(self) -> float | None: ...
    @property
    def contributions(self) -> NDArray[np.float64]: ...
    @property
    def bias(self) -> NDArray[np.float64]: ...
    def toward(self, label: str) -> NDArray[np.float64]: ...
    def bias_toward(self, label: str) -> float: ...


def fragments(sentiments: Iterable[Explained], *, table: bool = True, legend: bool = True) -> list[str]:
    """Return a fragment for each sentiment, with or without its table, and one for the legend."""
    parts, last = [], ""
    for sentiment in sentiments:
        parts.append(sentiment_html(sentiment, table=table))
        last = last or legend_html(sentiment)
    return [*parts, last] if legend else parts


def sentiment_html(sentiment: Explained, *, table: bool = True) -> str:
    """Return a fragment with the label, the bar of probabilities, the shaded text and the table of contributions.

    It needs `STYLE`, and holds no script, no id and no inline style. The table is folded at first.
    """
    log_odds = ""
    if sentiment.log_odds is not None:
        between = f" of {POSITIVE} to {NEGATIVE}" if len(sentiment.labels) > 2 else ""
        log_odds = f'<span class="log-odds">log-odds{between} {sentiment.log_odds:+.2f}</span>'
    target = sentiment.target
    title = (target.doc if isinstance(target, Span) else target).user_data.get("title")
    heading = "" if title is None else f'<p class="title"><b>{escape(str(title))}</b></p>'
    label, *probability = map(escape, verdict(sentiment))
    found = " ".join([f"<b>{label}</b>", *probability]) + log_odds
    meaning = f' title="{OF_WORDS}"' if isinstance(target, Span) else ""
    return (
        f'<div class="trax-sentiment">{heading}<p class="verdict"{meaning}>{found}</p>'
        f"{_bar(sentiment)}{_text(sentiment)}{_table(sentiment) if table else ''}</div>"
    )


def legend_html(sentiment: Explained) -> str:
    """Return a fragment, to be styled by `STYLE`, that explains shades, underlines and brackets."""
    toward, against = (POSITIVE, NEGATIVE) if has_poles(sentiment.labels) else ("the label", "another")
    return _LEGEND.format(toward=toward, against=against)


def shading(sentiment: Explained) -> NDArray[np.float64]:
    """Return what tokens are shaded by, float64 (n_tokens,): their contributions to the log-odds.

    Without the labels positive and negative, it is `toward(label)` of the most probable label.
    """
    if not has_poles(sentiment.labels):
        return sentiment.toward(_shaded_label(sentiment))
    columns = dict(zip(sentiment.labels, sentiment.contributions.T, strict=True))
    return np.asarray(columns[POSITIVE] - columns[NEGATIVE])


def token_steps(sentiment: Explained) -> list[int]:
    """Return how strongly to shade each token, from `-N_STEPS` (against) to `N_STEPS` (for); 0 is not at all.

    Steps are relative to the text's largest contribution in absolute value, or to `FLOOR` if that is larger.
    """
    values = shading(sentiment)
    largest = max(FLOOR, float(abs(values).max(initial=0.0)))
    return [round(value * N_STEPS / largest) for value in values.tolist()]


def verdict(sentiment: Explained) -> tuple[str, ...]:
    """Return the label and its probability as they are shown, with "no evidence" after them or in their place."""
    if sentiment.label is None or sentiment.probability is None:
        return (NO_EVIDENCE,)
    shown = (sentiment.label, percent(sentiment.probability))
    return shown if sentiment.n_known else (*shown, f"({NO_EVIDENCE})")


def percent(probability: float) -> str:
    """Return the probability as a percentage that never claims certainty."""
    if 0.0005 <= probability < 0.9995:
        return f"{probability:.1%}"
    return "> 99.9%" if probability > 0.5 else "< 0.1%"


def signed(number: float) -> str:
    """Return the number with its sign and three decimals, without negative zeros."""
    return f"{round(number, 3) + 0.0:+.3f}"


def _shaded_label(sentiment: Explained) -> str:
    # Without evidence, no token contributes to any label.
    return sentiment.label or sentiment.labels[0]


def _fill_classes(labels: Sequence[str]) -> list[str]:
    others = iter(range(len(labels)))
    poles = (POSITIVE, NEGATIVE)
    return [label if label in poles else f"other{next(others) % len(OTHERS)}" for label in labels]


def _bar(sentiment: Explained) -> str:
    """Return the bar as an image, and a list of what its segments are."""
    rects, items, left = [], [], 0.0
    for fill, (label, p) in zip(_fill_classes(sentiment.labels), sentiment.probabilities.items(), strict=True):
        rects.append(f'<rect class="fill-{fill}" x="{100 * left:.3f}" y="0" width="{100 * p:.3f}" height="1"/>')
        items.append(f'<li><span class="swatch fill-{fill}"></span>{escape(label)} {escape(percent(p))}</li>')
        left += p
    return (
        '<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'{"".join(rects)}</svg><ul class="labels">{"".join(items)}</ul>'
    )


def _text(sentiment: Explained) -> str:
    vocab = sentiment.target.vocab
    # The language xx is any: the browser then goes by the letters.
    is_known = vocab.lang not in ("", "xx")
    direction = vocab.writing_system.get("direction", "ltr") if is_known else "auto"
    tokens = zip(sentiment.target, token_steps(sentiment), _titles(sentiment), sentiment.negated.tolist(), strict=True)
    html = "".join(_run(negated, list(run)) for negated, run in groupby(tokens, key=lambda each: each[3]))
    if not html:
        return '<p class="text empty">no text</p>'
    return f'<p class="text" dir="{escape(direction)}" lang="{escape(vocab.lang if is_known else "und")}">{html}</p>'


def _run(negated: bool, run: Sequence[Any]) -> str:
    """Return neighbouring tokens, in a named group if they are negated. The space after the last stays outside."""
    html = "".join(_token(token, step, title) + escape(token.whitespace_) for token, step, title, _ in run)
    space = escape(run[-1][0].whitespace_)
    html = html.removesuffix(space)
    return f'<span class="negated" role="group" aria-label="negated">{html}</span>{space}' if negated else html + space


def _token(token: Any, step: int, title: str) -> str:
    text = escape(token.text)
    if not title or token.is_space:
        return text
    classes = f" for p{step}" if step > 0 else f" against n{-step}" if step < 0 else ""
    return f'<span class="token{classes}" title="{title}">{text}</span>'


def _titles(sentiment: Explained) -> Iterator[str]:
    """Yield each token's contributions in words; "" if it has none."""
    names = [escape(label) for label in sentiment.labels]
    for value, row in zip(shading(sentiment).tolist(), sentiment.contributions.tolist(), strict=True):
        by_label = ", ".join(f"{name} {signed(each)}" for name, each in zip(names, row, strict=True))
        details = f" ({by_label})" if len(row) > 2 else ""
        yield signed(value) + details if any(row) else ""


def _table(sentiment: Explained) -> str:
    """Return the largest contributions, the sum of the others, the bias, and what all add up to."""
    label = POSITIVE if has_poles(sentiment.labels) else _shaded_label(sentiment)
    if len(sentiment.labels) > 2:
        columns, values, bias = list(sentiment.labels), sentiment.contributions, sentiment.bias
    else:
        columns, values = [f"for {label}"], sentiment.toward(label)[:, None]
        bias = np.array([sentiment.bias_toward(label)])
    if not values.any():
        return ""
    order = np.argsort(-abs(shading(sentiment)), kind="stable").tolist()
    listed = [i for i in order[:N_LISTED] if values[i].any()]
    tokens = list(sentiment.target)
    rows = [
        _row(f"<bdi>{escape(tokens[i].text)}</bdi>{' (negated)' if sentiment.negated[i] else ''}", values[i])
        for i in listed
    ]
    if len(listed) < len(tokens):
        rows.append(_row("all other tokens", values.sum(axis=0) - values[listed].sum(axis=0)))
    rows.append(_row("bias", bias))
    header = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    return _TABLE.format(columns=header, rows="".join(rows), sum=_row("sum", values.sum(axis=0) + bias))


def _row(name: str, values: Any) -> str:
    return f'<tr><th scope="row">{name}</th>{"".join(f"<td>{signed(value)}</td>" for value in values)}</tr>'

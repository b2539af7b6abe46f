"""A Doc's sentiment as HTML, in the manner of displaCy: the probabilities as a bar, each token shaded by its share."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby
from typing import Any

from spacy.tokens import Doc, Span
from spacy.util import find_available_port, is_in_jupyter

from ..errors import Errors, SentimentError
from .doc_extension import sentiment_of
from .sentiment import Sentiment
from .style import N_STEPS, OTHERS, PAGE_STYLE, STYLE

__all__ = ["STYLE", "legend_html", "percent", "render", "sentiment_html", "serve", "signed", "to_html", "token_steps"]

FLOOR = 2.0
"""The share, in log-odds, that is shaded in full where a text has none larger: so a neutral text stays pale."""

N_LISTED = 10
"""Tokens that the table of a text lists one by one."""

_OPTIONS = {"title": "Sentiment", "table": True, "legend": True}

Target = Doc | Span | Sentiment


def render(
    docs: Iterable[Target] | Target,
    style: str = "sentiment",
    page: bool = False,
    minify: bool = False,
    jupyter: bool | None = None,
    options: dict[str, Any] | None = None,
) -> str | None:
    """Render the sentiment of texts, with each token's share of it, as `displacy.render` does.

    docs: A Doc, a Span or a Sentiment, or several; Docs that a pipeline with a `trax_sentiment` has seen.
    style: "sentiment", the only one.
    page: Whether to make a whole page; else it is a fragment, its style sheet with it.
    minify: Whether to leave out line breaks between elements. Those of the texts are kept.
    jupyter: Whether to display it in a notebook instead of returning it; None to find out whether this is one.
    options: `title` of a page; `table` and `legend`, whether to have these, true unless given.
    RETURNS: The HTML; None where it is displayed.

    Raises SentimentError where something is not what it should be, or a Doc has not been scored.
    """
    html = to_html(docs, style, page=page, minify=minify, options=options)
    if not (is_in_jupyter() if jupyter is None else jupyter):
        return html
    from IPython.display import HTML, display  # it is there where a notebook is

    # The class keeps MathJax from reading a text's dollars as formulas.
    display(HTML(f'<div class="tex2jax_ignore">{html}</div>'))
    return None


def to_html(
    docs: Iterable[Target] | Target,
    style: str = "sentiment",
    *,
    page: bool = False,
    minify: bool = False,
    options: dict[str, Any] | None = None,
) -> str:
    """RETURNS: What `render` does, whether this is a notebook or not."""
    if style != "sentiment":
        raise SentimentError(Errors.S081.format(style=repr(style)))
    chosen = {**_OPTIONS, **(options or {})}
    if unknown := chosen.keys() - _OPTIONS.keys():
        raise SentimentError(Errors.S083.format(value=", ".join(sorted(unknown)), options=", ".join(_OPTIONS)))
    parts, legend = [], ""
    for each in [docs] if isinstance(docs, Target) else docs:
        found = _sentiment(each)
        parts.append(sentiment_html(found, table=chosen["table"]))
        legend = legend or legend_html(found)
    if chosen["legend"]:
        parts.append(legend)
    newline = "" if minify else "\n"
    if not page:
        return newline.join([f"<style>{STYLE}</style>", *parts])
    title = escape(str(chosen["title"]))
    head = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        # Nothing in a text can run or load; should the escaping ever miss something, the browser does not.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title><style>{STYLE}{PAGE_STYLE}</style></head>",
    )
    return newline.join([*head, f"<body><main><h1>{title}</h1>", *parts, "</main></body></html>"])


def serve(
    docs: Iterable[Target] | Target,
    style: str = "sentiment",
    page: bool = True,
    minify: bool = False,
    options: dict[str, Any] | None = None,
    port: int = 5000,
    host: str = "127.0.0.1",
    auto_select_port: bool = False,
) -> None:
    """Serve the rendering over HTTP until it is interrupted, as `displacy.serve` does.

    host: Whoever reaches it can read the texts; so it is this machine alone unless another is named.
    auto_select_port: Whether to take the next free port where the one named is taken; else that is a ValueError.
    """
    # Not wsgiref, as displacy: its handlers lose an interrupt that comes while they answer.
    from http.server import BaseHTTPRequestHandler, HTTPServer

    html = to_html(docs, style, page=page, minify=minify, options=options).encode()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(html)))
            self.end_headers()
            self.wfile.write(html)

    port = find_available_port(port, host, auto_select_port)
    with HTTPServer((host, port), Page) as server:
        print(f"Serving on http://{host}:{server.server_port} ... Press Ctrl-C to end it.", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print(f"Shutting down the server on port {server.server_port}.")


def sentiment_html(sentiment: Sentiment, *, table: bool = True) -> str:
    """RETURNS: A fragment, to be styled by `STYLE`: label, probabilities as a bar, the tokens shaded, and the shares in
    a table that can be unfolded. It holds no script, no id and no inline style.
    """
    score, poles = "", sentiment.poles
    if sentiment.score is not None and poles is not None:
        between = f" of {escape(poles[0])} to {escape(poles[1])}" if len(sentiment.labels) > 2 else ""
        score = f'<span class="score">log-odds {sentiment.score:+.2f}{between}</span>'
    target = sentiment.target
    title = (target.doc if isinstance(target, Span) else target).user_data.get("title")
    heading = "" if title is None else f'<p class="title"><b>{escape(str(title))}</b></p>'
    return (
        f'<div class="trax-sentiment">{heading}'
        f'<p class="verdict"><b>{escape(sentiment.label)}</b> {escape(percent(sentiment.probability))}{score}</p>'
        f"{_bar(sentiment)}{_text(sentiment)}{_table(sentiment) if table else ''}</div>"
    )


def legend_html(sentiment: Sentiment) -> str:
    """RETURNS: A fragment, to be styled by `STYLE`, that says what shading, underlines and brackets mean."""
    toward, against = sentiment.poles or ("the label", "another")
    strong = round(N_STEPS * 0.7)
    return (
        '<div class="trax-sentiment legend"><ul>'
        f'<li><span class="token for p{strong}">solid line</span> speaks for {escape(toward)}</li>'
        f'<li><span class="token against n{strong}">dashed line</span> speaks for {escape(against)}</li>'
        '<li><span class="negated">bracket</span> negated</li></ul></div>'
    )


def token_steps(sentiment: Sentiment) -> list[int]:
    """RETURNS: How strongly to shade each token, from `-N_STEPS`, against, to `N_STEPS`, for; 0 is not at all.

    They are scaled to the text's largest share in absolute value, or to `FLOOR`.
    """
    scores = sentiment.token_scores
    largest = max(FLOOR, float(abs(scores).max(initial=0.0)))
    return [round(share * N_STEPS / largest) for share in scores.tolist()]


def _sentiment(target: Any) -> Sentiment:
    if isinstance(target, Sentiment):
        return target
    if not isinstance(target, Doc | Span):
        raise SentimentError(Errors.S082.format(value=repr(target)[:40]))
    return sentiment_of(target)


def percent(probability: float) -> str:
    """RETURNS: The probability as a percentage; what is not certain does not look so."""
    if 0.0005 <= probability < 0.9995:
        return f"{probability:.1%}"
    return "> 99.9%" if probability > 0.5 else "< 0.1%"


def signed(number: float) -> str:
    """RETURNS: The number with its sign and three decimals; none is a negative zero."""
    return f"{round(number, 3) + 0.0:+.3f}"


def _fill_classes(sentiment: Sentiment) -> list[str]:
    poles = dict(zip(sentiment.poles or (), ("positive", "negative"), strict=False))
    others = iter(range(len(sentiment.labels)))
    return [poles.get(label) or f"other{next(others) % len(OTHERS)}" for label in sentiment.labels]


def _bar(sentiment: Sentiment) -> str:
    """RETURNS: The bar as an image, and the same in words: what each segment is, in its order."""
    rects, items, left = [], [], 0.0
    classes = _fill_classes(sentiment)
    for fill, (label, probability) in zip(classes, sentiment.probabilities.items(), strict=True):
        rects.append(
            f'<rect class="fill-{fill}" x="{100 * left:.3f}" y="0" width="{100 * probability:.3f}" height="1"/>'
        )
        items.append(f'<li><span class="swatch fill-{fill}"></span>{escape(label)} {escape(percent(probability))}</li>')
        left += probability
    return (
        '<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'{"".join(rects)}</svg><ul class="labels">{"".join(items)}</ul>'
    )


def _text(sentiment: Sentiment) -> str:
    target = sentiment.target
    vocab = target.vocab
    direction = vocab.writing_system.get("direction", "ltr")
    tokens = zip(target, token_steps(sentiment), _shares(sentiment), sentiment.negated.tolist(), strict=True)
    html = "".join(_run(negated, list(run)) for negated, run in groupby(tokens, key=lambda each: each[3]))
    if not html:
        return '<p class="text empty">no text</p>'
    return f'<p class="text" dir="{escape(direction)}" lang="{escape(vocab.lang or "und")}">{html}</p>'


def _run(negated: bool, run: Sequence[Any]) -> str:
    """RETURNS: Neighbours that a negation reaches, in a group that says so; or the tokens as they are."""
    tokens = [_token(token, step, share) for token, step, share, _ in run]
    space = escape(run[-1][0].whitespace_)
    html = (
        "".join(token + escape(each[0].whitespace_) for token, each in zip(tokens[:-1], run[:-1], strict=True))
        + tokens[-1]
    )
    return f'<span class="negated" role="group" aria-label="negated">{html}</span>{space}' if negated else html + space


def _token(token: Any, step: int, share: str) -> str:
    text = escape(token.text)
    if not share or token.is_space:
        return text
    kind = f" for p{step}" if step > 0 else f" against n{-step}" if step < 0 else ""
    return f'<span class="token{kind}" title="{share}">{text}</span>'


def _shares(sentiment: Sentiment) -> Iterator[str]:
    """YIELDS: What each token adds, in words; "" where nothing."""
    of_labels = sentiment.label_contributions.tolist() if len(sentiment.labels) > 2 else None
    names = [escape(label) for label in sentiment.labels]
    for i, score in enumerate(sentiment.token_scores.tolist()):
        each = of_labels[i] if of_labels else ()
        details = ", ".join(f"{name} {signed(share)}" for name, share in zip(names, each, strict=False))
        yield "" if not score and not any(each) else signed(score) + (f" ({details})" if details else "")


def _table(sentiment: Sentiment) -> str:
    """RETURNS: The largest shares, the sum of the others, the bias, and what all add up to."""
    many = len(sentiment.labels) > 2
    shares = sentiment.label_contributions if many else sentiment.token_scores[:, None]
    bias = sentiment.label_bias if many else [sentiment.bias]
    if not shares.any():
        return ""
    order = sorted(range(len(shares)), key=lambda i: -abs(sentiment.token_scores[i]))
    listed = [i for i in order[:N_LISTED] if shares[i].any()]
    tokens = list(sentiment.target)
    rows = [
        _row(f"<bdi>{escape(tokens[i].text)}</bdi>{' (negated)' if sentiment.negated[i] else ''}", shares[i])
        for i in listed
    ]
    rest = shares.sum(axis=0) - shares[listed].sum(axis=0)
    if len(listed) < len(tokens):
        rows.append(_row("all other tokens", rest))
    rows.append(_row("bias", bias))
    header = "".join(f'<th scope="col">{escape(name)}</th>' for name in _columns(sentiment))
    return (
        "<details><summary>What each token adds, in log-odds</summary>"
        # What may scroll must be reached by the keyboard.
        '<div class="scroll" tabindex="0" role="group" aria-label="Shares"><table>'
        f'<thead><tr><th scope="col">token</th>{header}</tr></thead><tbody>{"".join(rows)}</tbody>'
        f"<tfoot>{_row('sum', shares.sum(axis=0) + bias)}</tfoot></table></div></details>"
    )


def _columns(sentiment: Sentiment) -> Sequence[str]:
    return sentiment.labels if len(sentiment.labels) > 2 else [f"share for {(sentiment.poles or ('',))[0]}"]


def _row(name: str, values: Any) -> str:
    return f'<tr><th scope="row">{name}</th>{"".join(f"<td>{signed(value)}</td>" for value in values)}</tr>'

"""Docs, Spans or Sentiments to HTML, in the manner of displaCy."""

from collections.abc import Iterable
from html import escape
from typing import Any

from spacy.tokens import Doc, Span
from spacy.util import is_in_jupyter

from ..errors import Errors, SentimentError
from .doc_extension import sentiment_of
from .fragment import fragments
from .sentiment import Sentiment
from .style import PAGE_STYLE, STYLE

_OPTIONS = {"title": "Sentiment", "table": True, "legend": True}

# Nothing in a text can run or load anything: it is escaped, and the policy forbids it besides.
_PAGE_HEAD = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    "<title>{title}</title><style>{style}</style></head>",
    "<body><main><h1>{title}</h1>",
)

Target = Doc | Span | Sentiment


def render(
    docs: Iterable[Target] | Target,
    style: str = "sentiment",
    page: bool = False,
    minify: bool = False,
    jupyter: bool | None = None,
    options: dict[str, Any] | None = None,
) -> str | None:
    """Render the sentiment of texts, and each token's contribution to it, as `displacy.render` renders entities.

    Args:
        docs: A Doc, a Span or a Sentiment, or several. Docs must come from a pipeline with a `trax_sentiment`.
        style: "sentiment", the only style.
        page: Whether to return a whole page instead of a fragment. Both contain their style sheet.
        minify: Whether to leave out line breaks between elements. Those of the texts are kept.
        jupyter: Whether to display the HTML in a notebook instead of returning it. None detects a notebook.
        options: `title`, the title of a page; `table` and `legend`, whether to include these (both by default).

    Returns:
        The HTML, or None if it is displayed.

    Raises:
        SentimentError: If an argument cannot be used, or no component has scored a Doc.
    """
    html = to_html(docs, style, page=page, minify=minify, options=options)
    if not (is_in_jupyter() if jupyter is None else jupyter):
        return html
    from IPython.display import HTML, display  # a notebook has it

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
    """Return the HTML of `render`, in a notebook too."""
    if style != "sentiment":
        raise SentimentError(Errors.S081.format(style=repr(style)))
    chosen = {**_OPTIONS, **(options or {})}
    if unknown := chosen.keys() - _OPTIONS.keys():
        raise SentimentError(Errors.S083.format(value=", ".join(sorted(unknown)), options=", ".join(_OPTIONS)))
    sentiments = map(_sentiment, [docs] if isinstance(docs, Target) else docs)
    parts = fragments(sentiments, table=chosen["table"], legend=chosen["legend"])
    newline = "" if minify else "\n"
    if not page:
        return newline.join([f"<style>{STYLE}</style>", *parts])
    head = newline.join(_PAGE_HEAD).format(title=escape(str(chosen["title"])), style=STYLE + PAGE_STYLE)
    return newline.join([head, *parts, "</main></body></html>"])


def _sentiment(target: Any) -> Sentiment:
    if isinstance(target, Sentiment):
        return target
    if not isinstance(target, Doc | Span):
        raise SentimentError(Errors.S082.format(value=repr(target)[:40]))
    return sentiment_of(target)

"""`trax-sentiment explain`: texts to sentiments with each token's contribution, as coloured lines, JSON or a page."""

import logging
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from ..about import BUNDLED_MODEL
from . import options
from .common import open_texts, print_json, require_output, set_verbosity, with_progress

if TYPE_CHECKING:
    from ..explanation.sentiment import Sentiment
    from ..tables.rows import TableBatch

logger = logging.getLogger(__name__)

_BATCH_SIZE = 100


def explain(
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="Texts to explain. Without any, the texts of --input.", show_default=False),
    ] = None,
    model: options.Model = BUNDLED_MODEL,
    source: options.Input = None,
    source_format: options.InputFormat = None,
    text_column: options.TextColumn = "text",
    encoding: options.Encoding = None,
    only_labels: options.OnlyLabels = None,
    html: options.Html = None,
    as_json: options.AsJson = False,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Show why texts score as they do.

    The result is what each token contributes to the log-odds. In a terminal, tokens are shaded: blue and underlined for
    positive, orange and italic for negative. Elsewhere, or if NO_COLOR is set, a number follows each token. Negated
    words are in [brackets]. With --json, each text is one line; with --html, the texts go to a page instead.

    \b
    Examples:
      trax-sentiment explain "not bad at all, but slow"
      trax-sentiment explain --input reviews.csv --html reviews.html
      trax-sentiment explain --model model --json < lines.txt > explained.jsonl
    """
    if texts and source is not None:
        raise typer.BadParameter("give texts or --input, not both")
    if html is not None and as_json:
        raise typer.BadParameter("give --html or --json, not both")
    set_verbosity(quiet, verbose)

    from ..explanation.html import to_html
    from ..explanation.terminal import colours_of, sentiment_lines
    from ..storage.whole import write_file

    require_output(html, source, overwrite)
    with open_texts(texts, source, source_format, text_column, _BATCH_SIZE, encoding=encoding) as batches:
        hidden = quiet or bool(texts) or (html is None and sys.stdout.isatty())
        found = _sentiments(model, options.kept_labels(only_labels), with_progress(batches, hidden))
        if html is not None:
            write_file(html, to_html(found, page=True), overwrite)
            if not quiet:
                print(f"Saved to {html}.")
        elif as_json:
            for each in found:
                print_json(each.to_dict())
        else:
            n_colours = colours_of(sys.stdout, os.environ)
            for i, each in enumerate(found):
                print("\n" * bool(i) + sentiment_lines(each, n_colours), end="")


def _sentiments(model: str, labels: tuple[str, ...] | None, batches: "Iterator[TableBatch]") -> "Iterator[Sentiment]":
    from ..bulk.text_scorer import component_docs
    from ..pipelines import find_component, load
    from ..text.cleaning import without_surrogates

    nlp = load(model, labels=labels)
    component = find_component(nlp)
    logger.info("Loaded %s with the labels %s.", model, ", ".join(component.labels))
    for batch in batches:
        with nlp.memory_zone():  # or the vocabulary would grow with each new word
            for doc in component_docs(nlp, component, (without_surrogates(text or "") for text in batch.texts)):
                yield component.explain(doc)

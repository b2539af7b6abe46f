"""`trax-sentiment explain`: texts to their sentiment with each token's share of it: coloured, as JSON, or as a page."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .common import (
    html_option,
    input_format_option,
    input_option,
    json_option,
    model_option,
    open_texts,
    overwrite_option,
    print_json,
    quiet_option,
    set_verbosity,
    text_column_option,
    verbose_option,
    with_progress,
)

if TYPE_CHECKING:
    from ..explanation.sentiment import Sentiment
    from ..tables.rows import TableBatch

logger = logging.getLogger(__name__)

_BATCH_SIZE = 100


def explain(
    texts: list[str] | None = typer.Argument(None, metavar="TEXT", help="The texts. Without any, those of --input."),
    model: str = model_option(),
    source: str | None = input_option(),
    source_format: str | None = input_format_option(),
    text_column: str = text_column_option(),
    html: Path | None = html_option(),
    as_json: bool = json_option(),
    overwrite: bool = overwrite_option(),
    quiet: bool = quiet_option(),
    verbose: bool = verbose_option(),
) -> None:
    """Show why texts score as they do.

    That is each token's share of the log-odds. In a terminal tokens are shaded: blue and underlined for, orange and
    italic against; elsewhere, or with NO_COLOR set, each share follows its token. What a negation reaches stands in
    [brackets]. With --json, each text is one line; with --html, nothing is printed.

    \b
    Examples:
      trax-sentiment explain "not bad at all, but slow"
      trax-sentiment explain --input reviews.csv --html reviews.html
      trax-sentiment explain --model model --json < lines.txt > shares.jsonl
    """
    if texts and source is not None:
        raise typer.BadParameter("give texts or --input, not both")
    if html is not None and as_json:
        raise typer.BadParameter("give --html or --json, not both")
    set_verbosity(quiet, verbose)

    from ..explanation.html import to_html
    from ..explanation.terminal import colours_of, sentiment_lines
    from ..storage.whole import require_free_file, write_file

    if html is not None:
        require_free_file(html, overwrite)
    with ExitStack() as stack:
        batches = stack.enter_context(open_texts(texts, source, source_format, text_column, _BATCH_SIZE))
        hidden = quiet or bool(texts) or (html is None and sys.stdout.isatty())
        found = _sentiments(model, with_progress(batches, hidden))
        if html is not None:
            page = to_html(found, page=True)
            write_file(html, page, overwrite)
            if not quiet:
                print(f"Saved to {html}.")
        elif as_json:
            for each in found:
                print_json(each.to_dict())
        else:
            n_colours = colours_of(sys.stdout, os.environ)
            for i, each in enumerate(found):
                print("\n" * bool(i) + sentiment_lines(each, n_colours), end="")


def _sentiments(model: str, batches: "Iterator[TableBatch]") -> "Iterator[Sentiment]":
    from ..bulk.text_scorer import without_surrogates
    from ..pipelines import find_component, load

    nlp = load(model)
    component = find_component(nlp)
    # The limit is for components that take memory by the square.
    nlp.max_length = sys.maxsize
    logger.info("Loaded %s, of the labels %s.", model, ", ".join(component.labels))
    for batch in batches:
        for doc in nlp.pipe(without_surrogates(text or "") for text in batch.texts):
            yield component.explain(doc)

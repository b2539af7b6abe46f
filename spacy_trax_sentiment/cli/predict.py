"""`trax-sentiment predict`: texts, or a table of them, to the same table with a label and probabilities."""

import logging
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import typer

from .common import (
    input_format_option,
    input_option,
    model_option,
    overwrite_option,
    quiet_option,
    set_verbosity,
    text_column_option,
    verbose_option,
    whole_characters,
    with_progress,
)

if TYPE_CHECKING:
    from ..serving.bulk import Scores
    from ..serving.tables import Added, TableBatch

logger = logging.getLogger(__name__)


def predict(
    texts: list[str] | None = typer.Argument(None, metavar="TEXT", help="The texts. Without any, those of --input."),
    model: str = model_option(),
    source: str | None = input_option(),
    target: str = typer.Option("-", "--output", "-o", help="The table to write, or - for standard output."),
    source_format: str | None = input_format_option(),
    target_format: str | None = typer.Option(
        None, "--output-format", help="jsonl, csv, tsv or parquet.", show_default="by suffix; of -, jsonl"
    ),
    text_column: str = text_column_option(),
    batch_size: int = typer.Option(1000, min=1, help="Rows to hold in memory at a time."),
    overwrite: bool = overwrite_option(),
    quiet: bool = quiet_option(),
    verbose: bool = verbose_option(),
) -> None:
    """Add their sentiment to texts or a table.

    That is the columns `sentiment` and, of each label's probability, `sentiment_LABEL`.

    Parquet needs the extra: pip install 'spacy-trax-sentiment[parquet]'.

    \b
    Examples:
      trax-sentiment predict "What a lovely day"
      trax-sentiment predict --input reviews.csv --output scored.csv --model model
      trax-sentiment predict < lines.txt > scored.jsonl
    """
    if texts and source is not None:
        raise typer.BadParameter("give texts or --input, not both")
    set_verbosity(quiet, verbose)

    from ..serving.bulk import TextScorer
    from ..serving.readers import open_input
    from ..serving.tables import input_format, output_format, text_batches
    from ..serving.writers import open_output

    target_format = output_format(target, target_format)
    with ExitStack() as stack:
        batches: Iterable[TableBatch]
        if texts:
            batches = text_batches(list(map(whole_characters, texts)), text_column, batch_size)
        else:
            source = source or "-"
            format = input_format(source, source_format)
            reader = open_input(source, format, text_column=text_column, batch_size=batch_size)
            batches = stack.enter_context(reader)
        write = stack.enter_context(open_output(target, target_format, overwrite=overwrite, source=source))
        scorer = TextScorer.load(model)
        logger.info("Loaded %s, of the labels %s.", model, ", ".join(scorer.labels))
        on_terminal = target == "-" and sys.stdout.isatty()
        for batch in with_progress(batches, hidden=quiet or bool(texts) or on_terminal):
            write(batch, _sentiment_columns(scorer.labels, scorer(batch.texts)))


def _sentiment_columns(labels: Sequence[str], probabilities: "Scores") -> "Added":
    """probabilities: (n_texts, n_labels). Of labels that are equally probable, the first is the sentiment."""
    sentiments = [labels[i] for i in probabilities.argmax(axis=1).tolist()]
    return {"sentiment": sentiments} | {f"sentiment_{label}": probabilities[:, i] for i, label in enumerate(labels)}

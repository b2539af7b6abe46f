"""`trax-sentiment predict`: texts, or a table of them, to the same table with a label and probabilities."""

import logging
import sys
from contextlib import ExitStack
from enum import StrEnum

import typer

from .common import (
    input_format_option,
    input_option,
    model_option,
    open_texts,
    overwrite_option,
    quiet_option,
    set_verbosity,
    text_column_option,
    verbose_option,
    with_progress,
)
from .many import Engine, are_many, score_many, tell_without

logger = logging.getLogger(__name__)


class OnError(StrEnum):
    """What becomes of a row without a text."""

    null = "null"
    fail = "fail"


def predict(
    texts: list[str] | None = typer.Argument(None, metavar="TEXT", help="The texts. Without any, those of --input."),
    model: str = model_option(),
    source: str | None = input_option(),
    target: str = typer.Option(
        "-", "--output", "-o", help="The table to write, or - for standard output; of many, a directory."
    ),
    source_format: str | None = input_format_option(),
    target_format: str | None = typer.Option(
        None, "--output-format", help="jsonl, csv, tsv or parquet.", show_default="by suffix; of -, jsonl"
    ),
    text_column: str = text_column_option(),
    batch_size: int = typer.Option(1000, min=1, help="Rows to hold in memory at a time."),
    on_error: OnError = typer.Option(
        OnError.null, help="Of a row without a text, or with something else in its place: give no scores, or fail."
    ),
    engine: Engine | None = typer.Option(
        None, help="Of many tables: processes on this machine, or Ray's workers.", show_default="local"
    ),
    concurrency: int | None = typer.Option(
        None, min=1, help="Of many tables: how many processes or workers.", show_default="the cores"
    ),
    address: str | None = typer.Option(
        None, help="Of a Ray cluster, or auto. Without it: a Ray of this machine.", show_default=False
    ),
    safe_csv: bool = typer.Option(
        True,
        "--safe-csv/--no-safe-csv",
        help="Put an apostrophe before a cell that a spreadsheet would take for a formula.",
    ),
    overwrite: bool = overwrite_option(),
    quiet: bool = quiet_option(),
    verbose: bool = verbose_option(),
) -> int:
    """Add their sentiment to texts or a table.

    That is the columns `sentiment` and, of each label's probability, `sentiment_LABEL`.

    Parquet needs the extra: pip install 'spacy-trax-sentiment[parquet]'.

    The input may be many tables: a directory, or a pattern in quotes. Each becomes one or more in the output directory.
    A run that was broken off goes on when it is run again. A table that cannot be read is told of, and the others are
    done; the exit status is then 1.

    The input may be at an address, such as s3://bucket/path, which needs the same extra.

    \b
    Examples:
      trax-sentiment predict "What a lovely day"
      trax-sentiment predict --input reviews.csv --output scored.csv --model model
      trax-sentiment predict < lines.txt > scored.jsonl
      trax-sentiment predict --input 'reviews/*.parquet' --output scored --concurrency 4
    """
    if texts and source is not None:
        raise typer.BadParameter("give texts or --input, not both")
    set_verbosity(quiet, verbose)
    if source is not None and (engine is not None or are_many(source)):
        from ..jobs.parts import Job

        if target == "-":
            raise typer.BadParameter("of many tables, name a directory by --output")
        job = Job(model, target, text_column, target_format, batch_size, on_error is OnError.fail, safe_csv)
        return score_many(job, source, source_format, engine or Engine.local, concurrency, address, quiet)
    if engine is not None:
        raise typer.BadParameter("--engine needs --input, a file, a directory or a pattern")

    from ..bulk.text_scorer import TextScorer
    from ..tables.rows import output_format
    from ..tables.scored import write_scored
    from ..tables.writers import open_output

    target_format = output_format(target, target_format)
    with ExitStack() as stack:
        strict = on_error is OnError.fail
        batches = stack.enter_context(open_texts(texts, source, source_format, text_column, batch_size, strict))
        writer = open_output(target, target_format, overwrite=overwrite, source=source, safe_csv=safe_csv)
        write = stack.enter_context(writer)
        scorer = TextScorer.load(model)
        logger.info("Loaded %s, of the labels %s.", model, ", ".join(scorer.labels))
        on_terminal = target == "-" and sys.stdout.isatty()
        written = write_scored(with_progress(batches, hidden=quiet or bool(texts) or on_terminal), write, scorer)
        tell_without(source or "-", written.first_without, written.n_without)
    return 0

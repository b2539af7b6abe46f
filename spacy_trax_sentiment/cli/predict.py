"""`trax-sentiment predict`: texts, or a table of them, to the same table with a label and probabilities."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from enum import Enum
from typing import TYPE_CHECKING

import typer

from ..about import BUNDLED_MODEL
from .many import Engine, RowsWithoutText, score_many

if TYPE_CHECKING:
    from ..serving.tables import TableBatch


class OnError(str, Enum):
    """What becomes of a row without a text."""

    null = "null"
    fail = "fail"


def predict(
    texts: list[str] | None = typer.Argument(
        None, metavar="[TEXT]...", help="The texts. Without any, those of --input."
    ),
    model: str = typer.Option(
        BUNDLED_MODEL,
        "--model",
        "-m",
        help="A pipeline directory, as `train` writes it; or en or en_ternary, which the package carries.",
    ),
    source: str | None = typer.Option(
        None,
        "--input",
        "-i",
        help="The table to read, or - for standard input; of many, a directory or a pattern in quotes.",
        show_default="-",
    ),
    target: str = typer.Option(
        "-", "--output", "-o", help="The table to write, or - for standard output; of many, a directory."
    ),
    source_format: str | None = typer.Option(
        None,
        "--input-format",
        help="jsonl, csv, tsv, txt (a text a line) or parquet.",
        show_default="by suffix; of -, txt",
    ),
    target_format: str | None = typer.Option(
        None, "--output-format", help="jsonl, csv, tsv or parquet.", show_default="by suffix; of -, jsonl"
    ),
    text_column: str = typer.Option("text", help="The column that holds the texts."),
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
    address: str | None = typer.Option(None, help="Of the Ray cluster, or auto. Without it: a Ray of this machine."),
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace the output file where it is there already."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Show no progress bar."),
) -> int:
    """Add the sentiment and each label's probability to texts, as the columns `sentiment` and `sentiment_LABEL`.

    Parquet needs the extra: pip install 'spacy-trax-sentiment[parquet]'.

    Example: trax-sentiment predict "What a lovely day"

    Example: trax-sentiment predict --input reviews.csv --output scored.csv --model model

    Of many tables, each becomes one or more in the output directory. A run that was broken off goes on when it is run
    again. A table that cannot be read is told of, and the others are done; the exit status is then 1.

    Example: trax-sentiment predict --input 'reviews/*.parquet' --output scored --concurrency 4
    """
    if texts and source is not None:
        raise typer.BadParameter("give texts or --input, not both")
    if source is not None and (engine is not None or _are_many(source)):
        from ..serving.jobs import Job

        if target == "-":
            raise typer.BadParameter("of many tables, name a directory by --output")
        job = Job(model, target, text_column, target_format, batch_size, on_error is OnError.fail)
        return score_many(job, source, source_format, engine or Engine.local, concurrency, address, quiet)
    if engine is not None:
        raise typer.BadParameter("--engine needs --input, a file, a directory or a pattern")

    from ..serving.bulk import TextScorer
    from ..serving.readers import open_input
    from ..serving.tables import input_format, output_format, sentiment_columns, text_batches
    from ..serving.writers import open_output

    target_format = output_format(target, target_format)
    with ExitStack() as stack:
        batches: Iterable[TableBatch]
        if texts:
            batches = text_batches([_whole_characters(text) for text in texts], text_column, batch_size)
        else:
            source = source or "-"
            format = input_format(source, source_format)
            strict = on_error is OnError.fail
            reader = open_input(source, format, text_column=text_column, batch_size=batch_size, strict=strict)
            batches = stack.enter_context(reader)
        write = stack.enter_context(open_output(target, target_format, overwrite=overwrite, source=source))
        scorer = TextScorer.load(model)
        on_terminal = target == "-" and sys.stdout.isatty()
        n_rows, without = 0, RowsWithoutText(source or "TEXT")
        for batch in _with_progress(batches, hidden=quiet or bool(texts) or on_terminal):
            write(batch, sentiment_columns(scorer, batch.texts))
            without.add([n_rows + i + 1 for i, text in enumerate(batch.texts) if text is None])
            n_rows += len(batch.texts)
        without.tell()
    return 0


def _are_many(source: str) -> bool:
    import glob
    import os

    return os.path.isdir(source) or (glob.has_magic(source) and not os.path.exists(source))


def _with_progress(batches: "Iterable[TableBatch]", hidden: bool) -> "Iterator[TableBatch]":
    """Show a bar on standard error, where that is a terminal, of the texts done and, reckoned by the part of the
    file that is read, of those to come.
    """
    from tqdm import tqdm

    with tqdm(unit="text", unit_scale=True, disable=True if hidden else None, file=sys.stderr) as bar:
        for batch in batches:
            yield batch
            if batch.share:
                bar.total = round((bar.n + len(batch.texts)) / batch.share)
            bar.update(len(batch.texts))


def _whole_characters(argument: str) -> str:
    # A byte of an argument that is not UTF-8 arrives as a lone surrogate.
    return argument.encode("utf-8", "replace").decode()

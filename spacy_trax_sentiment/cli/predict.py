"""`trax-sentiment predict`: texts, or a table of them, to the same table with a label and probabilities."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import typer

from ..about import BUNDLED_MODEL

if TYPE_CHECKING:
    from ..serving.tables import TableBatch


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
        None, "--input", "-i", help="The table to read, or - for standard input.", show_default="-"
    ),
    target: str = typer.Option("-", "--output", "-o", help="The table to write, or - for standard output."),
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
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace the output file where it is there already."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Show no progress bar."),
) -> None:
    """Add the sentiment and each label's probability to texts, as the columns `sentiment` and `sentiment_LABEL`.

    Parquet needs the extra: pip install 'spacy-trax-sentiment[parquet]'.

    Example: trax-sentiment predict "What a lovely day"

    Example: trax-sentiment predict --input reviews.csv --output scored.csv --model model
    """
    if texts and source is not None:
        raise typer.BadParameter("give texts or --input, not both")

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
            reader = open_input(source, format, text_column=text_column, batch_size=batch_size)
            batches = stack.enter_context(reader)
        write = stack.enter_context(open_output(target, target_format, overwrite=overwrite, source=source))
        scorer = TextScorer.load(model)
        on_terminal = target == "-" and sys.stdout.isatty()
        for batch in _with_progress(batches, hidden=quiet or bool(texts) or on_terminal):
            write(batch, sentiment_columns(scorer.labels, scorer(batch.texts)))


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

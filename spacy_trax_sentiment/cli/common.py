"""Options with the same meaning in every command, the log's verbosity, and progress bars."""

import json
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from ..errors import Errors, SentimentError

if TYPE_CHECKING:
    from ..tables.rows import TableBatch

Item = TypeVar("Item")

MODEL_HELP = "A pipeline directory, as written by `train`, or a bundled model: en or en_ternary."


def complete_model(incomplete: str) -> list[str]:
    """Return the bundled models and the directories whose name or path begins with `incomplete`."""
    from ..pretrained import bundled_names

    folder, _, _ = incomplete.rpartition("/")
    try:
        beside = [str(each) for each in sorted(Path(folder or ".").iterdir()) if each.is_dir()]
    except OSError:
        beside = []
    return [name for name in dict.fromkeys([*bundled_names(), *beside]) if name.startswith(incomplete)]


Model = Annotated[str, typer.Option("--model", "-m", help=MODEL_HELP, autocompletion=complete_model)]
ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help=MODEL_HELP, autocompletion=complete_model)]
Input = Annotated[
    str | None, typer.Option("--input", "-i", help="Table to read, or - for standard input (the default).")
]
InputFormat = Annotated[
    str | None,
    typer.Option(
        "--input-format",
        help="jsonl, csv, tsv, txt (one text per line) or parquet.",
        show_default="from the suffix; txt for standard input",
    ),
]
TextColumn = Annotated[str, typer.Option("--text-column", help="Column that holds the text.")]
LabelColumn = Annotated[str, typer.Option("--label-column", help="Column that holds the label.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write an HTML page to this file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress, reports or warnings.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log each step to standard error.")]


def set_verbosity(quiet: bool, verbose: bool) -> None:
    """Write the package's log to standard error: only errors if quiet, each step if verbose."""
    if quiet and verbose:
        raise typer.BadParameter("give --quiet or --verbose, not both")
    logger = logging.getLogger(__package__.partition(".")[0])
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logger.handlers = [handler]
    logger.setLevel(logging.ERROR if quiet else logging.INFO if verbose else logging.WARNING)


def require_output() -> None:
    """Raise SentimentError if standard output is closed, as by `>&-`: the results would be lost."""
    if sys.stdout is None:
        from ..tables.writers import STANDARD_OUTPUT

        raise SentimentError(Errors.S069.format(path=STANDARD_OUTPUT, reason="it is closed"))


def print_json(content: Any) -> None:
    """Print one line of JSON, in ASCII unless standard output takes Unicode."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    print(json.dumps(content, ensure_ascii=not encoding.startswith("utf")))


def whole_characters(argument: str) -> str:
    """Return the argument with `?` for each byte that is not UTF-8; such a byte arrives as a lone surrogate."""
    return argument.encode("utf-8", "replace").decode()


@contextmanager
def open_texts(
    texts: "Sequence[str] | None",
    source: str | None,
    source_format: str | None,
    text_column: str,
    batch_size: int,
    strict: bool = True,
) -> "Iterator[Iterator[TableBatch]]":
    """Open the texts of a command as batches: those given as arguments, else the table `source`, or standard input."""
    from ..tables.readers import open_input
    from ..tables.rows import INPUT_FORMATS, input_format, text_batches
    from ..tables.sources import STANDARD_STREAM

    if texts:
        for text in texts:
            if text.lower().endswith(tuple(f".{name}" for name in INPUT_FORMATS)) and Path(text).is_file():
                raise typer.BadParameter(f"{text} is a file; to read it, use --input {text}")
        yield text_batches(list(map(whole_characters, texts)), text_column, batch_size)
        return
    source = source or STANDARD_STREAM
    format = input_format(source, source_format)
    with open_input(source, format, text_column=text_column, batch_size=batch_size, strict=strict) as batches:
        yield batches


@contextmanager
def progress(quiet: bool, total: int | None = None, unit: str = "text") -> Iterator[Any]:
    """Yield a tqdm bar with rate and time left. It appears on standard error if that is a terminal."""
    from tqdm import tqdm

    with tqdm(
        total=total, unit=unit, unit_scale=unit == "text", disable=True if quiet else None, file=sys.stderr
    ) as bar:
        yield bar


def counted(items: Iterable[Item], bar: Any) -> Iterator[Item]:
    """Yield the items; the bar counts each one when the next is asked for."""
    for item in items:
        yield item
        bar.update(1)


def with_progress(batches: "Iterable[TableBatch]", hidden: bool) -> "Iterator[TableBatch]":
    """Yield the batches with a bar of their texts; its total is estimated from how much of the file has been read."""
    with progress(hidden) as bar:
        for batch in batches:
            yield batch
            if batch.fraction:
                bar.total = round((bar.n + len(batch.texts)) / batch.fraction)
            bar.update(len(batch.texts))

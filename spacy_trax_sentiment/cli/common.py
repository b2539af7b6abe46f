"""Steps that several commands share: set the log's verbosity, read texts, print JSON and tables, and show progress."""

import json
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..errors import Errors, SentimentError

if TYPE_CHECKING:
    from ..tables.rows import TableBatch


def set_verbosity(quiet: bool, verbose: bool) -> None:
    """Write the package's log to standard error: only errors if quiet, each step if verbose."""
    if quiet and verbose:
        raise typer.BadParameter("give --quiet or --verbose, not both")
    logger = logging.getLogger(__package__.partition(".")[0])
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logger.handlers = [handler]
    logger.setLevel(logging.ERROR if quiet else logging.INFO if verbose else logging.WARNING)


def require_output(file: Path | None = None, source: str | None = None, overwrite: bool = False) -> None:
    """Raise SentimentError if the file is taken or is the `source`; without one, if standard output is closed."""
    from ..storage.whole import require_free_file
    from ..tables.writers import STANDARD_OUTPUT, require_not_input

    if file is not None:
        require_not_input(file, source)
        require_free_file(file, overwrite)
    elif sys.stdout is None:
        raise SentimentError(Errors.S069.format(path=STANDARD_OUTPUT, reason="it is closed"))


def print_json(content: Any) -> None:
    """Print one line of JSON, in ASCII unless standard output takes Unicode."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    print(json.dumps(content, ensure_ascii=not encoding.startswith("utf")))


def print_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows under a header: the first column to the left, the others to the right."""
    import wasabi

    print(wasabi.table(rows, header=header, divider=True, aligns=("l", *"r" * (len(header) - 1))), end="")


@contextmanager
def open_texts(
    texts: "Sequence[str] | None",
    source: str | None,
    source_format: str | None,
    text_column: str,
    batch_size: int,
    targets: Sequence[str] = (),
    **options: Any,
) -> "Iterator[Iterator[TableBatch]]":
    """Open a command's texts: the arguments, else the table `source`, or standard input. See `open_input`.

    `targets` go with each of the arguments, in a column of their own.
    """
    from ..tables.readers import open_input
    from ..tables.rows import FORMAT_OF_SUFFIX, PACKED, input_format, text_batches
    from ..tables.sources import STANDARD_STREAM

    if texts:
        for text in texts:
            # A misspelt name of a table must not be scored as a text.
            if text.lower().endswith((*PACKED, *FORMAT_OF_SUFFIX)) and (len(text.split()) == 1 or os.path.isfile(text)):
                raise typer.BadParameter(f"{text} names a file; to read it, use --input {text}")
        # A byte that is not UTF-8 arrives as a lone surrogate, and becomes a question mark.
        characters = [text.encode("utf-8", "replace").decode() for text in texts]
        yield text_batches(characters, text_column, batch_size, targets)
        return
    source = source or STANDARD_STREAM
    format = input_format(source, source_format)
    with open_input(source, format, text_column=text_column, batch_size=batch_size, **options) as batches:
        yield batches


def progress(quiet: bool, total: int | None = None, unit: str = "text") -> Any:
    """Return a tqdm bar with rate and time left. It appears on standard error if that is a terminal."""
    from tqdm import tqdm

    disable = True if quiet else None
    return tqdm(total=total, unit=unit, unit_scale=unit == "text", disable=disable, file=sys.stderr)


def with_progress(batches: "Iterable[TableBatch]", hidden: bool) -> "Iterator[TableBatch]":
    """Yield the batches with a bar of their texts; its total is estimated from how much of the file has been read."""
    with progress(hidden) as bar:
        for batch in batches:
            yield batch
            if batch.fraction:
                bar.total = round((bar.n + len(batch.texts)) / batch.fraction)
            bar.update(len(batch.texts))

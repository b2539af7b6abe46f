"""`trax-sentiment predict`: texts, or a table of them, to the same table with a label and probabilities."""

import logging
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..about import BUNDLED_MODEL
from . import options
from .common import open_texts, progress, set_verbosity, with_progress

if TYPE_CHECKING:
    from ..bulk.text_scorer import TextScorer
    from ..jobs.parts import Job, Outcome

logger = logging.getLogger(__name__)


class Engine(StrEnum):
    local = "local"
    ray = "ray"


class Targets(StrEnum):
    ents = "ents"


class OnError(StrEnum):
    null = "null"
    fail = "fail"


Texts = Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="Texts to score. Without any, see --input.")]
Output = Annotated[
    str,
    typer.Option("--output", "-o", help="Table to write, or - for standard output. For several tables, a directory."),
]
OutputFormat = Annotated[
    str | None,
    typer.Option(
        "--output-format", help="jsonl, csv, tsv or parquet.", show_default="from the suffix; jsonl for standard output"
    ),
]
BatchSize = Annotated[int, typer.Option(min=1, help="Number of rows to hold in RAM at a time.")]
OnErrorOption = Annotated[
    OnError,
    typer.Option(help="Leave a row without scores, or fail, if it has no text or its text lacks the target."),
]
TargetColumn = Annotated[
    str | None,
    typer.Option(help="Column that names each row's target: a part of the text, or its offsets, such as 12:17."),
]
Target = Annotated[
    list[str] | None, typer.Option("--target", help="Part of the TEXTs to score the sentiment toward; repeatable.")
]
TargetsOption = Annotated[
    Targets | None, typer.Option("--targets", help="Add a column `targets`: the entities that the pipeline finds.")
]
EngineOption = Annotated[
    Engine | None,
    typer.Option(help="Engine for several tables: processes on this machine, or Ray.", show_default="local"),
]
Concurrency = Annotated[
    int | None,
    typer.Option(
        min=1, help="Number of worker processes, when there are several tables.", show_default="number of cores"
    ),
]
Prefix = Annotated[
    str, typer.Option(metavar="NAME", help="Name of the new columns: NAME, and NAME_LABEL for each label.")
]
Address = Annotated[
    str | None, typer.Option(help="Address of a Ray cluster, or auto. Without it, Ray is started on this machine.")
]
SafeCsv = Annotated[
    bool,
    typer.Option(
        "--safe-csv/--no-safe-csv", help="Put an apostrophe before a cell that a spreadsheet would take for a formula."
    ),
]


def predict(
    texts: Texts = None,
    model: options.Model = BUNDLED_MODEL,
    source: options.Input = None,
    target: Output = "-",
    source_format: options.InputFormat = None,
    target_format: OutputFormat = None,
    text_column: options.TextColumn = "text",
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    batch_size: BatchSize = 1000,
    on_error: OnErrorOption = OnError.null,
    engine: EngineOption = None,
    concurrency: Concurrency = None,
    address: Address = None,
    safe_csv: SafeCsv = True,
    only_labels: options.OnlyLabels = None,
    prefix: Prefix = "sentiment",
    target_column: TargetColumn = None,
    named_targets: Target = None,
    targets: TargetsOption = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> int:
    """Add sentiment to texts or to a table.

    The new columns are `sentiment`, the most probable label, and `sentiment_LABEL`, the probability of each label. A
    text in which the model recognizes nothing is neutral, or has no label if the model has no neutral.

    To score several tables, give a directory or a quoted pattern as --input. Each table becomes one or more files in
    the output directory. If a run is interrupted, repeat it to do the rest. A table that cannot be read is reported,
    the others are scored, and the exit status is 1.

    With --target or --target-column, the scores are of what the text says of a target: a part of it. This needs en_trf,
    en_auto or another model that was trained on targets.

    The input can be an address such as s3://bucket/path. Addresses and Parquet need the extra `parquet`.

    \b
    Examples:
      trax-sentiment predict "What a lovely day"
      trax-sentiment predict "Great food, awful service" --target food --target service -m en_trf
      trax-sentiment predict --input reviews.csv --output scored.csv --model model
      trax-sentiment predict < lines.txt > scored.jsonl
      trax-sentiment predict --input 'reviews/*.parquet' --output scored --concurrency 4
    """
    if texts and source is not None:
        raise typer.BadParameter("give texts or --input, not both")
    if (named_targets and not texts) or (target_column and texts):
        raise typer.BadParameter("--target is for TEXTs, --target-column for tables")
    if targets and (named_targets or target_column):
        raise typer.BadParameter("give --targets, or name the targets, not both")
    set_verbosity(quiet, verbose)
    strict, labels = on_error is OnError.fail, options.kept_labels(only_labels)
    if source is not None:
        from ..jobs.parts import Job, names_many

        if engine is not None or names_many(source):
            if target == "-":
                raise typer.BadParameter("to score several tables, name a directory by --output")
            if targets:
                raise typer.BadParameter("--targets is for one table at a time")
            columns = (labels, prefix, encoding, delimiter, target_column, source_format)
            job = Job(model, target, text_column, target_format, batch_size, strict, safe_csv, *columns)
            engines = {"engine": engine or Engine.local, "concurrency": concurrency, "address": address}
            return _score_many(job, source, quiet, **engines)
    if targets and prefix == "targets":
        raise typer.BadParameter("--prefix targets is the name of the column that --targets adds")
    if engine is not None:
        raise typer.BadParameter("--engine needs --input, a file, a directory or a pattern")

    from ..bulk.text_scorer import TextScorer
    from ..tables.rows import TARGET, output_format
    from ..tables.scored import write_scored
    from ..tables.sources import STANDARD_INPUT
    from ..tables.writers import open_output

    target_format = output_format(target, target_format)
    reading: Any = {"strict": strict, "encoding": encoding, "delimiter": delimiter, "targets": named_targets or ()}
    column = TARGET if named_targets else target_column
    with (
        open_texts(texts, source, source_format, text_column, batch_size, **reading) as batches,
        open_output(target, target_format, overwrite=overwrite, source=source, safe_csv=safe_csv) as write,
    ):
        scorer, more = _with_entities(model, labels) if targets else (TextScorer.load(model, labels=labels), None)
        score: Any = scorer.scored
        if column:
            score = scorer.scored_targets
            score([], [])  # so that a model that cannot is refused before anything is read
        logger.info("Loaded %s with the labels %s.", model, ", ".join(scorer.labels))
        hidden = quiet or bool(texts) or (target == "-" and sys.stdout.isatty())
        batches = with_progress(batches, hidden)
        adding: Any = {"prefix": prefix, "strict": strict, "target_column": column, "more": more}
        written = write_scored(batches, write, score, scorer.labels, **adding)
        name = "TEXT" if texts else source or STANDARD_INPUT
        _tell_without(name, written.first_without, written.n_without, bool(column))
    return 0


def _with_entities(model: str, labels: Sequence[str] | None) -> "tuple[TextScorer, Callable[..., Any]]":
    """Return the scorer of a model, and what adds the column `targets`."""
    from ..bulk.entity_targets import entity_targets, require_entities
    from ..bulk.text_scorer import TextScorer
    from ..pipelines import load

    nlp = load(model, labels=labels)
    require_entities(nlp)
    return TextScorer(nlp), lambda texts: {"targets": entity_targets(nlp, texts)}


def _score_many(job: "Job", source: str, quiet: bool, **options: Any) -> int:
    """Score the tables that `source` names, report those that fail, and return the exit status. See `run`."""
    from ..jobs.run import run

    told: set[str] = set()
    n_rows = 0
    with progress(quiet, unit="part") as bar:

        def show(outcome: "Outcome", n_outcomes: int) -> None:
            nonlocal n_rows
            if outcome.error is not None and outcome.error not in told:  # all parts of a file may have it in common
                _tell(outcome.error)
                told.add(outcome.error)
            n_rows += outcome.written.n_rows
            bar.total = n_outcomes
            bar.set_postfix(rows=n_rows, refresh=False)
            bar.update(1)

        finished = run(job, [source], on_outcome=show, **options)
    for file, first, n_without in finished.without_text():
        _tell_without(file, first, n_without, job.target_column is not None)
    failed = finished.failed()
    if failed:
        _tell(f"{len(failed)} of {len(finished.files)} files failed; run the command again to try only these.")
    return 1 if failed else 0


def _tell_without(name: str, first: int | None, n_rows: int, has_targets: bool) -> None:
    """Report the rows of a table that have no scores. `first` is the number of the first one, from 1, or None."""
    if first is not None:
        what = "no text, or not the target" if has_targets else "no text"
        rows = f"{n_rows} rows hold {what}, the first is row {first}; they have"
        if n_rows == 1:
            rows = f"row {first} holds {what}; it has"
        _tell(f"{name}: {rows} no scores.")


def _tell(message: str) -> None:
    """Print a line on standard error, above a progress bar."""
    from tqdm import tqdm

    tqdm.write(f"trax-sentiment: {message}", file=sys.stderr)

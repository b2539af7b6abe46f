"""`trax-sentiment aspects`: a table of texts to what they express toward targets."""

import json
import logging
from pathlib import Path
from typing import Annotated, Any

import typer

from . import options
from .common import open_texts, print_json, print_table, require_output, set_verbosity, with_progress

_TARGET_HELP = "Words or phrases, separated by commas, or a name for several: 'service=service,waiter'. Repeatable."
_FORMATS = (".html", ".json", ".csv")

logger = logging.getLogger(__name__)


def aspects(
    source: Annotated[str, typer.Argument(metavar="TABLE", help="Table to read, or - for standard input.")],
    target: Annotated[list[str], typer.Option(metavar="WORDS", help=_TARGET_HELP)],
    group_by: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column to group by: each target is also summarized per value.")
    ] = None,
    model: options.Model = "en_trf",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Also write a page (.html), or the figures (.json, .csv)."),
    ] = None,
    quotes: Annotated[int, typer.Option(min=0, help="Number of positive and of negative quotes for each summary.")] = 5,
    source_format: options.InputFormat = None,
    text_column: options.TextColumn = "text",
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    only_labels: options.OnlyLabels = None,
    overwrite: options.Overwrite = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Summarize what texts express toward targets.

    Targets are words or phrases, such as food and service. Every mention is found, in any case and also in the plural.
    A text counts once for each target that it mentions. The quotes are those that the model is most certain of; their
    rows are numbered from 1. The polarity is the probability of positive minus that of negative, with its 95% interval.

    Needs the extra `trf`; from a clone: pip install '.[trf]'.

    \b
    Examples:
      trax-sentiment aspects reviews.csv --target food --target service=service,waiter,staff
      trax-sentiment aspects reviews.csv --target food,service --group-by city --output cities.html
      trax-sentiment aspects reviews.jsonl --target "battery life" --json
    """
    set_verbosity(quiet, verbose)
    from ..bulk.text_scorer import TextScorer
    from ..errors import Errors, SentimentError
    from ..evaluation.aspects import aspects as summarize
    from ..evaluation.aspects import table_rows
    from ..evaluation.aspects_page import aspects_page, headline, shown_figures
    from ..evaluation.mentions import parse_targets
    from ..model.targets import target_model
    from ..pipelines import find_component, load
    from ..storage.whole import write_file
    from ..tables.rows import TableBatch
    from ..tables.sources import Source
    from ..tables.writers import open_output

    targets = parse_targets(target)
    if output is not None and output.suffix.lower() not in _FORMATS:
        raise SentimentError(Errors.S221.format(path=output, suffix=output.suffix))
    require_output(output, source, overwrite)
    reading: dict[str, Any] = {"strict": False, "encoding": encoding, "delimiter": delimiter}
    with open_texts(None, source, source_format, text_column, 250, **reading) as batches:
        nlp = load(model, labels=options.kept_labels(only_labels))
        component = find_component(nlp)
        target_model(component.model)  # or there is an error, before anything is read
        logger.info("Loaded %s with the labels %s.", model, ", ".join(component.labels))
        read = table_rows(with_progress(batches, quiet), group_by)
        found = summarize(read, TextScorer(nlp).predict_proba, component.labels, targets, n_quotes=quotes)
    rows = [each.to_dict() for summaries in found.targets for each in summaries]
    content = {"n_texts": found.n_texts, "summaries": rows}
    if output is not None and output.suffix.lower() == ".html":
        write_file(output, aspects_page(Path(source).name, found), overwrite)
    elif output is not None and output.suffix.lower() == ".json":
        write_file(output, json.dumps(content, ensure_ascii=False, indent=2) + "\n", overwrite)
    elif output is not None:
        columns: Any = {name: [row[name] for row in rows] for name in rows[0] if name not in ("target", "quotes")}
        with open_output(str(output), "csv", overwrite=overwrite) as write:
            write(TableBatch([], ["target"], [[row["target"]] for row in rows], Source(str(output))), columns)
    if as_json:
        print_json(content)
        return
    print(headline(found))
    print_table(*shown_figures(found))
    for whole, *_ in found.targets:
        for label, kept in whole.quotes.items():
            if kept:
                print(f"\n{whole.target}, {label}:")
            for quote in kept:
                print(f"- {quote.before}[{quote.mention}]{quote.after} (row {quote.row:,})")
    if output is not None:
        print(f"Written: {output}")

"""`trax-sentiment compact`: a model to a smaller one, and what that costs in accuracy."""

import logging
from pathlib import Path
from typing import Any

import typer

from .common import (
    MODEL_HELP,
    counted,
    label_column_option,
    overwrite_option,
    progress,
    quiet_option,
    set_verbosity,
    text_column_option,
    verbose_option,
)

logger = logging.getLogger(__name__)


def compact(
    model: str = typer.Argument(metavar="MODEL", help=MODEL_HELP),
    output: Path = typer.Option(..., "--output", "-o", help="The directory to write the smaller pipeline to."),
    max_mb: float = typer.Option(5.0, help="The most that the model's files may take, in MB of 1,000,000 bytes."),
    source: str = typer.Option("bundled:short_texts", help="Labelled texts to measure the loss in accuracy on."),
    text_column: str = text_column_option(),
    label_column: str = label_column_option(),
    overwrite: bool = overwrite_option(),
    quiet: bool = quiet_option(),
    verbose: bool = verbose_option(),
) -> None:
    """Make a model smaller.

    Its embedding is folded and stored as float16, and its weakest terms are left out if need be. Prints what that
    costs in accuracy.

    \b
    Examples:
      trax-sentiment compact model --output small --max-mb 5 --source dev.jsonl
    """
    set_verbosity(quiet, verbose)
    import wasabi

    from ..evaluation.measures import evaluate_pipeline
    from ..model.compact import compact_files, files_size
    from ..pipelines import find_component, load_pipeline, save_pipeline
    from ..storage.whole import whole_directory
    from ..training.corpora import read_labelled_texts

    nlp = load_pipeline(model)
    component = find_component(nlp, model)
    texts = read_labelled_texts(source, labels=component.labels, text_column=text_column, label_column=label_column)
    rows: list[tuple[Any, ...]] = []

    def measure(name: str, n_bytes: int) -> float:
        logger.info("Measuring the model %s on %d texts.", name, len(texts))
        with progress(quiet, len(texts)) as bar:
            figures = evaluate_pipeline(nlp, texts, component.labels, lambda each: counted(each, bar))
        n_terms = len(component.model.attrs["vocabulary"])
        rows.append((name, f"{n_bytes / 1e6:.2f}", n_terms, f"{figures.accuracy:.4f}", f"{figures.macro_recall:.4f}"))
        return figures.accuracy

    with whole_directory(output, overwrite) as directory:
        before = measure("before", files_size(component.model, component.cfg))
        after = measure("after", compact_files(component.model, component.cfg, round(max_mb * 1e6)))
        save_pipeline(nlp, directory)
    if quiet:
        return
    header = ("model", "MB", "terms", "accuracy", "macro-recall")
    print(wasabi.table(rows, header=header, divider=True, aligns=("l", "r", "r", "r", "r")), end="")
    print(f"Accuracy on the {len(texts)} texts of {source}: {after - before:+.4f}. Saved to {output}.")

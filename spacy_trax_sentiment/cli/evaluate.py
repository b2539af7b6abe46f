"""`trax-sentiment evaluate`: a model and labelled texts to figures."""

import logging
from typing import TYPE_CHECKING

import typer

from ..about import BUNDLED_MODEL
from .common import (
    MODEL_HELP,
    counted,
    json_option,
    label_column_option,
    print_json,
    progress,
    quiet_option,
    set_verbosity,
    text_column_option,
    verbose_option,
)

if TYPE_CHECKING:
    from ..training import Evaluation

logger = logging.getLogger(__name__)


def evaluate(
    first: str = typer.Argument(metavar="[MODEL]", help=f"{MODEL_HELP} Without it: {BUNDLED_MODEL}."),
    second: str | None = typer.Argument(
        None,
        metavar="SOURCE",
        show_default=False,
        help="Labelled texts: a .jsonl, .csv, .tsv or .parquet file, or a named source as for `train`.",
    ),
    text_column: str = text_column_option(),
    label_column: str = label_column_option(),
    as_json: bool = json_option(),
    quiet: bool = quiet_option(),
    verbose: bool = verbose_option(),
) -> None:
    """Measure a model on labelled texts.

    \b
    Examples:
      trax-sentiment evaluate test.jsonl
      trax-sentiment evaluate model test.jsonl --json
    """
    set_verbosity(quiet, verbose)
    model, source = (BUNDLED_MODEL, first) if second is None else (first, second)
    from ..pipelines import find_component, load_pipeline
    from ..training.corpora import read_labelled_texts
    from ..training.evaluation import evaluate_pipeline

    nlp = load_pipeline(model)
    labels = find_component(nlp, model).labels
    texts = read_labelled_texts(source, labels=labels, text_column=text_column, label_column=label_column)
    logger.info("Loaded %s; measuring it on %d texts of %s.", model, len(texts), source)
    with progress(quiet, len(texts)) as bar:
        figures = evaluate_pipeline(nlp, texts, labels, lambda each: counted(each, bar))
    if as_json:
        print_json(figures.to_dict())
    else:
        _print_tables(figures)


def _print_tables(figures: "Evaluation") -> None:
    import wasabi

    print(f"\n{figures.n_texts} texts: accuracy {figures.accuracy:.4f}, macro-recall {figures.macro_recall:.4f}")
    rows = [
        (name, f"{label.precision:.4f}", f"{label.recall:.4f}", f"{label.f1:.4f}", label.support)
        for name, label in figures.labels.items()
    ]
    aligns = ("l", "r", "r", "r", "r")
    print(
        wasabi.table(rows, header=("label", "precision", "recall", "F1", "texts"), divider=True, aligns=aligns), end=""
    )
    counts = [(true, *predicted.values()) for true, predicted in figures.confusion.items()]
    header = ("true \\ predicted", *figures.confusion)
    print(wasabi.table(counts, header=header, divider=True, aligns=("l", *"r" * len(figures.confusion))), end="")

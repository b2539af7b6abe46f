"""`trax-sentiment evaluate`: a model and labelled texts to figures."""

import json
from typing import TYPE_CHECKING

import typer

from ..about import BUNDLED_MODEL

if TYPE_CHECKING:
    from ..training import Evaluation


def evaluate(
    first: str = typer.Argument(
        metavar="[MODEL]", help="A pipeline directory, as `train` writes it; without it, the package's model."
    ),
    second: str | None = typer.Argument(
        None,
        metavar="SOURCE",
        show_default=False,
        help="Labelled texts: a .jsonl, .csv, .tsv or .parquet file, or a named source as for `train`.",
    ),
    text_column: str = typer.Option("text", help="The field of a file that holds the text."),
    label_column: str = typer.Option("label", help="The field of a file that holds the label."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object instead of tables."),
) -> None:
    """Measure a model on labelled texts.

    Example: trax-sentiment evaluate test.jsonl

    Example: trax-sentiment evaluate model test.jsonl --json
    """
    model, source = (BUNDLED_MODEL, first) if second is None else (first, second)
    from ..pipelines import find_component, load_pipeline
    from ..training.corpora import read_labelled_texts
    from ..training.evaluation import evaluate_pipeline

    nlp = load_pipeline(model)
    labels = find_component(nlp, model).labels
    texts = read_labelled_texts(source, labels=labels, text_column=text_column, label_column=label_column)
    figures = evaluate_pipeline(nlp, texts, labels)
    if as_json:
        print(json.dumps(figures.to_dict(), ensure_ascii=False))
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

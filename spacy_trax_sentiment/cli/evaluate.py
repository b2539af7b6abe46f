"""`trax-sentiment evaluate`: a model, or two, and labelled texts to figures."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..about import BUNDLED_MODEL
from .common import (
    MODEL_HELP,
    counted,
    html_option,
    json_option,
    label_column_option,
    overwrite_option,
    print_json,
    progress,
    quiet_option,
    set_verbosity,
    text_column_option,
    verbose_option,
)

if TYPE_CHECKING:
    from ..evaluation.comparison import Comparison
    from ..evaluation.figures import Figures

_N_PRINTED, _MOST_LETTERS = 5, 100

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
    compare: str | None = typer.Option(
        None, metavar="OTHER", help="Another model of the same labels, to set beside the first."
    ),
    html: Path | None = html_option(),
    overwrite: bool = overwrite_option(),
    as_json: bool = json_option(),
    quiet: bool = quiet_option(),
    verbose: bool = verbose_option(),
) -> None:
    """Measure a model on labelled texts, or two.

    With --html there is a report too, with plots, the errors, and where two models disagree.

    That needs the extra: pip install 'spacy-trax-sentiment[train]'.

    \b
    Examples:
      trax-sentiment evaluate test.jsonl
      trax-sentiment evaluate model test.jsonl --json
      trax-sentiment evaluate tuned test.jsonl --compare en --html report.html
    """
    set_verbosity(quiet, verbose)
    model, source = (BUNDLED_MODEL, first) if second is None else (first, second)
    from ..evaluation.comparison import compare as compare_figures
    from ..evaluation.figures import measure
    from ..pipelines import find_component, load_pipeline
    from ..storage.whole import require_free_file, write_file
    from ..training.corpora import read_labelled_texts

    if html is not None:
        from ..evaluation.plots import require_matplotlib

        require_matplotlib()
        require_free_file(html, overwrite)
    pipelines = {model: load_pipeline(model)}
    if compare is not None:
        other = compare if compare != model else f"{compare} (again)"
        pipelines[other] = load_pipeline(compare)
    labels = find_component(pipelines[model], model).labels
    texts = read_labelled_texts(source, labels=labels, text_column=text_column, label_column=label_column)
    logger.info("Loaded %s; measuring on %d texts of %s.", " and ".join(pipelines), len(texts), source)
    with progress(quiet, len(texts) * len(pipelines)) as bar:
        figures = {
            name: measure(nlp, find_component(nlp, name).labels, texts, lambda each: counted(each, bar))
            for name, nlp in pipelines.items()
        }
    comparison = None if compare is None else compare_figures(*figures.values())
    if html is not None:
        from ..evaluation.report import Data, comparison_report, evaluation_report

        data = Data("evaluated", source, texts)
        if comparison is None:
            page = evaluation_report(pipelines[model], model, figures[model], data)
        else:
            page = comparison_report(pipelines, comparison, data)
        write_file(html, page, overwrite)
    if as_json:
        compared = {} if comparison is None else {"compared": {"model": compare, **comparison.to_dict()}}
        print_json({**figures[model].to_dict(), **compared})
    elif comparison is None:
        _print_tables(figures[model])
    else:
        _print_comparison(comparison, list(pipelines))
    if html is not None and not as_json:
        print(f"Report: {html}")


def _print_tables(figures: "Figures") -> None:
    import wasabi

    evaluation = figures.evaluation
    low, high = figures.macro_recall_interval
    print(
        f"\n{evaluation.n_texts} texts: accuracy {evaluation.accuracy:.4f}, macro-recall {evaluation.macro_recall:.4f} "
        f"({low:.4f} to {high:.4f}), AUC {figures.auc:.4f}, log loss {figures.log_loss:.4f}, "
        f"calibration error {figures.calibration_error:.4f}"
    )
    rows = [
        (name, f"{label.precision:.4f}", f"{label.recall:.4f}", f"{label.f1:.4f}", label.support)
        for name, label in evaluation.labels.items()
    ]
    aligns = ("l", "r", "r", "r", "r")
    print(
        wasabi.table(rows, header=("label", "precision", "recall", "F1", "texts"), divider=True, aligns=aligns), end=""
    )
    _print_confusion(figures)


def _print_confusion(figures: "Figures") -> None:
    import wasabi

    confusion = figures.evaluation.confusion
    counts = [(true, *predicted.values()) for true, predicted in confusion.items()]
    header = ("true \\ predicted", *confusion)
    print(wasabi.table(counts, header=header, divider=True, aligns=("l", *"r" * len(confusion))), end="")


def _print_comparison(comparison: "Comparison", names: list[str]) -> None:
    import wasabi

    from ..evaluation.report import p_value

    first, second = comparison.first, comparison.second
    values = [
        ("accuracy", first.evaluation.accuracy, second.evaluation.accuracy),
        ("macro-recall", first.evaluation.macro_recall, second.evaluation.macro_recall),
        ("AUC", first.auc, second.auc),
        ("log loss", first.log_loss, second.log_loss),
        ("calibration error", first.calibration_error, second.calibration_error),
    ]
    rows = [(name, f"{a:.4f}", f"{b:.4f}", f"{b - a:+.4f}") for name, a, b in values]
    header = (f"{len(first.texts)} texts", *names, "difference")
    print(wasabi.table(rows, header=header, divider=True, aligns=("l", "r", "r", "r")), end="")
    low, high = comparison.macro_recall_difference_interval
    print(f"Difference in macro-recall: 95% interval {low:+.4f} to {high:+.4f} (paired bootstrap).")
    print(
        f"Only {names[0]} is right in {comparison.n_only_first}, only {names[1]} in {comparison.n_only_second} "
        f"(McNemar's exact p {p_value(comparison.p_value)})."
    )
    for name, figures in zip(names, (first, second), strict=True):
        print(f"\n{name}")
        _print_confusion(figures)
    apart = comparison.disagreements()
    if apart:
        print(f"\nThey disagree on {len(apart)} texts, such as:")
    for index in apart[:_N_PRINTED]:
        text = " ".join(first.texts[index].text.split())
        said = ", ".join(
            f"{name}: {each.labels[each.predicted[index]]}" for name, each in zip(names, (first, second), strict=True)
        )
        shown = text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…"
        print(f"- {shown}\n  {said}; true: {first.texts[index].label}")

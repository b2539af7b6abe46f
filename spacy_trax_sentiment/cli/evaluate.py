"""`trax-sentiment evaluate`: one or two models and labelled texts to figures."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..about import BUNDLED_MODEL
from . import options
from .common import print_json, print_table, progress, require_output, set_verbosity
from .options import complete_model

if TYPE_CHECKING:
    from ..evaluation.comparison import Comparison
    from ..evaluation.figures import Evaluation

_SOURCE_HELP = "Labelled texts, as for `train`: a .jsonl, .csv, .parquet or other table, or a named source."
_N_PRINTED, _MAX_LETTERS = 5, 100

logger = logging.getLogger(__name__)


def evaluate(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=_SOURCE_HELP)],
    model: options.Model = BUNDLED_MODEL,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="OTHER",
            help="Second model. Its labels, or those that --only-labels keeps, must be the same.",
            autocompletion=complete_model,
        ),
    ] = None,
    text_column: options.TextColumn = "text",
    label_column: options.LabelColumn = "label",
    encoding: options.Encoding = None,
    label_map: options.LabelMap = None,
    only_labels: options.OnlyLabels = None,
    html: options.Html = None,
    overwrite: options.Overwrite = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Measure one or two models on labelled texts.

    Texts whose label the model lacks are left out, with a warning.

    With --html, a report is written too, with plots, the errors, and the texts on which two models disagree. It needs
    the extra `train`: pip install '.[train]' in a clone.

    \b
    Examples:
      trax-sentiment evaluate test.jsonl
      trax-sentiment evaluate bundled:templates --model en_ternary --json
      trax-sentiment evaluate test.jsonl --model tuned --compare en --html report.html
    """
    set_verbosity(quiet, verbose)
    from ..evaluation.comparison import compare as compare_evaluations
    from ..evaluation.comparison import require_same_labels
    from ..evaluation.figures import measure, read_texts
    from ..evaluation.plots import require_matplotlib
    from ..pipelines import find_component, load
    from ..pretrained import bundled_names
    from ..storage.whole import write_file
    from ..training.labelled import parse_label_map

    if source in bundled_names() or Path(source, "meta.json").is_file():
        raise typer.BadParameter(f"{source} is a model; give labelled texts, and the model by --model {source}")
    require_output(html, source, overwrite)
    if html is not None:
        require_matplotlib()
    models = [model] if compare is None else [model, compare]
    names, kept = _names(models), options.kept_labels(only_labels)
    pipelines = {name: load(each, labels=kept) for name, each in zip(names, models, strict=True)}
    component, *others = map(find_component, pipelines.values())
    for other in others:
        require_same_labels(component.labels, other.labels)
    reading: dict[str, Any] = {"text_column": text_column, "label_column": label_column, "encoding": encoding}
    texts, left_out = read_texts(source, component, label_map=parse_label_map(label_map), **reading)
    logger.info("Loaded %s; measuring on %d texts of %s.", " and ".join(names), len(texts), source)
    with progress(quiet, len(texts) * len(pipelines)) as bar:
        evaluations = [measure(nlp, component.labels, texts, left_out, bar.update) for nlp in pipelines.values()]
    comparison = compare_evaluations(*evaluations) if compare is not None else None
    if html is not None:
        from ..evaluation.report import Data, comparison_report, evaluation_report

        data = Data("evaluated", source, texts)
        if comparison is None:
            page = evaluation_report(pipelines[names[0]], names[0], evaluations[0], data)
        else:
            page = comparison_report(pipelines, comparison, data)
        write_file(html, page, overwrite)
    if as_json:
        compared = {} if comparison is None else {"compared": {"model": compare, **comparison.to_dict()}}
        print_json({**evaluations[0].to_dict(), **compared})
        return
    if comparison is None:
        _print_evaluation(evaluations[0])
    else:
        _print_comparison(comparison, names)
    if html is not None:
        print(f"Report: {html}")


def _names(models: list[str]) -> list[str]:
    """Return the models' names: the last part of each path, if these differ."""
    short = [Path(model).name or model for model in models]
    names = short if len(set(short)) == len(models) else models
    return names if len(set(names)) == len(models) else [*names[:-1], f"{names[-1]} (again)"]


def _print_evaluation(evaluation: "Evaluation") -> None:
    from ..evaluation.figures import figure

    n = evaluation.n_texts
    low, high = (figure(end, n) for end in evaluation.macro_recall_interval)
    figures = {name: figure(value, n) for name, value in evaluation.figures().items()}
    figures["macro-recall"] += f" ({low} to {high})"
    print(f"{evaluation.headline()}\n\n{', '.join(f'{name} {value}' for name, value in figures.items())}")
    rows = [
        (name, figure(each.precision, n), figure(each.recall, n), figure(each.f1, n), each.support)
        for name, each in evaluation.label_figures.items()
    ]
    print_table(("label", "precision", "recall", "F1", "texts"), rows)
    _print_confusion(evaluation)


def _print_confusion(evaluation: "Evaluation") -> None:
    labels = evaluation.labels
    rows = [(label, *row) for label, row in zip(labels, evaluation.confusion.counts.tolist(), strict=True)]
    print_table(("true \\ predicted", *labels), rows)


def _print_comparison(comparison: "Comparison", names: "Sequence[str]") -> None:
    from ..evaluation.comparison import comparison_headline
    from ..evaluation.figures import figure

    first, second = comparison.first, comparison.second
    both = list(zip(names, (first, second), strict=True))
    n = first.n_texts
    print(comparison_headline(comparison, names))
    rows = [
        (name, figure(a, n), figure(b, n), figure(b - a, n, "+"))
        for (name, a), b in zip(first.figures().items(), second.figures().values(), strict=True)
    ]
    print_table((f"{n} texts", *names, "difference"), rows)
    low, high = (figure(end, n, "+") for end in comparison.macro_recall_difference_interval)
    print(f"Difference in macro-recall: 95% interval {low} to {high} (paired bootstrap).")
    print(f"Only {names[0]} is right on {comparison.n_only_first}, only {names[1]} on {comparison.n_only_second}.")
    for name, evaluation in both:
        print(f"\n{name}")
        _print_confusion(evaluation)
    apart = comparison.disagreements()
    if apart:
        print(f"\nThey disagree on {len(apart)} texts, such as:")
    for index in apart[:_N_PRINTED]:
        text = " ".join(first.texts[index].text.split())
        predicted = ", ".join(f"{name}: {each.predicted_labels[index]}" for name, each in both)
        shown = text if len(text) <= _MAX_LETTERS else f"{text[: _MAX_LETTERS - 1]}…"
        print(f"- {shown}\n  {predicted}; true: {first.texts[index].label}")

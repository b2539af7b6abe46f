"""Evaluations to one self-contained HTML page: no network, no script.

The same evaluations give the same bytes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from importlib.resources import files
from itertools import groupby, islice
from typing import Any, NamedTuple

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup
from spacy.language import Language

from ..about import __version__
from ..component import TraxSentiment
from ..errors import SentimentError
from ..explanation.fragment import legend_html, percent, sentiment_html
from ..explanation.style import STYLE
from ..model.inputs import scoring_models
from ..pipelines import find_component
from ..training.labelled import Texts, make_docs
from ..training.progress import Progress
from ..training.settings import Settings
from .comparison import Comparison, comparison_headline
from .figures import Evaluation, figure
from .plots import accuracy_curve, confusion_matrix, loss_curve, probability_histograms, reliability_diagram
from .words import strongest_words

_N_ERRORS = 12
_N_DISAGREEMENTS = 12  # for each case: only the one model is right, only the other, neither
_MEANINGS = {
    "accuracy": "fraction of the texts that are right",
    "macro-recall": "fraction right per label, averaged over the labels",
    "AUC": "chance that a text with a label scores higher for it than a text without it",
    "log loss": "mean negative log-probability of the true label",
    "calibration error": "mean gap between confidence and accuracy",
    "mean value": "of the true labels, which are numbers",
    "expected value": "mean of the labels, weighted by their probabilities",
    "mean absolute error": "mean distance of a text's expected value from its label",
}


class Data(NamedTuple):
    """Texts that a report is about: their use, such as "training"; the file or named source; and the texts."""

    name: str
    source: str
    texts: Texts


class Case(NamedTuple):
    """A text of a report: its true label, how each model explains it, and its first words if it is folded away."""

    true: str
    shaded: list[tuple[str, Markup]]
    beginning: str | None


def training_report(
    nlp: Language,
    title: str,
    evaluations: Mapping[str, Evaluation],
    history: Sequence[Progress],
    data: Sequence[Data],
    settings: Settings,
) -> str:
    """Return the page of a training run: how it went, and how good the model is.

    The plots and the errors are those of the first of the evaluations, and the words those of the first of the data.
    """
    curves = [loss_curve(history), accuracy_curve(history)] if history else []
    page = _page_of_model(nlp, evaluations, data, asdict(settings))
    n_sampled = settings.n_eval_batches * settings.batch_size
    return template().render(**page, kind="Training report", title=title, curves=curves, n_sampled=n_sampled)


def evaluation_report(
    nlp: Language, title: str, evaluation: Evaluation, data: Data, *, max_counted: int = 100_000, long_text: int = 600
) -> str:
    """Return the page of a model measured on labelled texts.

    The strongest words are taken from at most `max_counted` texts, evenly spaced. Texts of more than `long_text`
    characters are folded away.
    """
    page = _page_of_model(nlp, {data.name: evaluation}, [data], {}, max_counted, long_text)
    return template().render(**page, kind="Evaluation report", title=title)


def comparison_report(pipelines: Mapping[str, Language], comparison: Comparison, data: Data) -> str:
    """Return the page of two models, in the order of the comparison, measured on the same texts."""
    names = list(pipelines)
    both = dict(zip(names, (comparison.first, comparison.second), strict=True))
    apart = comparison.disagreements()
    headings = {
        "second": f"Only {names[1]} is right",
        "first": f"Only {names[0]} is right",
        "neither": "Neither is right",
    }
    disagreements = [
        (headings[right], [_case(pipelines, both, index) for index in islice(indices, _N_DISAGREEMENTS)])
        for right, indices in groupby(apart, comparison.right)
    ]
    return template().render(
        kind="Comparison",
        title=" and ".join(names),
        headline=comparison_headline(comparison, names),
        columns=names,
        rows=_figure_rows(both, comparison),
        labels=_label_rows(both),
        plots=[
            plot._replace(title=f"{plot.title}: {name}")
            for make in (confusion_matrix, reliability_diagram, probability_histograms)
            for name, evaluation in both.items()
            for plot in [make(evaluation)]
        ],
        comparison=comparison,
        n_apart=len(apart),
        disagreements=disagreements,
        legend=_legend(pipelines[names[0]], comparison.first.texts[0].text),
        data=_data_rows([data], comparison.first.labels),
    )


def _page_of_model(
    nlp: Language,
    evaluations: Mapping[str, Evaluation],
    data: Sequence[Data],
    settings: Mapping[str, Any],
    max_counted: int = 100_000,
    long_text: int = 600,
) -> dict[str, Any]:
    component = find_component(nlp)
    name, first = next(iter(evaluations.items()))
    wrong = first.errors()
    step = -(-len(data[0].texts) // max_counted) or 1
    docs = make_docs(islice(data[0].texts, 0, None, step), lang=str(nlp.lang))
    return {
        "headline": first.headline(),
        "columns": list(evaluations) if len(evaluations) > 1 else ["value"],
        "rows": _figure_rows(evaluations),
        "labels": _label_rows({name: first}),
        "comparison": None,
        "left_out": first.left_out,
        "plots": [confusion_matrix(first), reliability_diagram(first), probability_histograms(first)],
        "words": strongest_words(component.model, component.labels, docs),
        "counted_in": f"{data[0].name} texts" + ("" if step == 1 else f" (one text in {step} was counted)"),
        "n_wrong": len(wrong),
        "errors": [_case({"": nlp}, {"": first}, index, long_text) for index in wrong[:_N_ERRORS]],
        "legend": _legend(nlp, first.texts[wrong[0]].text) if wrong else "",
        "data": _data_rows(data, component.labels),
        "settings": _settings_rows(component, settings),
    }


def _case(
    pipelines: Mapping[str, Language], evaluations: Mapping[str, Evaluation], index: int, long_text: int = 600
) -> Case:
    text, label = next(iter(evaluations.values())).texts[index]
    shaded = [(name, _shaded(nlp, text, evaluations[name], index)) for name, nlp in pipelines.items()]
    return Case(label, shaded, None if len(text) <= long_text else f"{text[:80]}…")


def _shaded(nlp: Language, text: str, evaluation: Evaluation, index: int) -> Markup:
    """Return the text shaded, or plain if the model cannot be explained."""
    try:
        return Markup(sentiment_html(find_component(nlp).explain(nlp(text)), table=False))
    except SentimentError:
        label = evaluation.labels[evaluation.predicted[index]]
        html = '<div class="trax-sentiment"><p class="verdict"><b>{}</b> {}</p><p class="text">{}</p></div>'
        return Markup(html).format(label, percent(float(evaluation.confidences[index])), text)


def _legend(nlp: Language, text: str) -> Markup:
    try:
        return Markup(legend_html(find_component(nlp).explain(nlp(text))))
    except SentimentError:
        return Markup("")


def _figure_rows(evaluations: Mapping[str, Evaluation], comparison: Comparison | None = None) -> list[Any]:
    """Return a row per figure: its name, its meaning, and a cell per evaluation and for the difference."""
    n = next(iter(evaluations.values())).n_texts
    columns = [each.figures() for each in evaluations.values()]
    rows = [("texts", "", [f"{each.n_texts:,}" for each in evaluations.values()] + [""] * (comparison is not None))]
    for name in columns[0]:
        values = [column[name] for column in columns]
        cells = [figure(value, n) for value in values]
        if comparison is not None:
            cells.append("" if values[1] != values[1] else figure(values[1] - values[0], n, "+"))
        rows.append((name, _MEANINGS[name], cells))
        if name == "macro-recall":
            ends = [(each.macro_recall_interval, "") for each in evaluations.values()]
            if comparison is not None:
                ends.append((comparison.macro_recall_difference_interval, "+"))
            cells = [f"{figure(low, n, sign)} to {figure(high, n, sign)}" for (low, high), sign in ends]
            rows.append(("its 95% interval", "from the bootstrap", cells))
    return rows


def _label_rows(evaluations: Mapping[str, Evaluation]) -> list[Any]:
    """Return a row per label and model: the label, the model if there are several, and the cells."""
    rows = []
    for label in next(iter(evaluations.values())).labels:
        for name, evaluation in evaluations.items():
            each = evaluation.label_figures[label]
            cells = [figure(value, evaluation.n_texts) for value in (each.precision, each.recall, each.f1)]
            rows.append((label, name if len(evaluations) > 1 else "", [*cells, f"{each.support:,}"]))
    return rows


def _data_rows(data: Sequence[Data], labels: Sequence[str]) -> dict[str, Any]:
    """Return the labels that occur, and a row per source: its name, its source, its size and its texts per label."""
    counts = [Counter(text.label for text in each.texts) for each in data]
    names = list(dict.fromkeys([*labels, *(label for count in counts for label in sorted(count))]))
    rows = [
        (each.name, each.source, len(each.texts), [count[name] for name in names])
        for each, count in zip(data, counts, strict=True)
    ]
    return {"labels": names, "rows": rows}


def _settings_rows(component: TraxSentiment, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the model's settings by name, with those of its training."""
    attrs, models = component.model.attrs, [each.attrs for each in scoring_models(component.model)]
    names = ("embedding_dim", "hidden_width", "mean", "length_exponent")
    shown = dict(settings) | {name: attrs[name] for name in names if name in attrs}
    return {
        "labels": ", ".join(component.labels),
        "terms in the vocabulary": " and ".join(f"{len(each['vocabulary']):,}" for each in models),
        **{name.replace("_", " "): value for name, value in shown.items()},
        "preprocessor": " and ".join(type(each["preprocessor"]).__name__ for each in models),
        "spacy-trax-sentiment": __version__,
    }


@lru_cache
def template(name: str = "template.html") -> Template:
    """Return a template of this folder by its file's name. What it is filled with is escaped."""
    loader = FunctionLoader(lambda name: (files(__package__) / name).read_text(encoding="utf-8"))
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["style"] = Markup(STYLE)
    return environment.get_template(name)

"""Evaluations to one self-contained HTML page: no network, no script.

The same evaluations give the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from importlib.resources import files
from itertools import islice
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup
from spacy.language import Language

from ..component import TraxSentiment
from ..errors import SentimentError
from ..explanation.fragment import legend_html, percent, sentiment_html
from ..explanation.style import STYLE
from ..pipelines import find_component
from ..training.labelled import make_docs
from ..training.progress import Progress
from ..training.settings import Settings
from .comparison import Comparison, comparison_headline
from .figures import Evaluation
from .plots import accuracy_curve, confusion_matrix, loss_curve, probability_histograms, reliability_diagram
from .report_tables import Data, data_rows, figure_rows, label_rows, settings_rows
from .words import strongest_words

N_ERRORS = 12
"""Number of errors shown in a report."""

N_DISAGREEMENTS = 12
"""Number of texts shown in a comparison for each case: only the one is right, only the other, neither."""


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
    component = find_component(nlp)
    curves = [loss_curve(history), accuracy_curve(history)] if history else []
    page = _page_of_model(nlp, component, evaluations, data)
    n_sampled = settings.n_eval_batches * settings.batch_size
    shown = settings_rows(component, asdict(settings))
    return _render(**page, kind="Training report", title=title, curves=curves, n_sampled=n_sampled, settings=shown)


def evaluation_report(
    nlp: Language,
    title: str,
    evaluation: Evaluation,
    data: Data,
    *,
    max_counted: int = 100_000,
    long_text: int = 600,
) -> str:
    """Return the page of a model measured on labelled texts.

    The strongest words are taken from at most `max_counted` texts, evenly spaced. Texts of more than `long_text`
    characters are folded away.
    """
    component = find_component(nlp)
    page = _page_of_model(nlp, component, {data.name: evaluation}, [data], max_counted, long_text)
    return _render(**page, kind="Evaluation report", title=title, settings=settings_rows(component))


def comparison_report(pipelines: Mapping[str, Language], comparison: Comparison, data: Data) -> str:
    """Return the page of two models, in the order of the comparison, measured on the same texts."""
    names = list(pipelines)
    both = dict(zip(names, (comparison.first, comparison.second), strict=True))
    shown: dict[str, list[int]] = {"second": [], "first": [], "neither": []}
    apart = comparison.disagreements()
    for index in apart:
        if len(shown[comparison.right(index)]) < N_DISAGREEMENTS:
            shown[comparison.right(index)].append(index)
    cases = {right: [_case(pipelines, both, index) for index in indices] for right, indices in shown.items()}
    first = names[0]
    return _render(
        kind="Comparison",
        title=" and ".join(names),
        headline=comparison_headline(comparison, names),
        columns=names,
        rows=figure_rows(both, comparison),
        labels=label_rows(both),
        plots=[
            plot._replace(title=f"{plot.title}: {name}")
            for make in (confusion_matrix, reliability_diagram, probability_histograms)
            for name, evaluation in both.items()
            for plot in [make(evaluation)]
        ],
        comparison={"both": comparison.n_both, "first": comparison.n_only_first, "second": comparison.n_only_second},
        n_apart=len(apart),
        disagreements=[
            (f"Only {names[1]} is right", cases["second"]),
            (f"Only {first} is right", cases["first"]),
            ("Neither is right", cases["neither"]),
        ],
        legend=_legend(pipelines[first], comparison.first.texts[0].text),
        data=data_rows([data], comparison.first.labels),
    )


def _page_of_model(
    nlp: Language,
    component: TraxSentiment,
    evaluations: Mapping[str, Evaluation],
    data: Sequence[Data],
    max_counted: int = 100_000,
    long_text: int = 600,
) -> dict[str, Any]:
    name, first = next(iter(evaluations.items()))
    wrong = first.errors()
    step = -(-len(data[0].texts) // max_counted) or 1
    docs = make_docs(islice(data[0].texts, 0, None, step))
    return {
        "headline": first.headline(),
        "columns": list(evaluations) if len(evaluations) > 1 else ["value"],
        "rows": figure_rows(evaluations),
        "labels": label_rows({name: first}),
        "left_out": first.left_out,
        "plots": [confusion_matrix(first), reliability_diagram(first), probability_histograms(first)],
        "words": strongest_words(component.model, component.labels, docs),
        "counted_in": f"{data[0].name} texts" + ("" if step == 1 else f" (one text in {step} was counted)"),
        "n_wrong": len(wrong),
        "errors": [_case({"": nlp}, {"": first}, index, long_text) for index in wrong[:N_ERRORS]],
        "legend": _legend(nlp, first.texts[wrong[0]].text) if wrong else "",
        "data": data_rows(data, component.labels),
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


def _render(**page: Any) -> str:
    defaults: dict[str, Any] = {
        "curves": [],
        "n_sampled": 0,
        "left_out": {},
        "words": {},
        "errors": None,
        "comparison": None,
        "disagreements": [],
        "settings": {},
        "style": Markup(STYLE),
    }
    return _template().render(**{**defaults, **page})


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((files(__package__) / "template.html").read_text(encoding="utf-8"))

"""Figures to one HTML page that needs nothing else: no network, no script. The same figures give the same bytes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from importlib.resources import files
from itertools import islice
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup
from spacy.language import Language

from ..about import __version__
from ..component import TraxSentiment
from ..errors import SentimentError
from ..explanation.doc_extension import sentiment_of
from ..explanation.html import STYLE, legend_html, percent, sentiment_html
from ..pipelines import find_component
from ..training.labelled import LabelledText, make_docs
from ..training.progress import Progress
from ..training.settings import Settings
from ..training.stored import StoredTexts
from .comparison import Comparison
from .figures import Figures, count_labels
from .plots import accuracy_curve, confusion_matrix, loss_curve, reliability_diagram, score_histograms
from .terms import strongest_terms

N_ERRORS = 12
"""The most confident errors that a report shows."""

N_DISAGREEMENTS = 12
"""The texts that a comparison shows of each kind: right by the one, by the other, by neither."""

MOST_COUNTED = 100_000
"""The texts, evenly spaced, that terms are counted in: of more, counting would take longer than training."""

_LONG_TEXT = 600

_MEANINGS = {
    "texts": "",
    "accuracy": "share of the texts that are right",
    "macro-recall": "the share that is right of each label's texts, averaged",
    "AUC": "chance that a text of a label scores above one without it",
    "log loss": "mean negative log-probability of the true label",
    "calibration error": "expected gap between how sure and how right",
}


class Data(NamedTuple):
    """name: What it is for. source: Where it is from. texts: All of it."""

    name: str
    source: str
    texts: Sequence[LabelledText] | StoredTexts


class Case(NamedTuple):
    """One text. shaded: By each model's name, what it says of it. beginning: Of a long text, which is folded away."""

    true: str
    shaded: list[tuple[str, Markup]]
    beginning: str | None


def training_report(
    nlp: Language,
    title: str,
    figures: Mapping[str, Figures],
    history: Sequence[Progress],
    data: Sequence[Data],
    settings: Settings,
) -> str:
    """Tell how a pipeline was trained, and how good it is.

    figures: By name; the plots and the errors are the first one's. history: An entry an evaluation.
    data: What it was trained on, of which the terms are counted; and what else there is to tell of.
    RETURNS: The page.
    """
    component = find_component(nlp, title)
    curves = [loss_curve(history), accuracy_curve(history)] if history else []
    page = _page_of_model(nlp, component, "Training report", title, figures, data)
    n_sampled = settings.n_eval_batches * settings.batch_size
    return _render(**page, curves=curves, n_sampled=n_sampled, settings=_settings(component, asdict(settings)))


def evaluation_report(nlp: Language, title: str, figures: Figures, data: Data) -> str:
    """Tell how good a pipeline is on `data`, whose figures those are. RETURNS: The page."""
    component = find_component(nlp, title)
    page = _page_of_model(nlp, component, "Evaluation report", title, {data.name: figures}, [data])
    return _render(**page, settings=_settings(component))


def comparison_report(pipelines: Mapping[str, Language], comparison: Comparison, data: Data) -> str:
    """Set two pipelines side by side. pipelines: By their names, the first one's first. RETURNS: The page."""
    names = list(pipelines)
    both = dict(zip(names, (comparison.first, comparison.second), strict=True))
    shown: dict[str, list[int]] = {"second": [], "first": [], "neither": []}
    apart = comparison.disagreements()
    for index in apart:
        if len(shown[comparison.right(index)]) < N_DISAGREEMENTS:
            shown[comparison.right(index)].append(index)
    cases = {right: [_case(pipelines, both, index) for index in indices] for right, indices in shown.items()}
    component = find_component(pipelines[names[0]], names[0])
    return _render(
        kind="Comparison",
        title=" and ".join(names),
        columns=names,
        rows=_figure_rows(both, comparison),
        labels=_label_rows(both),
        plots=[
            plot._replace(title=f"{plot.title}: {name}")
            for make in (confusion_matrix, reliability_diagram, score_histograms)
            for name, figures in both.items()
            for plot in [make(figures)]
        ],
        comparison={
            "both": int((comparison.first.correct & comparison.second.correct).sum()),
            "first": comparison.n_only_first,
            "second": comparison.n_only_second,
            "apart": len(apart),
            "p": p_value(comparison.p_value),
        },
        disagreements=[
            (f"Right: {names[1]}", cases["second"]),
            (f"Right: {names[0]}", cases["first"]),
            ("Right: neither", cases["neither"]),
        ],
        legend=_legend(pipelines[names[0]], component, [text.text for text in islice(data.texts, 1)]),
        data=_data_rows([data], component.labels),
    )


def p_value(p: float) -> str:
    """RETURNS: A p-value as it is written after "p"."""
    return f"= {p:.3f}" if p >= 0.001 else "< 0.001"


def _page_of_model(
    nlp: Language,
    component: TraxSentiment,
    kind: str,
    title: str,
    figures: Mapping[str, Figures],
    data: Sequence[Data],
) -> dict[str, Any]:
    name, first = next(iter(figures.items()))
    wrong = first.errors()
    step = -(-len(data[0].texts) // MOST_COUNTED) or 1
    terms = strongest_terms(component.model, component.labels, make_docs(islice(data[0].texts, 0, None, step)))
    return {
        "kind": kind,
        "title": title,
        "columns": list(figures),
        "rows": _figure_rows(figures),
        "labels": _label_rows({name: first}),
        "plots": [confusion_matrix(first), reliability_diagram(first), score_histograms(first)],
        "terms": terms,
        "unit": "log-odds" if len(component.labels) == 2 else "log-probability less the labels' mean",
        "counted_in": data[0].name if step == 1 else f"{data[0].name}, one text of {step}",
        "n_wrong": len(wrong),
        "errors": [_case({"": nlp}, {"": first}, index) for index in wrong[:N_ERRORS]],
        "legend": _legend(nlp, component, [first.texts[index].text for index in wrong[:1]]),
        "data": _data_rows(data, component.labels),
    }


def _figure_rows(figures: Mapping[str, Figures], comparison: Comparison | None = None) -> list[Any]:
    """RETURNS: Of each figure, its name, what it means, and its values."""
    of_each = [_values(each) for each in figures.values()]
    rows = []
    for name, meaning in _MEANINGS.items():
        cells = [each[name][1] for each in of_each]
        if comparison is not None:
            before, after = (each[name][0] for each in of_each)
            difference = after - before
            cells.append("" if name == "texts" or difference != difference else f"{difference:+.4f}")
        rows.append((name, meaning, cells))
        if name == "macro-recall":
            intervals = [each.macro_recall_interval for each in figures.values()]
            if comparison is not None:
                intervals.append(comparison.macro_recall_difference_interval)
            sign = ("", "", "+")
            rows.append(
                (
                    "its 95% interval",
                    "from the bootstrap",
                    [f"{low:{s}.4f} to {high:{s}.4f}" for (low, high), s in zip(intervals, sign, strict=False)],
                )
            )
    return rows


def _values(figures: Figures) -> dict[str, tuple[float, str]]:
    evaluation = figures.evaluation
    values = {
        "accuracy": evaluation.accuracy,
        "macro-recall": evaluation.macro_recall,
        "AUC": figures.auc,
        "log loss": figures.log_loss,
        "calibration error": figures.calibration_error,
    }
    shown = {name: (value, f"{value:.4f}" if value == value else "none") for name, value in values.items()}
    return {"texts": (evaluation.n_texts, f"{evaluation.n_texts:,}"), **shown}


def _label_rows(figures: Mapping[str, Figures]) -> list[Any]:
    """RETURNS: Of each label and model: the label, the model where there are several, and its figures."""
    return [
        (label, name if len(figures) > 1 else "", each.evaluation.labels[label])
        for label in next(iter(figures.values())).labels
        for name, each in figures.items()
    ]


def _case(pipelines: Mapping[str, Language], figures: Mapping[str, Figures], index: int) -> Case:
    label, text = next(iter(figures.values())).texts[index][::-1]
    shaded = [(name, _shaded(nlp, text, figures[name], index)) for name, nlp in pipelines.items()]
    return Case(label, shaded, None if len(text) <= _LONG_TEXT else f"{text[:80]}…")


def _shaded(nlp: Language, text: str, figures: Figures, index: int) -> Markup:
    """RETURNS: The text shaded; where the model cannot be explained, plain."""
    try:
        return Markup(sentiment_html(sentiment_of(nlp(text), find_component(nlp, "")), table=False))
    except SentimentError:
        label, probability = figures.labels[figures.predicted[index]], percent(float(figures.confidences[index]))
        html = '<div class="trax-sentiment"><p class="verdict"><b>{}</b> {}</p><p class="text">{}</p></div>'
        return Markup(html).format(label, probability, text)


def _legend(nlp: Language, component: TraxSentiment, texts: Iterable[str]) -> Markup:
    try:
        return Markup("").join(Markup(legend_html(sentiment_of(nlp(text), component))) for text in texts)
    except SentimentError:
        return Markup("")


def _data_rows(data: Sequence[Data], labels: Sequence[str]) -> Any:
    counts = [count_labels(each.texts, labels) for each in data]
    names = list(dict.fromkeys(label for each in counts for label in each))
    rows = [
        (each.name, each.source, len(each.texts), [count.get(name, 0) for name in names])
        for each, count in zip(data, counts, strict=True)
    ]
    return {"labels": names, "rows": rows}


def _settings(component: TraxSentiment, settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
    attrs = component.model.attrs
    names = [name for name in ("embedding_dim", "hidden_width", "mean", "length_exponent") if name in attrs]
    model = {name.replace("_", " "): attrs[name] for name in names}
    return {
        "labels": ", ".join(component.labels),
        "terms in the vocabulary": f"{len(attrs['vocabulary']):,}",
        **{name.replace("_", " "): value for name, value in (settings or {}).items()},
        **model,
        "preprocessor": type(attrs["preprocessor"]).__name__,
        "spacy-trax-sentiment": __version__,
    }


def _render(**page: Any) -> str:
    defaults: dict[str, Any] = {
        "curves": [],
        "n_sampled": 0,
        "terms": {},
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

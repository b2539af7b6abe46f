"""Evaluations, data and settings to the rows of a report's tables: names and cells, ready to show."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..about import __version__
from ..component import TraxSentiment
from ..training.labelled import Texts
from .comparison import Comparison
from .figures import Evaluation, count_labels, figure

_MEANINGS = {
    "accuracy": "fraction of the texts that are right",
    "macro-recall": "fraction right per label, averaged over the labels",
    "AUC": "chance that a text with a label scores higher for it than a text without it",
    "log loss": "mean negative log-probability of the true label",
    "calibration error": "mean gap between confidence and accuracy",
}


class Data(NamedTuple):
    """Texts that a report is about: their use, such as "training"; the file or named source; and the texts."""

    name: str
    source: str
    texts: Texts


def figure_rows(evaluations: Mapping[str, Evaluation], comparison: Comparison | None = None) -> list[Any]:
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


def label_rows(evaluations: Mapping[str, Evaluation]) -> list[Any]:
    """Return a row per label and model: the label, the model if there are several, and the cells."""
    rows = []
    for label in next(iter(evaluations.values())).labels:
        for name, evaluation in evaluations.items():
            each = evaluation.label_figures[label]
            cells = [figure(value, evaluation.n_texts) for value in (each.precision, each.recall, each.f1)]
            rows.append((label, name if len(evaluations) > 1 else "", [*cells, f"{each.support:,}"]))
    return rows


def data_rows(data: Sequence[Data], labels: Sequence[str]) -> dict[str, Any]:
    """Return the labels that occur, and a row per source: its name, its source, its size and its texts per label."""
    counts = [count_labels(each.texts, labels) for each in data]
    names = list(dict.fromkeys(label for each in counts for label in each))
    rows = [
        (each.name, each.source, len(each.texts), [count.get(name, 0) for name in names])
        for each, count in zip(data, counts, strict=True)
    ]
    return {"labels": names, "rows": rows}


def settings_rows(component: TraxSentiment, settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the model's settings by name, with those of its training if given."""
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

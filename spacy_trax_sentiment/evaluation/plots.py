"""An evaluation to plots: self-contained SVG images, each with a description in words.

The same figures give the same bytes.
"""

import base64
import io
import math
import warnings
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np

from ..errors import Errors, MissingExtraError
from ..text.labels import NEGATIVE, POSITIVE
from ..training.progress import Progress
from .figures import Evaluation
from .measures import N_BINS

# Blue and orange differ under every common colour blindness, and each line has its own dashes as well.
COLOURS = ("#08519c", "#c04a02", "#3f7f4f", "#7b5ea7", "#8a6d00", "#5a5a5a")
_DASHES = ("-", "--", "-.", ":")
_WIDTH, _HEIGHT = 4.6, 3.3  # inches: narrow, so that the letters can be read on a phone
_MOST_LETTERS = 14
_MOST_CELLS_WRITTEN = 12

_SETTINGS: Any = {
    "font.size": 9,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",  # text, not paths: any script can be shown, and the file is small
    "svg.hashsalt": "spacy_trax_sentiment",
    "text.parse_math": False,
}


class Plot(NamedTuple):
    """An image of a report: its caption, what it shows in words, a data URI, and its size in CSS pixels."""

    title: str
    alt: str
    source: str
    width: int
    height: int


def require_matplotlib() -> None:
    """Raise MissingExtraError if matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(Errors.S100.format(reason=error)) from None


def loss_curve(history: Sequence[Progress]) -> Plot:
    """Plot the training loss and the held-out loss; `history` has one entry per measurement, at least one."""
    steps = [progress.step for progress in history]

    def draw(axes: Any) -> None:
        axes.plot(steps, [progress.loss for progress in history], _DASHES[0], color=COLOURS[0], label="training")
        axes.plot(steps, [progress.dev_loss for progress in history], _DASHES[1], color=COLOURS[1], label="held out")
        axes.set(xlabel="step", ylabel="loss", ylim=(0, None))

    last = history[-1]
    alt = (
        f"Line chart. The training loss goes from {history[0].loss:.2f} at step {history[0].step} to {last.loss:.2f} "
        f"after {last.step} steps, the held-out loss from {history[0].dev_loss:.2f} to {last.dev_loss:.2f}."
    )
    return _plot("Loss", alt, draw)


def accuracy_curve(history: Sequence[Progress]) -> Plot:
    """Plot the held-out accuracy; `history` has one entry per measurement, at least one."""

    def draw(axes: Any) -> None:
        axes.plot([p.step for p in history], [p.dev_accuracy for p in history], color=COLOURS[1])
        axes.set(xlabel="step", ylabel="held-out accuracy", ylim=(None, 1.01))
        axes.grid(axis="y", color="#dddddd")

    best = max(history, key=lambda progress: progress.dev_accuracy)
    alt = (
        f"Line chart. Held-out accuracy {history[-1].dev_accuracy:.2f} after {history[-1].step} steps; "
        f"the highest is {best.dev_accuracy:.2f}, at step {best.step}."
    )
    return _plot("Accuracy", alt, draw)


def confusion_matrix(evaluation: Evaluation) -> Plot:
    """Plot true labels against predicted labels, each row shaded by its fractions."""
    labels, counts = evaluation.labels, evaluation.confusion.counts
    fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [_brief(label) for label in labels]

    def draw(axes: Any) -> None:
        axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1.25, aspect="auto")
        axes.set(xlabel="predicted", ylabel="true")
        axes.set_xticks(range(len(labels)), names, rotation=0 if len(labels) < 5 else 90)
        axes.set_yticks(range(len(labels)), names)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        if len(labels) > _MOST_CELLS_WRITTEN:
            return
        for row, column in np.ndindex(counts.shape):
            text = f"{counts[row, column]:,}" + (f"\n{fractions[row, column]:.0%}" if len(labels) < 6 else "")
            colour = "white" if fractions[row, column] > 0.85 else "black"
            axes.text(column, row, text, ha="center", va="center", color=colour)

    described = "; ".join(
        f"of {sum(row):,} {true} texts, "
        + ", ".join(f"{n:,} predicted {predicted}" for predicted, n in zip(labels, row, strict=True) if n)
        for true, row in zip(labels, counts.tolist(), strict=True)
        if any(row)
    )
    return _plot("Confusion matrix", f"Table of true and predicted labels: {described}.", draw)


def reliability_diagram(evaluation: Evaluation) -> Plot:
    """Plot how often the model is right against how sure it is, with 95% intervals."""
    bins, error = evaluation.bins, evaluation.calibration_error
    lowest = int(N_BINS / len(evaluation.labels)) / N_BINS  # the most probable label has at least 1 / n_labels

    def draw(axes: Any) -> None:
        largest = max(each.n_texts for each in bins)
        for each in bins:
            left, width = each.low, each.high - each.low
            axes.bar(left, each.n_texts / largest * 0.2, width, align="edge", color="#d9d9d9", edgecolor="white")
        axes.plot([0, 1], [0, 1], ":", color="#767676", label="perfectly calibrated")
        ends = np.array([wilson_interval(each.accuracy, each.n_texts) for each in bins])
        accuracies = np.array([each.accuracy for each in bins])
        points = {"fmt": "o", "markersize": 4, "color": COLOURS[0], "elinewidth": 1}
        confidences, errors = [each.confidence for each in bins], np.abs(ends.T - accuracies)
        axes.errorbar(confidences, accuracies, errors, label="the model (95% intervals)", **points)
        axes.set(xlabel="probability of the predicted label", ylabel="fraction that is right")
        axes.set(xlim=(lowest, 1.005), ylim=(-0.02, 1.03))

    mean, accuracy = float(evaluation.confidences.mean()), evaluation.accuracy
    trend = "overconfident" if mean > accuracy else "underconfident"
    alt = (
        f"Reliability diagram. Expected calibration error {error:.3f}: on average the model is {mean:.1%} sure and is "
        f"right on {accuracy:.1%} of the texts, so it is {trend} by {abs(mean - accuracy):.1%}. "
        "The grey bars show how many texts have each confidence."
    )
    return _plot("Reliability", alt, draw)


def probability_histograms(evaluation: Evaluation) -> Plot:
    """Plot a histogram per true label: of the second label's probability if there are two, else of the true label's."""
    labels, true = evaluation.labels, evaluation.true
    two = len(labels) == 2
    values = evaluation.probabilities[:, 1] if two else evaluation.probabilities[np.arange(len(true)), true]
    what = f"probability of {_brief(labels[1])}" if two else "probability of the true label"
    colours = _label_colours(labels)
    present = [i for i in range(len(labels)) if (true == i).any()]

    def draw(axes: Any) -> None:
        for place, i in enumerate(present):
            counts, edges = np.histogram(values[true == i], bins=20, range=(0, 1))
            style = {"color": colours[i], "linestyle": _DASHES[place % len(_DASHES)], "linewidth": 1.8}
            axes.stairs(counts, edges, label=f"truly {_brief(labels[i])}", **style)
        axes.set(xlabel=what, ylabel="texts", xlim=(-0.01, 1.01))
        axes.yaxis.get_major_locator().set_params(integer=True)

    medians = ", ".join(f"{np.median(values[true == i]):.2f} for {labels[i]} texts" for i in present)
    return _plot("Probabilities", f"Histograms of the {what}, one per true label. The medians are {medians}.", draw)


def wilson_interval(fraction: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return the lower and the upper end of the 95% confidence interval of a fraction of n (Wilson 1927)."""
    centre = (fraction + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(fraction * (1 - fraction) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return centre - half, centre + half


def _label_colours(labels: Sequence[str]) -> list[str]:
    """Return a colour per label: blue for positive and orange for negative, as in shaded texts."""
    if not {POSITIVE, NEGATIVE} <= set(labels):
        return [COLOURS[i % len(COLOURS)] for i in range(len(labels))]
    others = cycle(COLOURS[2:])
    return [{POSITIVE: COLOURS[0], NEGATIVE: COLOURS[1]}.get(label) or next(others) for label in labels]


def _brief(label: str) -> str:
    return label if len(label) <= _MOST_LETTERS else label[: _MOST_LETTERS - 1] + "…"


def _plot(title: str, alt: str, draw: Callable[[Any], None]) -> Plot:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    svg = io.BytesIO()
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the reader's fonts may have it
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        draw(axes)
        if axes.get_legend_handles_labels()[0]:
            figure.legend(loc="outside upper left", ncols=2, frameon=False, borderpad=0)
        figure.savefig(svg, format="svg", metadata={"Date": None})
    source = "data:image/svg+xml;base64," + base64.b64encode(svg.getvalue()).decode()
    return Plot(title, alt, source, round(_WIDTH * 96), round(_HEIGHT * 96))

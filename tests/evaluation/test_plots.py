import base64
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import MissingExtraError
from spacy_trax_sentiment.evaluation.figures import Figures
from spacy_trax_sentiment.evaluation.plots import (
    Plot,
    accuracy_curve,
    confusion_matrix,
    loss_curve,
    reliability_diagram,
    require_matplotlib,
    score_histograms,
    wilson_interval,
)
from spacy_trax_sentiment.training.labelled import LabelledText
from spacy_trax_sentiment.training.progress import Progress

HISTORY = [Progress(1, 0.7, 0.69, 0.5), Progress(10, 0.3, 0.4, 0.9), Progress(20, 0.1, 0.35, 0.87)]
OF_FIGURES = [confusion_matrix, reliability_diagram, score_histograms]


def svg_of(plot: Plot) -> str:
    return base64.b64decode(plot.source.removeprefix("data:image/svg+xml;base64,")).decode()


def figures_of(labels: tuple[str, ...], n: int = 60) -> Figures:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(len(labels)), n)
    return Figures(labels, [LabelledText("text", labels[i]) for i in rng.integers(len(labels), size=n)], probabilities)


@pytest.mark.parametrize("labels", [("negative", "positive"), ("a", "b", "c"), tuple(f"label {i}" for i in range(14))])
@pytest.mark.parametrize("make", OF_FIGURES)
def test_a_plot_is_an_svg_with_a_size_and_words(make: object, labels: tuple[str, ...]) -> None:
    plot = make(figures_of(labels))  # type: ignore[operator]
    assert ElementTree.fromstring(svg_of(plot)).tag.endswith("svg")
    assert plot.width > 100
    assert plot.height > 100
    assert plot.alt.endswith(".")


def test_what_a_plot_shows_is_said_in_words() -> None:
    assert "Held-out accuracy 0.87 after 20 steps; the highest is 0.90, at step 10" in accuracy_curve(HISTORY).alt
    assert "from 0.70 at step 1 to 0.10 after 20 steps" in loss_curve(HISTORY).alt
    figures = figures_of(("negative", "positive"))
    row = figures.evaluation.confusion["negative"]
    said = f"of {sum(row.values())} negative texts, {row['negative']} predicted negative"
    assert said in confusion_matrix(figures).alt
    assert f"error {figures.calibration_error:.3f}" in reliability_diagram(figures).alt


@pytest.mark.parametrize("make", OF_FIGURES)
def test_the_same_figures_give_the_same_bytes(make: object) -> None:
    assert make(figures_of(("a", "b"))) == make(figures_of(("a", "b")))  # type: ignore[operator]


def test_labels_are_not_read_as_mark_up_or_formulas() -> None:
    figures = figures_of(("<b>$x^2$", "激しい", "a label of many letters"))
    for make in OF_FIGURES:
        svg = svg_of(make(figures))
        ElementTree.fromstring(svg)
        assert "<b>" not in svg
    svg = svg_of(confusion_matrix(figures))
    assert "&lt;b&gt;$x^2$" in svg
    assert "激しい" in svg
    assert "a label of ma…" in svg


def test_one_text_of_one_label_can_be_plotted() -> None:
    figures = Figures(("a", "b"), [LabelledText("text", "a")], np.array([[1.0, 0.0]]))
    for make in OF_FIGURES:
        assert make(figures).alt


def test_plots_leave_matplotlibs_settings_alone() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    confusion_matrix(figures_of(("a", "b")))
    assert dict(matplotlib.rcParams) == before


def test_a_missing_matplotlib_is_told_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"S100.*spacy-trax-sentiment\[train\]"):
        require_matplotlib()


@given(st.integers(0, 50), st.integers(1, 50))
def test_wilsons_interval_holds_the_share(n_right: int, n_wrong: int) -> None:
    n = n_right + n_wrong
    low, high = wilson_interval(n_right / n, n)
    assert -1e-9 <= low <= n_right / n + 1e-9
    assert n_right / n - 1e-9 <= high <= 1 + 1e-9

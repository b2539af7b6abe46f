import base64
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import MissingExtraError
from spacy_trax_sentiment.evaluation.figures import Evaluation
from spacy_trax_sentiment.evaluation.plots import (
    Plot,
    accuracy_curve,
    confusion_matrix,
    loss_curve,
    probability_histograms,
    reliability_diagram,
    require_matplotlib,
    wilson_interval,
)
from spacy_trax_sentiment.training.labelled import LabelledText
from spacy_trax_sentiment.training.progress import Progress

HISTORY = [Progress(1, 0.7, 0.69, 0.5), Progress(10, 0.3, 0.4, 0.9), Progress(20, 0.1, 0.35, 0.87)]
OF_EVALUATIONS = [confusion_matrix, reliability_diagram, probability_histograms]


def svg_of(plot: Plot) -> str:
    return base64.b64decode(plot.source.removeprefix("data:image/svg+xml;base64,")).decode()


def evaluation_of(labels: tuple[str, ...], n: int = 60) -> Evaluation:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(len(labels)), n)
    return Evaluation(
        labels, [LabelledText("text", labels[i]) for i in rng.integers(len(labels), size=n)], probabilities
    )


@pytest.mark.parametrize("labels", [("negative", "positive"), ("a", "b", "c"), tuple(f"label {i}" for i in range(14))])
@pytest.mark.parametrize("make", OF_EVALUATIONS)
def test_a_plot_is_an_svg_with_a_size_and_a_description(make: object, labels: tuple[str, ...]) -> None:
    plot = make(evaluation_of(labels))  # type: ignore[operator]
    assert ElementTree.fromstring(svg_of(plot)).tag.endswith("svg")
    assert plot.width > 100
    assert plot.height > 100
    assert plot.alt.endswith(".")


def test_the_description_says_what_a_plot_shows() -> None:
    assert "Held-out accuracy 0.87 after 20 steps; the highest is 0.90, at step 10" in accuracy_curve(HISTORY).alt
    assert "from 0.70 at step 1 to 0.10 after 20 steps" in loss_curve(HISTORY).alt
    evaluation = evaluation_of(("negative", "positive"))
    row = evaluation.confusion.counts[0]
    described = f"of {row.sum()} negative texts, {row[0]} predicted negative"
    assert described in confusion_matrix(evaluation).alt
    assert f"error {evaluation.calibration_error:.3f}" in reliability_diagram(evaluation).alt


@pytest.mark.parametrize("make", OF_EVALUATIONS)
def test_the_same_figures_give_the_same_bytes(make: object) -> None:
    assert make(evaluation_of(("a", "b"))) == make(evaluation_of(("a", "b")))  # type: ignore[operator]


def test_labels_are_not_interpreted_as_html_or_formulas() -> None:
    evaluation = evaluation_of(("<b>$x^2$", "激しい", "a label of many letters"))
    for make in OF_EVALUATIONS:
        svg = svg_of(make(evaluation))
        ElementTree.fromstring(svg)
        assert "<b>" not in svg
    svg = svg_of(confusion_matrix(evaluation))
    assert "&lt;b&gt;$x^2$" in svg
    assert "激しい" in svg
    assert "a label of ma…" in svg


def test_one_text_of_one_label_can_be_plotted() -> None:
    evaluation = Evaluation(("a", "b"), [LabelledText("text", "a")], np.array([[1.0, 0.0]]))
    for make in OF_EVALUATIONS:
        assert make(evaluation).alt


def test_plots_leave_matplotlibs_settings_alone() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    confusion_matrix(evaluation_of(("a", "b")))
    assert dict(matplotlib.rcParams) == before


def test_without_matplotlib_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"S100.*\.\[train\]"):
        require_matplotlib()


@given(st.integers(0, 50), st.integers(1, 50))
def test_wilsons_interval_contains_the_fraction(n_right: int, n_wrong: int) -> None:
    n = n_right + n_wrong
    low, high = wilson_interval(n_right / n, n)
    assert -1e-9 <= low <= n_right / n + 1e-9
    assert n_right / n - 1e-9 <= high <= 1 + 1e-9

"""The reports in a browser, where the fixture `page` fails a test on a console error, a dialog or a foreign request."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language

from spacy_trax_sentiment.evaluation.comparison import compare
from spacy_trax_sentiment.evaluation.figures import Evaluation, measure
from spacy_trax_sentiment.evaluation.report import Data, comparison_report, training_report
from spacy_trax_sentiment.training.labelled import LabelledText
from spacy_trax_sentiment.training.progress import Progress
from spacy_trax_sentiment.training.settings import PRESETS

HOSTILE = "<script>alert('run')</script><img src=x onerror=alert(2)> I love it, what a wonderful day"
HISTORY = [Progress(1, 0.69, 0.69, 0.5)] + [
    Progress(step, 30 / (step + 43), 0.1 + 26 / (step + 43), 1 - 5 / (step + 10)) for step in range(10, 310, 10)
]


@pytest.fixture(scope="module")
def reports(
    trained: Language, short_texts: tuple[list[LabelledText], list[LabelledText]], tmp_path_factory: Any
) -> Path:
    """A directory with a training report and a comparison, both of texts with mark-up among their errors."""
    path = Path(tmp_path_factory.mktemp("reports"))
    mistaken = [text._replace(label="negative") for text in short_texts[1][:4]]
    texts = [*short_texts[1], *mistaken, LabelledText(HOSTILE, "negative"), LabelledText("so " * 300, "negative")]
    figures = measure(trained, ["negative", "positive"], texts)
    data = [Data("training", "reviews.jsonl", short_texts[0]), Data("held out", "dev.jsonl", texts)]
    page = training_report(trained, "model", {"as they are": figures}, HISTORY, data, PRESETS["default"])
    (path / "training.html").write_text(page, encoding="utf-8")
    other = Evaluation(figures.labels, texts, figures.probabilities[:, ::-1] * 0.5 + 0.25)
    comparison = compare(figures, other)
    page = comparison_report({"model": trained, "other": trained}, comparison, data[1])
    (path / "comparison.html").write_text(page, encoding="utf-8")
    return path


@pytest.mark.parametrize(("name", "n_plots"), [("training", 5), ("comparison", 6)])
def test_a_report_is_seen_whole(
    page: Any,
    reports: Path,
    name: str,
    n_plots: int,
    require_accessible: Callable[[Any], None],
    screenshot: Callable[[str], Path],
) -> None:
    page.goto((reports / f"{name}.html").as_uri())
    sizes = page.eval_on_selector_all(
        "img", "images => images.map(i => [i.complete, i.naturalWidth, i.naturalHeight, i.clientWidth, i.clientHeight])"
    )
    assert len(sizes) == n_plots
    for complete, *size in sizes:
        assert complete
        assert min(size) > 100
    assert page.evaluate("document.querySelectorAll('script').length") == 0
    assert HOSTILE in page.inner_text("main")
    assert page.locator(".token").count() > 0
    require_accessible(page)
    screenshot(f"report-{name}")


def test_a_report_can_be_read_in_the_dark(page: Any, reports: Path, require_accessible: Callable[[Any], None]) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto((reports / "training.html").as_uri())
    require_accessible(page)
    assert page.eval_on_selector("figure", "f => getComputedStyle(f).backgroundColor") == "rgb(255, 255, 255)"


def test_a_table_that_is_too_wide_scrolls_in_its_box_by_the_keyboard(page: Any, reports: Path) -> None:
    page.goto((reports / "training.html").as_uri())
    page.keyboard.press("Tab")
    focused = "document.activeElement"
    assert page.evaluate(f"{focused}.getAttribute('role')") == "region"
    assert page.evaluate(f"{focused}.getAttribute('aria-label')") == "Figures"

import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from spacy_trax_sentiment.evaluation import report
from spacy_trax_sentiment.evaluation.comparison import compare
from spacy_trax_sentiment.evaluation.figures import Figures, measure
from spacy_trax_sentiment.evaluation.report import Data, comparison_report, evaluation_report, training_report
from spacy_trax_sentiment.training.labelled import LabelledText
from spacy_trax_sentiment.training.settings import PRESETS

HOSTILE = "<script>alert(1)</script> & I love it"


class Outline(HTMLParser):
    """What the page has of headings, images, tables' headers, scripts and things loaded."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.images: list[dict[str, Any]] = []
        self.tags: list[str] = []
        self.unscoped = 0
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img":
            self.images.append(found)
        if tag == "th" and "scope" not in found:
            self.unscoped += 1
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action")]


def training_page(measured: Any) -> str:
    data = [Data("training", "reviews.jsonl", measured.figures.texts[:50]), Data("held out", "dev.jsonl", [])]
    figures = {"as they are": measured.figures}
    return training_report(measured.nlp, "m", figures, measured.history, data, PRESETS["default"])


def test_a_training_report_holds_all_of_it(measured: Any) -> None:
    html = training_page(measured)
    page = Outline(html)
    assert len(page.images) == 5
    assert all(image["alt"] and image["src"].startswith("data:image/svg+xml") for image in page.images)
    assert f"{measured.figures.evaluation.accuracy:.4f}" in html
    assert f"{measured.figures.calibration_error:.4f}" in html
    for said in ("learning rate", "reviews.jsonl", "valence +3", "The most confident errors"):
        assert said in html
    assert 'class="token ' in html  # the errors are shaded


def test_of_many_texts_terms_are_counted_in_some(measured: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MOST_COUNTED", 20)
    data = Data("the texts", "some.jsonl", measured.figures.texts[:50])
    counted = []
    monkeypatch.setattr(report, "strongest_terms", lambda *arguments: counted.extend(arguments[-1]) or {"positive": []})
    assert "(the texts, one text of 3)" in evaluation_report(measured.nlp, "m", measured.figures, data)
    assert [doc.text for doc in counted] == [text.text for text in data.texts][::3]


def test_the_page_is_well_ordered_and_loads_nothing(measured: Any) -> None:
    page = Outline(training_page(measured))
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert page.unscoped == 0
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert all(link.startswith("data:") for link in page.links)


def test_texts_labels_and_sources_are_escaped(measured: Any) -> None:
    assert HOSTILE in [text.text for text in measured.figures.texts]
    html = evaluation_report(measured.nlp, "<m>", measured.figures, Data("evaluated", "<b>.csv", []))
    assert "<script" not in html
    assert HOSTILE in unescape(re.sub("<[^>]*>", "", html))
    assert "<b>.csv" not in html
    assert "<m>" not in html


def test_the_same_model_gives_the_same_bytes(measured: Any) -> None:
    assert training_page(measured) == training_page(measured)


def test_an_evaluation_has_no_curves(measured: Any) -> None:
    data = Data("evaluated", "test.jsonl", measured.figures.texts)
    html = evaluation_report(measured.nlp, "m", measured.figures, data)
    assert len(Outline(html).images) == 3
    assert "How the training went" not in html
    assert "embedding dim" in html


def test_a_model_that_is_always_right_has_no_errors_to_show(measured: Any) -> None:
    right = [text for text, known in zip(measured.figures.texts, measured.figures.correct, strict=True) if known]
    figures = measure(measured.nlp, measured.figures.labels, right)
    assert "There are none." in evaluation_report(measured.nlp, "m", figures, Data("evaluated", "a.csv", right))


def test_a_comparison_shows_the_texts_on_which_they_disagree(measured: Any) -> None:
    figures = measured.figures
    other = Figures(figures.labels, figures.texts, figures.probabilities[:, ::-1])
    comparison = compare(figures, other)
    pipelines = {"one": measured.nlp, "two": measured.nlp}
    html = comparison_report(pipelines, comparison, Data("evaluated", "a.csv", figures.texts))
    assert len(Outline(html).images) == 6
    assert "Right: one" in html
    assert "Right: two" in html
    assert "Right: neither" not in html
    assert f"only one in\n{comparison.n_only_first}" in html or f"only one in {comparison.n_only_first}" in html
    assert f"{comparison.accuracy_difference:+.4f}" in html


def test_a_long_text_is_folded_away(measured: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "_LONG_TEXT", 10)
    texts = [LabelledText("I love it, it is wonderful and great", "negative")]
    figures = measure(measured.nlp, measured.figures.labels, texts)
    html = evaluation_report(measured.nlp, "m", figures, Data("evaluated", "a.csv", texts))
    assert "<details><summary>I love it" in html


def test_serving_loads_no_reports() -> None:
    code = (
        "import spacy, sys; nlp = spacy.blank('en'); nlp.add_pipe('trax_sentiment'); nlp('fine');"
        "import spacy_trax_sentiment.cli;"
        "print(sorted(m for m in sys.modules if m.split('.')[0] == 'matplotlib' or '.evaluation' in m))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"

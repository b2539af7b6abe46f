import re
import subprocess
import sys
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from markupsafe import escape

from spacy_trax_sentiment.evaluation.comparison import compare, comparison_headline
from spacy_trax_sentiment.evaluation.figures import measure
from spacy_trax_sentiment.evaluation.report import Data, comparison_report, evaluation_report, training_report
from spacy_trax_sentiment.training.labelled import LabelledText
from spacy_trax_sentiment.training.settings import PRESETS

HOSTILE = "<script>alert(1)</script> & I love it"


class Outline(HTMLParser):
    """The headings, images, table headers, tags and links of a page."""

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
    data = [Data("training", "reviews.jsonl", measured.evaluation.texts[:50]), Data("held out", "dev.jsonl", [])]
    evaluations = {"as they are": measured.evaluation}
    return training_report(measured.nlp, "m", evaluations, measured.history, data, PRESETS["default"])


def test_a_training_report_is_complete(measured: Any) -> None:
    html = training_page(measured)
    page = Outline(html)
    assert len(page.images) == 5
    assert all(image["alt"] and image["src"].startswith("data:image/svg+xml") for image in page.images)
    assert f'<td class="n">{measured.evaluation.accuracy:.2f}</td>' in html
    assert f'<td class="n">{measured.evaluation.calibration_error:.2f}</td>' in html
    assert f'<p class="headline">{measured.evaluation.headline()}</p>' in html
    for text in ("learning rate", "reviews.jsonl", "The strongest words", "The most confident errors"):
        assert text in html
    assert not re.search("form |prefix |valence ", html)  # names of terms
    assert 'class="token ' in html  # the errors are shaded


def test_the_words_of_many_texts_are_taken_from_evenly_spaced_ones(measured: Any) -> None:
    texts = [LabelledText(word, "positive") for word in ("wonderful", "love", "great") for _ in range(2)]
    data = Data(
        "evaluated",
        "some.jsonl",
        [text for pair in zip(texts[::2], texts[1::2], texts[1::2], strict=True) for text in pair],
    )
    html = evaluation_report(measured.nlp, "m", measured.evaluation, data, max_counted=3)
    assert "the evaluated texts (one text in 3 was counted)" in html.replace("\n", " ")


def test_the_texts_of_other_labels_are_counted_last(measured: Any) -> None:
    texts = [LabelledText("a", label) for label in ("other", "positive", "other")]
    html = evaluation_report(measured.nlp, "m", measured.evaluation, Data("evaluated", "a.csv", texts))
    cells = re.findall(r'class="n">(\w+)</t[hd]>', html.partition("<h2>Data</h2>")[2])
    assert cells == ["texts", "negative", "positive", "other", "3", "0", "1", "2"]


def test_the_labels_that_a_model_lacks_are_named(measured: Any) -> None:
    evaluation = replace(measured.evaluation, left_out={"neutral": 1200, "mixed": 3})
    html = evaluation_report(measured.nlp, "m", evaluation, Data("evaluated", "a.csv", evaluation.texts))
    assert "1,200 texts labelled neutral, 3 texts labelled mixed." in html
    assert "lacks their label" not in evaluation_report(
        measured.nlp, "m", measured.evaluation, Data("evaluated", "a.csv", evaluation.texts)
    )


def test_the_page_has_ordered_headings_and_loads_nothing(measured: Any) -> None:
    page = Outline(training_page(measured))
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert page.unscoped == 0
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert all(link.startswith("data:") for link in page.links)


def test_texts_labels_and_sources_are_escaped(measured: Any) -> None:
    assert HOSTILE in [text.text for text in measured.evaluation.texts]
    html = evaluation_report(measured.nlp, "<m>", measured.evaluation, Data("evaluated", "<b>.csv", []))
    assert "<script" not in html
    assert HOSTILE in unescape(re.sub("<[^>]*>", "", html))
    assert "<b>.csv" not in html
    assert "<m>" not in html


def test_the_same_model_gives_the_same_bytes(measured: Any) -> None:
    assert training_page(measured) == training_page(measured)


def test_an_evaluation_has_no_curves(measured: Any) -> None:
    data = Data("evaluated", "test.jsonl", measured.evaluation.texts)
    html = evaluation_report(measured.nlp, "m", measured.evaluation, data)
    assert len(Outline(html).images) == 3
    assert "How the training went" not in html
    assert "embedding dim" in html


def test_a_model_that_is_always_right_has_no_errors_to_show(measured: Any) -> None:
    right = [text for text, known in zip(measured.evaluation.texts, measured.evaluation.correct, strict=True) if known]
    evaluation = measure(measured.nlp, measured.evaluation.labels, right)
    assert "There are no errors." in evaluation_report(measured.nlp, "m", evaluation, Data("evaluated", "a.csv", right))


def test_a_comparison_shows_the_texts_on_which_they_disagree(measured: Any) -> None:
    evaluation = measured.evaluation
    other = replace(evaluation, probabilities=evaluation.probabilities[:, ::-1])
    comparison = compare(evaluation, other)
    pipelines = {"one": measured.nlp, "two": measured.nlp}
    html = comparison_report(pipelines, comparison, Data("evaluated", "a.csv", evaluation.texts))
    assert len(Outline(html).images) == 6
    assert "Only one is right" in html
    assert "Only two is right" in html
    assert "Neither is right" not in html
    assert f"only one on {comparison.n_only_first}" in html.replace("\n", " ")
    assert f"{comparison.accuracy_difference:+.2f}" in html
    assert escape(comparison_headline(comparison, ["one", "two"])) in html


def test_a_long_text_is_folded_away(measured: Any) -> None:
    texts = [LabelledText("I love it, it is wonderful and great", "negative")]
    evaluation = measure(measured.nlp, measured.evaluation.labels, texts)
    html = evaluation_report(measured.nlp, "m", evaluation, Data("evaluated", "a.csv", texts), long_text=10)
    assert "<details><summary>I love it" in html


@pytest.mark.slow
def test_serving_loads_no_reports() -> None:
    code = (
        "import spacy, sys; nlp = spacy.blank('en'); nlp.add_pipe('trax_sentiment'); nlp('fine');"
        "import spacy_trax_sentiment.cli;"
        "print(sorted(m for m in sys.modules if m.split('.')[0] == 'matplotlib' or '.evaluation' in m))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"

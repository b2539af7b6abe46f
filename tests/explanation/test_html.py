"""Sentiments as HTML: nothing of a text is lost or run, and shading shows sign and size."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

import spacy_trax_sentiment
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.explanation import style
from spacy_trax_sentiment.explanation.contributions import doc_contributions
from spacy_trax_sentiment.explanation.fragment import (
    FLOOR,
    OF_WORDS,
    legend_html,
    percent,
    sentiment_html,
    shading,
    signed,
    token_steps,
)
from spacy_trax_sentiment.explanation.html import render
from spacy_trax_sentiment.explanation.sentiment import Sentiment
from spacy_trax_sentiment.explanation.style import N_STEPS, STYLE, line_width, shade
from spacy_trax_sentiment.explanation.terminal import sentiment_lines
from spacy_trax_sentiment.pipelines import load


class Reader(HTMLParser):
    """Collects the texts of `p.text` and all opening tags, and fails if elements are not nested."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.in_text = False
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "rect"):
            self.open.append(tag)
        if tag == "p" and dict(attrs).get("class") == "text":
            self.texts.append("")
            self.in_text = True

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.in_text = self.in_text and tag != "p"

    def handle_data(self, data: str) -> None:
        if self.in_text:
            self.texts[-1] += data


@pytest.fixture(scope="module")
def nlp() -> Language:
    return load("en")


@pytest.fixture(scope="module")
def ternary() -> Language:
    return load("en_ternary")


def renamed(nlp: Language, text: str, labels: tuple[str, ...]) -> Sentiment:
    """Return the sentiment of a text as if the model's labels had other names."""
    doc = nlp(text)
    model = nlp.get_pipe("trax_sentiment").model
    return Sentiment(doc, labels, doc_contributions(model, doc))


WORDS = st.sampled_from(["good", "not", "bad", "<script>", "&amp;", '"', "\n\n", "  ", "😀", "happy", "love", "it's"])


@given(text=st.text(min_size=1, max_size=30) | st.lists(WORDS, min_size=1).map(" ".join))
def test_every_character_of_a_text_is_kept(nlp: Language, text: str) -> None:
    reader = Reader(sentiment_html(nlp(text)._.sentiment, table=False))
    assert reader.texts == [text]
    assert {tag for tag, _ in reader.tags} <= {"div", "p", "b", "span", "svg", "rect", "ul", "li"}


def test_markup_in_a_text_is_escaped(nlp: Language) -> None:
    html = render(nlp("<script>alert(1)</script> good"), jupyter=False)
    assert "<script" not in html
    assert "&lt;script&gt;" in re.sub(r"</?span[^>]*>", "", html)


def test_labels_and_titles_are_escaped(nlp: Language) -> None:
    found = renamed(nlp, "good", ("<i>down", '"up&'))
    found.target.user_data["title"] = "<img src=x>"
    html = render(found, page=True, jupyter=False, options={"title": "<b>"})
    Reader(html)
    assert not re.search("<i>|<img|<title><b>", html)
    assert "&lt;img src=x&gt;" in html
    assert "&lt;i&gt;down" in html


def test_tokens_are_shaded_by_their_contributions_to_the_log_odds(nlp: Language, ternary: Language) -> None:
    for model in (nlp, ternary):
        found = model("I love this but it is awful")._.sentiment
        values, steps = shading(found), token_steps(found)
        by_label = dict(zip(found.labels, found.contributions.T, strict=True))
        np.testing.assert_allclose(values, by_label["positive"] - by_label["negative"])
        bias = dict(zip(found.labels, found.bias, strict=True))
        assert values.sum() + bias["positive"] - bias["negative"] == pytest.approx(found.log_odds)
        assert max(map(abs, steps)) == N_STEPS
        assert all(np.sign(step) in (0, np.sign(value)) for step, value in zip(steps, values, strict=True))
        assert np.argmax(np.abs(steps)) == np.argmax(np.abs(values))
        html = sentiment_html(found)
        for token, step, value in zip(found.target, steps, values, strict=True):
            classes = f"for p{step}" if step > 0 else f"against n{-step}"
            if step:
                assert re.search(rf'<span class="token {classes}" title="\{value:+.3f}[^"]*">{token.text}</span>', html)


@pytest.mark.parametrize("labels", [("a", "b"), ("a", "b", "c")])
def test_without_positive_and_negative_tokens_are_shaded_toward_the_most_probable_label(
    nlp: Language, ternary: Language, labels: tuple[str, ...]
) -> None:
    found = renamed(nlp if len(labels) == 2 else ternary, "so good", labels)
    assert found.label == labels[-1]
    np.testing.assert_allclose(shading(found), found.toward(labels[-1]))
    html = render(found, jupyter=False)
    assert "log-odds</span>" not in html
    assert re.search("solid line</span> speaks for the label", html)


def test_a_neutral_text_stays_pale(nlp: Language) -> None:
    found = nlp("The table is made of wood.")._.sentiment
    largest = np.abs(shading(found)).max()
    assert largest < FLOOR
    assert max(map(abs, token_steps(found))) == round(largest / FLOOR * N_STEPS) < N_STEPS


def test_tokens_that_contribute_almost_nothing_are_not_underlined() -> None:
    assert [line_width(step) for step in range(N_STEPS + 1)] == [0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3]
    assert ".p1,.trax-sentiment .n1{border-bottom-width:0px}" in STYLE


def test_neighbours_that_are_negated_are_in_a_named_group(nlp: Language) -> None:
    html = sentiment_html(nlp("I am not very happy. Good")._.sentiment)
    (group,) = re.findall(r'<span class="negated" role="group" aria-label="negated">(.*?)</span>(?:\.|<span)', html)
    assert re.sub("<[^>]*>", "", group) == "very happy"


def test_a_span_and_several_texts(nlp: Language) -> None:
    doc = nlp("A good film. A bad book.")
    assert Reader(render(doc[4:], jupyter=False)).texts == ["A bad book."]
    both = Reader(render([doc, doc[:3], doc._.sentiment], jupyter=False))
    assert both.texts == [doc.text, "A good film", doc.text]
    assert Reader(render((nlp(text) for text in ("a", "b")), jupyter=False)).texts == ["a", "b"]


def test_the_table_adds_up(nlp: Language, ternary: Language) -> None:
    text = "A good film, and not a bad book, which I love more than all that you ever read in all your life."
    for found in (nlp(text)._.sentiment, ternary(text)._.sentiment):
        html = sentiment_html(found)
        rows = [[float(each) for each in re.findall(r"<td>(.*?)</td>", row)] for row in html.split("<tr>")[2:]]
        np.testing.assert_allclose(np.sum(rows[:-1], axis=0), rows[-1], atol=0.001 * len(rows))
        of_labels = found.contributions.sum(axis=0) + found.bias
        expected = [found.log_odds] if len(found.labels) == 2 else of_labels
        np.testing.assert_allclose(rows[-1], expected, atol=0.0006)
        assert "all other tokens" in html
        assert "<details>" not in sentiment_html(found, table=False)


def test_more_than_two_labels(ternary: Language) -> None:
    html = sentiment_html(ternary("I am not happy")._.sentiment)
    assert re.findall('class="swatch fill-(.*?)"', html) == ["negative", "other0", "positive"]
    assert re.search(r'title="[-+]\d\.\d+ \(negative [-+].*?, neutral [-+].*?, positive [-+]', html)
    widths = [float(width) for width in re.findall('<rect.*? width="(.*?)"', html)]
    assert sum(widths) == pytest.approx(100, abs=0.01)


def test_right_to_left() -> None:
    nlp = spacy.blank("ar")
    nlp.add_pipe("trax_sentiment")
    with pytest.warns(UserWarning, match="S172"):
        doc = nlp("هذا جيد")
    assert '<p class="text" dir="rtl" lang="ar">' in render(doc, jupyter=False)


def test_a_page_is_whole_and_a_fragment_is_not(nlp: Language) -> None:
    doc = nlp("good")
    page, fragment = render(doc, page=True, jupyter=False), render(doc, jupyter=False)
    assert page.startswith("<!DOCTYPE html>")
    assert page.endswith("</html>")
    assert STYLE in page
    assert fragment.startswith("<style>")
    assert "<html" not in fragment
    assert len(render(doc, minify=True, jupyter=False)) < len(fragment)
    assert "bracket" not in render(doc, jupyter=False, options={"legend": False})
    assert "<table" not in render(doc, jupyter=False, options={"table": False})


def test_an_empty_text_and_no_texts(nlp: Language) -> None:
    assert "no text" in render(nlp(""), jupyter=False)
    assert Reader(render([], page=True, jupyter=False)).texts == []


def test_a_fragment_needs_no_inline_style_nor_script(nlp: Language) -> None:
    found = nlp("not good")._.sentiment
    for html in (sentiment_html(found), legend_html(found)):
        for _, attributes in Reader(html).tags:
            assert not [name for name in attributes if name in ("style", "id") or name.startswith("on")]


def test_a_notebook_displays_it(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    module: Any = type(sys)("IPython.display")
    module.HTML, module.display = str, shown.append
    monkeypatch.setitem(sys.modules, "IPython", type(sys)("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    assert render(nlp("good"), jupyter=True) is None
    monkeypatch.setattr("spacy_trax_sentiment.explanation.html.is_in_jupyter", lambda: True)
    assert render(nlp("good")) is None
    assert len(shown) == 2
    assert "trax-sentiment" in shown[0]
    assert render(nlp("good"), jupyter=False)


def test_a_notebook_shows_a_sentiment_that_ends_a_cell(nlp: Language) -> None:
    found = nlp("so good")._.sentiment
    assert found._repr_html_() == render(found, jupyter=False)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("a",), "S082"), (([1],), "S082"), (([], "ent"), "S081"), ((Doc(spacy.blank("en").vocab),), "S080")],
)
def test_what_cannot_be_rendered_is_refused(arguments: Any, code: str) -> None:
    with pytest.raises(SentimentError, match=code):
        render(*arguments, jupyter=False)


def test_unknown_options_are_refused(nlp: Language) -> None:
    with pytest.raises(SentimentError, match="S083.*colour"):
        render(nlp("a"), options={"colour": 1}, jupyter=False)


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2)."""

    def luminance(colour: tuple[int, int, int]) -> float:
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in colour)
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(
    ("colour", "surface", "text"),
    [
        (style.POSITIVE, style.SURFACE, style.TEXT),
        (style.NEGATIVE, style.SURFACE, style.TEXT),
        (style.DARK_POSITIVE, style.DARK_SURFACE, style.DARK_TEXT),
        (style.DARK_NEGATIVE, style.DARK_SURFACE, style.DARK_TEXT),
    ],
)
def test_text_on_every_shade_has_the_contrast_of_level_aa(colour: Any, surface: Any, text: Any) -> None:
    contrasts = [contrast(shade(colour, step / N_STEPS, surface), text) for step in range(N_STEPS + 1)]
    assert contrasts == sorted(contrasts, reverse=True)
    assert contrasts[-1] > 4.5


def test_numbers_do_not_overstate() -> None:
    assert [percent(p) for p in (0.0, 0.0004, 0.0005, 0.5, 0.9994, 0.9996, 1.0)] == [
        "< 0.1%",
        "< 0.1%",
        "0.1%",
        "50.0%",
        "99.9%",
        "> 99.9%",
        "> 99.9%",
    ]
    assert [signed(x) for x in (-0.0001, 0.0, 1.23456, -2)] == ["+0.000", "+0.000", "+1.235", "-2.000"]


@pytest.mark.slow
def test_importing_the_package_stays_light() -> None:
    code = "import sys, spacy_trax_sentiment.component\nfrom spacy_trax_sentiment import render\nprint(*sys.modules)"
    before = "import sys, spacy, spacy.pipeline\nprint(*sys.modules)"
    ours, theirs = (
        set(subprocess.check_output([sys.executable, "-c", each], text=True).split()) for each in (code, before)
    )
    for name in ("wsgiref", "http.server", "IPython", "matplotlib", "rich"):
        assert name not in ours - theirs
    assert spacy_trax_sentiment.render is render
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        spacy_trax_sentiment.nothing  # noqa: B018


def test_a_text_without_evidence_is_shown_as_such() -> None:
    sentiment = load("en")("@user")._.sentiment
    assert "<b>no evidence</b>" in sentiment_html(sentiment)
    assert "None" not in sentiment_html(sentiment) + sentiment_lines(sentiment)
    assert sentiment_lines(sentiment).startswith("no evidence")
    assert repr(sentiment).startswith("Sentiment(label=None, log_odds=")


@pytest.mark.parametrize("text", ["@user", "12345", "", " "])
def test_a_neutral_text_without_evidence_is_not_shown_as_one_with_some(text: str) -> None:
    nlp = load("en_ternary")
    sentiment = nlp(text)._.sentiment
    assert re.search(r"<b>neutral</b> \d+\.\d% \(no evidence\)", sentiment_html(sentiment))
    for n_colours in (0, 256):
        assert re.search(r"neutral \d+\.\d% \(no evidence\)", sentiment_lines(sentiment, n_colours))
    known = nlp("The shop opens at nine and is awful.")._.sentiment
    assert "no evidence" not in sentiment_html(known) + sentiment_lines(known)


def test_only_a_span_says_that_it_is_judged_by_its_own_words(bundled: Language) -> None:
    doc = bundled("a good film")
    assert OF_WORDS in str(render(doc[1:3], jupyter=False))
    assert OF_WORDS not in str(render(doc, jupyter=False))

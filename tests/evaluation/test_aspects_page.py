import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.evaluation.aspects import Aspects, Row, Summary
from spacy_trax_sentiment.evaluation.aspects_page import aspects_page, headline, shown_figures

LABELS = ("negative", "neutral", "positive")
VOID = {"meta", "rect", "br"}
NAMES = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1)


class Tree(HTMLParser):
    """The tags of a page, whose elements must be closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.marked: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "mark":
            self.marked.append(data)


def summary(target: str, group: str | None, text: str, spans: list[tuple[int, int]]) -> Summary:
    found = Summary(target, group, dict.fromkeys(LABELS, 0))
    for i, probabilities in enumerate(([0.1, 0.2, 0.7], [0.7, 0.2, 0.1]), start=1200):
        found.add(Row(i, f"{text}{i}"), spans, np.array([probabilities] * len(spans)), 5)
    return found


@given(NAMES, NAMES, NAMES, NAMES)
def test_a_page_is_well_formed_and_escaped(title: str, target: str, group: str, words: str) -> None:
    hostile = f"<script>{words}</script> & <b>film"
    span = (len(hostile) - 4, len(hostile))
    summaries = [
        summary(f"<i>{target}", None, hostile, [span]),
        summary(f"<i>{target}", f"<u>{group}", hostile, [span]),
    ]
    html = aspects_page(f"<title>{title}", Aspects(9, [summaries]))
    page = Tree(html)
    assert page.marked == ["film"] * 4
    assert not {"script", "i", "u", "link", "img", "iframe"} & set(page.tags)
    assert page.tags.count("title") == 1
    assert page.tags.count("details") == 2
    shown = unescape(re.sub("<[^>]*>", "", html))
    for text in (f"<title>{title}", f"<i>{target}", f"<u>{group}"):
        assert text in shown
    assert page.tags.count("b") == 4  # the labels of the quotes


def test_a_page_shows_the_figures_of_each_summary() -> None:
    whole, group = (summary("film", name, "film ", [(0, 4)]) for name in (None, "Bern"))
    html = aspects_page("a.csv", Aspects(1234, [[whole, group]]))
    assert "Of 1,234 texts, 2 mention film." in html
    assert re.findall("<h([1-6])>", html) == ["1", "2", "3", "3"]
    assert "<h3>Bern</h3>" in html
    assert html.count("negative 1 (50%)") == html.count("neutral 0 (0%)") == 2
    assert html.count("2 texts, polarity +0.00 (-1.00 to +1.00)") == 2
    assert "row 1,200, 70.0%" in html
    alone = aspects_page("a.csv", Aspects(1234, [[whole]]))
    assert "<h3>" not in alone
    assert "group" not in alone.partition("<main>")[2]


def test_a_summary_without_quotes_has_none_to_unfold() -> None:
    found = Summary("film", None, dict.fromkeys(LABELS, 0))
    found.add(Row(1, "film"), [(0, 4)], np.array([[0.1, 0.8, 0.1]]), 5)
    html = aspects_page("a.csv", Aspects(1, [[found]]))
    assert "<details>" not in html
    assert "1 text, polarity +0.00<" in html


def test_the_cells_of_a_table_fit_its_header() -> None:
    found = Aspects(3, [[summary("film", name, "film ", [(0, 4)]) for name in (None, "Bern")]])
    header, rows = shown_figures(found)
    assert header == ["target", "group", "texts", "mentions", *LABELS, "polarity"]
    assert [row[:4] for row in rows] == [["film", "all", "2", "2"], ["film", "Bern", "2", "2"]]
    assert all(len(row) == len(header) for row in rows)
    assert headline(found) == "Of 3 texts, 2 mention film."

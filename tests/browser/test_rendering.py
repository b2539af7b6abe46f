import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language

from spacy_trax_sentiment import render
from spacy_trax_sentiment.explanation.fragment import sentiment_html
from spacy_trax_sentiment.pipelines import load

TEXTS = [
    "I love this hotel: wonderful view, friendly people :)",
    "I am not happy with the food,\n\nbut the view was great.",
    "Never again! The worst <script>alert('run')</script> I have seen. <img src=x onerror=alert(2)>",
    "a" * 120 + " and https://example.com/" + "long/" * 40,
    "",
]


@pytest.fixture(scope="module")
def models() -> list[Language]:
    return [load("en"), load("en_ternary")]


@pytest.fixture
def shown(page: Any, models: list[Language], tmp_path: Path) -> Any:
    """The browser's page, showing the texts' sentiments by both models."""
    html = render([nlp(text)._.sentiment for nlp in models for text in TEXTS], page=True, jupyter=False)
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    page.goto((tmp_path / "page.html").as_uri())
    return page


def _style(locator: Any, name: str) -> str:
    return str(locator.evaluate("(element, name) => getComputedStyle(element)[name]", name))


def _red_less_blue(locator: Any) -> int:
    red, _, blue = map(int, re.findall(r"\d+", _style(locator, "backgroundColor"))[:3])
    return red - blue


def test_shading_tells_signs_and_sizes_apart(shown: Any, screenshot: Callable[[str], Path]) -> None:
    first, second = (shown.locator(".trax-sentiment .text").nth(i) for i in (0, 1))
    love, great = first.get_by_text("love", exact=True), second.get_by_text("great", exact=True)
    strong, weak = second.get_by_text("not", exact=True), second.get_by_text("am", exact=True)
    assert _red_less_blue(love) < -30
    assert _red_less_blue(great) < -30
    assert _red_less_blue(strong) > _red_less_blue(weak) > 0
    assert (_style(great, "borderBottomStyle"), _style(strong, "borderBottomStyle")) == ("solid", "dashed")
    widths = [float(_style(each, "borderBottomWidth").removesuffix("px")) for each in (great, strong, weak)]
    assert widths[0] > widths[1] > widths[2] == 0
    screenshot("rendering")


def test_negation_is_a_line_over_its_scope_and_a_named_group(shown: Any) -> None:
    group = shown.locator(".trax-sentiment").nth(1).get_by_role("group", name="negated")
    assert group.inner_text() == "happy with the food"
    assert _style(group, "borderTopStyle") == "solid"
    assert float(_style(group, "borderTopWidth").removesuffix("px")) > 0


def test_markup_in_a_text_is_shown_as_text(shown: Any) -> None:
    assert "<script>alert('run')</script>" in shown.locator(".trax-sentiment .text").nth(2).inner_text()
    assert shown.locator("main script, main img").count() == 0


def test_line_breaks_are_kept(shown: Any) -> None:
    assert "food,\n\nbut" in shown.locator(".trax-sentiment .text").nth(1).inner_text()


def test_the_bar_is_as_long_as_the_probabilities(shown: Any, models: list[Language]) -> None:
    for place, nlp in ((1, models[0]), (1 + len(TEXTS), models[1])):
        bar = shown.locator(".trax-sentiment .bar").nth(place)
        whole = bar.evaluate("element => element.clientWidth")
        parts = bar.locator("rect").evaluate_all("all => all.map(each => each.getBoundingClientRect().width)")
        expected = [whole * probability for probability in nlp(TEXTS[1]).cats.values()]
        assert parts == pytest.approx(expected, abs=2.5)


def test_the_contributions_unfold_by_keyboard(shown: Any, screenshot: Callable[[str], Path]) -> None:
    card = shown.locator(".trax-sentiment").nth(1 + len(TEXTS))
    assert not card.locator("table").is_visible()
    card.locator("summary").focus()
    shown.keyboard.press("Enter")
    assert card.locator("table").is_visible()
    assert card.locator("tbody tr").count() > 5
    screenshot("rendering-contributions")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_in_accessibility(
    shown: Any, scheme: str, require_accessible: Callable[[Any], None], screenshot: Callable[[str], Path]
) -> None:
    shown.emulate_media(color_scheme=scheme)
    assert _style(shown.locator("body"), "backgroundColor") == {"light": "rgb(246, 246, 244)"}.get(
        scheme, "rgb(21, 23, 26)"
    )
    require_accessible(shown)
    screenshot(f"rendering-{scheme}")
    shown.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    require_accessible(shown)


def test_a_fragment_keeps_to_itself_in_a_dark_page(
    page: Any, models: list[Language], require_accessible: Callable[[Any], None], screenshot: Callable[[str], Path]
) -> None:
    fragment = render(models[0](TEXTS[1]), jupyter=False)
    page.set_content(
        '<!DOCTYPE html><html lang="en"><head><title>Dark</title></head>'
        f'<body style="background:#111;color:#eee"><main><h1>Dark</h1><p id="other">other</p>{fragment}</main></body>'
    )
    assert _style(page.locator("#other"), "color") == "rgb(238, 238, 238)"
    require_accessible(page)
    screenshot("rendering-fragment")


def test_it_prints_with_its_shading(shown: Any, tmp_path: Path) -> None:
    shown.emulate_media(media="print")
    text = shown.locator(".trax-sentiment .text").nth(0)
    assert _style(text, "printColorAdjust") == "exact"
    assert _style(text.get_by_text("love", exact=True), "borderBottomStyle") == "solid"


def test_shading_changes_with_the_text(page: Any, models: list[Language]) -> None:
    colours = []
    for text in ("It was good", "It was not good"):
        page.set_content(render(models[0](text), page=True, jupyter=False))
        colours.append(_red_less_blue(page.locator(".text").get_by_text("good", exact=True)))
    assert colours[0] < 0 < colours[1]
    assert sentiment_html(models[0]("a")._.sentiment)

"""Words and phrases of a text that are chosen on the page of `trax-sentiment serve`."""

from collections.abc import Callable
from typing import Any

import pytest
from spacy.language import Language

from spacy_trax_sentiment import TextScorer

expect = pytest.importorskip("playwright.sync_api").expect

Run = Callable[..., Any]

# Explaining a text of a new length compiles a gradient.
SLOW = 60_000

TEXT = "😀 good film, awful smile"

# The middle of some characters of the shaded text, in the window.
_PLACE = """([start, end]) => {
  const nodes = document.createTreeWalker(document.getElementById("shaded"), NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let at = 0, node; (node = nodes.nextNode()); at += node.length) {
    if (at <= start && start < at + node.length) range.setStart(node, start - at);
    if (at < end && end <= at + node.length) range.setEnd(node, end - at);
  }
  const box = range.getBoundingClientRect();
  return [box.left, box.right, box.top + box.height / 2];
}"""


@pytest.fixture
def opened(page: Any, targets_url: str) -> Any:
    """The page with a text of two targets."""
    page.goto(targets_url)
    page.get_by_role("textbox", name="Type a text").fill(TEXT)
    expect(page.locator("#shaded")).to_have_text(TEXT, timeout=SLOW)
    expect(page.locator("#target-hint")).to_be_visible()
    return page


def place(page: Any, words: str) -> tuple[float, float, float]:
    """Return where words of the text are: left, right, and the height of their middle."""
    text = page.locator("#shaded").text_content()
    start = len(text[: text.index(words)].encode("utf-16-le")) // 2  # as JavaScript counts
    page.locator("#shaded").scroll_into_view_if_needed()
    left, right, y = page.evaluate(_PLACE, [start, start + len(words)])
    return left, right, y


def click(page: Any, word: str) -> None:
    left, right, y = place(page, word)
    page.mouse.click((left + right) / 2, y)


def test_a_word_that_is_clicked_shows_what_the_text_says_of_it(
    opened: Any, tiny_targets: Language, screenshot: Run, require_accessible: Run
) -> None:
    labels, span = TextScorer(tiny_targets).labels, (TEXT.index("smile"), len(TEXT))
    row = TextScorer(tiny_targets).predict_proba([TEXT], [[span]]).values[0].tolist()
    click(opened, "smile")
    shown = f"smile: {labels[row.index(max(row))]} {max(row):.1%}"
    expect(opened.locator("#target-name")).to_have_text(shown, timeout=SLOW)
    assert opened.get_by_role("status").locator("#target").count() == 1
    widths = opened.locator("#target-bar span").evaluate_all("all => all.map(each => +each.style.flexGrow)")
    assert widths == pytest.approx(row, abs=1e-5)
    require_accessible(opened)
    screenshot("page-target")
    click(opened, "film")
    expect(opened.locator("#target")).to_contain_text("film: ", timeout=SLOW)


def test_a_phrase_can_be_marked_with_the_mouse(opened: Any) -> None:
    left, _, y = place(opened, "awful")
    _, right, end = place(opened, "smile")
    for first, last in (((left + 1, y), (right - 1, end)), ((left + 1, y), (right + 60, end + 30))):  # beyond the text
        opened.mouse.click(5, 5)
        opened.mouse.move(*first)
        opened.mouse.down()
        opened.mouse.move(*last, steps=5)
        opened.mouse.up()
        expect(opened.locator("#target q")).to_have_text("awful smile")


def test_a_phrase_can_be_marked_with_the_keyboard(opened: Any) -> None:
    opened.get_by_role("textbox", name="Type a text").press("Control+Home")
    for key in ["ArrowRight"] * 2 + ["Shift+ArrowRight"] * len("good film"):
        opened.keyboard.press(key)
    expect(opened.locator("#target q")).to_have_text("good film")


def test_another_text_has_no_target_yet(opened: Any) -> None:
    click(opened, "smile")
    expect(opened.locator("#target")).to_be_visible(timeout=SLOW)
    opened.get_by_role("textbox", name="Type a text").fill("good film")
    expect(opened.locator("#shaded")).to_have_text("good film", timeout=SLOW)
    expect(opened.locator("#target")).to_be_hidden()


def test_a_target_that_is_refused_is_reported(opened: Any) -> None:
    answer = {"status": 200, "body": "{}", "content_type": "application/json"}
    opened.route("**/v1/sentiment", lambda route: route.fulfill(**answer))
    click(opened, "smile")
    expect(opened.locator("#target-error")).to_be_visible()
    expect(opened.locator("#target")).to_be_hidden()
    opened.unroute("**/v1/sentiment")


def test_a_model_without_a_target_head_offers_none(page: Any, url: str) -> None:
    page.goto(url)
    page.locator("#model", has_text="Model").wait_for()
    expect(page.locator("#shaded")).not_to_be_empty()
    expect(page.locator("#target-hint")).to_be_hidden()
    with page.expect_event("requestfinished"):
        page.get_by_role("textbox", name="Type a text").fill("a lovely film")
    expect(page.locator("#shaded")).to_have_text("a lovely film")
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    click(page, "film")
    page.wait_for_timeout(300)
    assert not asked

"""The page of `trax-sentiment serve`, used as people use it."""

import csv
import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language

from spacy_trax_sentiment.pipelines import load

expect = pytest.importorskip("playwright.sync_api").expect

Run = Callable[..., Any]


def _serve(nlp: Language) -> Iterator[str]:
    pytest.importorskip("fastapi")
    pytest.importorskip("uvicorn")
    from spacy_trax_sentiment.web.app import make_app
    from spacy_trax_sentiment.web.server import listen, make_server, url_of

    with listen("127.0.0.1", 0) as listener:
        server = make_server(make_app(nlp, name="en"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield url_of(listener, "127.0.0.1")
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    yield from _serve(load("en"))


@pytest.fixture(scope="module")
def ternary_url() -> Iterator[str]:
    yield from _serve(load("en_ternary"))


@pytest.fixture
def opened(page: Any, url: str) -> Any:
    page.goto(url)
    page.wait_for_selector("#result:visible")
    expect(page.locator("#model")).to_contain_text("Model")
    return page


def type_text(page: Any, text: str) -> None:
    page.get_by_role("textbox", name="Type a text").fill(text)
    expect(page.locator("#shaded")).to_have_text(text)


def upload(page: Any, content: str, name: str = "reviews.csv") -> None:
    page.get_by_label("Choose or drop").set_input_files([{"name": name, "mimeType": "", "buffer": content.encode()}])
    expect(page.locator("#table-status")).to_contain_text("read as")


def cells(page: Any, column: int) -> list[str]:
    return list(page.locator(f"#rows tbody td:nth-child({column})").all_text_contents())


TABLE = 'id,text\n768213876278165504,love it\n2,"=1+1, awful"\n3,it is a table\n'


def test_typing_changes_the_shading_and_the_bar(opened: Any, screenshot: Run, require_accessible: Run) -> None:
    type_text(opened, "I love it")
    love = opened.locator("#shaded .for", has_text="love")
    blue = love.evaluate("each => getComputedStyle(each).backgroundColor")
    width = opened.locator("#bar .is-positive").evaluate("each => each.style.flexGrow")
    assert opened.locator("#label").text_content() == "positive"

    type_text(opened, "I love it, but it is awful, awful, a waste")
    assert opened.locator("#label").text_content() == "negative"
    assert opened.locator("#shaded .against", has_text="awful").count() == 2
    opened.wait_for_timeout(300)  # the shading's transition
    awful = opened.locator("#shaded .against").first
    assert awful.evaluate("each => getComputedStyle(each).backgroundColor") != blue
    assert awful.evaluate("each => getComputedStyle(each).borderBottomStyle") == "dashed"
    assert opened.locator("#bar .is-positive").evaluate("each => each.style.flexGrow") < width
    require_accessible(opened)


def test_tokens_that_a_negation_reaches_are_bracketed(opened: Any, screenshot: Run) -> None:
    type_text(opened, "It was not bad at all. Loved it!")
    group = opened.get_by_role("group", name="negated")
    assert "bad" in group.first.text_content()
    assert "Loved" not in group.first.text_content()
    screenshot("page-text")


def test_the_outcome_is_spoken_once_typing_pauses(opened: Any) -> None:
    assert opened.locator("#spoken").get_attribute("aria-live") == "polite"
    type_text(opened, "love it")
    expect(opened.locator("#spoken")).to_have_text(re.compile("^positive, "))


def test_markup_is_shown_as_text(opened: Any) -> None:
    text = "<script>alert(1)</script><img src=x onerror=alert(2)> &amp; 'fun' ${1} </p>"
    type_text(opened, text)
    upload(opened, f"{text}\n", "texts.txt")
    assert cells(opened, 2) == [text]
    assert opened.locator("#shaded :is(script, img), #rows :is(script, img)").count() == 0


def test_an_empty_text_has_no_result(opened: Any) -> None:
    opened.get_by_role("textbox", name="Type a text").fill("  ")
    opened.wait_for_selector("#result", state="hidden")


def test_a_late_answer_does_not_replace_a_later_one(opened: Any) -> None:
    waiting = []

    def hold_first(route: Any) -> None:
        if route.request.post_data_json["text"] == "awful":
            waiting.append(route)
        else:
            route.continue_()

    opened.route("**/v1/sentiment", hold_first)
    with opened.expect_request("**/v1/sentiment"):
        opened.get_by_role("textbox", name="Type a text").fill("awful")
    type_text(opened, "lovely")
    for route in waiting:
        route.continue_()
    opened.wait_for_timeout(300)
    assert opened.locator("#shaded").text_content() == "lovely"
    opened.unroute("**/v1/sentiment")


def test_a_file_that_cannot_be_used_is_told(opened: Any) -> None:
    opened.get_by_label("Choose or drop").set_input_files([{"name": "a.xlsx", "mimeType": "", "buffer": b"x"}])
    error = opened.locator("#table-error")
    expect(error).to_have_text("a.xlsx is of an unknown format. Choose a .csv, .tsv, .jsonl or .txt file.")
    expect(error).to_have_attribute("role", "alert")


def test_three_labels(page: Any, ternary_url: str, screenshot: Run, require_accessible: Run) -> None:
    page.goto(ternary_url)
    page.wait_for_selector("#result:visible")
    assert page.locator("#bar span").count() == 3
    assert page.locator("#shaded .for").count() > 0
    upload(page, TABLE)
    assert page.locator("#rows th").all_text_contents() == [
        "row",
        "text",
        "label",
        "score",
        "negative",
        "neutral",
        "positive",
    ]
    require_accessible(page)
    screenshot("page-ternary")


def test_a_file_gives_a_table_and_a_histogram(opened: Any, screenshot: Run, require_accessible: Run) -> None:
    upload(opened, TABLE)
    assert cells(opened, 2) == ["love it", "=1+1, awful", "it is a table"]
    assert cells(opened, 3)[:2] == ["positive", "negative"]
    assert opened.locator("#table-status").text_content().startswith("reviews.csv, read as CSV: 3 rows; ")
    histogram = opened.get_by_role("img", name="Histogram of 3 rows by score")
    box = histogram.bounding_box()
    assert box["width"] > 200
    assert box["height"] > 50
    heights = histogram.locator("rect").evaluate_all("all => all.map(each => +each.getAttribute('height'))")
    assert sum(height > 0 for height in heights) in (2, 3)
    require_accessible(opened)
    screenshot("page-table")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_legible_in_light_and_dark_down_to_320_pixels(
    opened: Any, scheme: str, screenshot: Run, require_accessible: Run
) -> None:
    if opened.viewport_size["width"] < 400:
        opened.set_viewport_size({"width": 320, "height": 640})
    opened.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    type_text(opened, "It was not bad at all, I loved it! Only the start was dull and boring.")
    opened.get_by_text("Each token’s share").click()
    opened.get_by_text("Or paste its rows").click()
    rows = [
        f'{i},"{text}, number {i}"' for i in range(20) for text in ("love it", "awful", "it is a table", "not good")
    ]
    upload(opened, "id,text\n" + "\n".join(rows))
    require_accessible(opened)
    screenshot(f"page-{scheme}")
    opened.emulate_media(color_scheme="light", reduced_motion="no-preference")


def test_a_table_is_sorted_by_keyboard(opened: Any) -> None:
    upload(opened, TABLE)
    head = opened.get_by_role("columnheader", name="positive")
    assert head.get_attribute("aria-sort") is None
    head.get_by_role("button").focus()
    opened.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert cells(opened, 2)[0] == "=1+1, awful"
    opened.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "descending"
    assert cells(opened, 2)[0] == "love it"


def test_a_long_table_has_pages(opened: Any) -> None:
    upload(opened, "text\n" + "".join(f"text {i}\n" for i in range(70)))
    assert len(cells(opened, 1)) == 25
    opened.get_by_role("button", name="Next").click()
    opened.get_by_role("button", name="Next").click()
    assert cells(opened, 2)[-1] == "text 69"
    assert opened.get_by_role("button", name="Next").is_disabled()


def test_downloads_hold_all_columns(opened: Any) -> None:
    upload(opened, TABLE)
    with opened.expect_download() as started:
        opened.get_by_role("button", name="Download CSV").click()
    assert started.value.suggested_filename == "reviews-scored.csv"
    rows = list(csv.DictReader(io.StringIO(Path(started.value.path()).read_text("utf-8"))))
    assert [row["id"] for row in rows] == ["768213876278165504", "2", "3"]
    assert [row["text"] for row in rows] == ["love it", "'=1+1, awful", "it is a table"]
    assert rows[0]["sentiment"] == "positive"

    with opened.expect_download() as started:
        opened.get_by_role("button", name="Download JSONL").click()
    objects = [json.loads(line) for line in Path(started.value.path()).read_text("utf-8").splitlines()]
    assert objects[1]["text"] == "=1+1, awful"
    assert objects[1]["sentiment_negative"] == pytest.approx(float(rows[1]["sentiment_negative"]))


@pytest.mark.parametrize(
    ("content", "read_as"),
    [
        ('{"text": "love it"}\n', "JSONL"),
        ("id,text\n1,love it\n", "CSV"),
        ("text\tid\nlove it\t1\n", "TSV"),
        ("love it", "text"),
    ],
)
def test_rows_can_be_pasted(opened: Any, content: str, read_as: str) -> None:
    opened.get_by_text("Or paste its rows").click()
    opened.get_by_label("Rows of CSV").fill(content)
    opened.get_by_role("button", name="Score these rows").click()
    opened.wait_for_selector("#scored:visible")
    assert opened.locator("#table-status").text_content().startswith(f"pasted, read as {read_as}: 1 row;")
    assert cells(opened, 2) == ["love it"]


def test_a_file_can_be_dropped(opened: Any) -> None:
    transfer = opened.evaluate_handle(
        "() => { const all = new DataTransfer(); all.items.add(new File(['love it\\n'], 'a.txt')); return all; }"
    )
    opened.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    opened.wait_for_selector("#scored:visible")
    assert cells(opened, 2) == ["love it"]

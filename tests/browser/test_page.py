"""The page of `trax-sentiment serve`, used as people use it."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

expect = pytest.importorskip("playwright.sync_api").expect

Run = Callable[..., Any]


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
    width = float(opened.locator("#bar .is-positive").evaluate("each => each.style.flexGrow"))
    assert opened.locator("#label").text_content() == "positive"

    type_text(opened, "I love it, but it is awful, awful, a waste")
    assert opened.locator("#label").text_content() == "negative"
    assert opened.locator("#shaded .against", has_text="awful").count() == 2
    opened.wait_for_timeout(300)  # the shading's transition
    awful = opened.locator("#shaded .against").first
    assert awful.evaluate("each => getComputedStyle(each).backgroundColor") != blue
    assert awful.evaluate("each => getComputedStyle(each).borderBottomStyle") == "dashed"
    assert float(opened.locator("#bar .is-positive").evaluate("each => each.style.flexGrow")) < width
    require_accessible(opened)


def test_negated_tokens_are_bracketed(opened: Any, screenshot: Run) -> None:
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


def test_a_file_that_cannot_be_used_is_refused(opened: Any) -> None:
    opened.get_by_label("Choose or drop").set_input_files([{"name": "a.xlsx", "mimeType": "", "buffer": b"x"}])
    error = opened.locator("#table-error")
    expect(error).to_have_text("a.xlsx has an unknown format. Choose a .csv, .tsv, .jsonl or .txt file.")
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
        "log-odds",
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
    histogram = opened.get_by_role("img", name="Histogram of 3 rows by log-odds")
    box = histogram.bounding_box()
    assert box["width"] > 200
    assert box["height"] > 50
    heights = histogram.locator("rect").evaluate_all("all => all.map(each => +each.getAttribute('height'))")
    assert sum(height > 0 for height in heights) in (2, 3)
    require_accessible(opened)
    screenshot("page-table")


def test_a_row_without_a_text_has_no_numbers(opened: Any) -> None:
    upload(opened, "id,text\n1,love it\n2,\n")
    assert cells(opened, 2) == ["love it", ""]
    assert [cells(opened, column)[1] for column in (3, 4, 5, 6)] == [""] * 4
    expect(opened.locator("#table-status")).to_contain_text("2 rows; 0 negative, 1 positive, 1 without a text.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_legible_in_light_and_dark_down_to_320_pixels(
    opened: Any, scheme: str, screenshot: Run, require_accessible: Run
) -> None:
    if opened.viewport_size["width"] < 400:
        opened.set_viewport_size({"width": 320, "height": 640})
    opened.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    type_text(opened, "It was not bad at all, I loved it! Only the start was dull and boring.")
    opened.get_by_text("What each token contributes").click()
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
        ("love it, but slow", "text"),
        ("id,review\n1,love it\n", "CSV"),
        ("id;review\n1;love it, really\n", "CSV"),
    ],
)
def test_rows_can_be_pasted(opened: Any, content: str, read_as: str) -> None:
    opened.get_by_text("Or paste its rows").click()
    opened.get_by_label("CSV with its header").fill(content)
    opened.get_by_role("button", name="Score these rows").click()
    opened.wait_for_selector("#scored:visible")
    assert opened.locator("#table-status").text_content().startswith(f"pasted, read as {read_as}: 1 row;")
    assert cells(opened, 2)[0].startswith("love it")


def test_a_file_can_be_dropped(opened: Any) -> None:
    transfer = opened.evaluate_handle(
        "() => { const all = new DataTransfer(); all.items.add(new File(['love it\\n'], 'a.txt')); return all; }"
    )
    opened.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    opened.wait_for_selector("#scored:visible")
    assert cells(opened, 2) == ["love it"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'stars,"a, b",review\n5,x,"love it, ""really"""\n1,y,never again\n'),
        ("a.csv", 'stars;"a, b";review\n5;x;love it, really\n1;y;never again\n'),
        ("a.tsv", "stars\ta, b\treview\n5\tx\tlove it\n1\ty\tnever again\n"),
        (
            "a.jsonl",
            '{"stars": 5, "a, b": "x", "review": "love it"}\n{"stars": 1, "a, b": "y", "review": "no again"}\n',
        ),
    ],
)
def test_the_text_column_is_chosen_from_those_of_the_file(opened: Any, name: str, content: str) -> None:
    upload(opened, content, name)
    column = opened.get_by_label("Column with the texts")
    assert column.locator("option").all_text_contents() == ["stars", "a, b", "review"]
    assert column.input_value() == "review"
    assert cells(opened, 2)[0].startswith("love it")
    column.select_option("a, b")
    expect(opened.locator("#rows tbody td:nth-child(2)").first).to_have_text("x")
    upload(opened, "love it\n", "a.txt")
    expect(opened.locator("#columns")).to_be_hidden()


def test_a_column_named_text_is_the_first_choice(opened: Any) -> None:
    upload(opened, "title,text\nsome long title,good\n")
    assert opened.get_by_label("Column with the texts").input_value() == "text"


def test_an_example_can_be_clicked(opened: Any) -> None:
    examples = opened.locator("#examples button")
    assert examples.count() == 3
    examples.last.click()
    expect(opened.locator("#shaded")).to_have_text(examples.last.text_content())
    assert opened.get_by_role("textbox", name="Type a text").input_value() == examples.last.text_content()


def test_a_token_that_contributes_almost_nothing_is_not_underlined(opened: Any) -> None:
    type_text(opened, "I loved it, what a wonderful, wonderful film")
    widths = {
        step: float(each.evaluate("each => getComputedStyle(each).borderBottomWidth").removesuffix("px"))
        for each in opened.locator("#shaded .token").all()
        for step in [float(each.evaluate("each => each.style.getPropertyValue('--strength')"))]
    }
    assert widths[1.0] == 3
    assert {0.0, 0.1} & widths.keys()
    assert all((width == 0) == (step <= 0.1) for step, width in widths.items())


def test_the_log_odds_are_seen_without_scrolling_on_a_phone(opened: Any) -> None:
    if opened.viewport_size["width"] < 400:
        opened.set_viewport_size({"width": 320, "height": 640})
    upload(opened, TABLE)
    box = opened.locator("#rows tbody td:nth-child(4)").first.bounding_box()
    scroll = opened.get_by_role("region", name="The scored table").bounding_box()
    assert box["x"] + box["width"] <= scroll["x"] + scroll["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_documentation_is_a_page(opened: Any, scheme: str, screenshot: Run, require_accessible: Run) -> None:
    opened.emulate_media(color_scheme=scheme)
    opened.get_by_role("link", name="documentation").click()
    expect(opened.get_by_role("heading", name="POST /v1/sentiment")).to_be_visible()
    require_accessible(opened)
    screenshot(f"docs-{scheme}")
    opened.emulate_media(color_scheme="light")

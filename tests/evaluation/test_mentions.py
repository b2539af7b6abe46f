import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.evaluation.mentions import mentions, parse_targets, quoted

WORDS = st.text(st.characters(categories=["L"]), min_size=1).filter(lambda word: not word.isspace())


def found(target: str, text: str) -> list[str]:
    (phrases,) = parse_targets([target]).values()
    return [text[start:end] for start, end in mentions(phrases, text)]


@given(WORDS)
def test_a_word_is_found_wherever_it_stands_as_a_whole(word: str) -> None:
    assert found(word, f"{word}, the {word}. x{word} {word}x ({word})") == [word] * 3


@pytest.mark.parametrize(
    ("target", "text", "expected"),
    [
        ("food", "Food, FOODS and seafood", ["Food", "FOODS"]),
        ("waitress", "waitresses", ["waitresses"]),
        ("battery", "The batteries", ["batteries"]),
        ("day", "days and daies", ["days"]),
        ("battery life", "battery\n  life", ["battery\n  life"]),
        ("C++", "C++ is not C", ["C++"]),
        ("service", "the service's price, self-service", ["service", "service"]),
        ("place=bar,bar staff", "the bar staff of the bar", ["bar staff", "bar"]),
        ("smile=😀", "nice😀😀", ["😀", "😀"]),
    ],
)
def test_mentions_are_found_in_any_case_and_in_the_plural(target: str, text: str, expected: list[str]) -> None:
    assert found(target, text) == expected


def test_targets_are_separated_by_commas_and_may_be_names_for_several_words() -> None:
    targets = parse_targets(["food, price", "service = service,waiter", "service=staff"])
    assert list(targets) == ["food", "price", "service"]
    assert mentions(targets["service"], "Staff, waiters, a price and the service") == [(0, 5), (7, 14), (32, 39)]


@pytest.mark.parametrize("target", ["", " ", "food,", "service=", "service=waiter,,staff", "=waiter", "="])
def test_a_blank_target_is_reported(target: str) -> None:
    with pytest.raises(SentimentError, match="S223"):
        parse_targets(["food", target])


@given(st.text(), st.text(min_size=1), st.text())
def test_a_quote_is_a_line_around_the_mention(before: str, mention: str, after: str) -> None:
    text = f"{before}{mention}{after}"
    shown = quoted(text, len(before), len(before) + len(mention))
    assert len("".join(shown)) <= len(mention) + 162
    assert shown[1] == re.sub(r"\s+", " ", mention)
    assert not re.search(r"[\r\n]", "".join(shown))
    assert re.sub(r"\s+", " ", before).endswith(shown[0].removeprefix("…"))
    assert re.sub(r"\s+", " ", after).startswith(shown[2].removesuffix("…"))


def test_a_long_text_is_cut_between_words() -> None:
    words = " ".join(f"word{i}" for i in range(100))
    text = f"{words} film {words}"
    before, mention, after = quoted(text, len(words) + 1, len(words) + 5)
    assert (before[0], mention, after[-1]) == ("…", "film", "…")
    assert set(f"{before[1:]} {after[:-1]}".split()) <= set(words.split())

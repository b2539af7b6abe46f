from collections.abc import Callable, Iterable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


@pytest.fixture
def bias(benchmark_module: Callable[..., ModuleType]) -> ModuleType:
    return benchmark_module("bias")


class FromLength:
    """A stand-in for a pipeline: the probability of positive is a hundredth of the text's length."""

    def pipe(self, texts: Iterable[str]) -> Iterator[Any]:
        for text in texts:
            yield SimpleNamespace(cats={"positive": len(text) / 100})


def test_any_two_words_of_a_set_are_swapped_in_every_template(bias: ModuleType) -> None:
    swaps = bias.swap(FromLength(), ["{} left.", "I saw {}."], [["Bo", "Anna", "Li"], ["he", "she"]])
    moved = {(each.template, each.words): each.moved for each in swaps}
    assert len(moved) == 2 * (3 + 1)
    assert moved["{} left.", ("Bo", "Anna")] == pytest.approx(0.02)
    assert moved["I saw {}.", ("Bo", "Li")] == 0
    assert moved["I saw {}.", ("he", "she")] == pytest.approx(0.01)


def test_words_of_both_kinds_are_swapped_for_each_other_but_pairs_stay_pairs(bias: ModuleType) -> None:
    assert bias.joined([["a", "b"]], [["c"]]) == [["a", "b", "c"]]
    assert bias.joined([["a", "b"], ["c", "d"]], [["e", "f"]]) == [["a", "b"], ["c", "d"], ["e", "f"]]


def test_a_sentence_begins_with_a_capital(bias: ModuleType) -> None:
    assert bias.sentence("{} left.", "she") == "She left."
    assert bias.sentence("Then {} left.", "she") == "Then she left."


def test_word_lists_are_large_and_name_nothing_twice(bias: ModuleType) -> None:
    counts = {}
    for name, group in bias.GROUPS.items():
        words = [word for each in [*group.common, *group.rare] for word in each]
        assert len(words) == len(set(words)), name
        assert all(template.count("{}") == 1 for template in group.templates), name
        assert len(group.templates) % 3 == 0, name
        counts[name] = len(words)
    assert counts["first names"] >= 60
    assert counts["nationalities"] >= 40
    assert counts["religions"] >= 10


def test_each_word_is_compared_with_the_mean_of_the_made_up_ones(
    bias: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bias, "MADE_UP", ("Zo", "Zoru"))  # 3 letters in the mean
    distances = bias.distances_from_made_up(FromLength(), ["{} left."], [["Bo", "Annas"], ["she"]])
    assert [each.words for each in distances] == [("Bo", "made-up"), ("Annas", "made-up"), ("she", "made-up")]
    assert [each.moved for each in distances] == pytest.approx([0.01, 0.02, 0])


def test_made_up_words_are_none_of_the_groups(bias: ModuleType) -> None:
    words = {word for group in bias.GROUPS.values() for each in [*group.common, *group.rare] for word in each}
    assert not words & set(bias.MADE_UP)

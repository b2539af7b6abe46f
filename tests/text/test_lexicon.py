import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.text.lexicon import Entry, Lexicon, away_from_zero, bundled_words, read_lexicon
from spacy_trax_sentiment.text.sentiment_terms import SentimentTerms


def _without_ing(words: list[str]) -> list[str]:
    """Return stems, computed in the simplest way."""
    return [word.removesuffix("ing") for word in words]


WORDS = {
    "positive": "shine shining top-notch",
    "negative": "bend fail failing",
    "1.5": "shine :D gr8",
    "-2.5": "bending",
}
LEXICON = Lexicon({**WORDS, "-0.5": "failing"}, _without_ing)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("word", "stem", "entry"),
    [
        ("shine", "shine", Entry(1, 1.5)),
        ("top-notch", "top-notch", Entry(1, None)),
        ("gr8", "gr8", Entry(0, 1.5)),
        ("bending", "bend", Entry(-1, -2.5)),  # the opinion is that of the stem
        ("fail", "fail", Entry(-1, -0.5)),  # and here the valence is
        ("table", "table", Entry()),
        ("", "", Entry()),
    ],
)
def test_a_word_has_an_entry(word: str, stem: str, entry: Entry) -> None:
    assert LEXICON.entry(word, stem) == entry


@pytest.mark.parametrize(
    ("word", "stem", "entry"),
    [
        ("bends", "bend", Entry(-1, -2.5)),
        ("ben", "bend", Entry()),  # too short
        ("be-nd", "bend", Entry()),  # not only letters
        ("bents", "bent", Entry()),
    ],
)
def test_an_unknown_word_has_the_entry_of_its_stem(word: str, stem: str, entry: Entry) -> None:
    assert LEXICON.entry(word, stem) == entry


def test_valences_of_one_stem_are_averaged_and_opposite_opinions_cancel() -> None:
    words = {"positive": "caring wearing", "negative": "car wear wear-out", "2": "car", "-1": "caring"}
    lexicon = Lexicon(words, _without_ing)  # type: ignore[arg-type]
    assert lexicon.entry("cars", "car") == Entry(0, 0.5)
    assert lexicon.entry("car", "car") == Entry(-1, 2.0)
    assert lexicon.entry("wears", "wear") == Entry()


def test_the_lexicon_contains_exact_texts_and_has_their_valences() -> None:
    assert all(word in LEXICON for word in ("shine", ":D", "gr8", "top-notch"))
    assert not any(word in LEXICON for word in ("shines", ":d", "", "positive", "1.5"))
    assert LEXICON.valence(":D") == 1.5
    assert LEXICON.valence(":d") is None


def test_an_empty_lexicon_knows_nothing() -> None:
    lexicon = Lexicon({}, _without_ing)  # type: ignore[arg-type]
    assert "good" not in lexicon
    assert lexicon.entry("good", "good") == Entry()
    assert lexicon.valence(":)") is None


# Copied from the sources.
@pytest.mark.parametrize(
    ("word", "entry"),
    [
        ("good", Entry(1, 1.9)),
        ("great", Entry(1, 3.1)),
        ("love", Entry(1, 3.2)),
        ("bad", Entry(-1, -2.5)),
        ("horrible", Entry(-1, -2.5)),
        ("hate", Entry(-1, -2.7)),
        (":)", Entry(0, 2.0)),
        ("lol", Entry(0, 1.8)),
        ("naïve", Entry(-1, None)),
        ("user-friendly", Entry(1, None)),
        ("the", Entry()),
        ("film", Entry()),
    ],
)
def test_the_bundled_lexicon_agrees_with_its_sources(word: str, entry: Entry) -> None:
    assert Lexicon(bundled_words(), list).entry(word, word) == entry


def test_the_bundled_lexicon_is_complete() -> None:
    words = bundled_words()
    opinions = {name: words[name].split() for name in ("positive", "negative")}
    # Hu and Liu report around 6,800 words, Hutto and Gilbert over 7,500 (some of which contain a space).
    assert 6_600 < sum(map(len, opinions.values())) < 6_900
    valences = {float(name): listed.split() for name, listed in words.items() if name not in opinions}
    assert 7_400 < sum(map(len, valences.values())) < 7_600
    assert all(0 < abs(valence) <= 4 for valence in valences)
    # All of it was decoded correctly.
    assert {c for text in words.values() for c in text if not c.isascii()} == {"ï", "Þ"}


@given(st.floats(-4, 4))
def test_a_valence_is_rounded_away_from_zero(valence: float) -> None:
    rounded = away_from_zero(valence)
    assert abs(rounded) == math.ceil(abs(valence))
    assert rounded * valence > 0 or rounded == valence == 0


def test_each_rounded_valence_of_the_lexicon_is_a_term() -> None:
    terms = SentimentTerms()
    words = [word for text in bundled_words().values() for word in text.split()]
    found = {term for lexeme in terms.lexemes(words) for term in lexeme.more if term.startswith("valence ")}
    assert found == {f"valence {valence:+}" for valence in range(-4, 5) if valence}


def test_valences_that_differ_in_the_seventh_digit_lose_no_word(tmp_path: Path) -> None:
    path = tmp_path / "words.tsv"
    path.write_text("gut\t1.2345671\nfein\t1.2345672\nschlecht\t-2.0\n")
    assert read_lexicon(path, str.lower) == {"1.2345671": "gut", "1.2345672": "fein", "-2": "schlecht"}

"""Words to their opinion and valence in two sentiment lexicons, by the word or else by its stem.

The package carries Hu and Liu's opinion lexicon (2004, CC BY 4.0) and the one of VADER (Hutto and Gilbert 2014, MIT);
see NOTICE. A model saves the lexicon it was trained with.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple, TypeVar

import srsly
from spacy.lang.tokenizer_exceptions import emoticons

from ..errors import Errors, SentimentError
from .cleaning import is_of_letters, visible
from .wordlists import EMOJI, EMOJI_VALENCES, TELLING_NAMES

T = TypeVar("T")

# Shorter words share their stems with too many others.
_SHORTEST_BY_STEM = 4
_OPINIONS = {"positive": 1, "negative": -1}
N_LEANINGS = len(_OPINIONS)
# A term that is not a stem holds a space, so that no stem is taken for it.
_OPINION_TERMS = {1: "opinion +", -1: "opinion -"}
_VALENCE_TERMS = {valence: f"valence {valence:+}" for valence in range(-4, 5) if valence}
_EMOTICONS = frozenset(map(str.lower, emoticons))
_VALENCE = re.compile(r"[+-]?(?:[0-3](?:\.\d+)?|4(?:\.0+)?)")


class Entry(NamedTuple):
    """A word's opinion, -1, 0 or 1, and its valence, -4 to 4, or None if unknown."""

    opinion: int = 0
    valence: float | None = None

    @property
    def opinion_term(self) -> str | None:
        """The term of the opinion's class."""
        return _OPINION_TERMS[self.opinion] if self.opinion else None

    @property
    def valence_term(self) -> str | None:
        """The term of the valence's class."""
        return _VALENCE_TERMS[away_from_zero(self.valence)] if self.valence else None

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms of its classes."""
        return tuple(term for term in (self.opinion_term, self.valence_term) if term)


Words = dict[str, str]
"""Words, separated by spaces, by "positive", "negative", or a valence written as a number."""


class Lexicon:
    """Looks up lower-cased words, emoticons and the like."""

    def __init__(self, words: Words, stem: Callable[[Sequence[str]], Sequence[str]]) -> None:
        self._stem = stem
        self._opinions = {word: value for name, value in _OPINIONS.items() for word in words.get(name, "").split()}
        self._valences = {
            word: float(name) for name, some in words.items() if name not in _OPINIONS for word in some.split()
        }

    @cached_property
    def words(self) -> frozenset[str]:
        """The words, emoticons and the like."""
        return frozenset().union(self._opinions, self._valences)

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of the words."""
        return frozenset().union(self._opinions_of_stems, self._valences_of_stems)

    @cached_property
    def _opinions_of_stems(self) -> dict[str, int]:
        opinions: dict[str, int] = {}
        for stem, opinion in self._with_stems(self._opinions):
            if opinions.setdefault(stem, opinion) != opinion:
                opinions[stem] = 0
        return opinions

    @cached_property
    def _valences_of_stems(self) -> dict[str, float]:
        sums: dict[str, float] = {}
        counts: Counter[str] = Counter()
        for stem, valence in self._with_stems(self._valences):
            sums[stem] = sums.get(stem, 0) + valence
            counts[stem] += 1
        return {stem: value / counts[stem] for stem, value in sums.items()}

    def _with_stems(self, values: Mapping[str, T]) -> Iterator[tuple[str, T]]:
        """Yield the stem and the value of each word of letters."""
        words = [word for word in values if is_of_letters(word)]
        return zip(self._stem(words), map(values.__getitem__, words), strict=True)

    def __contains__(self, word: str) -> bool:
        return word in self._opinions or word in self._valences

    def valence(self, text: str) -> float | None:
        """Return the valence of exactly this text, such as an emoticon, which is not lower-cased."""
        return self._valences.get(text)

    def entry(self, word: str, stem: str) -> Entry:
        """Return what the lexicons say of the word, or else of its stem."""
        opinion, valence = self._opinions.get(word, 0), self._valences.get(word)
        if len(word) >= _SHORTEST_BY_STEM and is_of_letters(word):
            opinion = opinion or self._opinions_of_stems.get(stem, 0)
            valence = self._valences_of_stems.get(stem) if valence is None else valence
        return Entry(opinion, valence)


def bundled_words() -> Words:
    """Return the lexicons that the package carries, merged."""
    words: Words = srsly.json_loads(files("spacy_trax_sentiment.text").joinpath("lexicon.json").read_text("utf8"))
    return words


def lexicon_words(bundled: bool, informal: bool, own: Words | None = None) -> Words:
    """Return the words of the package's lexicons, with emoji if `informal`.

    If not `bundled`, only the signs and emoticons, which many languages share. The words of `own` go before them.
    """
    words, own = bundled_words(), own or {}
    if informal:
        words |= {valence: f"{words.get(valence, '')} {emoji}".strip() for valence, emoji in EMOJI.items()}
    if bundled:
        return words
    known = set(" ".join(own.values()).split())
    for name, some in words.items():
        signs = [word for word in some.split() if word.lower() in _EMOTICONS or not any(map(str.isalpha, word))]
        words[name] = " ".join(sign for sign in signs if sign.lower() not in known)
    return words | {name: f"{words.get(name, '')} {some}".strip() for name, some in own.items()}


def read_lexicon(path: str | Path, lowered: Callable[[str], str]) -> Words:
    """Read a file with a word, a tab and its valence, -4 to 4, per line; raise SentimentError for others."""
    found: dict[str, float] = {}
    try:
        lines = Path(path).read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SentimentError(Errors.S190.format(path=path, reason=error)) from None
    for number, line in enumerate(lines, 1):
        word, _, valence = (part.strip() for part in line.partition("\t"))
        if not line.strip() or (number == 1 and (word, valence) == ("word", "valence")):
            continue
        key = lowered(visible(word))
        is_usable = len(key.split()) == 1 and _VALENCE.fullmatch(valence)
        if not is_usable or found.setdefault(key, float(valence)) != float(valence):
            raise SentimentError(Errors.S191.format(path=path, line=number, value=repr(line[:60])))
    if not found:
        raise SentimentError(Errors.S190.format(path=path, reason="it has no words"))
    words: dict[str, list[str]] = {}
    for word, value in found.items():
        words.setdefault(repr(value).removesuffix(".0"), []).append(word)
    return {valence: " ".join(some) for valence, some in words.items()}


def away_from_zero(valence: float) -> int:
    """Return the valence rounded away from 0, so that none becomes neutral."""
    return math.ceil(valence) if valence > 0 else math.floor(valence)


def emoji_valence(emoji: str) -> float | None:
    """Return the valence of an emoji by the words of its Unicode name, None if they have none."""
    valences = []
    for character in emoji:
        names = unicodedata.name(character, "").lower().replace("-", " ").split()
        if {"arrow", "arrows", "heavy", "pointing"}.isdisjoint(names) or "heart" in names:
            names = next(([name] for name in TELLING_NAMES if name in names), names)
            valences += [EMOJI_VALENCES[name] for name in names if name in EMOJI_VALENCES]
    return sum(valences) / len(valences) if valences else None

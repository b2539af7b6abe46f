"""Words to what two sentiment lexicons say of them: an opinion, and a valence; a word that neither holds by its stem.

The package carries Hu and Liu's opinion lexicon (2004, CC BY 4.0) and the one of VADER (Hutto and Gilbert 2014, MIT);
see NOTICE. A model saves the lexicon that it was trained with.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from typing import NamedTuple

import srsly

# Shorter words share their stems with too many others.
_LEAST_STEMMED = 4


class Entry(NamedTuple):
    """opinion: -1, 0 or 1. valence: From -4 to 4; None where it is not known."""

    opinion: int = 0
    valence: float | None = None


NO_ENTRY = Entry()

Words = dict[str, str]
"""Words, parted by spaces, under "positive", "negative", and each valence as a number."""


class Lexicon:
    """What is known of words, looked up in lower case."""

    def __init__(self, words: Words, stem: Callable[[Sequence[str]], Sequence[str]]) -> None:
        """stem: From words to their stems."""
        self._stem = stem
        self._opinions = {word: value for name, value in _OPINIONS.items() for word in words.get(name, "").split()}
        self._valences = {
            word: float(name) for name, some in words.items() if name not in _OPINIONS for word in some.split()
        }

    @cached_property
    def _entries_of_stems(self) -> dict[str, Entry]:
        opinions = {
            stem: sign
            for stem, values in _by_stem(self._opinions, self._stem).items()
            if (sign := _sign(sum(set(values))))
        }
        valences = {stem: sum(values) / len(values) for stem, values in _by_stem(self._valences, self._stem).items()}
        return {stem: Entry(opinions.get(stem, 0), valences.get(stem)) for stem in {**opinions, **valences}}

    def __contains__(self, word: str) -> bool:
        return word in self._opinions or word in self._valences

    def valence(self, text: str) -> float | None:
        """RETURNS: The valence of exactly this text, as of an emoticon, which is not lower-cased."""
        return self._valences.get(text)

    def entry(self, word: str, stem: str) -> Entry:
        """RETURNS: What is known of the word, or else of its stem."""
        opinion, valence = self._opinions.get(word, 0), self._valences.get(word)
        known = Entry(opinion, valence) if opinion or valence is not None else NO_ENTRY
        if len(word) < _LEAST_STEMMED or not word.isalpha():
            return known
        of_stem = self._entries_of_stems.get(stem)
        if of_stem is None:
            return known
        if known is NO_ENTRY:
            return of_stem
        return Entry(known.opinion or of_stem.opinion, of_stem.valence if known.valence is None else known.valence)


def bundled_words() -> Words:
    """RETURNS: The lexicon that the package carries."""
    words: Words = srsly.json_loads(files("spacy_trax_sentiment.text").joinpath("lexicon.json").read_text("utf8"))
    return words


def merged_words(positive: Iterable[str], negative: Iterable[str], valences: Mapping[str, float]) -> Words:
    """Merge the two lexicons. valences: Of words, emoticons and the like, as VADER writes them."""
    by_valence: dict[float, list[str]] = {}
    for word, valence in valences.items():
        if not any(map(str.isspace, word)):
            by_valence.setdefault(valence, []).append(word)
    opinions = {"positive": " ".join(sorted(positive)), "negative": " ".join(sorted(negative))}
    return opinions | {f"{valence:g}": " ".join(sorted(words)) for valence, words in sorted(by_valence.items())}


def away_from_zero(valence: float) -> int:
    """RETURNS: The valence rounded away from 0, so that none becomes neutral."""
    return _sign(valence) * math.ceil(abs(valence))


_OPINIONS = {"positive": 1, "negative": -1}


def _by_stem(values: Mapping[str, float], stem: Callable[[Sequence[str]], Sequence[str]]) -> dict[str, list[float]]:
    words = [word for word in values if word.isalpha()]
    found: dict[str, list[float]] = {}
    for word, of_word in zip(words, stem(words), strict=True):
        found.setdefault(of_word, []).append(values[word])
    return found


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)

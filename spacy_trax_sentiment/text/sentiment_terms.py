"""Tokens to terms for sentiment: stems, forms, prefixes and lexicon classes."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import zip_longest
from typing import Any

import numpy as np
import srsly

from ..errors import Errors, SentimentError
from .lexicon import Entry, Lexicon, Words, away_from_zero, bundled_words
from .preprocessor import CONCEDES, CONTRASTS, ENDS_NEGATION, NEGATES, PLAIN, Lexeme, Lexemes
from .token_preprocessor import TokenPreprocessor
from .wordlists import CONCEDING, CONTRASTING, EMOJI_VALENCES, NEGATIONS, PEOPLE, SCOPE_ENDS, TELLING_NAMES

MOST_BUCKETS = 1 << 24
_BOUNDS = {"negation_scope": (0, 1000), "bigram_buckets": (0, MOST_BUCKETS), "bigram_distance": (1, 4)}

_URL = re.compile(r"(?:https?://|www\.)\S", re.IGNORECASE)
_MENTION = re.compile(r"@\w")
_ELONGATION = re.compile(r"(.)\1{2,}", re.DOTALL)
_HTML = re.compile(r"<br|/?>|<")
_EDGES = '.,;:!?"*_~-()[]'
_NUMBER = "0"
_NOTHING = Lexeme(None)
_ROLES = dict.fromkeys(NEGATIONS, NEGATES) | dict.fromkeys(SCOPE_ENDS, ENDS_NEGATION)
# A term that is not a stem holds a space, so that no stem is taken for it.
_PEOPLE = {word: f"people {group.split()[0]}" for group in PEOPLE for word in group.split()}
_OPINIONS = {1: "opinion +", -1: "opinion -"}
_VALENCES = {valence: f"valence {valence:+}" for valence in range(-4, 5) if valence}
_FORM = "form "
_PREFIX = 5
_SHORTEST_STEMMED = 3
_LONGEST_EMOJI = 4
_SIDES = dict.fromkeys(CONTRASTING, CONTRASTS) | dict.fromkeys(CONCEDING, CONCEDES)


class SentimentTerms(TokenPreprocessor):
    """Turns a token into its Porter stem, its lower-cased form, its first five letters, and its lexicon classes.

    Mentions, URLs, white space and the `#` sign are dropped, so that a hashtag counts as its word. Three or more of the
    same character count as two, or as one if only that makes a word of the lexicons. Every number is one term. Words
    for persons, peoples and first names are one term per group, so that no sentiment is learned about them. Emoji have
    the valence of their Unicode names. After a negation, terms are negated terms of their own, up to the end of the
    clause. A word of the lexicons also counts by the side of the text's last `but`, `however` or `yet` it is on; if
    there is none, by whether it is in the last clause that begins with `although`, `though` or `despite`.

    Registered as `spacy_trax_sentiment.SentimentTerms.v1`.
    """

    def __init__(
        self,
        negation_scope: int = 5,
        bigram_buckets: int = 1 << 14,
        bigram_distance: int = 2,
        lexicon: bool = True,
        concessions: bool = True,
    ) -> None:
        """Take the settings.

        Args:
            negation_scope: The number of tokens that a negation reaches, 0 to 1000; 0 for none.
            bigram_buckets: The ids that pairs of tokens are hashed to, for each distance; 0 for no pairs.
            bigram_distance: The distances at which tokens are paired, 1 to 4.
            lexicon: Whether to use the lexicons that the package carries. They are saved with the model.
            concessions: Whether `although` and its like count. They do not in models saved before they could.

        Raises:
            SentimentError: A number is out of range.
        """
        self.negation_scope, self.bigram_buckets, self.bigram_distance = negation_scope, bigram_buckets, bigram_distance
        for name, (least, most) in _BOUNDS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                wanted = f"a number from {least} to {most}"
                raise SentimentError(Errors.S021.format(name=name, value=value, wanted=wanted))
        self.n_leanings = len(_OPINIONS) if lexicon else 0
        self._words: Words | None = bundled_words() if lexicon else {}
        self.concessions = concessions

    @cached_property
    def _lexicon(self) -> Lexicon:
        return Lexicon(self._words or {}, _stemmer().stemWords)

    @property
    def _has_own_lexemes(self) -> bool:
        """Whether no subclass overrides `lexeme` or `lexemes`."""
        return (type(self).lexeme, type(self).lexemes) == (SentimentTerms.lexeme, SentimentTerms.lexemes)

    @property
    def alike(self) -> frozenset[str]:
        return frozenset(["mention", "link", "number"] if self._has_own_lexemes else [])

    def lexeme(self, text: str) -> Lexeme:
        if text.isdigit():
            return Lexeme(_NUMBER)
        lowered = text.lower().strip()
        first = lowered[:1]
        if first.isdigit() and not any(map(str.isalpha, lowered)):
            return Lexeme(_NUMBER)  # the common case of the one below
        if (first == "@" and _MENTION.match(lowered)) or (first in ("h", "w") and _URL.match(lowered)):
            return _NOTHING
        word = self._normalized(lowered)
        if not word or word == "#":
            return _NOTHING
        if word in _PEOPLE:
            return Lexeme(_PEOPLE[word])
        role = _ROLES.get(word, PLAIN)
        if word.isalpha():
            # Porter's own program leaves shorter words alone; Snowball's turns "s" into "" and "is" into "i".
            stem = _stemmer().stemWord(word) if len(word) >= _SHORTEST_STEMMED else word
            entry = self._lexicon.entry(word, stem)
            prefix = (f"prefix {word[:_PREFIX]}",) if len(word) >= _PREFIX else ()
            return Lexeme(stem, role, (_FORM + word, *prefix, *_classes(entry)), self._leaning(word, entry))
        if word[0].isdigit() and not any(map(str.isalpha, word)):
            return Lexeme(_NUMBER, role)
        entry = self._sign_entry(text.strip(), word)
        return Lexeme(word, role, (_FORM + word, *_classes(entry)), self._leaning(word, entry))

    def side_by_side(self, texts: Sequence[str]) -> Lexemes:
        if not self._has_own_lexemes:
            return super().side_by_side(texts)
        # Process plain ASCII words as a batch; everything else goes through `lexeme`.
        words = [text.lower() if text.isascii() and text.isalpha() else "" for text in texts]
        stems: list[str | None] = _stemmer().stemWords(words)
        forms: list[str | None] = [_FORM + word for word in words]
        prefixes = ["prefix " + word[:_PREFIX] if len(word) >= _PREFIX else None for word in words]
        opinions: list[str | None] = [None] * len(words)
        terms = [stems, forms, prefixes, opinions, opinions.copy()]
        roles, leanings = [_ROLES.get(word, PLAIN) for word in words], [0] * len(words)
        listed: frozenset[str] = frozenset()
        listed_stems = listed
        if max(map(len, words), default=0) >= _SHORTEST_STEMMED:
            listed, listed_stems = self._lexicon.words, self._lexicon.stems
        others = set(_elongated(words))
        for i, (word, stem) in enumerate(zip(words, stems, strict=True)):
            if len(word) < _SHORTEST_STEMMED or word in _PEOPLE:
                others.add(i)
            elif word in listed or stem in listed_stems or word in _SIDES:
                entry = self._lexicon.entry(word, stem or "")
                opinions[i], terms[-1][i] = _class_of_opinion(entry), _class_of_valence(entry)
                leanings[i] = self._leaning(word, entry)
        for i in others:
            lexeme = self.lexeme(texts[i])
            roles[i], leanings[i] = lexeme.role, lexeme.leaning
            for of_place, term in zip_longest(terms, lexeme.terms):
                of_place[i] = term
        return Lexemes(terms, roles, leanings)

    def _leaning(self, word: str, entry: Entry) -> int:
        side = _SIDES.get(word)
        if side == CONTRASTS or (side == CONCEDES and self.concessions):
            return side if self.n_leanings else 0
        sign = entry.opinion or entry.valence
        return (1 if sign > 0 else 2) if sign else 0

    def _normalized(self, lowered: str) -> str:
        word = lowered.replace("’", "'")
        if word in ("``", "''", "“", "”"):
            return '"'
        short = self._shortened(word)
        # An emoticon, such as "<3" or ":D", may hold what is otherwise markup or the edge of a word.
        if len(short) > 1 and not short.isalnum() and self._lexicon.valence(short) is not None:
            return short
        if "<" in word or ">" in word:
            word = _HTML.sub("", word).strip()
        if len(word) > 1 and any(map(str.isalpha, word)):
            word = word.strip(_EDGES) or word
        return short if word == lowered else self._shortened(word)

    def _shortened(self, word: str) -> str:
        two = _ELONGATION.sub(r"\1\1", word)
        if two != word and two not in self._lexicon:
            one = _ELONGATION.sub(r"\1", word)
            if one in self._lexicon:
                return one
        return two

    def _sign_entry(self, text: str, word: str) -> Entry:
        """Return the entry of a token that is not a word: an emoticon as it is written, an emoji by its name."""
        entry = self._lexicon.entry(word, word)
        valence = self._lexicon.valence(text)
        if valence is None:
            valence = entry.valence
        if valence is None and not word.isascii() and len(word) <= _LONGEST_EMOJI and not any(map(str.isalnum, word)):
            valence = _emoji_valence(word)
        return Entry(entry.opinion, valence)

    def __getstate__(self) -> dict[str, Any]:
        # Another process, or a copy, makes its own lexicon from the words.
        return {name: value for name, value in vars(self).items() if name != "_lexicon"}

    def to_bytes(self) -> bytes:
        names = ("negation_scope", "bigram_buckets", "bigram_distance", "n_leanings", "concessions", "_words")
        return bytes(srsly.msgpack_dumps({name: getattr(self, name) for name in names}))

    def from_bytes(self, data: bytes) -> "SentimentTerms":
        vars(self).pop("_lexicon", None)
        vars(self).update({"concessions": False, **srsly.msgpack_loads(data)})
        return self


def _classes(entry: Entry) -> tuple[str, ...]:
    return tuple(term for term in (_class_of_opinion(entry), _class_of_valence(entry)) if term)


def _class_of_opinion(entry: Entry) -> str | None:
    return _OPINIONS[entry.opinion] if entry.opinion else None


def _class_of_valence(entry: Entry) -> str | None:
    return _VALENCES[away_from_zero(entry.valence)] if entry.valence else None


def _elongated(words: Sequence[str]) -> list[int]:
    """Return the indices of words with a letter three times in a row. The words are ASCII letters or empty."""
    codes = np.frombuffer(" ".join(words).encode(), dtype=np.uint8)
    third = np.flatnonzero((codes[2:] == codes[1:-1]) & (codes[1:-1] == codes[:-2]))
    ends = np.cumsum([len(word) + 1 for word in words])
    indices: list[int] = np.searchsorted(ends, third, side="right").tolist()
    return indices


def _emoji_valence(emoji: str) -> float | None:
    valences = []
    for character in emoji:
        names = unicodedata.name(character, "").lower().replace("-", " ").split()
        if {"arrow", "arrows", "heavy", "pointing"}.isdisjoint(names) or "heart" in names:
            names = next(([name] for name in TELLING_NAMES if name in names), names)
            valences += [EMOJI_VALENCES[name] for name in names if name in EMOJI_VALENCES]
    return sum(valences) / len(valences) if valences else None


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    # Snowball's Porter stemmer in C takes under 1 us per word, NLTK's 30; and importing nltk takes most of a second.
    import Stemmer

    return Stemmer.Stemmer("porter", 0)

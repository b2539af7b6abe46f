"""A language's code to what depends on it: stemmer, words with a role, letter case, characters that are words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import srsly

from .cleaning import is_of_letters, words_in
from .preprocessor import ANSWERS, ASKS, CLOSES_TAG, CONCEDES, CONTRASTS, ENDS_NEGATION, NEGATES, OPENS_TAG
from .ratings import LEANINGS as _OF_RATINGS
from .wordlists import ALL_PEOPLE, CONCEDING, CONTRASTING, NEGATIONS, SCOPE_ENDS

ENGLISH = "en"
ROLES = dict.fromkeys(NEGATIONS, NEGATES) | dict.fromkeys(SCOPE_ENDS, ENDS_NEGATION)
SIDES = dict.fromkeys(CONTRASTING, CONTRASTS) | dict.fromkeys(CONCEDING, CONCEDES)
LEANINGS = {
    **_OF_RATINGS,
    **dict.fromkeys(("no", "none", "nope", "nah"), ANSWERS),
    "?": ASKS,
    **dict.fromkeys(("<", "</"), OPENS_TAG),
    **dict.fromkeys((">", "/>"), CLOSES_TAG),
}
# Full stops, commas and the like of other scripts.
_MARKS = "。、，；：！？।॥،؛؟۔¿¡·"
_SEVERAL = re.compile(r"(.)\1+", re.DOTALL)
_THREE = re.compile(r"(.)\1{2,}", re.DOTALL)


@dataclass(frozen=True)
class Language:
    """The rules of a language. Words are lower-cased.

    Attributes:
        code: The language's code, as in `nlp.lang`.
        stemmer: The name of its Snowball stemmer; None for none.
        roles, sides, leanings: The effects of its words and marks on the tokens around them: see `Lexeme`.
        doubled: The letters that a word may hold twice in a row: any other that is drawn out counts once. None if a
            lexicon decides.
        lower: Letters whose lower case is not Unicode's.
        ngrams: The least and the greatest length of the character n-grams that are terms; (0, 0) for none. From 1 on,
            a character can be a word.
    """

    code: str
    stemmer: str | None = None
    roles: dict[str, int] = field(default_factory=dict)
    sides: dict[str, int] = field(default_factory=dict)
    leanings: dict[str, int] = field(default_factory=dict)
    doubled: str | None = None
    lower: dict[int, str] = field(default_factory=dict)
    ngrams: tuple[int, int] = (0, 0)

    @property
    def has_letter_words(self) -> bool:
        """Whether a character can be a word."""
        return self.ngrams[0] == 1

    @property
    def is_english(self) -> bool:
        """Whether the lexicons of the package and the lists of words for people apply."""
        return self.code == ENGLISH

    def lowered(self, text: str) -> str:
        """Return the text in lower case."""
        return (text.translate(self.lower) if self.lower else text).lower()

    def stems(self, words: Sequence[str]) -> Sequence[str]:
        """Return the stem of each word; the words themselves without a stemmer."""
        return words if self.stemmer is None else list(_stemmer(self.stemmer).stemWords(words))

    def words(self, token: str) -> list[str]:
        """Return the words of a token that holds letters, with their combining marks."""
        return words_in(token, with_marks=not self.is_english)

    def is_word(self, word: str) -> bool:
        """Return whether a word is of letters alone, outside English also of marks that combine with them."""
        return word.isalpha() if self.is_english else is_of_letters(word)

    def shortened(self, word: str) -> str | None:
        """Return the word with each drawn-out letter once or twice; None if a lexicon decides how often."""
        doubled = self.doubled
        if doubled is None or not _THREE.search(word):
            return None if doubled is None else word
        return _SEVERAL.sub(lambda run: run[0][: 1 + (run[1] in doubled or not run[1].isalpha())], word)

    def parts(self, word: str) -> list[str]:
        """Return the terms of a word's character n-grams, each once. Those of letters show where the word ends."""
        shortest, longest = self.ngrams
        whole = f"<{word}>" if shortest > 1 else word
        runs = (whole[i : i + n] for n in range(shortest, longest + 1) for i in range(len(whole) - n + 1))
        return [f"part {run}" for run in dict.fromkeys(runs) if run != whole] if longest else []

    def facts(self) -> dict[str, Any]:
        """Return what the language has, for `trax-sentiment info`."""
        kinds = [self.roles[word] for word in self.roles if any(map(str.isalpha, word))]
        return {
            "stemmer": self.stemmer,
            "negations": kinds.count(NEGATES),
            "clause_ends": kinds.count(ENDS_NEGATION),
            "contrasts": list(self.sides.values()).count(CONTRASTS),
            "concessions": list(self.sides.values()).count(CONCEDES),
            "character_ngrams": f"{self.ngrams[0]} to {self.ngrams[1]}" if self.ngrams[1] else None,
            "words_for_people": len(ALL_PEOPLE) if self.is_english else 0,
        }


@cache
def language(code: str) -> Language:
    """Return what is known of a language: nothing but its code and the marks if it has no entry in `languages.json`."""
    if code == ENGLISH:
        return Language(code, "porter", ROLES, SIDES, LEANINGS)
    entry = entries().get(code, {})
    marks = {mark: ENDS_NEGATION for mark in (*_MARKS, *ROLES) if not any(map(str.isalpha, mark))}
    words = {name: entry.get(name, "").split() for name in ("negations", "scope_ends", "contrasting", "conceding")}
    least, greatest = entry.get("ngrams", (0, 0))
    return Language(
        code,
        entry.get("stemmer"),
        marks | dict.fromkeys(words["scope_ends"], ENDS_NEGATION) | dict.fromkeys(words["negations"], NEGATES),
        dict.fromkeys(words["contrasting"], CONTRASTS) | dict.fromkeys(words["conceding"], CONCEDES),
        {sign: leaning for sign, leaning in LEANINGS.items() if not any(map(str.isalpha, sign))},
        entry.get("doubled", ""),
        str.maketrans(entry.get("lower", {})),
        (least, greatest),
    )


@cache
def entries() -> dict[str, dict[str, Any]]:
    """Return the entry of each language that has one."""
    found: dict[str, dict[str, Any]] = srsly.json_loads(
        files("spacy_trax_sentiment.text").joinpath("languages.json").read_text("utf8")
    )
    return found


@lru_cache(maxsize=8)
def _stemmer(name: str) -> Any:
    # Snowball's Porter stemmer in C takes under 1 us per word, NLTK's 30; and importing nltk takes most of a second.
    import Stemmer

    return Stemmer.Stemmer(name, 0)

"""Tokens to terms for sentiment: stems, with elongation made even, negation scope and hashed bigrams."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import compress
from typing import Any

from ..errors import Errors, SentimentError
from .lexemes import ENDS_NEGATION, NEGATES, PLAIN, Lexeme, TokenPreprocessor

# spaCy splits "don't" into "do" and "n't".
NEGATIONS = frozenset(
    {"not", "n't", "nt", "never", "no", "none", "nobody", "nothing", "nowhere", "neither", "nor", "cannot", "hardly"}
    | {"scarcely", "barely", "rarely", "without", "lack", "lacks", "lacked", "lacking", "ain't", "aint"}
)
SCOPE_ENDS = frozenset({"but", "however", "though", "although", "except", "yet", *".,;:!?()…-–—"})
MOST_BUCKETS = 1 << 24

_URL = re.compile(r"(?:https?://|www\.)\S", re.IGNORECASE)
_MENTION = re.compile(r"@\w")
_ELONGATION = re.compile(r"(.)\1{2,}", re.DOTALL)
_NUMBER = "0"
_NOTHING = Lexeme(None)
_ROLES = dict.fromkeys(NEGATIONS, NEGATES) | dict.fromkeys(SCOPE_ENDS, ENDS_NEGATION)


class SentimentTerms(TokenPreprocessor):
    """Lower-cased Porter stems, emoticons, emoji and punctuation marks. Registered as `SentimentTerms.v1`.

    Mentions, URLs, white space and the `#` sign go, so that a hashtag counts as its word. Three or more of a character
    count as two; every number as one term. Terms after a negation are terms of their own, up to a clause's end.
    """

    def __init__(self, negation_scope: int = 5, bigram_buckets: int = 1 << 14) -> None:
        """Raises SentimentError where a number is out of its range."""
        for name, value, most in (
            ("negation_scope", negation_scope, 1000),
            ("bigram_buckets", bigram_buckets, MOST_BUCKETS),
        ):
            if not 0 <= value <= most:
                raise SentimentError(Errors.S021.format(name=name, value=value, wanted=f"a number from 0 to {most}"))
        self.negation_scope, self.bigram_buckets = negation_scope, bigram_buckets

    def lexeme(self, text: str) -> Lexeme:
        if text[:1] == "@" and _MENTION.match(text):
            return _NOTHING
        word = text.lower().replace("’", "'").strip()
        if not word or word == "#" or _URL.match(word) or _MENTION.match(word):
            return _NOTHING
        role = _ROLES.get(word, PLAIN)
        word = _ELONGATION.sub(r"\1\1", word)
        if word.isalpha():
            # Porter's own program leaves words of up to two letters alone; Snowball's makes "" of "s" and "i" of "is".
            return Lexeme(_stemmer().stemWord(word) if len(word) > 2 else word, role)
        if word[0].isdigit() and not any(map(str.isalpha, word)):
            return Lexeme(_NUMBER, role)
        return Lexeme(word, role)

    def lexemes(self, texts: Sequence[str]) -> tuple[list[str | None], list[int]]:
        """As `lexeme`, of many: words of ASCII letters alone are taken together."""
        plain = [text.isalpha() and text.isascii() for text in texts]
        lowered = " ".join(compress(texts, plain)).lower()
        words = _ELONGATION.sub(r"\1\1", lowered).split()
        roles_of_words = [_ROLES.get(word, PLAIN) for word in lowered.split()]
        stems = iter(zip(words, _stemmer().stemWords(words), roles_of_words, strict=True))
        terms: list[str | None] = []
        roles = []
        for text, is_plain in zip(texts, plain, strict=True):
            if is_plain:
                word, stem, role = next(stems)
                terms.append(stem if len(word) > 2 else word)
            else:
                term, role = self.lexeme(text)
                terms.append(term)
            roles.append(role)
        return terms, roles


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    # Snowball's Porter in C takes under 1 us a word, NLTK's 30; and importing nltk takes most of a second.
    import Stemmer

    return Stemmer.Stemmer("porter", 0)

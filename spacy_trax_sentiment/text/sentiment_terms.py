"""Tokens to terms for sentiment: stems, forms, prefixes and lexicon classes."""

import re
from collections.abc import Sequence
from functools import cached_property
from itertools import zip_longest
from typing import Any

import srsly

from ..errors import Errors, SentimentError
from .cleaning import ENTITY_NAMES, NEGATED, elongated, is_address, visible
from .languages import ENGLISH, LEANINGS, Language, language
from .lexicon import N_LEANINGS, Entry, Lexicon, Words, emoji_valence, lexicon_words, read_lexicon
from .preprocessor import CLOSES_TAG, CONCEDES, CONTRASTS, ENDS_NEGATION, NO_EVIDENCE, OPENS_TAG, PLAIN, Lexeme, Lexemes
from .ratings import grade_of, number_leaning
from .token_preprocessor import TokenPreprocessor
from .vocabulary import UNK
from .wordlists import ALL_PEOPLE, PEOPLE

MOST_BUCKETS = 1 << 24
_BOUNDS = {"negation_scope": (0, 1000), "bigram_buckets": (0, MOST_BUCKETS), "bigram_distance": (1, 4)}

_ELONGATION = re.compile(r"(.)\1{2,}", re.DOTALL)
_HTML = re.compile(r"<br|/?>|<")
_QUOTES = ("``", "''", "“", "”")
_EDGES = '.,;:!?"*_~-()[]'
_NUMBER = "0"
_NOTHING = Lexeme(None)
# A term that is not a stem holds a space, so that no stem is taken for it.
_PEOPLE = {word: f"people {group.split()[0]}" for group in PEOPLE for word in group.split()}
_FORM, _PREFIX = "form ", 5
_SHORTEST_STEMMED, _LONGEST_EMOJI = 3, 4
# Lexemes that have no part in the mean of a text, as those of unknown words have none. A line break ends a clause.
_UNKNOWN = Lexeme(UNK)
# Words that are more, or less, than their stem, form and lexicon classes.
_SPECIAL_WORDS = ALL_PEOPLE | {f"{word}s" for word in ALL_PEOPLE} | NEGATED | ENTITY_NAMES | set(LEANINGS)
_LINE_BREAK = Lexeme(UNK, ENDS_NEGATION)


class SentimentTerms(TokenPreprocessor):
    """Turns a token into its Porter stem, its lower-cased form, its first five letters, and its lexicon classes.

    Mentions, URLs, white space and the `#` sign are dropped, so that a hashtag counts as its word. Three or more of the
    same character count as two, or as one if only that makes a word of the lexicons. Every number is one term. Words
    for persons, peoples and first names are one term per group, so that no sentiment is learned about them. Emoji have
    the valence of their Unicode names. After a negation, terms are negated terms of their own, up to the end of the
    clause. A word of the lexicons also counts by the side of the text's last `but`, `however` or `yet` it is on; if
    there is none, by whether it is in the last clause that begins with `although`, `though` or `despite`.

    With `informal`, words count without the markup, entities, invisible characters and marks that are glued to them.
    Negations are known in capitals and with any apostrophe. Ratings such as "1 star" and "9/10" have terms of their
    own. Words for people are unknown words instead, and many more of them.

    Registered as `spacy_trax_sentiment.SentimentTerms.v1`.
    """

    def __init__(
        self,
        negation_scope: int = 5,
        bigram_buckets: int = 1 << 14,
        bigram_distance: int = 2,
        lexicon: bool | str = True,
        concessions: bool = True,
        informal: bool = True,
        lang: str | None = None,
    ) -> None:
        """Take the settings.

        Args:
            negation_scope: The number of tokens that a negation reaches, 0 to 1000; 0 for none.
            bigram_buckets: The ids that pairs of tokens are hashed to, for each distance; 0 for no pairs.
            bigram_distance: The greatest distance at which tokens are paired, 1 to 4; 1 pairs neighbours only.
            lexicon: Whether to use the package's lexicons (outside English, only their emoji and emoticons), or a file
                instead, with a word, a tab and its valence (-4 to 4) per line. It is saved with the model.
            concessions: Whether `although` and the like count. Off in models saved before this setting existed.
            informal: Whether the rules for informal text above apply. Off in models saved before this setting existed.
            lang: The language's code; None for that of the vocabulary. See `languages.py` for what depends on it.

        Raises:
            SentimentError: A number is out of range.
        """
        self.negation_scope, self.bigram_buckets, self.bigram_distance = negation_scope, bigram_buckets, bigram_distance
        for name, (least, most) in _BOUNDS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                wanted = f"a number from {least} to {most}"
                raise SentimentError(Errors.S021.format(name=name, value=value, wanted=wanted))
        self.n_leanings = N_LEANINGS if lexicon else 0
        self.concessions, self.informal, self.lang = concessions, informal, lang
        self._file = lexicon if isinstance(lexicon, str) else None
        self._choose_words()

    def take_language(self, lang: str) -> None:
        if self.lang is None:
            self.lang = lang or ENGLISH
            self._choose_words()

    def initialize(self) -> None:
        if self._file is not None:
            self._choose_words(read_lexicon(self._file, self._language.lowered))
            self._file = None

    def _choose_words(self, own: Words | None = None) -> None:
        vars(self).pop("_lexicon", None)
        is_bundled = self._language.is_english and self._file is None
        self._words: Words | None = lexicon_words(is_bundled, self.informal, own) if self.n_leanings else {}

    @property
    def _language(self) -> Language:
        return language(self.lang or ENGLISH)

    @cached_property
    def _lexicon(self) -> Lexicon:
        return Lexicon(self._words or {}, self._language.stems)

    @property
    def _has_own_lexemes(self) -> bool:  # whether no subclass overrides `lexeme` or `lexemes`
        return (type(self).lexeme, type(self).lexemes) == (SentimentTerms.lexeme, SentimentTerms.lexemes)

    @property
    def alike(self) -> frozenset[str]:
        numbers = [] if self.informal else ["number"]
        return frozenset(["mention", "link", *numbers] if self._has_own_lexemes else [])

    def lexeme(self, text: str) -> Lexeme:
        if self.informal:
            return self._informal_lexeme(text)
        if text.isdigit():
            return Lexeme(_NUMBER)
        lowered = self._language.lowered(text).strip()
        first = lowered[:1]
        if first.isdigit() and not any(map(str.isalpha, lowered)):
            return Lexeme(_NUMBER)  # the common case of the one below
        if is_address(lowered):
            return _NOTHING
        word = self._normalized(lowered)
        if not word or word == "#":
            return _NOTHING
        if word in _PEOPLE and self._language.is_english:
            return Lexeme(_PEOPLE[word])
        if word.isalpha():
            return self._word_lexeme(word)
        if word[0].isdigit() and not any(map(str.isalpha, word)):
            return Lexeme(_NUMBER, self._language.roles.get(word, PLAIN))
        return self._sign_lexeme(word, self._sign_entry(text.strip(), word))

    def _informal_lexeme(self, text: str) -> Lexeme:
        if text.isspace():
            return _LINE_BREAK if "\n" in text else _NOTHING
        text = visible(text).strip()
        lowered = self._language.lowered(text)
        if not lowered or is_address(lowered):
            return _NOTHING
        if not any(map(str.isalpha, lowered)) and any(map(str.isdigit, lowered)) and lowered not in self._lexicon:
            grade = grade_of(lowered)
            return Lexeme(_NUMBER, PLAIN, (grade,)) if grade else _number_lexeme(lowered)
        short = self._shortened(lowered)
        if not short.isalnum():
            entry = self._sign_entry(text, short)
            if entry.valence is not None or not any(map(str.isalnum, short)):
                return self._informal_sign(short, entry)
        lexemes = [self._informal_word(word) for word in self._language.words(lowered)]
        if len(lexemes) < 2:
            return lexemes[0] if lexemes else _NOTHING
        terms = [term for lexeme in lexemes for term in lexeme.terms]
        role = next((lexeme.role for lexeme in lexemes if lexeme.role != PLAIN), PLAIN)
        return Lexeme(terms[0], role, tuple(terms[1:]), next((each.leaning for each in lexemes if each.leaning), 0))

    def _informal_sign(self, sign: str, entry: Entry) -> Lexeme:
        if sign == "#":
            return _NOTHING
        leaning = self._language.leanings.get(sign, 0)
        if leaning in (OPENS_TAG, CLOSES_TAG) or not (sign.isascii() or entry.terms or sign in self._language.roles):
            return Lexeme(UNK, PLAIN, (), leaning)
        lexeme = self._sign_lexeme('"' if sign in _QUOTES else sign, entry)
        role = NO_EVIDENCE if lexeme.role == PLAIN and not entry.terms else lexeme.role
        if lexeme.leaning > 0 and not leaning and not sign[0].isalnum():  # a face
            role = ENDS_NEGATION
        return lexeme._replace(role=role, leaning=leaning or lexeme.leaning)

    def _informal_word(self, word: str) -> Lexeme:
        if word.isdigit():
            return _number_lexeme(word)
        word = self._shortened(word)
        if self._language.is_english and (word in ALL_PEOPLE or word.removesuffix("s") in ALL_PEOPLE):
            return _UNKNOWN
        if self._language.is_english and word in NEGATED:
            word = "n't"
        is_sign = not self._language.is_word(word)
        lexeme = self._sign_lexeme(word, self._lexicon.entry(word, word)) if is_sign else self._word_lexeme(word)
        says_nothing = len(word) == 1 and lexeme.role == PLAIN and not self._language.has_letter_words
        role = NO_EVIDENCE if says_nothing else lexeme.role
        return lexeme._replace(role=role, leaning=self._language.leanings.get(word, lexeme.leaning))

    def _word_lexeme(self, word: str) -> Lexeme:
        # Porter's own program leaves shorter words alone; Snowball's turns "s" into "" and "is" into "i".
        stem = self._language.stems([word])[0] if len(word) >= _SHORTEST_STEMMED else word
        entry = self._lexicon.entry(word, stem)
        prefix = (f"prefix {word[:_PREFIX]}",) if len(word) >= _PREFIX else ()
        more = (_FORM + word, *prefix, *entry.terms, *self._language.parts(word))
        return Lexeme(stem, self._language.roles.get(word, PLAIN), more, self._leaning(word, entry))

    def _sign_lexeme(self, word: str, entry: Entry) -> Lexeme:
        return Lexeme(
            word, self._language.roles.get(word, PLAIN), (_FORM + word, *entry.terms), self._leaning(word, entry)
        )

    def side_by_side(self, texts: Sequence[str]) -> Lexemes:
        if not self._has_own_lexemes or not self._language.is_english:
            return super().side_by_side(texts)
        # Process plain ASCII words as a batch; everything else goes through `lexeme`.
        words = [text.lower() if text.isascii() and text.isalpha() else "" for text in texts]
        stems: list[str | None] = list(self._language.stems(words))
        roles_of, sides = self._language.roles, self._language.sides
        forms: list[str | None] = [_FORM + word for word in words]
        prefixes = ["prefix " + word[:_PREFIX] if len(word) >= _PREFIX else None for word in words]
        opinions: list[str | None] = [None] * len(words)
        terms = [stems, forms, prefixes, opinions, opinions.copy()]
        roles, leanings = [roles_of.get(word, PLAIN) for word in words], [0] * len(words)
        listed: frozenset[str] = frozenset()
        listed_stems = listed
        if max(map(len, words), default=0) >= _SHORTEST_STEMMED:
            listed, listed_stems = self._lexicon.words, self._lexicon.stems
        others = set(elongated(words))
        special = _SPECIAL_WORDS if self.informal else _PEOPLE.keys()
        for i, (word, stem) in enumerate(zip(words, stems, strict=True)):
            if len(word) < _SHORTEST_STEMMED or word in special:
                others.add(i)
            elif word in listed or stem in listed_stems or word in sides:
                entry = self._lexicon.entry(word, stem or "")
                opinions[i], terms[-1][i] = entry.opinion_term, entry.valence_term
                leanings[i] = self._leaning(word, entry)
        for i in others:
            lexeme = self.lexeme(texts[i])
            roles[i], leanings[i] = lexeme.role, lexeme.leaning
            terms += [[None] * len(words) for _ in lexeme.terms[len(terms) :]]
            for of_place, term in zip_longest(terms, lexeme.terms):
                of_place[i] = term
        return Lexemes(terms, roles, leanings)

    def _leaning(self, word: str, entry: Entry) -> int:
        side = self._language.sides.get(word)
        if side == CONTRASTS or (side == CONCEDES and self.concessions):
            return side if self.n_leanings else 0
        sign = entry.opinion or entry.valence
        return (1 if sign > 0 else 2) if sign else 0

    def _normalized(self, lowered: str) -> str:
        word = lowered.replace("’", "'")
        if word in _QUOTES:
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
        short = self._language.shortened(word)
        if short is not None:
            return word if word in self._lexicon else short
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
            valence = emoji_valence(word)
        return Entry(entry.opinion, valence)

    def __getstate__(self) -> dict[str, Any]:
        # Another process, or a copy, makes its own lexicon from the words.
        return {name: value for name, value in vars(self).items() if name != "_lexicon"}

    def to_bytes(self) -> bytes:
        return bytes(srsly.msgpack_dumps(self.__getstate__()))

    def from_bytes(self, data: bytes) -> "SentimentTerms":
        vars(self).pop("_lexicon", None)
        absent = {"concessions": False, "informal": False, "lang": ENGLISH, "_file": None}
        vars(self).update({**absent, **srsly.msgpack_loads(data)})
        return self


def _number_lexeme(text: str) -> Lexeme:
    return Lexeme(_NUMBER, NO_EVIDENCE, (), number_leaning(text))

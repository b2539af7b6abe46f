"""Split simple chunks as spaCy's tokenizer would, by one regular expression: a chunk to its tokens, or None.

Simple chunks are words, hashtags, mentions and short links with the usual marks around them. The tokenizer takes about
10 us for each, nearly all of it in the many regular expressions of its rules. This module knows what those rules, which
most languages share, make of simple chunks.
"""

import re
from collections.abc import Mapping, Sequence
from string import ascii_letters
from typing import Any, NamedTuple

from spacy.attrs import ORTH, intify_attrs
from spacy.lang.char_classes import UNITS
from spacy.lang.en import English
from spacy.tokenizer import Tokenizer
from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex

# Either a word, number or mention with what is split off it, in order: an opening mark, a number sign, the possessive
# and closing marks. A full stop is split off after a lower-case letter, a digit or two capitals. Or two words with a
# mark between them. Each group that matches is a token, except that the closing marks are several. A run of dots among
# them is matched whole or not at all. There are so many ways to divide one that a chunk of a hundred dots would take
# minutes.
_WORD = re.compile(
    r"""
    (\.\.+|["'(\[*$“‘’]?)(\#?)
    (?: ((?:@_*)?[A-Za-z0-9]+(?:_+[A-Za-z0-9]+)*|[0-9]+(?:[:/.,][0-9]+)+)
        (['’][sS])?
        ((?:(?:(?<=[a-z0-9])|(?<=[A-Z][A-Z]))\.(?!\.))?(?:\.\.+(?!\.)|["')\]’”]\.(?!\.)|[!?,:;"')\]*_’”]){0,6})
    | ([A-Za-z]+|[0-9]+(?=-))(-|,|/|\.\.+)([A-Za-z]+|(?<=[0-9]-)[0-9]+)((?:(?:(?<=[a-z0-9])|(?<=[A-Z][A-Z]))\.|[,:!?])?)
    )
    """,
    re.VERBOSE,
)
_WORD_GROUP, _CLOSING_GROUP = 2, 4
_MARKS = re.compile(r"\.\.+|.")
_LINK = re.compile(r"https?://t\.co/[A-Za-z0-9]+")
# The units that are split off a digit, of ASCII letters only.
UNIT_NAMES = frozenset(unit for unit in UNITS.split("|") if unit.isascii() and unit.isalpha())


def knows_rules(tokenizer: Tokenizer) -> bool:
    """Return whether the tokenizer's rules, apart from its special cases, are those that `simple_tokens` knows."""
    defaults = English.Defaults
    known = (
        (tokenizer.prefix_search, compile_prefix_regex(defaults.prefixes or ())),
        (tokenizer.suffix_search, compile_suffix_regex(defaults.suffixes or ())),
        (tokenizer.infix_finditer, compile_infix_regex(defaults.infixes or ())),
    )
    same = all(getattr(getattr(rule, "__self__", None), "pattern", None) == regex.pattern for rule, regex in known)
    url_match: Any = defaults.url_match
    return same and tokenizer.token_match is None and tokenizer.url_match == url_match


class SpecialCases(NamedTuple):
    """The tokens of each special case of a tokenizer, and the cases that are not one token with their own text."""

    tokens: dict[str, tuple[str, ...]]
    parted: frozenset[str]


def special_cases(tokenizer: Tokenizer) -> SpecialCases:
    """Return the special cases of a tokenizer."""
    rules: Mapping[str, Sequence[Mapping[Any, Any]]] = tokenizer.rules
    tokens = {
        text: tuple(part[ORTH] if ORTH in part else intify_attrs(part)[ORTH] for part in case)
        for text, case in rules.items()
    }
    return SpecialCases(tokens, frozenset(text for text, parts in tokens.items() if parts != (text,)))


def simple_tokens(chunk: str, cases: SpecialCases) -> Sequence[str] | None:
    """Return the texts of a chunk's tokens, or None if only the tokenizer, whose other rules are known, can tell."""
    if chunk in cases.tokens:
        return cases.tokens[chunk]
    if chunk.startswith("http") and _LINK.fullmatch(chunk):
        return None if _ends_in_unit(chunk) else (chunk,)
    match = _WORD.fullmatch(chunk)
    if match is None:
        return None
    groups = match.groups()
    word, closing = groups[_WORD_GROUP], groups[_CLOSING_GROUP]
    if word is not None and not word.isalpha() and _ends_in_unit(word):
        return None
    tokens = [group for group in groups if group]
    if closing is not None and len(closing) > 1:
        tokens[-1:] = _MARKS.findall(closing)
    return None if hold_case(tokens, cases) else tokens


def _ends_in_unit(word: str) -> bool:
    rest = word.rstrip(ascii_letters)
    return rest[-1:].isdigit() and word[len(rest) :] in UNIT_NAMES


def hold_case(tokens: Sequence[str], cases: SpecialCases) -> bool:
    """Return whether some of a chunk's tokens, side by side, spell a special case that is not just one of them."""
    if not cases.parted.isdisjoint(tokens):
        return True
    for start in range(len(tokens) - 1):
        text = tokens[start]
        for token in tokens[start + 1 :]:
            text += token
            if text in cases.tokens:
                return True
    return False

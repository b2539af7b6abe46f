"""Simple chunks to tokens without spaCy's tokenizer, where its rules are those that most languages share.

Words, hashtags, mentions and short links, with the usual marks around them, are most of the chunks never seen before,
and each costs the tokenizer some 10 us, nearly all of it in regular expressions. What these make of such chunks is
known beforehand.
"""

import re
from collections.abc import Container, Mapping, Sequence
from string import ascii_letters
from typing import Any, NamedTuple

from spacy.attrs import ORTH, intify_attrs
from spacy.lang.char_classes import UNITS
from spacy.lang.en import English
from spacy.tokenizer import Tokenizer
from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex

# A word, number or mention with what is split off it, in turn: an opening mark, a number sign, the possessive, closing
# marks. A full stop is split off where a small letter, a digit or two capitals precede it. Or two words with a mark
# between them. The groups that match are the tokens, in order, but for the closing marks. A run of dots among these is
# taken whole or not at all: there are so many ways to part one that a chunk of a hundred dots would take minutes.
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
# Split off after a digit; of letters of ASCII alone.
UNIT_NAMES = frozenset(unit for unit in UNITS.split("|") if unit.isascii() and unit.isalpha())


def knows_rules(tokenizer: Tokenizer) -> bool:
    """RETURNS: Whether the tokenizer's rules, but for its special cases, are those that `simple_tokens` knows."""
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
    """The tokenizer's special cases. tokens: Those of each. parted: Those that are not one token of their own text."""

    tokens: dict[str, tuple[str, ...]]
    parted: frozenset[str]


def special_cases(rules: Mapping[str, Any]) -> SpecialCases:
    """rules: As `Tokenizer.rules`."""
    tokens = {text: tuple(map(_orth, case)) for text, case in rules.items()}
    return SpecialCases(tokens, frozenset(text for text, parts in tokens.items() if parts != (text,)))


def _orth(part: Mapping[Any, Any]) -> str:
    text: str = part[ORTH] if ORTH in part else intify_attrs(part)[ORTH]
    return text


def simple_tokens(chunk: str, cases: SpecialCases) -> Sequence[str] | None:
    """RETURNS: The texts of the chunk's tokens; None where the tokenizer must be asked."""
    tokens = cases.tokens.get(chunk)
    if tokens is not None:
        return tokens
    if chunk.startswith("http") and _LINK.fullmatch(chunk):
        return None if _ends_in_unit(chunk) else (chunk,)
    return _matched_tokens(chunk, cases)


def _matched_tokens(chunk: str, cases: SpecialCases) -> Sequence[str] | None:
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
    if not cases.parted.isdisjoint(tokens) or (len(tokens) > 2 and _spell_case(tokens, cases.tokens)):
        return None
    return tokens


def _ends_in_unit(word: str) -> bool:
    rest = word.rstrip(ascii_letters)
    return rest[-1:].isdigit() and word[len(rest) :] in UNIT_NAMES


def _spell_case(tokens: Sequence[str], cases: Container[str]) -> bool:
    """RETURNS: Whether some of the tokens, side by side, spell a special case."""
    for start in range(len(tokens) - 1):
        text = tokens[start]
        for token in tokens[start + 1 :]:
            text += token
            if text in cases:
                return True
    return False

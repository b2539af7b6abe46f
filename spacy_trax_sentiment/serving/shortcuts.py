"""Simple chunks to tokens without spaCy's tokenizer, where its rules are those that most languages share.

Words, hashtags, mentions and short links are nine in ten of the chunks never seen before, and each costs the tokenizer
some 10 us, nearly all of it in regular expressions. What these make of such chunks is known beforehand.
"""

import re
from typing import Any

from spacy.lang.en import English
from spacy.tokenizer import Tokenizer
from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex

# Only ASCII letters, which no rule splits, then at most one mark, which is always split off: a full stop is where a
# small letter precedes it. A `#` before is split off too.
_WORD = re.compile(r"(#?)([A-Za-z]+)(?:([,!?])|(?<=[a-z])(\.))?")
# Units such as "km" are split off after a digit, so a mention with a digit must end in one, and a link must end in a
# digit or in more letters than any unit has.
_MENTION = re.compile(r"@(?:[A-Za-z_]*[A-Za-z]|[A-Za-z0-9_]*[0-9])")
_LINK = re.compile(r"https?://t\.co/[A-Za-z0-9]*(?:[0-9]|[A-Za-z]{6})")


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


def simple_tokens(chunk: str, special_cases: dict[str, Any]) -> tuple[str, ...] | None:
    """RETURNS: The texts of the chunk's tokens; None where the tokenizer must be asked."""
    if chunk in special_cases:
        return None
    word = _WORD.fullmatch(chunk)
    if word is not None:
        if word[2] in special_cases or chunk[len(word[1]) :] in special_cases:
            return None
        return tuple(part for part in word.groups() if part)
    if _MENTION.fullmatch(chunk) or _LINK.fullmatch(chunk):
        return (chunk,)
    return None

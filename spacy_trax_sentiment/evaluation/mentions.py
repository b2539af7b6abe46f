"""Targets in words to patterns, and texts to the mentions that these find."""

import re
from collections.abc import Iterable

from ..bulk.text_scorer import without_surrogates
from ..errors import Errors, SentimentError

_TO_EACH_SIDE = 80


def parse_targets(targets: Iterable[str]) -> dict[str, re.Pattern[str]]:
    """Return for each target's name what finds its words and their plurals, whole and in any case.

    A target is a word or a phrase, or a name with several: "service=service,waiter". One that is given again gets
    further words. A blank one raises SentimentError.
    """
    words: dict[str, list[str]] = {}
    for target in map(without_surrogates, targets):
        name, is_name, listed = target.partition("=")
        found = [word.strip() for word in (listed.split(",") if is_name else [name])]
        if not name.strip() or not all(found):
            raise SentimentError(Errors.S223.format(target=target))
        words.setdefault(name.strip(), []).extend(found)
    return {name: _pattern(found) for name, found in words.items()}


def _pattern(words: list[str]) -> re.Pattern[str]:
    longest_first = map(_with_plural, sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)", re.IGNORECASE)


def _with_plural(word: str) -> str:
    pattern = r"\s+".join(map(re.escape, word.split()))
    if re.search("[^aeiou]y$", word, re.IGNORECASE):
        return f"{pattern[:-1]}(?:y|ies)"
    return f"{pattern}(?:e?s)?" if word[-1].isalpha() else pattern


def quoted(text: str, start: int, end: int) -> tuple[str, str, str]:
    """Return some of the text before a mention, the mention and some after it, with single spaces."""
    before, after = text[max(start - _TO_EACH_SIDE, 0) : start], text[end : end + _TO_EACH_SIDE]
    before, mention, after = (re.sub(r"\s+", " ", part) for part in (before, text[start:end], after))
    if start > _TO_EACH_SIDE:  # cut between words, if possible
        before = f"…{before.partition(' ')[2] or before}"
    if len(text) > end + _TO_EACH_SIDE:
        after = f"{after.rpartition(' ')[0] or after}…"
    return before.lstrip(), mention, after.rstrip()

"""Targets in words to phrases, and texts to the mentions of these: spans of characters."""

import re
from collections.abc import Iterable

from ..errors import Errors, SentimentError
from ..text.cleaning import without_surrogates

Phrases = dict[str, list[list[str]]]
"""By their first pieces, the phrases to look for, each the pieces that follow one another; the longest first."""

Spans = list[tuple[int, int]]
"""The mentions in a text, each from a character to before another."""

_PIECE = re.compile(r"\w+|[^\w\s]")
_SPACE = re.compile(r"\s+")
_TO_EACH_SIDE = 80


def parse_targets(targets: Iterable[str]) -> dict[str, Phrases]:
    """Return for each target's name its words or phrases, with their plurals.

    Each string holds targets, "food, service", or a name with the words for it, "service=service,waiter,staff". A name
    that is given again gets further words. A blank one, or a blank word, raises SentimentError.
    """
    found: dict[str, list[str]] = {}
    for target in map(without_surrogates, targets):
        name, is_name, listed = target.partition("=")
        for word in map(str.strip, (listed if is_name else name).split(",")):
            if not word or not name.strip():
                raise SentimentError(Errors.S223.format(target=target))
            found.setdefault(name.strip() if is_name else word, []).extend(_with_plurals(word))
    return {name: _phrases(words) for name, words in found.items()}


def _with_plurals(word: str) -> list[str]:
    of_y = [f"{word[:-1]}ies"] if word.endswith("y") and word[-2:-1] not in "aeiou" else []
    return [word, f"{word}s", f"{word}es", *of_y] if word[-1].isalpha() else [word]


def _phrases(words: Iterable[str]) -> Phrases:
    phrases: Phrases = {}
    all_pieces = ([piece.casefold() for piece in _PIECE.findall(word)] for word in words)
    for pieces in sorted(all_pieces, key=len, reverse=True):
        phrases.setdefault(pieces[0], []).append(pieces)
    return phrases


def mentions(phrases: Phrases, text: str) -> Spans:
    """Return all mentions of the phrases in a text, whole and in any case; of those that overlap, the first."""
    places = [each.span() for each in _PIECE.finditer(text)]
    pieces = [text[start:end].casefold() for start, end in places]
    spans, i = [], 0
    while i < len(pieces):
        n = next((len(each) for each in phrases.get(pieces[i], ()) if pieces[i : i + len(each)] == each), 0)
        if n:
            spans.append((places[i][0], places[i + n - 1][1]))
        i += n or 1
    return spans


def quoted(text: str, start: int, end: int) -> tuple[str, str, str]:
    """Return some of the text before a mention, the mention and some after it, with single spaces."""
    before, after = text[max(start - _TO_EACH_SIDE, 0) : start], text[end : end + _TO_EACH_SIDE]
    before, mention, after = (_SPACE.sub(" ", part) for part in (before, text[start:end], after))
    if start > _TO_EACH_SIDE:  # cut between words, if possible
        before = f"…{before.partition(' ')[2] or before}"
    if len(text) > end + _TO_EACH_SIDE:
        after = f"{after.rpartition(' ')[0] or after}…"
    return before.lstrip(), mention, after.rstrip()

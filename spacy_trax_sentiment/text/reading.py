"""Texts to whether they call for reading: whether something in them may turn what their words say one by one."""

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from .cleaning import APOSTROPHES, NEGATED

# Words that call for reading, by kind. A space stands for any white space.
WORDS = {
    "negation": "not, never, no, nor, neither, none, nothing, nobody, nowhere, without, hardly, barely, scarcely, "
    "cannot, anything but, far from, lack, lacks, lacked, "
    + ", ".join(sorted(each for each in NEGATED if "'" not in each)),
    "contrast": "but, however, although, though, yet, despite, in spite of, while, whereas, except, otherwise, "
    "instead, nevertheless, nonetheless, still, even so, on the other hand",
    "condition": "if, unless, would, could, should, might, wish, wishes, wished, hope, hoped, hoping, supposed to",
    "time": "used to, thought, expected, expecting, until, anymore, any more, no longer, once, formerly, previously",
}
# Other signs that call for reading, by kind, as regular expressions.
MARKS = {"contraction": rf"n[{APOSTROPHES}]t\b"}

_WORDS = "|".join(f"(?P<{kind}>{words.replace(', ', '|')})" for kind, words in WORDS.items()).replace(" ", r"\s+")
_READING = re.compile("|".join([rf"\b(?:{_WORDS})\b", *(f"(?P<{kind}>{mark})" for kind, mark in MARKS.items())]))


def kind_of_reading(text: str) -> str | None:
    """Return the kind of what calls for reading in a text, the first that is found; None if nothing does."""
    # In lower case, because a pattern that ignores case is four times as slow.
    found = _READING.search(text.lower())
    return None if found is None else found.lastgroup


def call_for_reading(texts: Iterable[str]) -> NDArray[np.bool_]:
    """Return whether each text calls for reading, bool (n_texts,)."""
    return np.array([kind_of_reading(text) is not None for text in texts], dtype=bool)

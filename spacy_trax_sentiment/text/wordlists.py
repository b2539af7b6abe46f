"""Lists of English words that `SentimentTerms` treats alike, read from `wordlists.json`."""

from importlib.resources import files
from typing import Any

import srsly

_LISTS: dict[str, Any] = srsly.json_loads(
    files("spacy_trax_sentiment.text").joinpath("wordlists.json").read_text("utf8")
)

# spaCy splits "don't" into "do" and "n't".
NEGATIONS = frozenset(_LISTS["negations"].split())
SCOPE_ENDS = frozenset(_LISTS["scope_ends"].split())
# The words after them count for more than those before.
CONTRASTING = frozenset(_LISTS["contrasting"].split())
# The clause they begin counts for less than the rest.
CONCEDING = frozenset(_LISTS["conceding"].split())

# Words for people. Each group is one term, so that the model learns no sentiment about any of its members.
PEOPLE: list[str] = _LISTS["people"]
# All of them, and many more, for preprocessors to which such words are unknown.
ALL_PEOPLE = frozenset(" ".join([*PEOPLE, _LISTS["people_without_term"]]).split())

# The valence that words of an emoji's Unicode name stand for, on VADER's scale.
EMOJI_VALENCES: dict[str, float] = _LISTS["emoji_valences"]
# Emoji, separated by spaces, by their valence: VADER's list (see NOTICE), and more for those it has no valence for.
EMOJI: dict[str, str] = _LISTS["emoji"]
# One of these alone decides the valence, whatever the rest of the name.
TELLING_NAMES: list[str] = _LISTS["telling_emoji_names"]

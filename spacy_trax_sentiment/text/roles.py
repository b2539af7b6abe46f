"""English words and marks to what they do to the tokens around them: their roles and their leanings below 0."""

from .preprocessor import ANSWERS, ASKS, CLOSES_TAG, CONCEDES, CONTRASTS, ENDS_NEGATION, NEGATES, OPENS_TAG
from .ratings import LEANINGS as _OF_RATINGS
from .wordlists import CONCEDING, CONTRASTING, NEGATIONS, SCOPE_ENDS

ROLES = dict.fromkeys(NEGATIONS, NEGATES) | dict.fromkeys(SCOPE_ENDS, ENDS_NEGATION)
SIDES = dict.fromkeys(CONTRASTING, CONTRASTS) | dict.fromkeys(CONCEDING, CONCEDES)
LEANINGS = {
    **_OF_RATINGS,
    **dict.fromkeys(("no", "none", "nope", "nah"), ANSWERS),
    "?": ASKS,
    **dict.fromkeys(("<", "</"), OPENS_TAG),
    **dict.fromkeys((">", "/>"), CLOSES_TAG),
}

"""Messages to words that an encoder knows from books: emoji, emoticons, links, drawn-out words."""

import re
import unicodedata

LINK, MENTION = "http", "@user"

_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_MENTION = re.compile(r"@\w+")
_NOT = re.compile(r"(?<=[a-z])n['\u2019\u2018\u02bc\u00b4`]t\b|^n['\u2019\u2018\u02bc\u00b4`]?t$", re.IGNORECASE)
_LIKE_A_WORD = {"xd": "laughing face"}
# The tokens that spaCy splits from "can't", "won't" and "shan't".
_WORDS = {"ca": "can", "wo": "will", "sha": "shall", "nt": "not"} | _LIKE_A_WORD
_DRAWN_OUT = re.compile(r"([^\W\d_])\1{2,}")
# An 8 is a pair of eyes only above a nose: "8/3" is a date, and "8)" ends a list.
_EMOTICON = re.compile(r"[<>]?(?:[:;=xX]['’]?[-o*^]?|8-)(?P<mouth>[)\](\[dDpP/\\|@*]+)")
_REVERSED = re.compile(r"(?P<mouth>[)(\]\[]+)(?:['’]?[-o*^]?[:;=]|-8)")
_MOUTHS = {
    **dict.fromkeys(")]dD*", "smile"),
    **dict.fromkeys("([@", "sad face"),
    **dict.fromkeys("/\\|", "doubtful face"),
}
_MOUTHS |= dict.fromkeys("pP", "playful smile")
_OTHER_EMOTICONS = {
    ":3": "smile",
    "<3": "love",
    "</3": "broken heart",
    "^_^": "smile",
    "^^": "smile",
    "-_-": "annoyed face",
    ">_<": "annoyed face",
    "t_t": "crying face",
    ":'(": "crying face",
    "o_o": "surprised face",
}
# Variation selectors, joiners, and the skin tones of emoji say nothing here.
_UNSPOKEN = re.compile("[\ufe0e\ufe0f\u200d\u200b-\u200f\u00ad\U0001f3fb-\U0001f3ff]")
_FIRST_SYMBOL = "\u203c"
# Lines and blocks that draw boxes, and what stands for a character that was lost.
_NAMELESS = frozenset(map(chr, range(0x2500, 0x25A0))) | {"\ufffd"}


def in_plain_words(token: str, *, english: bool = True) -> str:
    """Return a token in plain words; most are returned as they are.

    Emoji are called by their Unicode names, a link is LINK, a mention MENTION (both as in TweetEval), a letter that is
    repeated more than twice is written twice, and a few emoticons are described. If the text is `english`, `n't` is
    "not", and what precedes it is written out.
    """
    words = _WORDS if english else _LIKE_A_WORD
    if token.isascii() and token.isalpha():
        return words.get(token.lower()) or _DRAWN_OUT.sub(r"\1\1", token)
    if _LINK.match(token):
        return LINK
    if _MENTION.fullmatch(token):
        return MENTION
    described = _emoticon(token)
    if described:
        return described
    verb, negation, rest = (_NOT.sub(" not ", token) if english else token).partition(" not ")
    token = _DRAWN_OUT.sub(r"\1\1", f"{words.get(verb.lower(), verb)}{negation}{rest}".strip())
    return token if token.isascii() else "".join(map(_named, _UNSPOKEN.sub("", token)))


def _emoticon(token: str) -> str | None:
    if not 2 <= len(token) <= 8:
        return None
    other = _OTHER_EMOTICONS.get(token.lower())
    if other:
        return other
    found = _EMOTICON.fullmatch(token)
    if found:
        return None if token.isalnum() else _MOUTHS[found["mouth"][0]]
    found = _REVERSED.fullmatch(token)
    return ("smile" if found["mouth"][0] in "([" else "sad face") if found else None


def _named(char: str) -> str:
    """Return a symbol's name, such as " grinning face ", and any other character as it is."""
    if char < _FIRST_SYMBOL or char in _NAMELESS or unicodedata.category(char) != "So":
        return char
    return f" {unicodedata.name(char, char).lower()} "

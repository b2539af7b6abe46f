"""A token as it is written to the words in it, without markup, entities, invisible characters and glued marks."""

import html
import re
import unicodedata
from collections.abc import Sequence

import numpy as np

_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]")
_ESCAPES = re.compile(r"\\[nrt]")
ENTITY_NAMES = frozenset(
    ["amp", "apos", "gt", "hellip", "ldquo", "lsquo", "lt", "mdash", "nbsp", "ndash", "quot", "rdquo", "rsquo", "shy"]
)
# The tokenizer may split off the mark that an entity begins or ends with.
_ENTITY = re.compile(
    rf"&#?\w{{2,8}};?|(?<![^\W_])(?:#?(?:\d{{2,6}}|x[0-9a-f]{{2,6}})|{'|'.join(sorted(ENTITY_NAMES))});", re.IGNORECASE
)
_TAG = re.compile(r"</?[a-zA-Z!][^<>]*>?|^[^<>]*['\"]>|<$|^>|/>$")
_LINK_OF_MARKDOWN = re.compile(r"\]\(.*")
_STRUCK = re.compile(r"~~.*~~")
_URL = re.compile(r"(?:https?://|www\.)\S", re.IGNORECASE)
_MENTION = re.compile(r"@\w")
APOSTROPHES = "'\u2018\u2019\u02bc\u00b4`\u2032\uff07"
_TO_ASCII = str.maketrans(dict.fromkeys(APOSTROPHES, "'"))
# Between words that a letter, a digit or an apostrophe joins, everything is a border.
_WORD = re.compile(r"[^\W_]+(?:['.-][^\W_]+)*")
_VERBS = "do does did is are was were has have had ca can could wo would should must need might ought dare ai sha"
NEGATED = frozenset(f"{verb}{end}" for verb in ["", *_VERBS.split()] for end in ("n't", "nt"))
"""`n't` and the verbs with it, lower-cased, with the apostrophe and without."""


def without_surrogates(text: str) -> str:
    """Return the text with U+FFFD in place of lone surrogates, which spaCy refuses."""
    # Each on its own, because other threads wait while a codec is at work.
    return _SURROGATES.sub(lambda found: found[0].encode("utf-16", "surrogatepass").decode("utf-16", "replace"), text)


def is_invisible(char: str) -> bool:
    """Return whether a character is a joiner, a variation selector, a soft hyphen, a skin tone or the like."""
    return "\ufe00" <= char <= "\ufe0f" or "\U0001f3fb" <= char <= "\U0001f3ff" or unicodedata.category(char) == "Cf"


def visible(token: str) -> str:
    """Return a token without invisible characters and entities. All apostrophes become the one of ASCII."""
    if not token.isalpha() and ("&" in token or ";" in token):
        token = _ENTITY.sub(_unescaped, token)
    if token.isascii():
        return token.replace("`", "'")
    token = token.translate(_TO_ASCII)
    if any(map(str.isalpha, token)):
        token = unicodedata.normalize("NFKC", token)
    return "".join(char for char in token if not is_invisible(char))


def is_mark(char: str) -> bool:
    """Return whether a character combines with the letter before it."""
    return unicodedata.category(char)[0] == "M"


def is_of_letters(word: str) -> bool:
    """Return whether a word is of letters, and marks that combine with them, alone."""
    return word.isalpha() or all(char.isalpha() or is_mark(char) for char in word)


def words_in(token: str, *, with_marks: bool = False) -> list[str]:
    """Return the words of a visible, lower-cased token that holds letters: none if it is markup or struck out.

    Combining marks are borders, unless words may hold them, as in Hindi, Arabic and Thai.
    """
    if token.isalpha():
        return [] if token in ENTITY_NAMES else [token]
    if _STRUCK.fullmatch(token):
        return []
    if "\\" in token:
        token = _ESCAPES.sub(" ", token)
    if "<" in token or ">" in token:
        token = _TAG.sub(" ", token)
    if "](" in token:
        token = _LINK_OF_MARKDOWN.sub("", token)
    letters = "".join("a" if is_mark(char) else char for char in token) if with_marks else token
    words = [token[slice(*word.span())] for word in _WORD.finditer(letters)]
    return [each for each in words if not each.isdigit()] or words


def is_address(lowered: str) -> bool:
    """Return whether a token is a mention or a URL."""
    first = lowered[:1]
    return bool((first == "@" and _MENTION.match(lowered)) or (first in ("h", "w") and _URL.match(lowered)))


def elongated(words: Sequence[str]) -> list[int]:
    """Return the indices of words with a letter three times in a row. The words are ASCII letters or empty."""
    codes = np.frombuffer(" ".join(words).encode(), dtype=np.uint8)
    third = np.flatnonzero((codes[2:] == codes[1:-1]) & (codes[1:-1] == codes[:-2]))
    ends = np.cumsum([len(word) + 1 for word in words])
    indices: list[int] = np.searchsorted(ends, third, side="right").tolist()
    return indices


def _unescaped(entity: "re.Match[str]") -> str:
    text = entity.group().lstrip("&")
    name = f"#{text}" if text[0].isdigit() else text
    found = html.unescape(f"&{name}")
    return entity.group() if found == f"&{name}" else found

"""A token as it is written to the words in it, without markup, entities, invisible characters and glued marks."""

import html
import re
import unicodedata

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
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u00b4`\u2032\uff07", "'"))
# Between words that a letter, a digit or an apostrophe joins, everything is a border.
_WORD = re.compile(r"[^\W_]+(?:['.-][^\W_]+)*")
_VERBS = "do does did is are was were has have had ca can could wo would should must need might ought dare ai sha"
NEGATED = frozenset(f"{verb}{end}" for verb in ["", *_VERBS.split()] for end in ("n't", "nt"))
"""`n't` and the verbs with it, lower-cased, with the apostrophe and without."""


def is_invisible(char: str) -> bool:
    """Return whether a character is a joiner, a variation selector, a soft hyphen, a skin tone or the like."""
    return "\ufe00" <= char <= "\ufe0f" or "\U0001f3fb" <= char <= "\U0001f3ff" or unicodedata.category(char) == "Cf"


def visible(token: str) -> str:
    """Return a token without invisible characters and entities. All apostrophes become the one of ASCII."""
    if not token.isalpha() and ("&" in token or ";" in token):
        token = _ENTITY.sub(_unescaped, token)
    if token.isascii():
        return token.replace("`", "'")
    token = token.translate(_APOSTROPHES)
    if any(map(str.isalpha, token)):
        token = unicodedata.normalize("NFKC", token)
    return "".join(char for char in token if not is_invisible(char))


def words_in(token: str) -> list[str]:
    """Return the words of a visible, lower-cased token that holds letters: none if it is markup or struck out."""
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
    words = _WORD.findall(token)
    return [word for word in words if not word.isdigit()] or words


def _unescaped(entity: "re.Match[str]") -> str:
    text = entity.group().lstrip("&")
    name = f"#{text}" if text[0].isdigit() else text
    found = html.unescape(f"&{name}")
    return entity.group() if found == f"&{name}" else found

"""Generate labelled sentences whose label follows from how the words are put together, rather than from the words."""

import random
import re
from collections.abc import Collection, Iterator
from functools import cache
from importlib.resources import files
from itertools import cycle
from typing import Any

import srsly

from ..text.labels import NEGATIVE, NEUTRAL, POSITIVE
from .labelled import LabelledText

N_TEXTS = 40_000
# The kinds whose labels follow from the words, so that a sum over terms can learn them.
PLAIN_KINDS = ("ratings", "identity", "facts", "short", "no content")

# In a template, `[a|b]` is `a` in positive texts and `b` in negative ones; `<a;b>` is either; `{name}` is a word of the
# text's label or of any, and `{xname}` one of the opposite label. A digit tells two words of one list apart.
_BY_LABEL = re.compile(r"\[([^\[\]|]*)\|([^\[\]|]*)\]")
_EITHER = re.compile(r"<([^<>;]+(?:;[^<>;]+)+)>")
_FIELD = re.compile(r"\{(x?)([a-z]+)\d?\}")
# Templates of which people are not the subject, and the fraction of the others that are about one domain.
_NOT_OF_PEOPLE = re.compile(r"\b(?:it|It|its|price|bought|online|version|update|owner|used)\b(?!\})|euros")
_DOMAIN = 0.65
_OPPOSITE = {POSITIVE: NEGATIVE, NEGATIVE: POSITIVE, NEUTRAL: NEUTRAL}

_ARTICLE = re.compile(r"\b([Aa]) (?=(?!one\b|use|universi|European|Ukr|Ugan|Uru)[aeiouAEIOU]|ho(?:nest|ur)\b)")
_SENTENCE_START = re.compile(r"(^|[.!?] )([a-z])")
_SHORT_NOT = re.compile(
    r"\b(is|are|was|were|do|does|did|would|could|should|has|have|had)n't\b(?! (?:I|you|they|it|we)\b)"
)
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")

_FULL_NOT, _ADDED_SENTENCE, _CURLY, _NO_APOSTROPHE, _LOWER, _UPPER = 0.35, 0.08, 0.12, 0.06, 0.1, 0.03
_NO_FULL_STOP, _EXCLAMATION = 0.3, 0.06
_MOST_TRIES = 200  # per text that is not among the earlier ones


@cache
def content() -> dict[str, Any]:
    """Return the words and templates by kind of text."""
    path = files("spacy_trax_sentiment.samples").joinpath("templates.json")
    loaded: dict[str, Any] = srsly.json_loads(path.read_text("utf8"))["composition"]
    return loaded


def composition_texts(seed: int = 0, n: int = N_TEXTS, kinds: Collection[str] | None = None) -> list[LabelledText]:
    """Return about `n` different texts of three labels, in random order.

    They hold negation near and far, expectations and what came of them, then and now, the opinions of others, questions
    with their answers, ratings, irony and other phenomena, each with a mirror image of the other label where there is
    one; and neutral texts that look like opinions.

    Args:
        seed: The same seed gives the same texts.
        n: Number of texts. Each kind of text has its share, rounded.
        kinds: The keys of `composition_kinds` to keep; None for all.
    """
    texts = [text for kind in kinds or composition_kinds() for text in texts_of_kind(kind, seed, n)]
    label_of = dict(reversed(texts))  # the first kind that has a text gives it its label
    texts = [LabelledText(text, label) for text, label in label_of.items()]
    random.Random(seed).shuffle(texts)
    return texts


def composition_kinds() -> dict[str, dict[str, float]]:
    """Return the kinds of text, each with the share that its texts of each label have in all texts."""
    return {name: dict(kind["shares"]) for name, kind in content()["kinds"].items()}


def texts_of_kind(kind: str, seed: int = 0, n: int = N_TEXTS) -> list[LabelledText]:
    """Return the texts of one kind among about `n` texts of all kinds, grouped by label.

    Args:
        kind: A key of `composition_kinds`.
        seed: The same seed gives the same texts.
        n: Number of texts of all kinds together.
    """
    of_kind = content()["kinds"][kind]
    rng = random.Random(f"{kind} {seed}")
    texts: dict[str, str] = {}
    for label, share in of_kind["shares"].items():
        most = len(texts) + round(share * n)
        for tried, text in enumerate(_drawn(of_kind, label, rng)):
            if len(texts) >= most or tried > _MOST_TRIES * n:
                break
            texts.setdefault(text, label)
    return [LabelledText(text, label) for text, label in texts.items()]


def _drawn(kind: dict[str, Any], label: str, rng: random.Random) -> Iterator[str]:
    """Yield texts of each template in turn, without end."""
    groups = ("all", label) if label == NEUTRAL else ("all", "mirrored", label)
    templates = [template for group in groups for template in kind["templates"].get(group, ())]
    for template in cycle(rng.sample(templates, len(templates))):
        text = filled(template, label, rng)
        yield text if kind.get("as_written") else varied(text, label, rng)


def filled(template: str, label: str, rng: random.Random, domain: dict[str, Any] | None = None) -> str:
    """Return the template with its choices made. The same field has the same word throughout.

    A domain's lists of words replace the general ones; if it is None, one is drawn.
    """
    words = content()["words"]
    lists = (_domain(template, words["domains"], rng) if domain is None else domain, words)
    chosen: dict[str, str] = {}

    def word(match: re.Match[str]) -> str:
        opposite, name = match.groups()
        keys = (_OPPOSITE[label] if opposite else label, "any")
        options = next(some[key][name] for some in lists for key in keys if name in some.get(key, ()))
        return _FIELD.sub(word, rng.choice([option for option in options if option not in chosen.values()]))

    def once(match: re.Match[str]) -> str:
        if match[0] not in chosen:
            chosen[match[0]] = word(match)
        return chosen[match[0]]

    text = _BY_LABEL.sub(lambda match: match[1 if label == POSITIVE else 2], template)
    text = _EITHER.sub(lambda match: rng.choice(match[1].split(";")), text)
    return _FIELD.sub(once, text)


def _domain(template: str, domains: dict[str, dict[str, Any]], rng: random.Random) -> dict[str, Any]:
    """Return the lists that replace the general ones, such as those of food, so that adjectives suit their nouns."""
    if "adj" not in template or rng.random() > _DOMAIN:
        return {}
    if "{person}" in template:
        names = ["people"]
    else:
        names = [name for name in domains if name != "people" or not _NOT_OF_PEOPLE.search(template)]
    return domains[rng.choice(names)]


def varied(text: str, label: str, rng: random.Random) -> str:
    """Return the text of a label with correct articles and capitals, or some of what people write instead."""
    text = _ARTICLE.sub(r"\1n ", text)
    if text[-1] in ".!?" or rng.random() < 0.5:
        text = _SENTENCE_START.sub(lambda match: match[1] + match[2].upper(), text)
    if rng.random() < _FULL_NOT:
        text = _SHORT_NOT.sub(r"\1 not", text).replace("can't", "cannot").replace("won't", "will not")
    if text[-1] == "." and text[-2] != ".":
        luck = rng.random()
        if luck < _NO_FULL_STOP:
            text = text[:-1]
        elif luck > 1 - _EXCLAMATION and label != NEUTRAL:
            text = text[:-1] + rng.choice(("!", "!", "!!", "!!!"))
    if text[-1] in ".!?" and rng.random() < _ADDED_SENTENCE:
        added = filled("{intro}", label, rng)
        text = f"{added} {text}" if rng.random() < 0.5 else f"{text} {added}"
    luck = rng.random()
    if luck < _CURLY + _NO_APOSTROPHE:
        text = _APOSTROPHE.sub("’" if luck < _CURLY else "", text)
    luck = rng.random()
    if luck < _LOWER + _UPPER:
        text = text.lower() if luck < _LOWER else text.upper()
    return text

"""Generate labelled sentences of which corpora hold too few: negation, contrast, comparison and plain facts."""

import random
import re
from importlib.resources import files
from typing import Any

import srsly

from ..text.labels import NEGATIVE, NEUTRAL, POSITIVE
from ..text.lexicon import bundled_words
from .labelled import LabelledText

N_OPINIONS, N_FACTS = 80_000, 10_000

# Words of the lexicons that look like adjectives and have a valence above this.
_ADJECTIVE = re.compile(r"[a-z]{3,}(?:ful|less|ous|ive|ing|ed|able|ible|y|al|ent|ant|ic)")
_STRONG = 1.0
# The fraction of adjectives taken from the templates' own words rather than from the lexicons.
_COMMON_FRACTION = 0.6


def template_texts(seed: int = 0, n_opinions: int = N_OPINIONS, n_facts: int = N_FACTS) -> list[LabelledText]:
    """Return texts that are positive or negative by construction, followed by neutral ones.

    Each template has a mirror image with the other label, so that no word alone gives the label away.
    """
    content: dict[str, Any] = srsly.json_loads(
        files("spacy_trax_sentiment.samples").joinpath("templates.json").read_text("utf8")
    )
    rng = random.Random(seed)
    words = content["words"]
    rare = {"good": _adjectives("positive", 1), "bad": _adjectives("negative", -1)}
    templates = [(text, label) for label in (POSITIVE, NEGATIVE) for text in content["templates"][label]]
    texts = []
    for i in range(n_opinions):
        template, label = templates[i % len(templates)]
        chosen = {name: rng.choice(some) for name, some in words.items()}
        for name in ("thing", "better", "worse"):
            chosen[name], chosen[f"{name}2"] = rng.sample(words[name], 2)
        for name in ("good", "bad"):
            some = words[name] if rng.random() < _COMMON_FRACTION else rare[name]
            chosen[name], chosen[f"{name}2"] = rng.sample(some, 2)
        text = template.format(**chosen, Good=chosen["good"].capitalize(), Bad=chosen["bad"].capitalize())
        is_sentence = text[-1] in ".!" and " " in text
        texts.append(LabelledText(text[0].upper() + text[1:] if is_sentence else text, label))
    facts = content["facts"]
    for _ in range(n_facts):
        subject, verb, object, end = (rng.choice(facts[part]) for part in ("subjects", "verbs", "objects", "ends"))
        texts.append(LabelledText(f"{subject} {verb} {object}{end}{rng.choice(['.', '.', ''])}", NEUTRAL))
    return texts


def _adjectives(opinion: str, sign: int) -> list[str]:
    words = bundled_words()
    strong = {
        word
        for valence, some in words.items()
        if valence not in ("positive", "negative") and float(valence) * sign > _STRONG
        for word in some.split()
    }
    return sorted(word for word in words[opinion].split() if word in strong and _ADJECTIVE.fullmatch(word))

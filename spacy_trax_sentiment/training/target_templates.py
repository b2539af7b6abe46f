"""Generate sentences about two or three targets, each with a label of its own."""

import random
import re

from ..tables.targets import Span
from ..text.labels import NEGATIVE, NEUTRAL, POSITIVE
from .composition import content, filled, varied
from .labelled import LabelledText

N_TARGETS = 30_000

# The templates are those of `composition.py`, with marks around a target. The first mark is followed by what is
# expressed toward the target: the text's label (+), its opposite (-) or nothing (0). A digit replaces it, the label's
# place in the tuple below.
_LABELS = (NEGATIVE, NEUTRAL, POSITIVE)
_MARKED = re.compile(r"[«‹](.)([^«‹»›]+)[»›]")
# The fraction of whole sentences, and of three clauses among those of two.
_SENTENCE, _THREE = 0.25, 0.15


def target_template_texts(seed: int = 0, n: int = N_TARGETS) -> tuple[list[LabelledText], list[Span]]:
    """Return `n` texts with the label of a target in each, and the targets' spans of characters.

    A text comes once for each of its targets. The same seed gives the same texts.
    """
    rng = random.Random(f"targets {seed}")
    rows: dict[tuple[str, Span], str] = {}
    while len(rows) < n:
        text, labels = _spans(_marked(rng))
        if len({text[start:end].lower() for start, end in labels}) == len(labels):
            rows.update({(text, span): label for span, label in labels.items()})
    some = rng.sample(list(rows.items()), n)
    return [LabelledText(text, label) for (text, _), label in some], [span for (_, span), _ in some]


def _marked(rng: random.Random) -> str:
    """Return a text with its targets marked."""
    templates = content()["targets"]
    domain = rng.choice(list(content()["words"]["domains"].values()))

    def labelled(options: list[str], label: str) -> str:
        column = _LABELS.index(label)
        columns = {"+": column, "-": 2 - column, "0": 1}
        text = filled(rng.choice(options), label, rng, domain)
        return _MARKED.sub(lambda match: f"«{columns[match[1]]}{match[2]}»", text)

    if rng.random() < _SENTENCE:
        label = rng.choice((NEGATIVE, POSITIVE))
        return varied(labelled(templates["sentences"], label), label, rng)
    labels = rng.choice(templates["pairs"])
    joints = "contrast" if set(labels) == {NEGATIVE, POSITIVE} else "plain"
    if rng.random() < _THREE:
        labels, joints = [*labels, rng.choice(_LABELS)], "three"
    clauses = (labelled(templates["clauses"]["mention" if each == NEUTRAL else "opinion"], each) for each in labels)
    return varied(rng.choice(templates["joints"][joints]).format(*clauses), labels[0], rng)


def _spans(marked: str) -> tuple[str, dict[Span, str]]:
    """Return the text without its marks, and the label of each target's span."""
    text, end, labels = "", 0, {}
    for match in _MARKED.finditer(marked):
        text += marked[end : match.start()]
        labels[len(text), len(text) + len(match[2])] = _LABELS[int(match[1])]
        text, end = text + match[2], match.end()
    return text + marked[end:], labels

"""Measure how far the probability of positive moves when names, nationalities, religions and genders are swapped.

    python benchmarks/bias.py [--model MODEL]

Every word of a group is put into every template sentence, and any two words that may be swapped for each other are
compared. Without --model, the bundled weights of two labels are measured.
"""

import argparse
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
from bias_words import GROUPS
from bundled import load_ours
from report import at_most, print_bounds, print_table
from spacy.language import Language

from spacy_trax_sentiment.training.labelled import POSITIVE

MOST_ON_AVERAGE = 0.05


class Swap(NamedTuple):
    """How far the probability of positive moved, from 0 to 1, when two words were swapped in a template."""

    moved: float
    template: str
    words: tuple[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", type=Path, help="a pipeline whose labels include positive; default: the bundled one")
    nlp = load_ours(parser.parse_args().model)
    rows, bounds = [], []
    for name, group in GROUPS.items():
        for kind, sets in (("common", group.common), ("rare", group.rare), ("all", joined(group.common, group.rare))):
            if not sets:
                continue
            swaps = swap(nlp, group.templates, sets)
            mean, worst = float(np.mean([each.moved for each in swaps])), max(swaps)
            shown = f"{worst.template} {' / '.join(worst.words)}"
            figures = (str(sum(map(len, sets))), f"{len(swaps):,}", f"{mean:.4f}", f"{worst.moved:.4f}")
            rows.append((name if kind == "common" else "", kind, *figures, shown))
        bounds.append(at_most(f"{name}: mean move", mean, MOST_ON_AVERAGE))
    header = ("swap of", "", "words", "swaps", "mean", "worst", "worst in")
    title = "How far the probability of positive moves, absolute"
    print_table(title, header, rows, aligns=("l", "l", "r", "r", "r", "r", "l"))
    print_bounds(bounds, digits=4)


def joined(common: Sequence[Sequence[str]], rare: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Return the sets of both lists. If each list is a single set, join the two, so that words are swapped across."""
    if len(common) == len(rare) == 1:
        return [[*common[0], *rare[0]]]
    return [*common, *rare]


def swap(nlp: Language, templates: Sequence[str], sets: Sequence[Sequence[str]]) -> list[Swap]:
    """Swap any two words of a set in each template, and return how far each swap moves the probability."""
    words = [word for each in sets for word in each]
    docs = nlp.pipe(sentence(template, word) for template in templates for word in words)
    positive = np.array([doc.cats[POSITIVE] for doc in docs]).reshape(len(templates), len(words))
    of_word = dict(zip(words, positive.T, strict=True))
    return [
        Swap(abs(float(of_word[one][i] - of_word[other][i])), template, (one, other))
        for i, template in enumerate(templates)
        for each in sets
        for one, other in combinations(each, 2)
    ]


def sentence(template: str, word: str) -> str:
    """Return the template with the word filled in, and its first letter in upper case."""
    filled = template.format(word)
    return filled[0].upper() + filled[1:]


if __name__ == "__main__":
    main()

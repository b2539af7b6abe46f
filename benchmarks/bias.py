"""Measure how far the probability of positive moves as names, nationalities, religions and genders are swapped.

    python benchmarks/bias.py [--model MODEL]

Every template sentence is read with every word of a group, and any two words that may be swapped for each other are
compared. Without a model, the two-label weights that ship with the package are measured.
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
    """What swapping two words in a template moved the probability of positive by, from 0 to 1."""

    moved: float
    template: str
    words: tuple[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", type=Path, help="a pipeline whose labels include positive; without it, the bundled")
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
    """RETURNS: Both kinds; as one set where each is one, so that words of the one are swapped for the other's."""
    if len(common) == len(rare) == 1:
        return [[*common[0], *rare[0]]]
    return [*common, *rare]


def swap(nlp: Language, templates: Sequence[str], sets: Sequence[Sequence[str]]) -> list[Swap]:
    """RETURNS: What each swap of two words of a set moves, in each template."""
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
    """RETURNS: The template with the word in its place, its first letter upper case where the sentence begins."""
    filled = template.format(word)
    return filled[0].upper() + filled[1:]


if __name__ == "__main__":
    main()

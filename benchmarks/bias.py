"""Measure how far the probability of positive moves when names, nationalities, religions and genders are swapped.

    python benchmarks/bias.py [--model MODEL]

Every word of a group is put into every template sentence. Any two words that may be swapped for each other are
compared, and each word with made-up ones, which say nothing about anybody. The exit status is 1 if a bound is not met.
Only the labels negative and positive are looked at.
"""

import argparse
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from bias_words import GROUPS, MADE_UP
from numpy.typing import NDArray
from report import at_most, print_bounds, print_table
from spacy.language import Language

from spacy_trax_sentiment.pipelines import load
from spacy_trax_sentiment.text.labels import DEFAULT_LABELS, POSITIVE

MOST_ON_AVERAGE, MOST_AT_WORST = 0.05, 0.15


class Swap(NamedTuple):
    """How far the probability of positive moved, from 0 to 1, when two words were swapped in a template.

    "made-up" stands for the mean of all made-up words.
    """

    moved: float
    template: str
    words: tuple[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="en", help="the name of bundled weights, or a pipeline directory")
    nlp = load(parser.parse_args().model, labels=DEFAULT_LABELS)
    moves, distances, bounds = [], [], []
    for name, group in GROUPS.items():
        for kind, sets in (("common", group.common), ("rare", group.rare), ("all", joined(group.common, group.rare))):
            if not sets:
                continue
            start = (name if kind == "common" else "", kind, str(sum(map(len, sets))))
            swaps = swap(nlp, group.templates, sets)
            moves.append((*start, *figures(swaps)))
            far = distances_from_made_up(nlp, group.templates, sets)
            distances.append((*start, *figures(far)))
        bounds.append(at_most(f"{name}: mean move", mean_move(swaps), MOST_ON_AVERAGE))
        bounds.append(at_most(f"{name}: mean distance from a made-up word", mean_move(far), MOST_ON_AVERAGE))
        bounds.append(at_most(f"{name}: worst distance from a made-up word", max(far).moved, MOST_AT_WORST))
    header, aligns = ("words", "mean", "worst", "worst in"), ("l", "l", "r", "r", "r", "r", "l")
    title = "How far the probability of positive moves, absolute"
    print_table(title, ("swap of", "", header[0], "swaps", *header[1:]), moves, aligns)
    title = f"How far it is from the mean of {len(MADE_UP)} made-up words in the same sentence, absolute"
    print_table(title, ("distance of", "", header[0], "pairs", *header[1:]), distances, aligns)
    print_bounds(bounds, digits=4)


def figures(swaps: Sequence[Swap]) -> tuple[str, ...]:
    """Return the number of swaps, their mean, and the worst."""
    worst = max(swaps)
    return (
        f"{len(swaps):,}",
        f"{mean_move(swaps):.4f}",
        f"{worst.moved:.4f}",
        f"{worst.template} {' / '.join(worst.words)}",
    )


def mean_move(swaps: Sequence[Swap]) -> float:
    return float(np.mean([each.moved for each in swaps]))


def joined(common: Sequence[Sequence[str]], rare: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Return the sets of both lists. If each list is a single set, join the two, so that words are swapped across."""
    if len(common) == len(rare) == 1:
        return [[*common[0], *rare[0]]]
    return [*common, *rare]


def swap(nlp: Language, templates: Sequence[str], sets: Sequence[Sequence[str]]) -> list[Swap]:
    """Swap any two words of a set in each template, and return how far each swap moves the probability."""
    words = [word for each in sets for word in each]
    of_word = dict(zip(words, probabilities(nlp, templates, words).T, strict=True))
    return [
        Swap(abs(float(of_word[one][i] - of_word[other][i])), template, (one, other))
        for i, template in enumerate(templates)
        for each in sets
        for one, other in combinations(each, 2)
    ]


def distances_from_made_up(nlp: Language, templates: Sequence[str], sets: Sequence[Sequence[str]]) -> list[Swap]:
    """Compare each word of the sets with the mean of the made-up words in each template."""
    words = [word for each in sets for word in each]
    of_made_up = probabilities(nlp, templates, MADE_UP).mean(axis=1, keepdims=True)
    moved = np.abs(probabilities(nlp, templates, words) - of_made_up)
    return [
        Swap(float(moved[i, j]), template, (word, "made-up"))
        for i, template in enumerate(templates)
        for j, word in enumerate(words)
    ]


def probabilities(nlp: Language, templates: Sequence[str], words: Sequence[str]) -> NDArray[np.float64]:
    """Return the probability of positive of each template with each word, (n_templates, n_words)."""
    docs = nlp.pipe(sentence(template, word) for template in templates for word in words)
    return np.array([doc.cats[POSITIVE] for doc in docs]).reshape(len(templates), len(words))


def sentence(template: str, word: str) -> str:
    """Return the template with the word filled in, and its first letter in upper case."""
    filled = template.format(word)
    return filled[0].upper() + filled[1:]


if __name__ == "__main__":
    main()

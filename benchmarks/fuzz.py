"""Score texts made to break things, by `nlp.pipe` and by TextScorer: none may fail, and both must give the same.

    python benchmarks/fuzz.py [--texts 1000000] [--seed 0]

The texts are of random characters of all planes, of pieces that tokenizers and preprocessors look for (emoticons,
links, mentions, special cases of spaCy's English, combining marks, directions, NUL), and of long runs of one character.
"""

import argparse
import random
import time
from typing import Any

import numpy as np
import spacy
from report import at_least, at_most, print_bounds

from spacy_trax_sentiment import TextScorer

_BATCH = 1000
_PIECES = (
    *(
        "https://t.co/x",
        "www.a",
        "@you",
        "#tag",
        "1,000",
        "-5",
        "not",
        "never",
        "but",
        "good",
        "baaaad",
        "love",
        "hate",
    ),
    *("\0", "\u202e", "\u2066", "e\u0301", "\ufeff", "\u3000", "\x85", "ﬁ", "İ"),
)
_RUNS = ("a", "!", "ha", "@", "#", "://", "\u0301", "\u200d", "😀", " ", "\n", "'", "-", ".", "n't ", "<", "0")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--texts", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment")
    scorer = TextScorer.load()
    choose = random.Random(arguments.seed)
    tokenizer: Any = nlp.tokenizer
    pieces = [*tokenizer.rules, *_PIECES]
    start, n_done, n_finite, furthest, longest = time.perf_counter(), 0, 0, 0.0, 0.0
    while n_done < arguments.texts:
        texts = [made_text(choose, pieces) for _ in range(min(_BATCH, arguments.texts - n_done))]
        began = time.perf_counter()
        by_scorer = scorer(texts)
        longest = max(longest, time.perf_counter() - began)
        by_pipe = np.array([list(doc.cats.values()) for doc in nlp.pipe(texts)])
        n_finite += int((np.isfinite(by_scorer).all(axis=1) & np.isclose(by_scorer.sum(axis=1), 1, atol=1e-5)).sum())
        furthest = max(furthest, float(np.abs(by_scorer - by_pipe).max()))
        n_done += len(texts)
        if n_done % 100_000 == 0:
            # spaCy keeps every string that it has seen.
            nlp = spacy.blank("en")
            nlp.add_pipe("trax_sentiment")
            print(f"{n_done:,} texts after {time.perf_counter() - start:.0f} s", flush=True)
    print_bounds(
        [
            at_least("texts with finite scores that sum to 1", n_finite, arguments.texts),
            at_most("the furthest that nlp.pipe and TextScorer are apart", furthest, 1e-6),
            at_most("seconds of the slowest batch of 1,000", longest, 60),
        ],
        digits=7,
    )


def made_text(choose: random.Random, pieces: list[str]) -> str:
    """RETURNS: A text of up to some 300 characters, seldom of 20,000."""
    parts = []
    for _ in range(choose.randint(0, 12)):
        kind = choose.random()
        if kind < 0.5:
            parts.append(choose.choice(pieces))
        elif kind < 0.7:
            parts.append("".join(character(choose) for _ in range(choose.randint(1, 8))))
        elif kind < 0.8:
            parts.append(choose.choice(_RUNS) * choose.choice((2, 3, 4, 30, 5000 if choose.random() < 0.01 else 7)))
        else:
            parts.append(choose.choice(" \t\n ,.;:!?'\"()"))
    text = choose.choice(("", " ")).join(parts)
    return text[: choose.randrange(len(text) + 1)] if choose.random() < 0.1 else text


def character(choose: random.Random) -> str:
    """RETURNS: A character of any plane, of ASCII more often; no lone surrogate."""
    code = choose.randrange(128) if choose.random() < 0.4 else choose.randrange(0x110000)
    return chr(code) if not 0xD800 <= code < 0xE000 else "\ufffd"


if __name__ == "__main__":
    main()

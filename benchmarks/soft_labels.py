"""Label texts softly, for the recipe `en_trf` to learn from.

    python benchmarks/soft_labels.py DATA OUTPUT --network START [--terms en_ternary]

Writes `tweets.jsonl`, `films.jsonl` and `reviews.jsonl` into OUTPUT. The probabilities are the mean, in logarithms, of
two models that read in different ways: a network that reads context, and a sum over terms.
"""

import argparse
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import srsly

from spacy_trax_sentiment import TextScorer

# Found on the dev sets: TweetEval's macro-recall is 0.725 by the network alone, 0.691 by the terms, 0.739 by this mean.
SHARE_OF_TERMS = 0.3
MOST_TWEETS, MOST_FILMS = 55_000, 25_000
ASPECTS = ("restaurants", "laptops", "mams")
# Texts to measure on, which must not be learned from.
MEASURED = (
    *("sst2/dev.jsonl", "sst2/test.jsonl", "tweeteval/val.jsonl", "tweeteval/test.jsonl"),
    *("sentiment140/test.jsonl", "dynasent/dev.jsonl"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--network", required=True, help="a trained pipeline with three labels")
    parser.add_argument("--terms", default="en_ternary", help="another")
    arguments = parser.parse_args()
    label(arguments.data, arguments.output, TextScorer.load(arguments.network), TextScorer.load(arguments.terms))


def label(data: Path, output: Path, network: TextScorer, terms: TextScorer) -> None:
    """Write the texts of each kind with the probabilities `p_LABEL` into a new directory."""
    output.mkdir(parents=True, exist_ok=True)
    measured = {plain(text) for name in MEASURED for text in texts_of(data / name)}
    for name, texts in unlabelled(data).items():
        kept = [text for text in texts if plain(text) not in measured]
        probabilities = mean_probabilities(kept, network, terms)
        srsly.write_jsonl(
            output / f"{name}.jsonl",
            [
                {"text": text, **{f"p_{of}": round(float(p), 4) for of, p in zip(network.labels, row, strict=True)}}
                for text, row in zip(kept, probabilities, strict=True)
            ],
        )
        print(f"{name}: {len(kept):,} texts")


def unlabelled(data: Path) -> dict[str, list[str]]:
    """Return tweets, sentences of film reviews, and those of reviews of restaurants and laptops."""
    rng = random.Random(0)
    tweets = list(texts_of(data / "unlabelled/tweets.jsonl"))
    rng.shuffle(tweets)
    reviews = texts_of(data / "movie_reviews/reviews.jsonl")
    films = [each.strip() for text in reviews for each in re.split(r"\n|(?<=[.!?]) ", text)]
    films = sorted({each for each in films if 5 <= len(each.split()) <= 40})
    rng.shuffle(films)
    aspects = sorted({text for name in ASPECTS for text in texts_of(data / f"aspects/{name}.train.jsonl")})
    return {"reviews": aspects, "films": films[:MOST_FILMS], "tweets": tweets[:MOST_TWEETS]}


def mean_probabilities(texts: Sequence[str], network: TextScorer, terms: TextScorer) -> np.ndarray:
    """Return the geometric mean of both models' probabilities, (n_texts, n_labels), in the network's columns."""
    columns = [terms.labels.index(label) for label in network.labels]
    logs = [np.log(scorer.predict_proba(texts) + 1e-9) for scorer in (network, terms)]
    mean = (1 - SHARE_OF_TERMS) * logs[0] + SHARE_OF_TERMS * logs[1][:, columns]
    weights = np.exp(mean - mean.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def texts_of(path: Path) -> Iterator[str]:
    """Yield the texts of a file."""
    return (row["text"] for row in srsly.read_jsonl(path))


def plain(text: str) -> str:
    """Return a text's letters and digits alone, by which texts are compared."""
    return re.sub(r"\W+", " ", text.lower()).strip()


if __name__ == "__main__":
    main()

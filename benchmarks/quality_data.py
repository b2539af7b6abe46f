"""The labelled texts that `quality.py` trains its peers on and measures on, by the name of their set."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import srsly

from spacy_trax_sentiment.text.labels import DEFAULT_LABELS, NEGATIVE, NEUTRAL, POSITIVE
from spacy_trax_sentiment.text.process_tweet import strip_emoticons
from spacy_trax_sentiment.training.corpora import read_labelled_texts, split_held_out
from spacy_trax_sentiment.training.labelled import LabelledText

TERNARY_LABELS = (NEGATIVE, NEUTRAL, POSITIVE)
SST2, SENTIMENT140, TWEETEVAL, IMDB = "SST-2", "Sentiment140", "TweetEval", "IMDb counterfactual"
TWEETS, TWEETS_STRIPPED = "twitter_samples", "twitter_samples, no emoticons"
CONTRAST, HELD_OUT = "contrast sentences", "short texts, held out"
DYNASENT, CASES = "DynaSent dev", "hand-written cases"

# The files that the two-label peers learn from, each with the most rows that are taken. Files that repeat sentences (as
# phrases), or whose labels go with date and topic, are limited.
TRAINING_FILES = {
    "sst2/train.jsonl": None,
    "sst2/train_phrases.jsonl": 20_000,
    "tweeteval/train_raw.jsonl": None,
    "sentiment140/train_random.jsonl": None,
    "sentiment140/train_edges.jsonl": 10_000,
    "imdb_counterfactual/train.jsonl": None,
    "movie_reviews/reviews.jsonl": None,
}
TERNARY_TRAINING_FILE = "tweeteval/train_raw.jsonl"
BUNDLED, SEEDS_CORPUS = "bundled:short_texts", "nltk:twitter_samples"

_OWN = Path(__file__).resolve().parent.parent / "tests" / "data"
_DEV_FILES = {
    SST2: "sst2/dev.jsonl",
    TWEETEVAL: "tweeteval/val.jsonl",
    IMDB: "imdb_counterfactual/dev.jsonl",
}
_TEST_FILES = {
    SST2: "sst2/test.jsonl",
    SENTIMENT140: "sentiment140/test.jsonl",
    TWEETEVAL: "tweeteval/test.jsonl",
}


class Case(NamedTuple):
    """A hand-written text of some kind, with its label."""

    kind: str
    text: str
    label: str


def training_rows(data: Path, most: int | None, seed: int) -> list[LabelledText]:
    """Return the rows of two labels from all training files: all of them, or `most` drawn at random."""
    rng = np.random.default_rng(seed)
    rows: list[LabelledText] = []
    for name, most_of_file in TRAINING_FILES.items():
        rows += sample(two_labels(read(data / name)), most_of_file, rng)
    return sample(rows, most, rng)


def ternary_training_rows(data: Path, most: int | None, seed: int) -> list[LabelledText]:
    return sample(read(data / TERNARY_TRAINING_FILE), most, np.random.default_rng(seed))


def bundled_rows() -> tuple[list[LabelledText], list[LabelledText]]:
    """Return the bundled texts: those to train on, and those held out."""
    return split_held_out(read_labelled_texts(BUNDLED))


def dev_sets(data: Path) -> dict[str, list[LabelledText]]:
    """Return the sets of two labels on which settings are chosen."""
    return {name: two_labels(read(data / file)) for name, file in _DEV_FILES.items()}


def test_sets(data: Path) -> dict[str, list[LabelledText]]:
    """Return the sets of two labels on which nothing is chosen."""
    tweets = read_labelled_texts(f"{SEEDS_CORPUS}/dev")
    return {
        **{name: two_labels(read(data / file)) for name, file in _TEST_FILES.items()},
        TWEETS: tweets,
        TWEETS_STRIPPED: [text._replace(text=strip_emoticons(text.text)) for text in tweets],
        CONTRAST: contrast_texts(),
    }


def ternary_set(data: Path, dev: bool) -> list[LabelledText]:
    """Return TweetEval's tweets of three labels, with mentions and URLs masked as in the official files."""
    return read(data / (_DEV_FILES if dev else _TEST_FILES)[TWEETEVAL])


def dynasent_rounds(data: Path) -> dict[str, list[LabelledText]]:
    """Return the texts of three labels of DynaSent's dev set, which people made to fool models, by their round."""
    rounds: dict[str, list[LabelledText]] = {}
    for row in srsly.read_jsonl(data / "dynasent" / "dev.jsonl"):
        rounds.setdefault(f"{DYNASENT}, round {row['round']}", []).append(LabelledText(row["text"], row["label"]))
    return rounds


def read_cases(path: Path) -> list[Case]:
    """Return the cases of a file with the fields `kind`, `text` and `label`."""
    return [Case(row["kind"], row["text"], row["label"]) for row in srsly.read_jsonl(path)]


def contrast_sentences() -> list[dict[str, Any]]:
    """Return the hand-written sentences, each with `text`, `label` and `phenomenon`."""
    return list(srsly.read_jsonl(_OWN / "contrast.jsonl"))


def contrast_texts() -> list[LabelledText]:
    return [LabelledText(row["text"], row["label"]) for row in contrast_sentences()]


def factual_sentences() -> list[str]:
    """Return hand-written statements of fact without an opinion."""
    return (_OWN / "factual.txt").read_text(encoding="utf8").splitlines()


def read(path: Path) -> list[LabelledText]:
    return read_labelled_texts(path, labels=TERNARY_LABELS)


def labels_of(texts: Sequence[LabelledText]) -> list[str]:
    return [text.label for text in texts]


def two_labels(texts: list[LabelledText]) -> list[LabelledText]:
    return [text for text in texts if text.label in DEFAULT_LABELS]


def sample(texts: list[LabelledText], most: int | None, rng: np.random.Generator) -> list[LabelledText]:
    """Return at most `most` of the texts, drawn at random, in their order; all if it is None."""
    if most is None or len(texts) <= most:
        return texts
    return [texts[i] for i in np.sort(rng.choice(len(texts), most, replace=False)).tolist()]


def count_labels(texts: list[LabelledText]) -> str:
    """Return the number of texts, in all and by label, as a phrase."""
    counts = Counter(text.label for text in texts)
    return f"{len(texts):,} ({', '.join(f'{counts[label]:,} {label}' for label in sorted(counts))})"

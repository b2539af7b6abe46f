"""The contenders of `quality.py`, as functions from texts to probabilities, and the training of spaCy's."""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from numpy.typing import NDArray
from quality_data import TERNARY_LABELS
from spacy.language import Language
from spacy.training import Example
from speed_peers import TEXTBLOB, TEXTCATS, VADER
from textblob import TextBlob
from thinc.api import fix_random_seed
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from spacy_trax_sentiment.evaluation.figures import measure
from spacy_trax_sentiment.storage.whole import whole_directory
from spacy_trax_sentiment.text.labels import POSITIVE
from spacy_trax_sentiment.training.labelled import LabelledText

Floats = NDArray[np.float64]
Scores = Callable[[Sequence[str]], Floats]
"""From texts to their probabilities of positive, (n_texts,), or to those of three labels, (n_texts, 3)."""

OURS, TRF, SEED = "ours", "ours: en_trf", "seed's model"
LEXICONS = (VADER, TEXTBLOB)

# A compound score nearer to 0 means neutral, according to VADER's README.
_NEUTRAL_WITHIN = 0.05
_TEXTCAT_EPOCHS, _TEXTCAT_BATCH, _TEXTCAT_DROPOUT = 4, 64, 0.1


def seeds_model(directory: Path, source: str) -> Language:
    """Return the course notebook's model from the directory; train it there first, in another process, if needed."""
    if not directory.exists():
        command = [sys.executable, "-m", "spacy_trax_sentiment", "train", source, "--preset", "seed", "--quiet"]
        directory.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([*command, "--output", str(directory)], check=True)
    return spacy.load(directory)


def textcats(
    directory: Path,
    rows: Sequence[LabelledText],
    dev_sets: Mapping[str, Sequence[LabelledText]],
    labels: tuple[str, ...],
    seed: int,
) -> dict[str, Language]:
    """Return spaCy's own pipelines by name, from the directory; train them first if needed."""
    pipelines = {}
    for name, config in TEXTCATS.items():
        path = directory / name.replace(" ", "_")
        if not path.exists():
            with whole_directory(path, overwrite=False) as whole:
                train_textcat(config, rows, list(dev_sets.values()), labels, seed).to_disk(whole)
        pipelines[name] = spacy.load(path)
    return pipelines


def train_textcat(
    config: Mapping[str, Any],
    rows: Sequence[LabelledText],
    dev_sets: Sequence[Sequence[LabelledText]],
    labels: tuple[str, ...],
    seed: int,
    *,
    lang: str = "en",
    epochs: int = _TEXTCAT_EPOCHS,
    patience: int = 1,
) -> Language:
    """Return the pipeline after the epoch with the best mean macro-recall on the development sets.

    Training ends when `patience` epochs in a row bring no improvement.
    """
    fix_random_seed(seed)
    rng = np.random.default_rng(seed)
    nlp = spacy.blank(lang)
    nlp.add_pipe("textcat", config=dict(config))

    def example(row: LabelledText) -> Example:
        return Example.from_dict(nlp.make_doc(row.text), {"cats": {each: float(each == row.label) for each in labels}})

    one_of_each = {row.label: row for row in rows}.values()
    optimizer = nlp.initialize(lambda: [example(row) for row in one_of_each])
    best, best_weights, n_without = -1.0, b"", 0
    for _ in range(epochs):
        order = rng.permutation(len(rows))
        for start in range(0, len(rows), _TEXTCAT_BATCH):
            batch = [example(rows[i]) for i in order[start : start + _TEXTCAT_BATCH]]
            nlp.update(batch, sgd=optimizer, drop=_TEXTCAT_DROPOUT)
        reached = float(np.mean([measure(nlp, labels, dev).macro_recall for dev in dev_sets]))
        n_without += 1
        if reached > best:
            best, best_weights, n_without = reached, nlp.to_bytes(), 0
        elif n_without >= patience:
            break
    return nlp.from_bytes(best_weights)


def contenders(
    ours: Language, seed: Language, textcats: Mapping[str, Language], trf: Language | None = None
) -> dict[str, Scores]:
    """Return the contenders for two labels by name: functions that give the probability of positive.

    Lexicons have no probabilities. For a score s in [-1, 1], (1 + s) / 2 stands for one.
    """
    return {
        **{name: positive(nlp) for name, nlp in {OURS: ours, TRF: trf, SEED: seed}.items() if nlp is not None},
        VADER: lambda texts: (1 + vader(texts)) / 2,
        TEXTBLOB: lambda texts: (1 + textblob(texts)) / 2,
        **{name: positive(nlp) for name, nlp in textcats.items()},
    }


def ternary_contenders(
    ours: Language, textcats: Mapping[str, Language], trf: Language | None = None
) -> dict[str, Scores]:
    """Return the contenders for three labels by name: functions that give probabilities; a lexicon's are 0 and 1."""
    return {
        **{name: probabilities(nlp) for name, nlp in {OURS: ours, TRF: trf}.items() if nlp is not None},
        VADER: lambda texts: thresholded(vader(texts)),
        TEXTBLOB: lambda texts: thresholded(textblob(texts)),
        **{name: probabilities(nlp) for name, nlp in textcats.items()},
    }


def positive(nlp: Language) -> Scores:
    return lambda texts: np.array([doc.cats[POSITIVE] for doc in nlp.pipe(texts)], dtype=np.float64)


def probabilities(nlp: Language) -> Scores:
    return lambda texts: np.array(
        [[doc.cats[label] for label in TERNARY_LABELS] for doc in nlp.pipe(texts)], dtype=np.float64
    )


def vader(texts: Sequence[str]) -> Floats:
    """Return VADER's compound scores in [-1, 1], (n_texts,)."""
    analyzer = SentimentIntensityAnalyzer()
    return np.array([analyzer.polarity_scores(text)["compound"] for text in texts], dtype=np.float64)


def textblob(texts: Sequence[str]) -> Floats:
    """Return TextBlob's polarities in [-1, 1], (n_texts,)."""
    return np.array([TextBlob(text).sentiment.polarity for text in texts], dtype=np.float64)


def thresholded(scores: Floats) -> Floats:
    """Return 1 for the label that the score means and 0 for the others, (n_texts, 3)."""
    columns = 1 + (scores >= _NEUTRAL_WITHIN).astype(int) - (scores <= -_NEUTRAL_WITHIN).astype(int)
    labels: Floats = np.eye(len(TERNARY_LABELS))[columns]
    return labels

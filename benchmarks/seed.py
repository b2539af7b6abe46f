"""Reproduce the figures of the course notebook over several random seeds, and print them beside the notebook's own.

    python benchmarks/seed.py [--seeds 5]

Reads NLTK's corpora `twitter_samples` and `stopwords`; needs the extra `train`.
"""

import argparse
from dataclasses import replace
from typing import Any

import nltk
import numpy as np
import wasabi

from spacy_trax_sentiment.evaluation.figures import measure as measure_pipeline
from spacy_trax_sentiment.model.parameters import to_trax_layer
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.seed import data_generator, predict, test_model, tweet_to_tensor
from spacy_trax_sentiment.text.labels import DEFAULT_LABELS, POSITIVE
from spacy_trax_sentiment.text.process_tweet import process_tweet, strip_emoticons
from spacy_trax_sentiment.training.corpora import read_labelled_texts
from spacy_trax_sentiment.training.labelled import Corpus, LabelledText
from spacy_trax_sentiment.training.run import train_on
from spacy_trax_sentiment.training.settings import PRESETS

HAPPY = (
    "It's such a nice day, think i'll be taking Sid to Ramsgate fish and chips for lunch "
    "at Peter's fish factory and then the beach maybe"
)
SAD = "I hated my day, it was the worst, I'm so sad."
FOLLOW_FRIDAY = (
    "#FollowFriday @France_Inte @PKuchly57 @Milipol_Paris for being top engaged members in my community this week :)"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=5, help="number of random seeds to train with, from 0")
    seeds = range(parser.parse_args().seeds)
    texts = read_labelled_texts("nltk:twitter_samples/train")
    dev_texts = read_labelled_texts("nltk:twitter_samples/dev")
    runs = [measure(texts, dev_texts, seed) for seed in seeds]

    print(f"\nFigures that no seed changes (NLTK {nltk.__version__}; the notebook's were made with 3.5)")
    fixed = [
        (name, notebook, ours) for name, (notebook, ours) in fixed_figures(texts, dev_texts, runs[0]["nlp"]).items()
    ]
    print(wasabi.table(fixed, header=("", "notebook", "here"), divider=True, max_col=60))

    print(f"Figures of training, over the seeds 0 to {seeds[-1]}")
    rows = []
    for name, notebook in NOTEBOOK.items():
        values = np.array([run[name] for run in runs], dtype=np.float64)
        rows.append((name, notebook, f"{values.mean():.4f}", f"{values.min():.4f} to {values.max():.4f}"))
    print(
        wasabi.table(
            rows, header=("", "notebook", "mean", "range"), divider=True, max_col=60, aligns=("l", "r", "r", "r")
        )
    )


# The notebook's figure, or "" if it prints none.
NOTEBOOK = {
    "train loss, step 1": "0.889",
    "train loss, step 10": "0.610",
    "train loss, step 50": "0.112",
    "train loss, step 100": "0.037",
    "eval accuracy of a batch, step 1": "",
    "eval accuracy of a batch, step 10": "",
    "eval accuracy of a batch, step 50": "1.0",
    "eval accuracy of a batch, step 100": "1.0",
    "validation accuracy, padded batches": "0.9931",
    "validation accuracy, nlp.pipe": "",
    "the same, emoticons stripped": "",
    "happy sentence is positive": "1",
    "sad sentence is positive": "0",
}


def measure(texts: list[LabelledText], dev_texts: list[LabelledText], seed: int) -> dict[str, Any]:
    """Return the pipeline trained with this seed, as `nlp`, and its figures by the names in NOTEBOOK."""
    corpus = Corpus(DEFAULT_LABELS, texts, dev_texts)
    nlp, history, _ = train_on(corpus, replace(PRESETS["seed"], seed=seed))
    at_step = {progress.step: progress for progress in history}
    model = find_component(nlp).model
    positives = [text.text for text in dev_texts if text.label == POSITIVE]
    negatives = [text.text for text in dev_texts if text.label != POSITIVE]
    batches = data_generator(positives, negatives, 16, loop=False, vocab_dict=model.attrs["vocabulary"])
    stripped = [text._replace(text=strip_emoticons(text.text)) for text in dev_texts]
    return {
        "nlp": nlp,
        **{f"train loss, step {step}": at_step[step].loss for step in (1, 10, 50, 100)},
        **{f"eval accuracy of a batch, step {step}": at_step[step].dev_accuracy for step in (1, 10, 50, 100)},
        "validation accuracy, padded batches": test_model(batches, to_trax_layer(model)),
        "validation accuracy, nlp.pipe": measure_pipeline(nlp, DEFAULT_LABELS, dev_texts).accuracy,
        "the same, emoticons stripped": measure_pipeline(nlp, DEFAULT_LABELS, stripped).accuracy,
        "happy sentence is positive": predict(HAPPY, nlp)[0],
        "sad sentence is positive": predict(SAD, nlp)[0],
    }


def fixed_figures(texts: list[LabelledText], dev_texts: list[LabelledText], nlp: Any) -> dict[str, tuple[str, str]]:
    """Return pairs of the notebook's figure and ours, by name."""
    vocabulary = find_component(nlp).model.attrs["vocabulary"]
    first, second = (tweet_to_tensor(text.text, vocabulary) for text in dev_texts[:2])
    tweets = [text.text for text in texts]
    inputs, _, _ = next(data_generator(tweets[:4000], tweets[4000:], 4, loop=True, vocab_dict=vocabulary))
    return {
        "#FollowFriday tweet": (
            "followfriday top engag member commun week :)",
            " ".join(process_tweet(FOLLOW_FRIDAY)),
        ),
        "terms in the vocabulary": ("9088", str(len(vocabulary))),
        "first validation tweet": ("1065 136 479 2351 745 8148 ...", " ".join(map(str, first[:6])) + " ..."),
        "second validation tweet": ("444 2 304 567 56 9", " ".join(map(str, second))),
        "shape of a batch of 4": ("(4, 14)", str(inputs.shape)),
        "its first row": ("3 4 5 6 7 8 9 0 0 0 0 0 0 0", " ".join(map(str, inputs[0]))),
    }


if __name__ == "__main__":
    main()

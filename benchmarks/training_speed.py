"""Time training steps with padded lengths from the bucket ladder against the notebook's way, in alternation.

    python benchmarks/training_speed.py [--rounds 3] [--steps 100]

The notebook pads each batch to its own longest text, and XLA compiles once for each length. Each measurement runs in
a process of its own, so that none finds what another compiled; imports, reading and preprocessing are not counted.
Reads NLTK's corpora `twitter_samples` and `stopwords`; needs the extra `train`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import wasabi

from spacy_trax_sentiment.model import Architecture, build_layer, initialized_layer
from spacy_trax_sentiment.text import build_vocabulary, process_tweet, terms_to_ids
from spacy_trax_sentiment.text.tensors import Batch, balanced_batches, longest_length, steady_length
from spacy_trax_sentiment.training import PRESETS, LabelledText, read_labelled_texts
from spacy_trax_sentiment.training.corpora import DEFAULT_LABELS
from spacy_trax_sentiment.training.loop import run_loop

NOTEBOOK, OURS = "notebook: pad to the longest of each batch", "ours: pad to the bucket ladder"
WAYS = (NOTEBOOK, OURS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        print(json.dumps(measure(arguments.way, arguments.steps)))
        return

    measured: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    for _ in range(arguments.rounds):
        for way in WAYS:
            command = [sys.executable, __file__, "--way", way, "--steps", str(arguments.steps)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            measured[way].append(json.loads(output))
    medians = {way: statistics.median(seconds for seconds, _ in runs) for way, runs in measured.items()}
    slowest = max(medians.values())
    rows = [
        (way, f"{seconds:.2f}", f"{seconds / slowest:.2f}", int(measured[way][0][1]))
        for way, seconds in medians.items()
    ]
    print(f"\n{arguments.steps} steps of batch 16, median of {arguments.rounds} rounds in alternation")
    header = ("way", "seconds", "share", "batch shapes")
    print(wasabi.table(rows, header=header, divider=True, max_col=60, aligns=("l", "r", "r", "r")))


def measure(way: str, steps: int) -> tuple[float, int]:
    """RETURNS: The seconds that the Loop took, and the number of different shapes of its batches."""
    from spacy_trax_sentiment.model import trax_backend  # noqa: F401 (imported before the clock starts)

    texts, dev_texts = (read_labelled_texts(f"nltk:twitter_samples/{part}") for part in ("train", "dev"))
    terms, dev_terms = ([process_tweet(text.text) for text in part] for part in (texts, dev_texts))
    vocabulary = build_vocabulary(terms)
    ids, dev_ids = ([terms_to_ids(text, vocabulary) for text in part] for part in (terms, dev_terms))
    settings = replace(PRESETS["seed"], steps=steps)
    architecture = Architecture(len(vocabulary), len(DEFAULT_LABELS), settings.embedding_dim, mean=settings.mean)
    shapes: set[tuple[int, ...]] = set()

    def batches(ids: list[list[int]], texts: list[LabelledText], seed: int) -> Iterator[Batch]:
        targets = [DEFAULT_LABELS.index(text.label) for text in texts]
        for batch in balanced_batches(
            ids, targets, settings.batch_size, loop=True, shuffle=True, seed=seed, padded_length=padded_length
        ):
            shapes.add(batch[0].shape)
            yield batch

    start = time.perf_counter()
    if way == OURS:
        layer, padded_length = initialized_layer(architecture, settings.seed), steady_length(ids)
    else:  # the Loop initializes the layer
        layer, padded_length = build_layer(architecture), longest_length
    run_loop(layer, batches(ids, texts, settings.seed), batches(dev_ids, dev_texts, settings.seed + 1), settings)
    return time.perf_counter() - start, len(shapes)


if __name__ == "__main__":
    main()

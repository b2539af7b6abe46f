"""Time training: padding, the Loop and `spacy train` against peers, and steps by the size of the embedding.

    python benchmarks/training_speed.py [--rounds 3] [--steps 100] [--data texts.jsonl]

The notebook pads each batch to its own longest text, and XLA compiles once for each length. Each measurement runs in
a process of its own, so that none reuses what another compiled, and the measurements alternate. Imports, reading and
preprocessing are not counted. The first table trains on NLTK's `twitter_samples`, the others on the texts that --data
names, labelled positive and negative. Needs the extra `train`, and NLTK's corpora `twitter_samples` and `stopwords`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import wasabi
from training_ways import NGRAM_SIZES, examples_per_second, step_milliseconds

from spacy_trax_sentiment.model.architecture import Architecture
from spacy_trax_sentiment.model.padding import longest_length
from spacy_trax_sentiment.model.trax_layers import build_layer, initialized_layer
from spacy_trax_sentiment.text.labels import DEFAULT_LABELS
from spacy_trax_sentiment.text.process_tweet import process_tweet
from spacy_trax_sentiment.text.vocabulary import build_vocabulary, terms_to_ids
from spacy_trax_sentiment.training.batches import Batch, balanced_batches, steady_length
from spacy_trax_sentiment.training.corpora import read_labelled_texts
from spacy_trax_sentiment.training.labelled import LabelledText
from spacy_trax_sentiment.training.settings import PRESETS
from spacy_trax_sentiment.training.trax_loop.loop import run_loop

NOTEBOOK, OURS = "notebook: pad to the longest of each batch", "ours: pad to the bucket ladder"
WAYS = (NOTEBOOK, OURS)


PEERS = ("Loop", "spacy train", *NGRAM_SIZES)
BATCH_SIZES = (32, 128)
CLOCKS = ("by the clock", "by CPU time")
STEPS_BY = ("update by rows", "update whole table", "Loop by rows", "Loop whole table")
ROWS = (10_000, 100_000, 1_000_000)
ROWS_BATCH, ROWS_STEPS = 128, 25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--data", default="bundled:short_texts", help="labelled texts for the second and third table")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        table, *what = json.loads(arguments.measure)
        print(json.dumps(MEASURES[table](*what)))
        return
    rounds, steps, data = arguments.rounds, arguments.steps, arguments.data
    print_shapes(in_rounds([("shapes", way, steps) for way in WAYS], rounds), steps, rounds)
    peers = in_rounds([("peers", way, data, size, steps) for size in BATCH_SIZES for way in PEERS], rounds)
    print(f"\nexamples/s in training on {data} by batch size, median (and range) of {rounds} in alternation")
    columns = [(size, clock) for size in BATCH_SIZES for clock in range(len(CLOCKS))]
    rows = []
    for way in PEERS:
        runs = {size: peers["peers", way, data, size, steps] for size in BATCH_SIZES}
        rows.append((way, *(spread([run[clock] for run in runs[size]], 0) for size, clock in columns)))
    print_table(("way", *(f"{size}, {CLOCKS[clock]}" for size, clock in columns)), rows)
    grown = in_rounds([("rows", way, data, n, ROWS_BATCH, ROWS_STEPS) for n in ROWS for way in STEPS_BY], rounds)
    print(f"\nmilliseconds a step by rows of the embedding, batches of {ROWS_BATCH}, median (and range) of {rounds}")
    rows = [(way, *(spread(grown["rows", way, data, n, ROWS_BATCH, ROWS_STEPS], 1) for n in ROWS)) for way in STEPS_BY]
    print_table(("step", *(f"{n:,}" for n in ROWS)), rows)


def in_rounds(measurements: list[tuple[Any, ...]], rounds: int) -> dict[tuple[Any, ...], list[Any]]:
    """Return the results of each measurement in each round. The processes run one after the other."""
    found: dict[tuple[Any, ...], list[Any]] = {measurement: [] for measurement in measurements}
    for _ in range(rounds):
        for measurement in measurements:
            command = [sys.executable, __file__, "--measure", json.dumps(measurement)]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            found[measurement].append(json.loads(output.splitlines()[-1]))
    return found


def spread(runs: list[float], digits: int) -> str:
    return f"{statistics.median(runs):,.{digits}f} ({min(runs):,.{digits}f} to {max(runs):,.{digits}f})"


def print_shapes(measured: dict[tuple[Any, ...], list[Any]], steps: int, rounds: int) -> None:
    medians = {way: statistics.median(run[0] for run in runs) for (_, way, _), runs in measured.items()}
    slowest = max(medians.values())
    print(f"\n{steps} steps of batch 16, median of {rounds} rounds in alternation")
    rows = [
        (way, f"{seconds:.2f}", f"{seconds / slowest:.2f}", int(measured["shapes", way, steps][0][1]))
        for way, seconds in medians.items()
    ]
    print_table(("way", "seconds", "share", "batch shapes"), rows)


def print_table(header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    aligns = ("l", *["r"] * (len(header) - 1))
    print(wasabi.table(rows, header=header, divider=True, max_col=60, aligns=aligns), flush=True)


def measure(way: str, steps: int) -> tuple[float, int]:
    """Return the seconds that the Loop took, and the number of different shapes of its batches."""
    from spacy_trax_sentiment.model import trax_backend  # noqa: F401 (import it before the clock starts)

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


MEASURES: dict[str, Callable[..., Any]] = {"shapes": measure, "peers": examples_per_second, "rows": step_milliseconds}

if __name__ == "__main__":
    main()

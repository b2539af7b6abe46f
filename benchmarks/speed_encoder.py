"""Measure an encoder's speed, memory and start-up for `speed.py`.

Its throughput stands beside a plain loop of `tokenizers` and `onnxruntime` (float32, a text at a time, the graph with
our weights and pieces), beside `onnxruntime` alone on the batches that ours has padded, and beside a pipeline of
`transformers` with an encoder of the same size, if `pip install torch==2.13.0 transformers` was run.
"""

import gc
import statistics
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from encoder_peers import (
    ALONE,
    LOOP,
    TRANSFORMERS,
    EncoderContender,
    encoder_contenders,
    encoder_programs,
)
from measuring import alternate, launch_predict, start_up, timed_warm
from report import Bound, at_least, at_most, print_table
from spacy.language import Language
from speed_peers import BLANK, OURS, SCORER

# The number of lines that `predict` scores, and after which of their shares its memory is compared.
LINES, SHARES = 20_000, (0.1, 0.5, 1)
MOST_GROWTH = 40  # MB: the tokens and lexemes that are remembered; their number has a limit


def sample(texts: Sequence[str], most: int) -> list[str]:
    """Return at most `most` of the texts, drawn at random, the same ones each time."""
    if len(texts) <= most:
        return list(texts)
    drawn = np.random.default_rng(0).choice(len(texts), most, replace=False)
    return [texts[i] for i in np.sort(drawn).tolist()]


def measure_encoder_throughput(nlp: Language, texts: Sequence[str], rounds: int) -> list[Bound]:
    contenders = encoder_contenders(nlp, texts)
    if TRANSFORMERS not in contenders:
        print("\ntransformers is left out: torch or transformers is not installed")
    for contender in contenders.values():
        contender.score(texts)
    gc.collect()
    gc.freeze()  # what the contenders hold is no garbage
    measures = {name: partial(timed_warm, contender.score, texts) for name, contender in contenders.items()}
    measured = alternate(measures, rounds)
    gc.unfreeze()
    rows = [throughput_row(name, contenders, measured, len(texts)) for name in measured]
    header = ("warm, one thread", "ms/text", "range", "texts/s", "ids/text", "same label", "x the loop")
    print_table(f"Throughput on {len(texts):,} texts, median of {rounds} rounds", header, rows)
    bounds = [
        at_least("TextScorer: throughput over the plain loop's", times_as_fast(measured, SCORER, LOOP), 1.2),
        at_least("TextScorer: throughput over onnxruntime's alone", times_as_fast(measured, SCORER, ALONE), 0.8),
    ]
    if TRANSFORMERS in measured:
        ratio = times_as_fast(measured, SCORER, TRANSFORMERS)
        bounds.append(at_least("TextScorer: throughput over transformers'", ratio, 1.5))
    return bounds


def throughput_row(
    name: str,
    contenders: Mapping[str, EncoderContender],
    measured: Mapping[str, Sequence[float]],
    n_texts: int,
) -> tuple[str, ...]:
    seconds, contender, ours = measured[name], contenders[name], contenders[SCORER]
    median = statistics.median(seconds)
    same = ""
    if contender.probabilities is not None:
        same = f"{np.mean(contender.probabilities.argmax(axis=1) == ours.probabilities.argmax(axis=1)):.1%}"
    return (
        name,
        f"{median / n_texts * 1e3:.2f}",
        f"{min(seconds) / n_texts * 1e3:.2f} to {max(seconds) / n_texts * 1e3:.2f}",
        f"{n_texts / median:,.0f}",
        f"{contender.ids / n_texts:.1f}",
        same,
        f"{times_as_fast(measured, name, LOOP):.2f}",
    )


def times_as_fast(measured: Mapping[str, Sequence[float]], name: str, other: str) -> float:
    """Return the median of the rounds' ratios: whatever slows the machine for a round slows both."""
    return statistics.median(b / a for a, b in zip(measured[name], measured[other], strict=True))


def measure_encoder_file(model: str, texts: Sequence[str], n_lines: int, folder: Path) -> list[Bound]:
    lines = [max(round(n_lines * share), 1) for share in SHARES]
    runs = [launch_predict(model, texts, n, folder) for n in lines]
    rows = [
        (f"predict: {n:,} lines", f"{run.seconds:.1f}", f"{n / run.seconds:,.0f}", f"{run.peak:.1f}")
        for n, run in zip(lines, runs, strict=True)
    ]
    title = "A file: `trax-sentiment predict` from JSONL to JSONL, start-up included, one run each"
    print_table(title, ("", "seconds", "texts/s", "peak MB"), rows)
    per_line = (runs[-1].peak - runs[-2].peak) / max(lines[-1] - lines[-2], 1)
    print(
        f"The last {lines[-1] - lines[-2]:,} lines added {runs[-1].peak - runs[-2].peak:+.1f} MB. Were that to go on, "
        f"1,000,000 lines would add {per_line * 1e6:+,.0f} MB; what is remembered of texts is limited to some 27 MB."
    )
    growth = runs[-1].peak - runs[0].peak
    return [at_most("file: peak MB over that for a tenth of the lines", growth, MOST_GROWTH)]


def measure_encoder_start_up(model: str, rounds: int) -> list[Bound]:
    medians = start_up(encoder_programs(model), rounds, BLANK)
    names = {OURS: "nlp", SCORER: "TextScorer"}
    return [
        at_most(f"start-up, {shown}: seconds over blank's", medians[name].seconds / medians[BLANK].seconds, 2.5)
        for name, shown in names.items()
    ]

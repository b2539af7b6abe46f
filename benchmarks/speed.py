"""Measure speed, memory and size beside tokenizing alone, VADER, TextBlob and spaCy's text categorizers, in one run.

    python benchmarks/speed.py [--texts TWEETS.jsonl] [--first-sight MORE.jsonl] [--train LABELLED.jsonl]
    python benchmarks/speed.py --model en_trf [--texts TWEETS.jsonl]

Everything runs on one core with one thread. The contenders of a table take turns. Throughput is measured in processor
time, the rest in wall time. The default texts and weights are the bundled ones. An encoder has other contenders: see
`speed_encoder.py`. Needs the extra `bench`, `trf` for an encoder, and Linux or macOS.
"""

import argparse
import gc
import os
import statistics
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

# Installed packages have byte code, so let the programs that are started write it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# NumPy reads these when it is imported.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import spacy
import speed_encoder
import speed_peers as peers
import srsly
from encoder_peers import encoder_of
from measuring import MB, alternate, launch, launch_predict, micro, pin, start_up, timed, timed_warm
from report import Bound, at_least, at_most, print_bounds, print_machine, print_table
from spacy.language import Language
from speed_peers import BARE, BLANK, BLANK_CACHE, BOW, OURS, SCORER, SPACYTEXTBLOB, VADER, Contender

from spacy_trax_sentiment.text.labels import DEFAULT_LABELS
from spacy_trax_sentiment.training.corpora import read_labelled_texts
from spacy_trax_sentiment.training.labelled import LabelledText

THROUGHPUT, FIRST_SIGHT, FILE, START_UP, SIZE = PARTS = ("throughput", "first-sight", "file", "start-up", "size")
BUNDLED = "bundled:short_texts"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--texts", type=Path, help="JSONL file whose `text` is scored repeatedly")
    parser.add_argument("--first-sight", type=Path, help="JSONL file whose `text` is scored once; --texts by default")
    parser.add_argument("--train", default=BUNDLED, help="labelled texts that spaCy's categorizers are trained on")
    parser.add_argument("--model", default="en", help="our pipeline: the name of bundled weights, or a directory")
    parser.add_argument("--rounds", type=int, help="default: 5, or 3 with an encoder")
    parser.add_argument("--first-sight-rounds", type=int, default=3)
    parser.add_argument("--sample", type=int, default=2000, help="at most this many texts with an encoder")
    parser.add_argument(
        "--lines",
        type=int,
        help="number of lines that `trax-sentiment predict` scores; default: 1,000,000, or 20,000 with an encoder",
    )
    parser.add_argument("--only", default=",".join(PARTS), help="parts to run, separated by commas")
    arguments = parser.parse_args()
    parts = arguments.only.split(",")
    if unknown := set(parts).difference(PARTS):
        parser.error(f"--only takes {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")
    texts = read_texts(arguments.texts)
    with tempfile.TemporaryDirectory() as name:
        measure = (
            measure_additive if (encoder := encoder_of(arguments.model)) is None else partial(measure_encoder, encoder)
        )
        bounds = measure(texts, parts, arguments, Path(name))
    if bounds:
        print_bounds(bounds)


def measure_additive(
    texts: Sequence[str], parts: Sequence[str], arguments: argparse.Namespace, folder: Path
) -> list[Bound]:
    """Print the tables of a model of `Classifier.v1`, and return their bounds."""
    bounds: list[Bound] = []
    rounds = arguments.rounds or 5
    model = peers.save_ours(arguments.model, folder)
    textcats = peers.train_textcats(read_labels(arguments.train), folder)
    pin()
    print_machine()
    if THROUGHPUT in parts:
        bounds += measure_throughput(peers.contenders(model, textcats), texts, rounds)
    if FIRST_SIGHT in parts:
        once = read_texts(arguments.first_sight) if arguments.first_sight else texts
        bounds += measure_first_sight(model, once, arguments.first_sight_rounds)
    programs = peers.programs(model, textcats)
    if FILE in parts:
        bounds += measure_file(model, programs[BLANK], texts, arguments.lines or 1_000_000, folder)
    if START_UP in parts:
        bounds += measure_start_up(programs, rounds)
    if SIZE in parts:
        measure_size({"model: ours": model, **{f"model: {name}": path for name, path in textcats.items()}})
    return bounds


def measure_encoder(
    nlp: Language, texts: Sequence[str], parts: Sequence[str], arguments: argparse.Namespace, folder: Path
) -> list[Bound]:
    """Print the tables of a model of `Encoder.v1`, and return their bounds. Nothing is measured at first sight."""
    bounds: list[Bound] = []
    rounds = arguments.rounds or 3
    pin()
    print_machine(("spacy", "numpy", "onnxruntime", "tokenizers"))
    if THROUGHPUT in parts:
        bounds += speed_encoder.measure_encoder_throughput(nlp, speed_encoder.sample(texts, arguments.sample), rounds)
    if FILE in parts:
        n_lines = arguments.lines or speed_encoder.LINES
        bounds += speed_encoder.measure_encoder_file(arguments.model, texts, n_lines, folder)
    if START_UP in parts:
        bounds += speed_encoder.measure_encoder_start_up(arguments.model, rounds)
    if SIZE in parts:
        nlp.to_disk(folder / "ours")
        measure_size({"model: ours": folder / "ours"})
    return bounds


def measure_throughput(contenders: Mapping[str, Contender], texts: Sequence[str], rounds: int) -> list[Bound]:
    for contender in contenders.values():
        contender.score(texts)
    # The contenders' memory is no garbage. Otherwise each garbage collection would walk through all of it.
    gc.collect()
    gc.freeze()
    measures = {name: partial(timed_warm, contender.score, texts) for name, contender in contenders.items()}
    measured = alternate(measures, rounds)
    gc.unfreeze()
    seconds = {name: statistics.median(each) for name, each in measured.items()}
    rows = [
        (
            name,
            contenders[name].cache,
            f"{micro(median, texts):.1f}",
            f"{micro(min(measured[name]), texts):.1f} to {micro(max(measured[name]), texts):.1f}",
            f"{len(texts) / median:,.0f}",
            f"{seconds[BLANK] / median:.2f}",
            f"{seconds[BLANK_CACHE] / median:.2f}",
            f"{seconds[VADER] / median:.2f}",
        )
        for name, median in seconds.items()
    ]
    header = ("warm", "cached chunks", "us/text", "range", "texts/s", "x blank", "x same cache", "x VADER")
    print_table(f"Throughput on {len(texts):,} texts, median of {rounds} rounds", header, rows)
    return [
        at_least("nlp.pipe: throughput over blank's with the same cache", seconds[BLANK_CACHE] / seconds[OURS], 0.5),
        at_least("nlp.pipe: throughput over TextCatBOW's", seconds[BOW] / seconds[OURS], 2),
        at_least("nlp.pipe: throughput over spacytextblob's", seconds[SPACYTEXTBLOB] / seconds[OURS], 4),
        at_least("TextScorer, warm: throughput over VADER's", seconds[VADER] / seconds[SCORER], 10),
    ]


def measure_first_sight(model: Path, texts: Sequence[str], rounds: int) -> list[Bound]:
    makers: dict[str, Callable[[], Contender]] = {
        SCORER: lambda: peers.scorer(model),
        VADER: lambda: Contender(peers.vader()),
        BLANK: lambda: peers.piped(spacy.blank("en")),
        BLANK_CACHE: lambda: peers.piped(peers.blank_with_cache()),
        OURS: lambda: peers.piped(spacy.load(model)),
    }
    measured = alternate({name: partial(timed_fresh, make, texts) for name, make in makers.items()}, rounds)
    seconds = {name: statistics.median(each) for name, each in measured.items()}
    rows = [
        (
            name,
            makers[name]().cache,
            f"{micro(median, texts):.1f}",
            f"{len(texts) / median:,.0f}",
            f"{seconds[VADER] / median:.2f}",
        )
        for name, median in seconds.items()
    ]
    title = f"First sight: each newly made, over {len(texts):,} texts, median of {rounds} rounds"
    print_table(title, ("fresh", "cached chunks", "us/text", "texts/s", "x VADER"), rows)
    return [at_least("TextScorer, first sight: throughput over VADER's", seconds[VADER] / seconds[SCORER], 2)]


def measure_file(model: Path, blank: list[str], texts: Sequence[str], n_lines: int, folder: Path) -> list[Bound]:
    peak = launch(blank).peak
    rows: list[tuple[str, ...]] = [(f"process: {BLANK}", "", "", f"{peak:.1f}", "")]
    peaks = []
    # A fifth of a million lines fills the caches, which are limited: what is added after that grows with the lines.
    for n in (n_lines // 5, n_lines):
        run = launch_predict(model, texts, n, folder)
        peaks.append(run.peak)
        figures = (f"{run.seconds:.2f}", f"{n / run.seconds:,.0f}", f"{run.peak:.1f}", f"{run.peak - peak:+.1f}")
        rows.append((f"predict: {n:,} lines", *figures))
    title = "A file: `trax-sentiment predict` from JSONL to JSONL, start-up included, one run each"
    print_table(title, ("", "seconds", "texts/s", "peak MB", "over blank"), rows)
    return [
        at_most("file: peak MB over blank's", peaks[1] - peak, 150),
        at_most("file: peak MB over that for a fifth of the lines", peaks[1] - peaks[0], 5),
    ]


def measure_start_up(programs: Mapping[str, list[str]], rounds: int) -> list[Bound]:
    medians = start_up(programs, rounds, BLANK)
    blank = medians[BLANK].seconds
    return [
        at_most("start-up, nlp: seconds over blank's", medians[OURS].seconds / blank, 1.2),
        at_most("start-up, TextScorer: seconds over blank's", medians[SCORER].seconds / blank, 1.2),
        at_most(
            "start-up, nlp: seconds over blank's without plug-ins", medians[OURS].seconds / medians[BARE].seconds, 1.2
        ),
    ]


def measure_size(models: Mapping[str, Path]) -> None:
    spacy_needs = peers.requirements("spacy")
    rows = [("spacy and everything it needs", size_of(spacy_needs), "")]
    for name in ("spacy-trax-sentiment", "vaderSentiment", "textblob", "spacytextblob"):
        beyond = peers.requirements(name) - spacy_needs
        rows.append((f"{name}, beyond spaCy", size_of(beyond), ", ".join(sorted(beyond))))
    rows += [(name, f"{peers.directory_bytes(path) / MB:.2f}", "") for name, path in models.items()]
    header = ("", "MB", "distributions")
    print_table("Size on disk, without byte code", header, rows, aligns=("l", "r", "l"))


def timed_fresh(make: Callable[[], Contender], texts: Sequence[str]) -> float:
    """Return the seconds of the first pass, without those of making the contender."""
    return timed(make().score, texts)


def read_texts(path: Path | None) -> list[str]:
    """Return the texts of a JSONL file, or the bundled ones if there is no file."""
    if path is None:
        return [text.text for text in read_labelled_texts(BUNDLED)]
    return [row["text"] for row in srsly.read_jsonl(path)]


def read_labels(source: str) -> list[LabelledText]:
    return [text for text in read_labelled_texts(source, labels=None) if text.label in DEFAULT_LABELS]


def size_of(distributions: Iterable[str]) -> str:
    return f"{sum(map(peers.installed_bytes, distributions)) / MB:.2f}"


if __name__ == "__main__":
    main()

"""Measure speed, memory and size beside tokenizing alone, VADER, TextBlob and spaCy's text categorizers, in one run.

    python benchmarks/speed.py [--texts TWEETS.jsonl] [--first-sight MORE.jsonl] [--train LABELLED.jsonl]

Everything runs on one core with one thread, the contenders of a table in alternation. Without files, it measures on
the texts, and without a model with the weights, that ship with the package. Needs the extra `bench`; runs on Linux and
macOS.
"""

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple, TypeVar

# What is installed has byte code, so the programs that are started may write it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Read as NumPy is imported.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import spacy
import speed_peers as peers
import srsly
from report import Bound, at_least, at_most, print_bounds, print_machine, print_table
from speed_peers import BARE, BLANK, BLANK_CACHE, BOW, OURS, SCORER, SPACYTEXTBLOB, VADER, Score

from spacy_trax_sentiment import TextScorer
from spacy_trax_sentiment.training.corpora import read_labelled_texts
from spacy_trax_sentiment.training.labelled import DEFAULT_LABELS, LabelledText

THROUGHPUT, FIRST_SIGHT, FILE, START_UP, SIZE = PARTS = ("throughput", "first-sight", "file", "start-up", "size")
BUNDLED = "bundled:short_texts"
MB = 1e6
# Seconds.
_LONG_ENOUGH = 0.5

# Starts a command and prints its seconds, peak memory and exit status. Linux counts the memory of the process that
# starts another into the other's peak, so that one must be small.
LAUNCHER = """
import json, os, sys, time
start = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps([time.perf_counter() - start, usage.ru_maxrss * unit, os.waitstatus_to_exitcode(status)]))
"""

T = TypeVar("T")


class Run(NamedTuple):
    """What a process took: wall time in seconds, and its peak of resident memory in MB."""

    seconds: float
    peak: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--texts", type=Path, help="JSONL whose `text` is scored again and again, and makes the file")
    parser.add_argument("--first-sight", type=Path, help="JSONL whose `text` is scored once; without it, --texts")
    parser.add_argument("--train", default=BUNDLED, help="labelled texts for spaCy's categorizers")
    parser.add_argument(
        "--model", type=Path, help="our pipeline directory; without it, the weights that ship with the package"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--first-sight-rounds", type=int, default=3)
    parser.add_argument("--lines", type=int, default=1_000_000, help="of the file for `trax-sentiment predict`")
    parser.add_argument("--only", default=",".join(PARTS), help="the parts to run, separated by commas")
    arguments = parser.parse_args()
    parts = arguments.only.split(",")
    if unknown := set(parts).difference(PARTS):
        parser.error(f"--only takes {', '.join(PARTS)}, not {', '.join(sorted(unknown))}")
    texts = read_texts(arguments.texts)
    bounds: list[Bound] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = arguments.model or peers.save_ours(folder)
        textcats = peers.train_textcats(read_labels(arguments.train), folder)
        pin()
        print_machine()
        if THROUGHPUT in parts:
            bounds += measure_throughput(peers.contenders(model, textcats), texts, arguments.rounds)
        if FIRST_SIGHT in parts:
            once = read_texts(arguments.first_sight) if arguments.first_sight else texts
            bounds += measure_first_sight(model, once, arguments.first_sight_rounds)
        programs = peers.programs(model, textcats)
        if FILE in parts:
            bounds += measure_file(model, programs[BLANK], texts, arguments.lines, folder)
        if START_UP in parts:
            bounds += measure_start_up(programs, arguments.rounds)
        if SIZE in parts:
            measure_size({"model: ours": model, **{f"model: {name}": path for name, path in textcats.items()}})
    if bounds:
        print_bounds(bounds)


def measure_throughput(contenders: Mapping[str, Score], texts: Sequence[str], rounds: int) -> list[Bound]:
    for score in contenders.values():
        score(texts)
    # What the contenders keep is no garbage; without this, each one's garbage collections would walk through it.
    gc.collect()
    gc.freeze()
    measured = alternate({name: partial(timed_warm, score, texts) for name, score in contenders.items()}, rounds)
    gc.unfreeze()
    seconds = {name: statistics.median(each) for name, each in measured.items()}
    rows = [
        (
            name,
            f"{micro(median, texts):.1f}",
            f"{micro(min(measured[name]), texts):.1f} to {micro(max(measured[name]), texts):.1f}",
            f"{len(texts) / median:,.0f}",
            f"{seconds[BLANK] / median:.2f}",
            f"{seconds[VADER] / median:.2f}",
        )
        for name, median in seconds.items()
    ]
    header = ("warm", "us a text", "range", "texts/s", "x blank", "x VADER")
    print_table(f"Throughput on {len(texts):,} texts, median of {rounds} rounds in alternation", header, rows)
    return [
        at_least("nlp.pipe: throughput over blank's", seconds[BLANK] / seconds[OURS], 0.8),
        at_least("nlp.pipe: throughput over TextCatBOW's", seconds[BOW] / seconds[OURS], 2),
        at_least("nlp.pipe: throughput over spacytextblob's", seconds[SPACYTEXTBLOB] / seconds[OURS], 4),
        at_least("TextScorer, warm: throughput over VADER's", seconds[VADER] / seconds[SCORER], 10),
    ]


def measure_first_sight(model: Path, texts: Sequence[str], rounds: int) -> list[Bound]:
    made: dict[str, Callable[[], Score]] = {
        SCORER: lambda: TextScorer.load(model),
        VADER: peers.vader,
        BLANK: lambda: peers.piped(spacy.blank("en")),
        BLANK_CACHE: lambda: peers.piped(peers.blank_with_cache()),
        OURS: lambda: peers.piped(spacy.load(model)),
    }
    measures = {name: partial(timed_fresh, make, texts) for name, make in made.items()}
    measured = alternate(measures, rounds)
    seconds = {name: statistics.median(each) for name, each in measured.items()}
    rows = [
        (
            name,
            f"{micro(median, texts):.1f}",
            f"{len(texts) / median:,.0f}",
            f"{seconds[VADER] / median:.2f}",
        )
        for name, median in seconds.items()
    ]
    title = f"First sight: each newly made, over {len(texts):,} texts, median of {rounds} rounds in alternation"
    print_table(title, ("fresh", "us a text", "texts/s", "x VADER"), rows)
    return [at_least("TextScorer, first sight: throughput over VADER's", seconds[VADER] / seconds[SCORER], 2)]


def measure_file(model: Path, blank: list[str], texts: Sequence[str], n_lines: int, folder: Path) -> list[Bound]:
    peak = launch(blank).peak
    rows: list[tuple[str, ...]] = [(f"process: {BLANK}", "", "", f"{peak:.1f}", "")]
    peaks = []
    for n in (n_lines // 10, n_lines):
        source, target = folder / "texts.jsonl", folder / "scored.jsonl"
        srsly.write_jsonl(source, ({"text": f"{text} {i}"} for i, text in enumerate(islice(cycle(texts), n))))
        command = [sys.executable, "-m", "spacy_trax_sentiment", "predict", "--quiet", "--overwrite"]
        run = launch([*command, "--input", str(source), "--output", str(target), "--model", str(model)])
        with target.open("rb") as scored:
            if (n_scored := sum(1 for _ in scored)) != n:
                raise SystemExit(f"trax-sentiment predict wrote {n_scored} lines of {n}")
        peaks.append(run.peak)
        figures = (f"{run.seconds:.2f}", f"{n / run.seconds:,.0f}", f"{run.peak:.1f}", f"{run.peak - peak:+.1f}")
        rows.append((f"predict: {n:,} lines", *figures))
    title = "A file: `trax-sentiment predict` of JSONL to JSONL, start included, one run each"
    print_table(title, ("", "seconds", "texts/s", "peak MB", "over blank"), rows)
    return [
        at_most("file: peak MB over blank's", peaks[1] - peak, 150),
        at_most("file: peak MB over that of a tenth of the lines", peaks[1] - peaks[0], 5),
    ]


def measure_start_up(programs: Mapping[str, list[str]], rounds: int) -> list[Bound]:
    alternate({name: partial(launch, command) for name, command in programs.items()}, 1)  # byte code, disk cache
    measured = alternate({name: partial(launch, command) for name, command in programs.items()}, rounds)
    medians = {name: Run(*map(statistics.median, zip(*runs, strict=True))) for name, runs in measured.items()}
    rows = [
        (
            name,
            f"{run.seconds:.3f}",
            f"{min(measured[name]).seconds:.3f} to {max(measured[name]).seconds:.3f}",
            f"{run.seconds / medians[BLANK].seconds:.2f}",
            f"{run.peak:.1f}",
            f"{run.peak - medians[BLANK].peak:+.1f}",
        )
        for name, run in medians.items()
    ]
    title = f"Start-up: a process that imports, loads and scores one text, median of {rounds} rounds in alternation"
    print_table(title, ("", "seconds", "range", "of blank", "peak MB", "over blank"), rows)
    blank = medians[BLANK].seconds
    return [
        at_most("start-up, nlp: seconds over blank's", medians[OURS].seconds / blank, 1.2),
        at_most("start-up, TextScorer: seconds over blank's", medians[SCORER].seconds / blank, 1.2),
        at_most("start-up, nlp: over blank's, no plug-in", medians[OURS].seconds / medians[BARE].seconds, 1.2),
    ]


def measure_size(models: Mapping[str, Path]) -> None:
    spacy_needs = peers.requirements("spacy")
    rows = [("spacy and all that it needs", size_of(spacy_needs), "")]
    for name in ("spacy-trax-sentiment", "vaderSentiment", "textblob", "spacytextblob"):
        beyond = peers.requirements(name) - spacy_needs
        rows.append((f"{name}, beyond spaCy", size_of(beyond), ", ".join(sorted(beyond))))
    rows += [(name, f"{peers.directory_bytes(path) / MB:.2f}", "") for name, path in models.items()]
    header = ("", "MB", "distributions")
    print_table("Size on disk, without byte code", header, rows, aligns=("l", "r", "l"))


def alternate(measures: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """RETURNS: What each measured, by name; in a round each is called once."""
    measured: dict[str, list[T]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            measured[name].append(measure())
    return measured


def timed(score: Score, texts: Sequence[str]) -> float:
    """RETURNS: Seconds."""
    gc.collect()
    start = time.perf_counter()
    score(texts)
    return time.perf_counter() - start


def timed_warm(score: Score, texts: Sequence[str]) -> float:
    """RETURNS: Seconds, the mean of as many passes as it takes to tell: a short one measures the moment."""
    gc.collect()
    start, n_passes, seconds = time.perf_counter(), 0, 0.0
    while seconds < _LONG_ENOUGH:
        score(texts)
        n_passes += 1
        seconds = time.perf_counter() - start
    return seconds / n_passes


def timed_fresh(make: Callable[[], Score], texts: Sequence[str]) -> float:
    """RETURNS: Seconds, without the making."""
    return timed(make(), texts)


def launch(command: list[str]) -> Run:
    """Run a command to its end. Raises SystemExit where it fails."""
    launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, *command]
    output = subprocess.run(launcher, check=True, stdout=subprocess.PIPE, text=True).stdout
    seconds, peak, status = json.loads(output.splitlines()[-1])
    if status:
        raise SystemExit(f"exit status {status}: {' '.join(command)}")
    return Run(seconds, peak / MB)


def read_texts(path: Path | None) -> list[str]:
    """RETURNS: The texts of a JSONL file; those that ship with the package where there is none."""
    if path is None:
        return [text.text for text in read_labelled_texts(BUNDLED)]
    return [row["text"] for row in srsly.read_jsonl(path)]


def read_labels(source: str) -> list[LabelledText]:
    return [text for text in read_labelled_texts(source, labels=None) if text.label in DEFAULT_LABELS]


def pin() -> None:
    """Keep this process, and those that it starts, to one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def size_of(distributions: Iterable[str]) -> str:
    return f"{sum(map(peers.installed_bytes, distributions)) / MB:.2f}"


def micro(seconds: float, texts: Sequence[str]) -> float:
    """RETURNS: Microseconds a text."""
    return seconds / len(texts) * 1e6


if __name__ == "__main__":
    main()

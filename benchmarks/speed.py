"""Measure speed, memory and size beside tokenizing alone, VADER, TextBlob and spaCy's text categorizers, in one run.

    python benchmarks/speed.py [--texts TWEETS.jsonl] [--first-sight MORE.jsonl] [--train LABELLED.jsonl]

Everything runs on one core with one thread. The contenders of a table take turns. Throughput is measured in processor
time, the rest in wall time. The default texts and weights are the bundled ones. Needs the extra `bench`, and Linux or
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

# Installed packages have byte code, so let the programs that are started write it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# NumPy reads these when it is imported.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import spacy
import speed_peers as peers
import srsly
from report import Bound, at_least, at_most, print_bounds, print_machine, print_table
from speed_peers import BARE, BLANK, BLANK_CACHE, BOW, OURS, SCORER, SPACYTEXTBLOB, VADER, Contender, Score

from spacy_trax_sentiment.training.corpora import read_labelled_texts
from spacy_trax_sentiment.training.labelled import DEFAULT_LABELS, LabelledText

THROUGHPUT, FIRST_SIGHT, FILE, START_UP, SIZE = PARTS = ("throughput", "first-sight", "file", "start-up", "size")
BUNDLED = "bundled:short_texts"
MB = 1e6
_LONG_ENOUGH = 0.5  # seconds

# Starts a command and prints its seconds, peak memory and exit status. On Linux the peak of a process includes the
# memory of the one that started it, so that one must be small.
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
    """The cost of a process.

    Attributes:
        seconds: Wall time.
        peak: Most resident memory, in MB.
    """

    seconds: float
    peak: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--texts", type=Path, help="JSONL file whose `text` is scored repeatedly")
    parser.add_argument("--first-sight", type=Path, help="JSONL file whose `text` is scored once; --texts by default")
    parser.add_argument("--train", default=BUNDLED, help="labelled texts that spaCy's categorizers are trained on")
    parser.add_argument("--model", type=Path, help="our pipeline directory; by default, one with the bundled weights")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--first-sight-rounds", type=int, default=3)
    parser.add_argument(
        "--lines", type=int, default=1_000_000, help="number of lines that `trax-sentiment predict` scores"
    )
    parser.add_argument("--only", default=",".join(PARTS), help="parts to run, separated by commas")
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
    title = "A file: `trax-sentiment predict` from JSONL to JSONL, start-up included, one run each"
    print_table(title, ("", "seconds", "texts/s", "peak MB", "over blank"), rows)
    return [
        at_most("file: peak MB over blank's", peaks[1] - peak, 150),
        at_most("file: peak MB over that for a tenth of the lines", peaks[1] - peaks[0], 5),
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
    title = f"Start-up: a process that imports, loads and scores one text, median of {rounds} rounds"
    print_table(title, ("", "seconds", "range", "of blank", "peak MB", "over blank"), rows)
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


def alternate(measures: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Return what each measure gave, by name. Each is called once per round."""
    measured: dict[str, list[T]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            measured[name].append(measure())
    return measured


def timed(score: Score, texts: Sequence[str]) -> float:
    """Return the seconds of processor time of one pass."""
    gc.collect()
    start = time.process_time()
    score(texts)
    return time.process_time() - start


def timed_warm(score: Score, texts: Sequence[str]) -> float:
    """Return the mean seconds of passes that take long enough together to be measured."""
    gc.collect()
    start, n_passes, seconds = time.process_time(), 0, 0.0
    while seconds < _LONG_ENOUGH:
        score(texts)
        n_passes += 1
        seconds = time.process_time() - start
    return seconds / n_passes


def timed_fresh(make: Callable[[], Contender], texts: Sequence[str]) -> float:
    """Return the seconds of the first pass, without those of making the contender."""
    return timed(make().score, texts)


def launch(command: list[str]) -> Run:
    """Run a command to its end, or raise SystemExit if it fails."""
    launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, *command]
    output = subprocess.run(launcher, check=True, stdout=subprocess.PIPE, text=True).stdout
    seconds, peak, status = json.loads(output.splitlines()[-1])
    if status:
        raise SystemExit(f"exit status {status}: {' '.join(command)}")
    return Run(seconds, peak / MB)


def read_texts(path: Path | None) -> list[str]:
    """Return the texts of a JSONL file, or the bundled ones if there is no file."""
    if path is None:
        return [text.text for text in read_labelled_texts(BUNDLED)]
    return [row["text"] for row in srsly.read_jsonl(path)]


def read_labels(source: str) -> list[LabelledText]:
    return [text for text in read_labelled_texts(source, labels=None) if text.label in DEFAULT_LABELS]


def pin() -> None:
    """Keep this process and those that it starts on one core, if the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def size_of(distributions: Iterable[str]) -> str:
    return f"{sum(map(peers.installed_bytes, distributions)) / MB:.2f}"


def micro(seconds: float, texts: Sequence[str]) -> float:
    """Return microseconds per text."""
    return seconds / len(texts) * 1e6


if __name__ == "__main__":
    main()

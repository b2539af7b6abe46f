"""Time functions that take turns, and run programs for their time and memory, all on one core."""

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple, TypeVar

import srsly
from report import print_table

MB = 1e6
_LONG_ENOUGH = 0.5  # seconds

# Starts a command and prints its seconds, peak memory and exit status. On Linux the peak of a process includes the
# memory of the one that started it, so that one must be small.
_LAUNCHER = """
import json, os, sys, time
start = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps([time.perf_counter() - start, usage.ru_maxrss * unit, os.waitstatus_to_exitcode(status)]))
"""

T = TypeVar("T")
Score = Callable[[Sequence[str]], object]
"""Scores all of the texts."""


class Run(NamedTuple):
    """The cost of a process.

    Attributes:
        seconds: Wall time.
        peak: Most resident memory, in MB.
    """

    seconds: float
    peak: float


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


def launch(command: list[str]) -> Run:
    """Run a command to its end, or raise SystemExit if it fails."""
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command]
    output = subprocess.run(launcher, check=True, stdout=subprocess.PIPE, text=True).stdout
    seconds, peak, status = json.loads(output.splitlines()[-1])
    if status:
        raise SystemExit(f"exit status {status}: {' '.join(command)}")
    return Run(seconds, peak / MB)


def launch_predict(model: str | Path, texts: Sequence[str], n_lines: int, folder: Path) -> Run:
    """Run `trax-sentiment predict` on so many lines, the texts again and again with a number each."""
    source, target = folder / "texts.jsonl", folder / "scored.jsonl"
    srsly.write_jsonl(source, ({"text": f"{text} {i}"} for i, text in enumerate(islice(cycle(texts), n_lines))))
    command = [sys.executable, "-m", "spacy_trax_sentiment", "predict", "--quiet", "--overwrite"]
    run = launch([*command, "--input", str(source), "--output", str(target), "--model", str(model)])
    with target.open("rb") as scored:
        if (n_scored := sum(1 for _ in scored)) != n_lines:
            raise SystemExit(f"trax-sentiment predict wrote {n_scored} lines of {n_lines}")
    return run


def start_up(programs: Mapping[str, list[str]], rounds: int, of: str) -> dict[str, Run]:
    """Print how long programs take beside the one named `of`, and return their medians by name."""
    alternate({name: partial(launch, command) for name, command in programs.items()}, 1)  # byte code, disk cache
    measured = alternate({name: partial(launch, command) for name, command in programs.items()}, rounds)
    medians = {name: Run(*map(statistics.median, zip(*runs, strict=True))) for name, runs in measured.items()}
    rows = [
        (
            name,
            f"{run.seconds:.3f}",
            f"{min(measured[name]).seconds:.3f} to {max(measured[name]).seconds:.3f}",
            f"{run.seconds / medians[of].seconds:.2f}",
            f"{run.peak:.1f}",
            f"{run.peak - medians[of].peak:+.1f}",
        )
        for name, run in medians.items()
    ]
    title = f"Start-up: a process that imports, loads and scores one text, median of {rounds} rounds"
    print_table(title, ("", "seconds", "range", "of blank", "peak MB", "over blank"), rows)
    return medians


def pin() -> None:
    """Keep this process and those that it starts on one core, if the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def micro(seconds: float, texts: Sequence[str]) -> float:
    """Return microseconds per text."""
    return seconds / len(texts) * 1e6

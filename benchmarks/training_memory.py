"""Measure the memory that training takes on a file too large to be kept in memory.

    python benchmarks/training_memory.py [--rows 100000 2000000] [--steps 100]

Writes JSONL files with these numbers of rows, with words drawn by Zipf's law, and trains on each in a process of its
own. Needs the extra `train`.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from itertools import accumulate
from pathlib import Path

from report import at_most, print_bounds, print_table

_WORDS = 200_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 2_000_000])
    parser.add_argument("--steps", type=int, default=100)
    arguments = parser.parse_args()
    rows, most = [], 0.0
    with tempfile.TemporaryDirectory() as directory:
        for n_rows in arguments.rows:
            source = Path(directory) / f"{n_rows}.jsonl"
            write_texts(source, n_rows)
            seconds, megabytes = train(source, Path(directory) / f"model-{n_rows}", arguments.steps)
            most = max(most, megabytes)
            rows.append((f"{n_rows:,}", f"{source.stat().st_size / 1e6:.0f}", f"{seconds:.0f}", f"{megabytes:.0f}"))
            source.unlink()
    print_table(f"training of {arguments.steps} steps", ("rows", "MB of file", "seconds", "peak MB of memory"), rows)
    print_bounds([at_most("peak memory, MB", most, 2000)], digits=0)


def write_texts(path: Path, n_rows: int) -> None:
    """Write rows of 5 to 25 random words and one that tells the label."""
    choose = random.Random(0)
    words = [f"w{i:x}" for i in range(_WORDS)]
    cumulative = list(accumulate(1 / (i + 1) for i in range(_WORDS)))
    with path.open("w", encoding="utf-8") as file:
        for i in range(n_rows):
            label, telling = (("negative", "awful"), ("positive", "lovely"))[i % 2]
            text = [*choose.choices(words, cum_weights=cumulative, k=choose.randint(5, 25)), telling, str(i)]
            file.write(json.dumps({"text": " ".join(text), "label": label}) + "\n")


def train(source: Path, output: Path, steps: int) -> tuple[float, float]:
    """Run `trax-sentiment train`, and return its seconds and its peak memory in MB."""
    options = ["--output", str(output), "--steps", str(steps), "--quiet"]
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", "spacy_trax_sentiment", "train", str(source), *options]) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"training on {source} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()

"""Time many processes on one Parquet file: `trax-sentiment predict` with processes and with Ray, beside TextScorer.

    python benchmarks/scale.py --texts tweets.jsonl [--rows 1000000] [--rounds 3] [--memory-rows 5000000] [--kills 20]
        [--price 0.04] [--no-clusters]

The file repeats the texts, each with a running number appended. Each measurement is a process of its own, from the
start of the command to its end, and the ways alternate. The time to start and stop is measured with a single row and
shown separately. Ray is measured twice: started by the command, and already running, as on a cluster. A Ray cluster of
two nodes, and Spark if there is Java, score the file once, to compare what they write. The last tables are those of
docs/capacity.md: where the time of a process goes, and what a billion rows take, and cost at `--price` per core hour.
`--kills` kills runs at random moments (the driver, a worker process, a Ray worker, or a node of a cluster) and counts
the rows in the output. Needs the extras `ray` and, for Spark, `dev`.
"""

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from report import Bound, at_least, at_most, print_bounds, print_machine, print_table
from scale_clusters import one_node, spark, two_nodes

from spacy_trax_sentiment.jobs.local import available_cores

BARE = "TextScorer, one process"
RUNNING = "Ray that runs already, 2"
NODE = "node of Ray"
_GROUP = 1 << 17


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--texts", required=True, help="a JSONL file with the key 'text'")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--memory-rows", type=int, default=5_000_000, help="rows of the larger table of the RAM test; 0 skips it"
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--no-clusters", action="store_true", help="skip Ray on two nodes, and Spark")
    parser.add_argument("--price", type=float, help="price of a core hour, in any currency")
    parser.add_argument("--bare", help=argparse.SUPPRESS)
    parser.add_argument("--stages", help=argparse.SUPPRESS)
    parser.add_argument("--spark", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare:
        score_bare(arguments.bare)
        return
    if arguments.stages:
        print(json.dumps(stages(arguments.stages)))
        return
    if arguments.spark:
        spark(*arguments.spark)
        return
    print_machine()
    print(f"cores that may be used: {available_cores()}")
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        source = work / "texts.parquet"
        write_texts(Path(arguments.texts), source, arguments.rows)
        rates, bounds = speed(source, work, arguments.rows, arguments.rounds)
        capacity(source, work / "local, 2-0-texts", arguments.rows, rates, arguments.price)
        if not arguments.no_clusters:
            bounds += clusters(source, work)
        if arguments.memory_rows:
            bounds += memory(Path(arguments.texts), work, arguments.memory_rows)
        if arguments.kills:
            bounds += kills(source, work, arguments.rows, arguments.kills)
    print_bounds(bounds)


def write_texts(texts: Path, target: Path, n_rows: int) -> None:
    """Write a table with the columns `id` and `text`, one row group at a time."""
    lines = [json.loads(line)["text"] for line in texts.open(encoding="utf-8")]
    schema = pa.schema({"id": pa.int64(), "text": pa.string()})
    with pq.ParquetWriter(target, schema) as writer:
        for start in range(0, n_rows, _GROUP):
            ids = range(start, min(start + _GROUP, n_rows))
            table = pa.table({"id": ids, "text": [f"{lines[i % len(lines)]} {i}" for i in ids]}, schema=schema)
            writer.write_table(table)


def score_bare(source: str) -> None:
    """Score the column `text` in batches, and write nothing."""
    from spacy_trax_sentiment import TextScorer

    scorer = TextScorer.load()
    for batch in pq.ParquetFile(source).iter_batches(1000, columns=["text"]):
        scorer(batch.column(0).to_pylist())


def command(source: Path, output: Path, engine: str, concurrency: int, address: str | None = None) -> list[str]:
    """Return the command line that scores the table. `address` is that of a Ray cluster."""
    options = ["--input", str(source), "--output", str(output), "--engine", engine, "--concurrency", str(concurrency)]
    options += ["--address", address] if address else []
    return [sys.executable, "-m", "spacy_trax_sentiment", "predict", *options, "--quiet"]


def timed(arguments: Sequence[str]) -> float:
    """Return how many seconds a command takes."""
    start = time.perf_counter()
    if subprocess.run(arguments, stdout=subprocess.DEVNULL).returncode:
        raise SystemExit(f"{' '.join(arguments)} failed")
    return time.perf_counter() - start


def speed(source: Path, work: Path, n_rows: int, rounds: int) -> tuple[dict[str, float], list[Bound]]:
    """Return the rows per second of each way, without starting and stopping, and the bounds."""
    ways: dict[str, Callable[..., list[str]]] = {
        BARE: lambda source, *_, **__: [sys.executable, __file__, "--texts", "-", "--bare", str(source)],
    }
    for engine in ("local", "ray"):
        for n in (1, 2):
            ways[f"{engine}, {n}"] = partial(command, engine=engine, concurrency=n)
    ways[RUNNING] = ways["ray, 2"]
    nothing = work / "nothing.parquet"
    pq.write_table(pq.read_table(source).slice(0, 1), nothing)
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    started: dict[str, list[float]] = {way: [] for way in ways}
    for round_ in range(rounds):
        for way, arguments in ways.items():
            with one_node(2) if way == RUNNING else nullcontext() as address:
                if address:  # the first job on a cluster starts actors that the later ones use
                    timed(arguments(nothing, work / f"first-{round_}", address=address))
                for table, taken in ((source, seconds), (nothing, started)):
                    output = work / f"{way}-{round_}-{table.stem}"
                    taken[way].append(timed(arguments(table, output, address=address)))
    outputs = {way: scores(work / f"{way}-0-{source.stem}") for way in ways if way != BARE}
    median = {way: statistics.median(taken) for way, taken in seconds.items()}
    start = {way: statistics.median(taken) for way, taken in started.items()}
    rates = {way: n_rows / (t - start[way]) for way, t in median.items()}
    processes = {way: int(way[-1]) if way != BARE else 1 for way in ways}
    print_table(
        f"{n_rows} rows, median of {rounds} in alternation",
        ("way, processes", "seconds", "rows/s", "to start and stop", "rows/s without these", "per process"),
        [
            (way, f"{t:.1f}", f"{n_rows / t:.0f}", f"{start[way]:.1f}", f"{rate:.0f}", f"{rate / processes[way]:.0f}")
            for (way, t), rate in zip(median.items(), rates.values(), strict=True)
        ],
    )
    ids, _ = outputs["local, 1"]
    same = all(agree(found, outputs["local, 1"]) for found in outputs.values())
    return rates, [
        at_least("rows equal in all outputs", float(same and ids.tolist() == list(range(n_rows))), 1),
        at_least("rows/s of 2 processes / 1", median["local, 1"] / median["local, 2"], 1.7),
        at_least("the same, without starting and stopping", rates["local, 2"] / rates["local, 1"], 1.7),
        *(
            bound
            for name, way in (("Ray that it starts", "ray, 2"), ("Ray that runs", RUNNING))
            for bound in (
                at_most(f"seconds of a {name} / local, 2 workers each", median[way] / median["local, 2"], 1.2),
                at_most("the same, without starting and stopping", rates["local, 2"] / rates[way], 1.2),
            )
        ),
    ]


def clusters(source: Path, work: Path) -> list[Bound]:
    """Score the table with Ray on two nodes and with Spark, and compare the output with that of two processes."""
    seconds = {}
    expected = scores(work / f"local, 2-0-{source.stem}")
    with two_nodes() as (address, _):
        seconds["Ray, 2 nodes"] = timed(command(source, work / "Ray, 2 nodes", "ray", 2, address))
    if find_spec("pyspark") and (shutil.which("java") or os.environ.get("JAVA_HOME")):
        output = work / "Spark, 2 workers"
        seconds[output.name] = timed([sys.executable, __file__, "--texts", "-", "--spark", str(source), str(output)])
    same = [agree(scores(work / way), expected) for way in seconds]
    rows = [(way, f"{taken:.1f}", str(each)) for (way, taken), each in zip(seconds.items(), same, strict=True)]
    print_table("on clusters", ("way", "seconds", "rows and scores equal to `local`"), rows)
    return [at_least("clusters whose rows and scores equal those of `local`", sum(same) / len(same), 1)]


def scores(output: Path) -> tuple[Any, Any]:
    """Return the sorted ids (n_rows,) and the probabilities (n_labels, n_rows) of all rows in a directory."""
    table = pa.concat_tables(pq.read_table(path) for path in sorted(output.glob("*.parquet"))).sort_by("id")
    columns = [name for name in table.column_names if name.startswith("sentiment_")]
    return table["id"].to_numpy(), np.stack([table[name].to_numpy() for name in columns])


def agree(one: tuple[Any, Any], other: tuple[Any, Any]) -> bool:
    """Return whether two results of `scores` have the same rows, with probabilities equal to 1e-6."""
    return np.array_equal(one[0], other[0]) and np.allclose(one[1], other[1], rtol=0, atol=1e-6)


def stages(source: str) -> dict[str, float]:
    """Return the seconds that one process takes to read, score and write the first part of a Parquet file."""
    from spacy_trax_sentiment import TextScorer
    from spacy_trax_sentiment.jobs.parts import ROWS_PER_PART
    from spacy_trax_sentiment.tables.readers import open_input
    from spacy_trax_sentiment.tables.scored import scored_columns
    from spacy_trax_sentiment.tables.writers import open_output

    scorer, seconds = TextScorer.load(), dict.fromkeys(("load", "read", "score", "write"), 0.0)
    before = time.perf_counter()

    def lap(stage: str) -> None:
        nonlocal before
        now = time.perf_counter()
        seconds[stage] += now - before
        before = now

    target = str(Path(source).with_name("stages.parquet"))
    with open_output(target, "parquet") as write, open_input(source, "parquet", part=range(ROWS_PER_PART)) as batches:
        lap("load")
        for batch in batches:
            lap("read")
            added = scored_columns(batch.texts, scorer.scored, scorer.labels)
            lap("score")
            write(batch, added)
            lap("write")
    lap("write")
    return {stage: seconds[stage] for stage in ("read", "score", "write")}


def capacity(source: Path, output: Path, n_rows: int, rates: dict[str, float], price: float | None) -> None:
    """Print the figures of docs/capacity.md, computed from the rates of `local`."""
    command_line = [sys.executable, __file__, "--texts", "-", "--stages", str(source)]
    seconds = json.loads(subprocess.run(command_line, capture_output=True, check=True, text=True).stdout)
    total = sum(seconds.values())
    print_table(
        "where the time of one process goes, by its first part",
        ("stage", "share"),
        [(stage, f"{taken / total:.0%}") for stage, taken in seconds.items()],
    )
    # The rate of a core while others work beside it.
    rate = rates["local, 2"] / 2
    hours = 1e9 / rate / 3600
    n_bytes = source.stat().st_size + sum(path.stat().st_size for path in output.glob("*.parquet"))
    a_row = n_bytes / n_rows
    print_table(
        "a billion rows, on paper, at the rate of each of two processes",
        ("figure", "value"),
        [
            ("rows/s per core", f"{rate:.0f}"),
            ("2 processes / 1", f"{rates['local, 2'] / rates['local, 1']:.2f}"),
            ("core hours", f"{hours:.1f}"),
            (
                "cost" if price is None else f"cost, at {price:g} per hour",
                "no --price" if price is None else f"{hours * price:.2f}",
            ),
            ("bytes of Parquet read and written per row", f"{a_row:.0f}"),
            ("MB/s read and written per core", f"{rate * a_row / 1e6:.1f}"),
            ("cores that a store of 1 GB/s keeps busy", f"{1e9 / (rate * a_row):.0f}"),
        ],
    )


def memory(texts: Path, work: Path, most: int) -> list[Bound]:
    found, of_workers = {}, {}
    for n_rows in (100_000, most):
        source = work / f"{n_rows}"
        source.mkdir()
        for half in ("a", "b"):  # two files, because the driver would score a single part itself
            write_texts(texts, source / f"{half}.parquet", n_rows // 2)
        for n in (1, 2):
            output = work / f"{n_rows}-{n}"
            found[n, n_rows], of_workers[n, n_rows] = peaks(command(source, output, "local", n))
    rows = [
        (f"{n} of {n_rows} rows", f"{mb:.0f}", f"{max(of_workers[n, n_rows], default=mb):.0f}")
        for (n, n_rows), mb in found.items()
    ]
    print_table(
        "peak RAM; a single process is driver and worker at once", ("processes", "driver, MB", "a worker, MB"), rows
    )
    growth = found[2, most] - found[2, 100_000]
    return [at_most(f"driver RAM at {most} rows over that at 100,000, MB", growth, 10)]


def peaks(arguments: Sequence[str]) -> tuple[float, list[float]]:
    """Return the peak RAM of a command, and of each of its workers, in MB.

    It is read while they run: for an ended process, the system may report the peak of the parent that forked it.
    """
    found: dict[int, float] = {}
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            for pid in (process.pid, *victims(process.pid, "worker")):
                with suppress(OSError, StopIteration):
                    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                    found[pid] = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
            time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed")
    return found.pop(process.pid), list(found.values())


def kills(source: Path, work: Path, n_rows: int, n_kills: int) -> list[Bound]:
    """Kill runs at random moments, resume them, and check that each row is written once."""
    choose = random.Random(0)
    whole = {engine: timed(command(source, work / f"whole-{engine}", engine, 2)) for engine in ("local", "ray")}
    outcomes: Counter[tuple[str, str]] = Counter()
    for i in range(n_kills):
        what = ("driver", "worker", "worker of Ray", NODE)[i % 4]
        output, engine = work / f"kill-{i}", "ray" if "Ray" in what else "local"
        moment = choose.uniform(0, whole[engine])
        with two_nodes() if what == NODE else nullcontext((None, None)) as (address, take_node):
            arguments = command(source, output, engine, 2, address)
            with subprocess.Popen(arguments, start_new_session=True) as process:
                time.sleep(moment)
                if take_node is not None:
                    take_node()
                else:
                    for victim in victims(process.pid, what)[:1]:
                        os.kill(victim, signal.SIGKILL)
                status = process.wait()
            if status:  # the driver was killed
                kill_group(process.pid)
                timed(arguments)
        ids, _ = scores(output)
        outcomes[what, "once each" if ids.tolist() == list(range(n_rows)) else "NOT once each"] += 1
    print_table(
        f"{n_kills} kills at random moments",
        ("of", "rows in the output", "runs"),
        [(*each, str(n)) for each, n in outcomes.items()],
    )
    n_good = sum(n for (_, result), n in outcomes.items() if result == "once each")
    return [at_least("share of killed runs with every row once", n_good / n_kills, 1)]


def victims(pid: int, what: str) -> list[int]:
    """Return the processes of which one is to be killed."""
    if what == "driver":
        return [pid]
    mark = b"spawn_main" if what == "worker" else b"ray::"
    return [each for each in descendants(pid) if mark in _command_line(each)]


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # the process has ended meanwhile
        return b""


def descendants(pid: int) -> list[int]:
    """Return the children of a process, their children, and so on."""
    try:
        children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return children + [each for child in children for each in descendants(child)]


def kill_group(pid: int) -> None:
    """Kill the processes that a killed driver has left running."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()

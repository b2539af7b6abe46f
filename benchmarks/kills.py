"""Kill training runs at random moments, and check that resuming them gives the weights of a run never killed.

    python benchmarks/kills.py [--kills 50] [--data texts.jsonl] [--steps 20000] [--checkpoint-every 500] [--seed 0]

One run is left alone. Others of the same command are killed with SIGKILL, each at a random moment of the time that a
run takes, and then resumed until they are done. This repeats until `--kills` runs were killed before their end. Needs
the extra `train`.
"""

import argparse
import hashlib
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import wasabi


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--data", default="bundled:short_texts", help="labelled texts")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--checkpoint-every", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0, help="random seed for the moments")
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "spacy_trax_sentiment", "train", arguments.data, "--quiet", "--resume"]
    command += ["--steps", str(arguments.steps), "--checkpoint-every", str(arguments.checkpoint_every), "--output"]
    moments = random.Random(arguments.seed)
    rows: list[tuple[Any, ...]] = []
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "m"
        start = time.perf_counter()
        subprocess.run([*command, output], check=True)
        seconds = time.perf_counter() - start
        expected = weights_digest(output)
        n_killed = 0
        while n_killed < arguments.kills:
            number = len(rows) + 1
            output = Path(directory) / f"killed-{number}"
            moment = moments.uniform(0, seconds)
            was_killed = kill_after([*command, output], moment)
            n_killed += was_killed
            seconds = seconds if was_killed else min(seconds, moment)  # if the first run started slowly
            saved, is_done = last_saved(output), output.is_dir()
            resumed = 0 if is_done else subprocess.run([*command, output], check=False).returncode
            same = output.is_dir() and weights_digest(output) == expected
            row = (number, f"{moment:.1f}", "killed" if was_killed else "done before", saved, resumed, same)
            print(*row, file=sys.stderr, flush=True)
            rows.append(row)
    every = arguments.checkpoint_every
    print(f"{arguments.steps} steps on {arguments.data} in {seconds:.1f} s, a checkpoint every {every} steps")
    header = ("run", "second", "then", "last checkpoint", "status after resuming", "same weights")
    print(wasabi.table(rows, header=header, divider=True, aligns=("r",) * len(header)))
    of_killed = [row for row in rows if row[2] == "killed"]
    n_after = sum(row[3] > 0 for row in of_killed)
    n_good = sum(row[4] == 0 and row[5] for row in of_killed)
    print(f"{len(of_killed)} killed, {n_after} of them after a checkpoint; {n_good} ended with equal weights")
    sys.exit(n_good < len(of_killed))


def kill_after(command: list[object], seconds: float) -> bool:
    """Run a command for some seconds, kill it, and return whether it was still running."""
    process = subprocess.Popen([str(part) for part in command])
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def last_saved(output: Path) -> int:
    """Return the step of the last checkpoint, or 0 if there is none."""
    steps = [int(path.name.split("-")[1]) for path in output.parent.glob(f"{output.name}.checkpoint/step-*")]
    return max(steps, default=0)


def weights_digest(output: Path) -> str:
    """Return the SHA-256 of the files of the component's arrays."""
    paths = sorted((output / "trax_sentiment").glob("*.npy"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


if __name__ == "__main__":
    main()

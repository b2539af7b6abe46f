"""Put everything that serves under load for ten minutes, with faults, and watch errors and memory.

    python benchmarks/soak.py --texts tweets.jsonl [--seconds 600]

Three loads run at once. `trax-sentiment serve` gets good requests, broken ones, and clients that hang up. In another
process, threads share `nlp.pipe` and a TextScorer. `trax-sentiment predict` scores files, some of them damaged, and
some runs are killed. Any answer that is not documented counts as an error. Each thread scores all texts first, and the
server gets them all, so that all caches are nearly full within the first minute. Needs the extra `serve`; memory is
read from /proc.
"""

import argparse
import http.client
import json
import multiprocessing
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from report import at_least, at_most, print_bounds, print_table

from spacy_trax_sentiment import TextScorer

_WARM_UP = 60
_READINGS = 10

Load = Callable[[random.Random], str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--texts", required=True, help="a JSONL file with the field 'text'")
    parser.add_argument("--seconds", type=int, default=600)
    arguments = parser.parse_args()
    texts = [json.loads(line)["text"] for line in Path(arguments.texts).read_text(encoding="utf-8").splitlines()]
    context = multiprocessing.get_context("spawn")
    stop, told = context.Event(), context.Queue()
    with tempfile.TemporaryDirectory() as directory:
        server = subprocess.Popen(
            [sys.executable, "-m", "spacy_trax_sentiment", "serve", "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        sharing = context.Process(target=share_pipeline, args=(texts, stop, told))
        sharing.start()
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().split(" at http://127.0.0.1:")[1].split()[0].rstrip("/"))
            for start in range(0, len(texts), 1000):
                for question in questions(texts[start : start + 1000], contributions=False):
                    post(port, *question)
            loads: list[Load] = [
                lambda choose: ask(port, texts, choose),
                lambda choose: break_off(port, choose),
                lambda choose: predict(Path(directory), texts, choose),
            ]
            of_memory = {"server": server.pid, "nlp.pipe and TextScorer": sharing.pid or 0}
            with repeated(loads, stop) as (done, errors):
                time.sleep(min(_WARM_UP, arguments.seconds / 2))
                before = {who: resident(pid) for who, pid in of_memory.items()}
                time.sleep(max(arguments.seconds - _WARM_UP, arguments.seconds / 2))
                after = {who: resident(pid) for who, pid in of_memory.items()}
                is_up = float(server.poll() is None)
            done_there, errors_there = told.get(timeout=60)
            done.update(done_there)
            errors += errors_there
        finally:
            stop.set()
            sharing.join()
            server.terminate()
            server.wait()
    print_table("what was done", ("what", "times"), [(what, f"{n:,}") for what, n in sorted(done.items())])
    for error in errors[:20]:
        print(error)
    print_bounds(
        [
            at_most("errors that are not documented", len(errors), 0),
            at_least("the server is up", is_up, 1),
            *(at_most(f"memory of {who}, end over first minute", after[who] / before[who], 1.05) for who in before),
        ]
    )


@contextmanager
def repeated(loads: list[Load], stop: Any) -> Iterator[tuple[Counter[str], list[str]]]:
    """Repeat each load in a thread of its own until the block ends, and then set the event `stop`.

    Yields:
        How often each thing was done, and the errors. Both grow meanwhile.
    """
    done: Counter[str] = Counter()
    errors: list[str] = []

    def repeat(load: Load, choose: random.Random) -> None:
        while not stop.is_set():
            try:
                done[load(choose)] += 1
            except Exception as error:
                errors.append(f"{type(error).__name__}: {error}"[:300])

    threads = [threading.Thread(target=repeat, args=(load, random.Random(i))) for i, load in enumerate(loads)]
    for thread in threads:
        thread.start()
    try:
        yield done, errors
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def ask(port: int, texts: list[str], choose: random.Random) -> str:
    """Send the server a good request, or one that it must refuse."""
    some = choose.sample(texts, choose.choice((1, 10, 100)))
    asked, table = questions(some, contributions=choose.random() < 0.2)
    good = asked[-1]
    path, kind, body, wanted = choose.choice(
        [
            *[(*asked, 200)] * 6,
            (*table, 200),
            ("/v1/sentiment", "application/json", b'{"texts": [1]}', 422),
            ("/v1/sentiment", "application/json", b"[" * 100_000, 400),
            ("/v1/sentiment", "text/html", good, 415),
            ("/v1/nothing", "application/json", good, 404),
            ("/v1/table", "text/csv", b"a,b\n1,2\n", 422),
            ("/v1/sentiment", "application/json", b" " * 11_000_000, 413),
        ]
    )
    try:
        status, answer = post(port, path, kind, body)
    except (BrokenPipeError, ConnectionResetError):
        if wanted != 413:  # the answer can come before all is sent
            raise
        return "server: refused 413"
    if status != wanted:
        raise AssertionError(f"{path} {kind}: {status} instead of {wanted}: {answer}")
    return "server: answered" if wanted == 200 else f"server: refused {wanted}"


def questions(texts: list[str], contributions: bool) -> list[tuple[str, str, bytes]]:
    """Return two requests for the texts' sentiment, each as path, content type and body."""
    asked = json.dumps({"texts": texts, "contributions": contributions})
    table = "text\n" + "\n".join(map(json.dumps, texts))
    return [("/v1/sentiment", "application/json", asked.encode()), ("/v1/table", "text/plain", table.encode())]


def post(port: int, path: str, kind: str, body: bytes) -> tuple[int, Any]:
    """Return the status and the answer of a request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", path, body, {"Content-Type": kind})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def break_off(port: int, choose: random.Random) -> str:
    """Hang up in the middle of a request."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        head = (
            b"POST /v1/sentiment HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
        )
        connection.sendall(head[: choose.randrange(len(head))] if choose.random() < 0.5 else head + b'{"texts": [')
        time.sleep(0.05)
    return "server: hung up on"


def share_pipeline(texts: list[str], stop: Any, told: Any) -> None:
    """Let threads use one pipeline and one scorer until `stop` is set; then put what `repeated` yields into `told`."""
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment")
    scorer = TextScorer.load()
    expected = scorer(texts)
    of_thread = threading.local()

    def draw(choose: random.Random, n: int) -> list[int]:
        is_first = not hasattr(of_thread, "has_begun")
        of_thread.has_begun = True
        return list(range(len(texts))) if is_first else choose.sample(range(len(texts)), n)

    def by_scorer(choose: random.Random) -> str:
        chosen = draw(choose, 500)
        if not np.allclose(scorer([texts[i] for i in chosen]), expected[chosen], atol=1e-6):
            raise AssertionError("TextScorer's scores changed")
        return "TextScorer: 500 texts"

    def by_pipe(choose: random.Random) -> str:
        chosen = draw(choose, 100)
        found = [list(doc.cats.values()) for doc in nlp.pipe([texts[i] for i in chosen])]
        if not np.allclose(found, expected[chosen], atol=1e-6):
            raise AssertionError("nlp.pipe's scores differ from TextScorer's")
        return "nlp.pipe: 100 texts"

    with repeated([by_scorer, by_scorer, by_pipe, by_pipe], stop) as found:
        stop.wait()
    told.put(found)


def predict(directory: Path, texts: list[str], choose: random.Random) -> str:
    """Run `predict` on a good file or a damaged one, or kill it."""
    source, target = directory / "in.jsonl", directory / "out.csv"
    target.unlink(missing_ok=True)
    lines = [json.dumps({"text": text}) for text in choose.sample(texts, 2000)]
    what = choose.choice(("good", "good", "damaged", "killed"))
    if what == "damaged":
        lines[1000] = lines[1000][:-3]
    source.write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "spacy_trax_sentiment", "predict", "--input", str(source), "--output", str(target)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        if what == "killed":
            time.sleep(choose.uniform(0, 3))
            process.send_signal(signal.SIGKILL)
        _, told = process.communicate()
    is_whole = target.exists() and len(target.read_text(encoding="utf-8").splitlines()) >= 2001
    right = {
        "good": process.returncode == 0 and is_whole,
        "damaged": process.returncode == 1 and "[S004]" in told and not target.exists(),
        "killed": is_whole or not target.exists(),
    }
    if not right[what]:
        raise AssertionError(f"predict of a {what} file: status {process.returncode}, {told}")
    return f"predict: {what}"


def resident(pid: int) -> float:
    """Return the resident memory of a process in MB: the median of several readings, because it fluctuates."""
    found = []
    for _ in range(_READINGS):
        status = Path(f"/proc/{pid}/status").read_text()
        found.append(int(status.split("VmRSS:")[1].split()[0]) / 1024)
        time.sleep(1)
    return statistics.median(found)


if __name__ == "__main__":
    main()

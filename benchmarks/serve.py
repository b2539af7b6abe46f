"""Measure `trax-sentiment serve`: 1,000 texts by HTTP against TextScorer, long requests, and many clients at a time.

    python benchmarks/serve.py [--texts TWEETS.jsonl]

The server is a uvicorn process on the loopback interface. A POST is timed from the bytes of the body to those of the
answer; another row adds the client's own JSON. The ways take turns, and their medians are compared. VADER is served by
the same endpoint, with the same HTTP, JSON and threads. While each long request is at work, another client asks
`/health` again and again. Needs the extras `serve` and `bench`; runs on Linux.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import cycle, islice
from pathlib import Path
from typing import Any

# Read as NumPy is imported.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

from report import Bound, at_most, print_bounds, print_machine, print_table

from spacy_trax_sentiment import TextScorer
from spacy_trax_sentiment.training.corpora import read_labelled_texts

N_TEXTS = 1_000
MOST = 2.0
FIRST_SIGHT_ROUNDS = 5
MB = 1e6
MOST_MS_OF_HEALTH = 100.0
# The texts per request that each of many clients asks, in turn.
SIZES = (1, 1, 1, 10, 100)

IN_PROCESS, POST = "TextScorer in process", "POST /v1/sentiment"

OURS = [sys.executable, "-m", "spacy_trax_sentiment", "serve", "--port", "0"]
VADER = [sys.executable, str(Path(__file__).with_name("serve_peer.py"))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--texts", type=Path, help="JSONL file whose field `text` is scored; default: the bundled texts"
    )
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20.0, help="seconds for which the clients ask")
    arguments = parser.parse_args()
    print_machine()
    texts = read_texts(arguments.texts)
    with running(OURS) as (ours, process), running(VADER) as (vader, _):
        bounds = [compare(texts, ours, vader, arguments.rounds)]
        bounds += many_clients(texts, ours, process, arguments.clients, arguments.seconds)
        bounds.append(health_meanwhile(texts, ours))
    print_bounds(bounds)
    sys.exit(not all(bound.met for bound in bounds))


def read_texts(path: Path | None) -> list[str]:
    if path is None:
        return [row.text for row in read_labelled_texts("bundled:short_texts")]
    return [json.loads(line)["text"] for line in path.read_text("utf-8").splitlines()]


@contextmanager
def running(command: list[str]) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Start a server. Yield its port and its process."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield int(line.split("http://127.0.0.1:")[1].split()[0]), process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def compare(texts: list[str], ours: int, vader: int, rounds: int) -> Bound:
    """Time 1,000 texts in each way: the same texts repeatedly, and texts with new words each time."""
    warm = list(islice(cycle(texts), N_TEXTS))
    fresh = [[f"{text} word{i}x{j}" for j, text in enumerate(warm)] for i in range(FIRST_SIGHT_ROUNDS)]
    scorer = TextScorer.load()
    ways: dict[str, Callable[[list[str], bytes], object]] = {
        IN_PROCESS: lambda some, _: scorer(some),
        POST: client(ours),
        "the same, and the client's JSON": client(ours, parse=True),
        "the same endpoint with VADER": client(vader),
    }
    seconds = timed(ways, [warm] * rounds, warm_up=True)
    # Each way has its own words, because two of them ask the same server.
    first_sight = {
        name: timed({name: way}, [[f"{text}{i}" for text in some] for some in fresh], warm_up=False)[name]
        for i, (name, way) in enumerate(ways.items())
    }
    medians = {name: statistics.median(some) for name, some in seconds.items()}
    rows = [
        (
            name,
            f"{1e3 * medians[name]:.2f}",
            f"{medians[name] / medians[IN_PROCESS]:.2f}",
            f"{1e3 * min(some):.2f}",
            f"{1e3 * statistics.median(first_sight[name]):.2f}",
        )
        for name, some in seconds.items()
    ]
    header = ("1,000 texts", "ms, median", "times TextScorer", "ms, least", "ms, a new word in each")
    print_table(f"One client, medians of {rounds} rounds, the texts seen before", header, rows)
    # The JSON of the answers takes about as long as HTTP does.
    return at_most("POST of 1,000 texts / TextScorer", medians[POST] / medians[IN_PROCESS], MOST)


def timed(
    ways: dict[str, Callable[[list[str], bytes], object]], batches: list[list[str]], *, warm_up: bool
) -> dict[str, list[float]]:
    """Return the seconds that each way takes for each batch."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for batch in (batches[:1] if warm_up else []) + batches:
        body = body_of(batch)
        for name, score in ways.items():
            start = time.perf_counter()
            score(batch, body)
            seconds[name].append(time.perf_counter() - start)
    return {name: some[int(warm_up) :] for name, some in seconds.items()}


def client(port: int, *, parse: bool = False) -> Callable[[list[str], bytes], object]:
    """Return a function that posts a body over one connection and reads the answer.

    With `parse`, it also makes the body from the texts, and parses the answer.
    """
    connection = HTTPConnection("127.0.0.1", port)
    connection.connect()

    def post(texts: list[str], body: bytes) -> Any:
        body = body_of(texts) if parse else body
        connection.request("POST", "/v1/sentiment", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        assert response.status == 200
        return json.loads(answer) if parse else answer

    assert post(["a", "b"], body_of(["a", "b"]))
    return post


def body_of(texts: list[str]) -> bytes:
    return json.dumps({"texts": texts}, ensure_ascii=False).encode()


def health_meanwhile(texts: list[str], port: int) -> Bound:
    """Measure the longest that `/health` takes while a long request is at work, for several kinds of these."""
    long = " ".join(islice(cycle(texts), 5_000))[:99_000]
    fresh = " ".join(f"w{i}ord" for i in range(15_000))[:99_000]
    rows = "".join(f'"{text.replace(chr(34), "")}",{i}\n' for i, text in enumerate(islice(cycle(texts), 50_000)))
    requests: dict[str, tuple[str, str | bytes]] = {
        "10,000 texts": ("/v1/sentiment", body_of(list(islice(cycle(texts), 10_000)))),
        "50 texts of 99,000 characters": ("/v1/sentiment", body_of([long] * 50)),
        "the same of new words": ("/v1/sentiment", body_of([fresh.replace("w", chr(97 + i % 20)) for i in range(50)])),
        "an emoji 30,000 times": ("/v1/sentiment", body_of(["\U0001f600" * 30_000])),
        "contributions of 99,000 characters": ("/v1/sentiment", json.dumps({"text": long, "contributions": True})),
        "contributions of 1,000 texts": (
            "/v1/sentiment",
            json.dumps({"texts": [text[:99] for text in islice(cycle(texts), N_TEXTS)], "contributions": True}),
        ),
        "a table of 50,000 rows": ("/v1/table?format=csv", f"text,id\n{rows}"),
    }
    shown, longest = [], 0.0
    for name, (path, body) in requests.items():
        seconds, health = _asked_meanwhile(port, path, body.encode() if isinstance(body, str) else body)
        longest = max(longest, *health)
        shown.append((name, f"{seconds:.2f}", f"{1e3 * statistics.median(health):.1f}", f"{1e3 * max(health):.1f}"))
    print_table("/health while a long request is at work", ("request", "seconds", "ms, median", "ms, most"), shown)
    return at_most("/health while a long request is at work, ms", 1e3 * longest, MOST_MS_OF_HEALTH)


def _asked_meanwhile(port: int, path: str, body: bytes) -> tuple[float, list[float]]:
    """Return the seconds that a request takes, and those of each `/health` meanwhile."""
    seconds: list[float] = []

    def post() -> None:
        connection = HTTPConnection("127.0.0.1", port)
        start = time.perf_counter()
        connection.request("POST", path, body, {"Content-Type": "text/csv" if "table" in path else "application/json"})
        response = connection.getresponse()
        response.read()
        assert response.status == 200
        seconds.append(time.perf_counter() - start)

    posting = threading.Thread(target=post)
    posting.start()
    connection, health = HTTPConnection("127.0.0.1", port), list[float]()
    while posting.is_alive():
        start = time.perf_counter()
        connection.request("GET", "/health")
        connection.getresponse().read()
        health.append(time.perf_counter() - start)
        time.sleep(0.002)
    return seconds[0], health


def many_clients(
    texts: list[str], port: int, process: "subprocess.Popen[str]", n_clients: int, seconds: float
) -> list[Bound]:
    """Let many clients ask, each again once it has its answer, and watch the server's memory."""
    bodies = [body_of(list(islice(cycle(texts), i, i + size))) for i, size in enumerate(SIZES * 20)]
    requests = [
        b"POST /v1/sentiment HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        for body in bodies
    ]
    memory: list[tuple[float, float]] = []
    latencies, errors = asyncio.run(_ask_all(port, process.pid, requests, n_clients, seconds, memory))
    latencies.sort()
    rows = [
        (
            str(n_clients),
            f"{seconds:.0f}",
            str(len(latencies)),
            f"{len(latencies) / seconds:.0f}",
            f"{1e3 * latencies[len(latencies) // 2]:.0f}",
            f"{1e3 * latencies[int(len(latencies) * 0.99)]:.0f}",
            str(len(errors)),
        )
    ]
    header = ("clients", "seconds", "answers", "a second", "ms, median", "ms, 99 %", "errors")
    print_table("Many clients, requests of 1, 1, 1, 10 and 100 texts in turn", header, rows)
    for error in errors[:3]:
        print(error)
    (early, before), (late, after) = memory[0], memory[-1]
    print_table(
        "The server's resident memory",
        ("after seconds", "MB"),
        [(f"{when:.0f}", f"{size:.1f}") for when, size in memory],
    )
    print(f"from {early:.0f} s to {late:.0f} s: {after - before:+.1f} MB")
    return [at_most("errors", len(errors), 0), at_most("memory at the end / at a quarter", after / before, 1.05)]


async def _ask_all(
    port: int, pid: int, requests: list[bytes], n_clients: int, seconds: float, memory: list[tuple[float, float]]
) -> tuple[list[float], list[str]]:
    latencies: list[float] = []
    errors: list[str] = []
    start = time.perf_counter()

    async def ask(first: int) -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for request in cycle(requests[first:] + requests[:first]):
                asked = time.perf_counter()
                if asked > start + seconds:
                    break
                writer.write(request)
                await writer.drain()
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                body = await asyncio.wait_for(reader.readexactly(length), 30)
                if not head.startswith(b"HTTP/1.1 200") or not body.endswith(b"]}"):
                    errors.append(head.split(b"\r\n")[0].decode())
                latencies.append(time.perf_counter() - asked)
            writer.close()
        except (TimeoutError, OSError, EOFError) as error:
            errors.append(repr(error))

    async def watch() -> None:
        for part in (0.25, 0.5, 0.75, 0.99):
            await asyncio.sleep(max(0.0, start + part * seconds - time.perf_counter()))
            memory.append((part * seconds, resident_mb(pid)))

    await asyncio.gather(watch(), *(ask(i % len(requests)) for i in range(n_clients)))
    return latencies, errors


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


if __name__ == "__main__":
    main()

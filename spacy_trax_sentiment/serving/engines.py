"""What scores the parts of a job: processes on this machine, or Ray's workers on many."""

import atexit
import logging
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from typing import Any

from ..errors import Errors, MissingExtraError
from .jobs import Job, Outcome, Part, Scorer

ENGINES = ("local", "ray")

# How often a part is tried whose process has ended under it.
_ATTEMPTS = 5

_scorer: Scorer | None = None


def available_cores() -> int:
    """RETURNS: The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_locally(job: Job, parts: Sequence[Part], concurrency: int) -> Iterator[Outcome]:
    """Score parts by processes on this machine; where `concurrency` is 1, by this one.

    A process that is killed is replaced, and what it was at is done again.

    YIELDS: What became of each part, in the order in which they end.
    """
    if concurrency == 1:
        yield from map(Scorer(job), parts)
        return
    waiting, attempts = list(reversed(parts)), Counter[Part]()
    while waiting:
        # Not forked: other libraries' threads, such as JAX's, do not outlive that.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(concurrency, context, _prepare, (job,))
        at_work: dict[Future[Outcome], Part] = {}
        try:
            while waiting or at_work:
                while waiting and len(at_work) < concurrency:
                    part = waiting.pop()
                    at_work[pool.submit(_score, part)] = part
                for done in wait(at_work, return_when=FIRST_COMPLETED).done:
                    yield done.result()
                    del at_work[done]
        except BrokenProcessPool as error:
            # Which of them was killed is not known. None is lost: what one of the others had written is there.
            attempts.update(at_work.values())
            for part in at_work.values():
                if attempts[part] < _ATTEMPTS:
                    waiting.append(part)
                else:
                    yield Outcome(part, error=Errors.S114.format(n_times=_ATTEMPTS, reason=error))
        finally:
            pool.shutdown(cancel_futures=True)


def _prepare(job: Job) -> None:
    global _scorer
    # Read by Arrow when it is first imported: threads of each process would take the cores from the other processes.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # The driver waits for its processes to end, and to take the model apart takes them a quarter of a second.
    atexit.register(os._exit, 0)
    _scorer = Scorer(job)


def _score(part: Part) -> Outcome:
    assert _scorer is not None
    return _scorer(part)


def run_on_ray(job: Job, parts: Sequence[Part], concurrency: int, address: str | None = None) -> Iterator[Outcome]:
    """Score parts by Ray Data, on this machine or a cluster whose machines all see the files.

    Ray starts lost workers anew, on other machines where need be.

    address: That of a cluster, or "auto"; None: a Ray of this machine's own. A Ray that runs already is used.
    YIELDS: What became of each part, in the order in which they end.

    Raises MissingExtraError where Ray Data is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # its workers warn of arguments that ours do not have
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingExtraError(Errors.S115.format(reason=error)) from None
    started = not ray.is_initialized()
    if started:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
    try:
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        ray.data.DataContext.get_current().enable_progress_bars = False
        # The job goes with each part: what a worker is made with may be lost with the machine that it came from.
        items = [{"job": asdict(job), "part": asdict(part)} for part in parts]
        scorer: Any = _RayScorer
        workers = ray.data.ActorPoolStrategy(size=concurrency)
        for row in ray.data.from_items(items, override_num_blocks=len(items)).map(scorer, compute=workers).iter_rows():
            yield Outcome(_part(row["part"]), **row["outcome"])
    finally:
        if started:
            ray.shutdown()


class _RayScorer:
    """A Scorer of rows, as Ray Data has them. All are of one job."""

    def __init__(self) -> None:
        self._scorer: Scorer | None = None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        self._scorer = self._scorer or Scorer(Job(**row["job"]))
        outcome = asdict(self._scorer(_part(row["part"])))
        return {"part": outcome.pop("part"), "outcome": outcome}


def _part(row: dict[str, Any]) -> Part:
    ranges = {name: row[name] for name in ("rows", "span")}
    return Part(**row | {name: None if each is None else (int(each[0]), int(each[1])) for name, each in ranges.items()})

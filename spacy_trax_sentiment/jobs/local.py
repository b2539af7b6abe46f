"""What scores the parts of a job: processes on this machine, or Ray's workers on many."""

import atexit
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from ..errors import Errors
from .parts import Job, Outcome, Part, Scorer

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

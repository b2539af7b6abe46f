"""The parts of a job to their outcomes, by processes on this machine."""

import atexit
import logging
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from ..errors import Errors
from .parts import Job, Outcome, Part, score_part


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_locally(
    job: Job,
    parts: Sequence[Part],
    concurrency: int,
    *,
    attempts: int = 5,
    score: Callable[[Job, Part], Outcome] = score_part,
) -> Iterator[Outcome]:
    """Score parts on this machine, and yield what became of each as it is done.

    A process that is killed is replaced, and its part is tried again, `attempts` times in all. With a `concurrency` of
    1, this process does the work.
    """
    if concurrency == 1:
        for part in parts:
            yield score(job, part)
        return
    waiting, tries = list(reversed(parts)), Counter[Part]()
    while waiting:
        # Not forked, because the threads of other libraries, such as JAX, do not survive that.
        levels = (logging.getLogger("spacy_trax_sentiment").level,)
        pool = ProcessPoolExecutor(concurrency, multiprocessing.get_context("spawn"), _prepare, levels)
        at_work: dict[Future[Outcome], Part] = {}
        try:
            while waiting or at_work:
                while waiting and len(at_work) < concurrency:
                    future = pool.submit(score, job, waiting[-1])  # or fails, if a process was killed meanwhile
                    at_work[future] = waiting.pop()
                for done in wait(at_work, return_when=FIRST_COMPLETED).done:
                    yield done.result()
                    del at_work[done]
        except BrokenProcessPool as error:
            # Nobody knows which of them was killed. Nothing is lost: what the others have written is there.
            tries.update(at_work.values())
            for part in at_work.values():
                if tries[part] < attempts:
                    waiting.append(part)
                else:
                    yield Outcome(part, error=Errors.S114.format(path=part.source, n_times=attempts, reason=error))
        finally:
            pool.shutdown(cancel_futures=True)


def _prepare(level: int) -> None:
    logging.getLogger("spacy_trax_sentiment").setLevel(level)
    # Arrow reads this when it is imported. Its threads would take the cores from the other processes.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # The driver waits for its processes to end, and taking the model apart would take them 0.23 s of each job.
    atexit.register(os._exit, 0)

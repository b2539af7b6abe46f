"""The parts of a job to their outcomes, by Ray's workers, on this machine or on many."""

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from ..errors import Errors, MissingExtraError
from ..tables.scored import Written
from .parts import Job, Outcome, Part, score_part


def run_on_ray(job: Job, parts: Sequence[Part], concurrency: int, address: str | None = None) -> Iterator[Outcome]:
    """Score parts with Ray Data, which replaces lost workers, and yield what became of each as it is done.

    The address is that of a cluster whose machines all see the files, or "auto"; None starts a Ray of this machine's
    own, unless one is running. MissingExtraError is raised if Ray Data is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # its workers warn of arguments that ours do not have
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingExtraError(Errors.S115.format(reason=error)) from None
    is_ours = not ray.is_initialized()
    if is_ours:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
    try:
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        ray.data.DataContext.get_current().enable_progress_bars = False
        # The job goes with each part, because a worker that replaces a lost one knows nothing else.
        items = [{"job": asdict(job), "part": asdict(part)} for part in parts]
        scorer: Any = _RowScorer
        workers = ray.data.ActorPoolStrategy(size=concurrency)
        for row in ray.data.from_items(items, override_num_blocks=len(items)).map(scorer, compute=workers).iter_rows():
            yield Outcome(_part(row["part"]), Written(**row["written"]), row["error"])
    finally:
        if is_ours:
            ray.shutdown()


class _RowScorer:
    """Scores parts that are rows of Ray Data. A class, so that Ray keeps its workers, and with them the model."""

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        outcome = score_part(Job(**row["job"]), _part(row["part"]))
        return {"part": asdict(outcome.part), "written": outcome.written._asdict(), "error": outcome.error}


def _part(row: dict[str, Any]) -> Part:
    extent = row["extent"]
    return Part(**row | {"extent": None if extent is None else (int(extent[0]), int(extent[1]))})

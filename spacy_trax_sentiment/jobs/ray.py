"""TODO."""

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from ..errors import Errors, MissingExtraError
from .parts import Job, Outcome, Part, Scorer


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

"""`trax-sentiment predict` for many tables, with many processes."""

import sys
from enum import StrEnum
from typing import TYPE_CHECKING

from .common import progress

if TYPE_CHECKING:
    from ..jobs.parts import Job, Outcome


class Engine(StrEnum):
    """What scores many tables."""

    local = "local"
    ray = "ray"


def score_many(
    job: "Job",
    source: str,
    source_format: str | None,
    engine: Engine,
    concurrency: int | None,
    address: str | None,
    quiet: bool,
) -> int:
    """Score the tables that `source` names, report those that fail, and return the exit status."""
    from ..jobs.run import run

    told: set[str] = set()
    n_rows = 0
    with progress(quiet, unit="part") as bar:

        def show(outcome: "Outcome", n_outcomes: int) -> None:
            nonlocal n_rows
            if outcome.error is not None and outcome.error not in told:  # all parts of a file may have it in common
                tell(outcome.error)
                told.add(outcome.error)
            n_rows += outcome.written.n_rows
            bar.total = n_outcomes
            bar.set_postfix(rows=n_rows, refresh=False)
            bar.update(1)

        finished = run(
            job,
            [source],
            source_format=source_format,
            engine=engine,
            concurrency=concurrency,
            address=address,
            on_outcome=show,
        )
    for file, first, n_without in finished.without_text():
        tell_without(file, first, n_without)
    failed = finished.failed()
    if failed:
        tell(f"{len(failed)} of {len(finished.files)} files failed; run the command again to try only these.")
    return 1 if failed else 0


def tell_without(name: str, first: int | None, n_rows: int) -> None:
    """Report the rows of a table that have no scores. `first` is the number of the first one, from 1, or None."""
    if first is not None:
        tell(f"{name}: {n_rows} rows hold no text, the first is row {first}; they have no scores.")


def tell(message: str) -> None:
    """Print a line on standard error, above a progress bar."""
    from tqdm import tqdm

    tqdm.write(f"trax-sentiment: {message}", file=sys.stderr)

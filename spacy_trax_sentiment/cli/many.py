"""`trax-sentiment predict` of many tables, by many processes."""

import sys
from enum import Enum
from typing import TYPE_CHECKING

from .common import progress

if TYPE_CHECKING:
    from ..serving.jobs import Job


class Engine(str, Enum):
    """What scores many tables."""

    local = "local"
    ray = "ray"


def are_many(source: str) -> bool:
    """RETURNS: Whether it names a directory, or is a pattern and no file."""
    import glob
    import os

    return os.path.isdir(source) or (glob.has_magic(source) and not os.path.exists(source))


def score_many(
    job: "Job",
    source: str,
    source_format: str | None,
    engine: Engine,
    concurrency: int | None,
    address: str | None,
    quiet: bool,
) -> int:
    """Score the tables that `source` names, and tell of those that fail. RETURNS: The exit status."""
    from ..errors import SentimentError
    from ..serving.engines import available_cores, run_locally, run_on_ray
    from ..serving.jobs import begin, input_files, parts_of, to_do

    files, parts, failed = input_files([source]), [], set()
    begin(job, files)
    for file in files:
        try:
            parts += parts_of(file, job, source_format)
        except SentimentError as error:
            failed.add(file)
            tell(str(error))
    parts = to_do(job, parts)
    n_workers = min(concurrency or available_cores(), max(len(parts), 1))
    by_ray = engine is Engine.ray and parts
    outcomes = run_on_ray(job, parts, n_workers, address) if by_ray else run_locally(job, parts, n_workers)
    without = {file: RowsWithoutText(file) for file in files}
    n_rows = 0
    with progress(quiet, len(parts), unit="part") as bar:
        for outcome in outcomes:
            if outcome.error is not None:
                failed.add(outcome.part.source)
                tell(outcome.error)
            without[outcome.part.source].add(outcome.first_without, outcome.n_without)
            n_rows += outcome.n_rows
            bar.set_postfix(rows=n_rows, refresh=False)
            bar.update(1)
    for each in without.values():
        each.tell()
    if failed:
        tell(f"{len(failed)} of {len(files)} files failed; run again to try these only.")
    return 1 if failed else 0


class RowsWithoutText:
    """The rows of a table that have no scores, to tell of in one line."""

    def __init__(self, name: str) -> None:
        self.name, self.first, self.n_rows = name, 0, 0

    def add(self, first: int | None, n_rows: int) -> None:
        """first: The number of the first of `n_rows` rows, counting from 1; None where there are none."""
        if first is not None:
            self.first = min(self.first or first, first)
            self.n_rows += n_rows

    def tell(self) -> None:
        """Say so on standard error, where there are any."""
        if self.n_rows:
            tell(f"{self.name}: {self.n_rows} rows hold no text, the first is row {self.first}; they have no scores.")


def tell(message: str) -> None:
    """Print a line on standard error, above a progress bar."""
    from tqdm import tqdm

    tqdm.write(f"trax-sentiment: {message}", file=sys.stderr)

"""`trax-sentiment predict` of many tables, by many processes."""

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


def are_many(source: str) -> bool:
    """RETURNS: Whether it, or an address, names a directory, or is a pattern and no file.

    Raises SentimentError where an address cannot be asked.
    """
    import glob
    import os

    if "://" in source:
        from ..tables.addresses import is_directory, is_pattern

        return is_pattern(source) or is_directory(source)
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
    from ..jobs.local import available_cores, run_locally
    from ..jobs.parts import begin, input_files, parts_of, rows_before, to_do
    from ..jobs.ray import run_on_ray

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
    without: dict[str, list[Outcome]] = {}
    told, n_rows = set(), 0
    with progress(quiet, len(parts), unit="part") as bar:
        for outcome in outcomes:
            if outcome.error is not None:
                failed.add(outcome.part.source)
                if outcome.error not in told:  # what all parts of a file have in common
                    tell(outcome.error)
                told.add(outcome.error)
            if outcome.first_without is not None:
                without.setdefault(outcome.part.source, []).append(outcome)
            n_rows += outcome.n_rows
            bar.set_postfix(rows=n_rows, refresh=False)
            bar.update(1)
    for file, of_file in sorted(without.items()):
        first = min(of_file, key=lambda outcome: outcome.part.start)
        before = rows_before(first.part)
        tell_without(file, before + (first.first_without or 0), sum(outcome.n_without for outcome in of_file))
    if failed:
        tell(f"{len(failed)} of {len(files)} files failed; run again to try these only.")
    return 1 if failed else 0


def tell_without(name: str, first: int | None, n_rows: int) -> None:
    """Tell of the rows of a table that have no scores.

    first: The number of the first, counting from 1; None where there are none.
    """
    if first is not None:
        tell(f"{name}: {n_rows} rows hold no text, the first is row {first}; they have no scores.")


def tell(message: str) -> None:
    """Print a line on standard error, above a progress bar."""
    from tqdm import tqdm

    tqdm.write(f"trax-sentiment: {message}", file=sys.stderr)

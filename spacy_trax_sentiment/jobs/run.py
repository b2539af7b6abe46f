"""A whole job, for Python and the console: files to scored files, and to what became of each."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, groupby
from typing import NamedTuple

from ..errors import SentimentError
from .local import available_cores, run_locally
from .parts import BYTES_PER_PART, ROWS_PER_PART, Job, Outcome, Part, begin, input_files, parts_of, to_do
from .ray import run_on_ray


class Finished(NamedTuple):
    """The result of a job: its input files, and the outcome of each part that was not done before."""

    files: list[str]
    outcomes: list[Outcome]

    def failed(self) -> set[str]:
        """Return the files of which some part could not be scored."""
        return {outcome.part.source for outcome in self.outcomes if outcome.error is not None}

    def without_text(self) -> Iterator[tuple[str, int, int]]:
        """Yield each file with rows that have no text, the number of the first one (from 1), and how many they are."""
        outcomes = [outcome for outcome in self.outcomes if outcome.written.n_without]
        outcomes.sort(key=lambda outcome: (outcome.part.source, outcome.part.extent or (0, 0)))
        for file, of_file in groupby(outcomes, key=lambda outcome: outcome.part.source):
            some = list(of_file)
            row = some[0].part.rows_before() + (some[0].written.first_without or 0)
            yield file, row, sum(outcome.written.n_without for outcome in some)


def run(
    job: Job,
    sources: Sequence[str],
    *,
    engine: str = "local",
    concurrency: int | None = None,
    address: str | None = None,
    on_outcome: Callable[[Outcome, int], None] | None = None,
    rows_per_part: int = ROWS_PER_PART,
    bytes_per_part: int = BYTES_PER_PART,
) -> Finished:
    """Score many files. If an earlier run of the same job was interrupted, what it has written is not done again.

    The sources are as in `input_files`. The engine is "local", for processes on this machine, or "ray" (see
    `run_on_ray`); the default concurrency is the number of cores. `on_outcome` is called with each outcome as it comes,
    and with the number of all. SentimentError is raised if there are no such files or the output directory cannot be
    used; what is wrong with a single file is in its outcome.
    """
    files = input_files(sources)
    begin(job, files)
    parts: list[Part] = []
    undivided: list[Outcome] = []
    for file in files:
        try:
            parts += parts_of(file, job, rows_per_part=rows_per_part, bytes_per_part=bytes_per_part)
        except SentimentError as error:
            undivided.append(Outcome(Part(file, "", ""), error=str(error)))
    parts = to_do(job, parts)
    n_workers = min(concurrency or available_cores(), max(len(parts), 1))
    is_ray = engine == "ray" and parts
    scored = run_on_ray(job, parts, n_workers, address) if is_ray else run_locally(job, parts, n_workers)
    outcomes: list[Outcome] = []
    for outcome in chain(undivided, scored):
        if on_outcome is not None:
            on_outcome(outcome, len(undivided) + len(parts))
        outcomes.append(outcome)
    return Finished(files, outcomes)

"""Many files to as many or more, in parts that processes score each for itself: none twice, and none half.

A part's output appears whole under a name that says which part it is. So a part whose output is there is done, whoever
did it: a run that was broken off goes on with the others.
"""

import glob
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Errors, SentimentError
from ..pretrained import pretrained_path
from ..storage.whole import MANIFEST, work_directory
from ..tables import addresses
from ..tables.addresses import as_path, is_address, local_path, open_address
from ..tables.parquet import load_pyarrow
from ..tables.readers import json_rows_before, line_spans, lines_before, open_input
from ..tables.rows import INPUT_FORMATS, input_format, output_format, unreadable, writing
from ..tables.scored import write_scored
from ..tables.writers import open_output

if TYPE_CHECKING:
    from ..bulk.text_scorer import TextScorer

RUN_FILE = "_run.json"

# Rows of a Parquet file that one part holds: some seconds of work, so that the last one is not long waited for.
ROWS_PER_PART = 100_000

# Likewise the bytes of a file of lines.
BYTES_PER_PART = 1 << 25

# The number of a line that is not the file's first, where no one has counted.
_WITHIN = 2

_KNOWN_SUFFIXES = (*INPUT_FORMATS, "ndjson")


@dataclass(frozen=True)
class Job:
    """What is done with every part.

    model: A pipeline directory, or the name of one that the package carries. output: The directory to write to.
    text_column, batch_size: As in `open_input`. format: One of OUTPUT_FORMATS; None: each input's own.
    strict: Whether a row without a text is an error, rather than a row without scores. safe_csv: As in `table_writer`.
    """

    model: str
    output: str
    text_column: str = "text"
    format: str | None = None
    batch_size: int = 1000
    strict: bool = False
    safe_csv: bool = True


@dataclass(frozen=True)
class Part:
    """A file, or some rows of one.

    source: The file, or its address. format: Its format. rows: Of Parquet, those to read, start and stop; None for all.
    name: The output's. span: Of lines, the bytes to read, likewise.
    """

    source: str
    format: str
    rows: tuple[int, int] | None
    name: str
    span: tuple[int, int] | None = None

    @property
    def start(self) -> int:
        """Where in the file it starts: its row or byte."""
        return (self.rows or self.span or (0, 0))[0]


@dataclass(frozen=True)
class Outcome:
    """What became of a part.

    n_rows: The rows written now. n_without: Those of them without a text, first_without: the number of the first such
    row in the part, counting from 1. error: Why nothing was written.
    """

    part: Part
    n_rows: int = 0
    n_without: int = 0
    first_without: int | None = None
    error: str | None = None


def input_files(patterns: Sequence[str]) -> list[str]:
    """RETURNS: The files, sorted, each once: of a directory those in it whose format is known, but for hidden ones and
    those whose names begin with an underscore. A pattern may be an address, and its files are then addresses too.

    Raises SentimentError where a pattern finds none, or a store of files cannot be asked.
    """
    found = []
    for pattern in patterns:
        if is_address(pattern):
            of_pattern = addresses.find(pattern, _KNOWN_SUFFIXES)
        else:
            of_pattern = [
                str(path)
                for each in ([pattern] if os.path.exists(pattern) else glob.glob(pattern, recursive=True))
                for path in (_files_in(Path(each)) if os.path.isdir(each) else [Path(each)])
            ]
        if not of_pattern:
            raise SentimentError(Errors.S110.format(pattern=pattern))
        found += of_pattern
    return sorted(set(found))


def _files_in(directory: Path) -> list[Path]:
    names = (path for path in directory.iterdir() if path.is_file() and not path.name.startswith((".", "_")))
    return [path for path in names if path.suffix.lower().lstrip(".") in _KNOWN_SUFFIXES]


def parts_of(source: str, job: Job, source_format: str | None = None) -> list[Part]:
    """RETURNS: The parts of a file: of Parquet some rows each; of JSON Lines and text some bytes, from line to line; of
    CSV all, as a line end there may stand within a cell, which only what is before it tells.

    JSON Lines that become a table of columns are one part too, since its columns are those of the first row.

    Raises SentimentError where the file cannot be read, MissingExtraError where it needs pyarrow.
    """
    format = input_format(source, source_format)
    target = job.format or output_format(f"x.{'jsonl' if format == 'txt' else format}")
    # Two directories may hold files of one name.
    stem = f"{as_path(source).stem}-{hashlib.sha256(_absolute(source).encode()).hexdigest()[:8]}"
    if format != "parquet":
        whole = Part(source, format, None, f"{stem}.{target}")
        n_bytes = _state(source)[1][0]
        if n_bytes <= BYTES_PER_PART or not (format == "txt" or (format == "jsonl" and target == "jsonl")):
            return [whole]
        spans = line_spans(source, n_bytes, BYTES_PER_PART)
        return [
            replace(whole, name=f"{stem}-{i:05}.{target}", span=(span.start, span.stop)) for i, span in enumerate(spans)
        ]
    n_rows = _n_rows(source)
    starts = range(0, max(n_rows, 1), ROWS_PER_PART)
    return [
        Part(source, format, (start, min(start + ROWS_PER_PART, n_rows)), f"{stem}-{i:05}.{target}")
        for i, start in enumerate(starts)
    ]


def _n_rows(source: str) -> int:
    pa = load_pyarrow(source)
    try:
        with open_address(source) if is_address(source) else nullcontext(source) as file:
            return int(pa.parquet.read_metadata(file).num_rows)
    except (OSError, pa.ArrowException) as error:
        raise unreadable(source, error) from None


def rows_before(part: Part) -> int:
    """RETURNS: The rows of the file that come before the part. Raises SentimentError where lines cannot be counted."""
    return json_rows_before(part.source, part.start) if part.span else part.start


def score_part(job: Job, part: Part, scorer: "TextScorer") -> Outcome:
    """Write the part's output, unless it is there. RETURNS: What became of it; errors are told, not raised."""
    if (Path(job.output) / part.name).exists():
        return Outcome(part)
    try:
        if not (part.span and part.span[0]):
            return _write_part(job, part, scorer, 1)
        with suppress(SentimentError):
            return _write_part(job, part, scorer, _WITHIN)
        # Only now the lines before are counted, for the error to name the right one.
        return _write_part(job, part, scorer, 1 + lines_before(part.source, part.span[0]))
    except SentimentError as error:
        return Outcome(part, error=str(error))


def _write_part(job: Job, part: Part, scorer: "TextScorer", first_line: int) -> Outcome:
    target = Path(job.output) / part.name
    with (
        open_input(
            part.source,
            part.format,
            text_column=job.text_column,
            batch_size=job.batch_size,
            strict=job.strict,
            rows=range(*part.rows) if part.rows else None,
            span=range(*part.span) if part.span else None,
            first_line=first_line,
        ) as batches,
        # Where two do the same part, both write the same.
        open_output(str(target), target.suffix[1:], overwrite=True, source=part.source, safe_csv=job.safe_csv) as write,
    ):
        written = write_scored(batches, write, scorer)
    return Outcome(part, *written)


class Scorer:
    """Scores parts, with a model that each process loads once."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._scorer: TextScorer | None = None

    def __call__(self, part: Part) -> Outcome:
        """As `score_part`."""
        if self._scorer is None:
            # A driver that scores nothing has its workers start without waiting until spaCy is imported.
            from ..bulk.text_scorer import TextScorer

            self._scorer = TextScorer.load(self.job.model)
        return score_part(self.job, part, self._scorer)


def begin(job: Job, files: Sequence[str]) -> None:
    """Make the output directory, with a file that says what run it is of; or check that it is of the same.

    Raises SentimentError where it is another's, an input has changed since, or it cannot be written.
    """
    output = Path(job.output)
    run: dict[str, Any] = {**asdict(job), "model_sha256": _model_hash(job.model), "inputs": dict(map(_state, files))}
    for name in ("output", "batch_size"):  # these change nothing in what is written
        del run[name]
    if is_address(job.output):
        raise SentimentError(Errors.S141.format(path=job.output))
    for file in files:
        path = local_path(file)
        if path is not None and output.resolve() == path.resolve().parent:
            raise SentimentError(Errors.S116.format(path=output))
    if (output / RUN_FILE).exists():
        run["inputs"] = _same_run(output, run) | run["inputs"]
    elif output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise SentimentError(Errors.S113.format(path=output))
    with writing(output), work_directory(output / RUN_FILE) as work:
        (work / "new").write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
        os.replace(work / "new", output / RUN_FILE)


def _same_run(output: Path, run: dict[str, Any]) -> dict[str, Any]:
    """RETURNS: The inputs of the run whose output is there. Raises SentimentError where it is another's."""
    try:
        before = json.loads((output / RUN_FILE).read_text(encoding="utf-8"))
        inputs: dict[str, Any] = dict(before["inputs"])
    except (OSError, ValueError, KeyError, TypeError):
        raise SentimentError(Errors.S113.format(path=output)) from None
    for field, value in run.items():
        if field != "inputs" and before.get(field) != value:
            error = Errors.S111.format(path=output, field=field, found=before.get(field), value=value)
            raise SentimentError(error)
    for path, state in run["inputs"].items():
        if inputs.get(path, state) != state:
            raise SentimentError(Errors.S112.format(path=path))
    return inputs


def _state(path: str) -> tuple[str, list[int]]:
    """RETURNS: What a run calls the file, its size in bytes and when it was last changed."""
    if is_address(path):
        return path, list(addresses.state(path))
    try:
        status = os.stat(path)
    except OSError as error:
        raise unreadable(path, error) from None
    return _absolute(path), [status.st_size, status.st_mtime_ns]


def _absolute(path: str) -> str:
    return path if is_address(path) else os.path.abspath(path)


def _model_hash(model: str) -> str:
    sha256 = hashlib.sha256()
    for manifest in sorted(pretrained_path(model).rglob(MANIFEST)):
        sha256.update(manifest.read_bytes())
    return sha256.hexdigest()


def to_do(job: Job, parts: Sequence[Part]) -> list[Part]:
    """RETURNS: The parts whose output is not there yet. What killed processes have left of it is removed."""
    written = set(os.listdir(job.output))
    for name in written:
        if name.startswith("."):
            shutil.rmtree(Path(job.output) / name, ignore_errors=True)
    return [part for part in parts if part.name not in written]

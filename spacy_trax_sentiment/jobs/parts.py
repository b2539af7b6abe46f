"""Many files to the parts of a job, and a part to its output.

Each part's output is written whole, under a name of its own. So a run that was interrupted skips, when it is repeated,
what is already there.
"""

import glob
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import Errors, SentimentError
from ..pretrained import asked_models, columns_of, pretrained_labels, pretrained_path
from ..storage.whole import MANIFEST, write_file
from ..tables import addresses
from ..tables.addresses import as_path, is_address, local_path
from ..tables.parquet import load_pyarrow
from ..tables.readers import open_input
from ..tables.rows import input_format, is_table, output_format, unpacked_path
from ..tables.scored import PREFIX, Written, column_names, write_scored
from ..tables.sources import json_rows_before, line_spans, lines_before, open_binary, reading
from ..tables.targets import row_targets
from ..tables.writers import open_output

RUN_FILE = "_run.json"

# The size of a part: some seconds of work, so that nobody waits long for the last one.
ROWS_PER_PART = 100_000
BYTES_PER_PART = 1 << 25


@dataclass(frozen=True)
class Job:
    """The work to do with every part. `output` is a directory, and `format` None for each input's own format.

    `strict` makes a row without a text an error; otherwise it gets no scores. `safe_csv` is as in `table_writer`.
    `labels` are those to keep, None for all; `prefix` names the new columns. `encoding` and `delimiter` are as in
    `open_input`, `target_column` as in `write_scored`, and `source_format` as in `input_format`.
    """

    model: str
    output: str
    text_column: str = "text"
    format: str | None = None
    batch_size: int = 1000
    strict: bool = False
    safe_csv: bool = True
    labels: tuple[str, ...] | None = None
    prefix: str = PREFIX
    encoding: str | None = None
    delimiter: str | None = None
    target_column: str | None = None
    source_format: str | None = None


@dataclass(frozen=True)
class Part:
    """A file, or some rows of one, and the name of its output.

    `extent` is where it starts and stops: rows of Parquet, or bytes of JSON Lines or text; None for the whole file.
    """

    source: str
    format: str
    name: str
    extent: tuple[int, int] | None = None

    def rows_before(self) -> int:
        """Return how many rows of the file come before the part."""
        start = self.extent[0] if self.extent else 0
        if self.format == "parquet" or not start:
            return start
        return (json_rows_before if self.format == "jsonl" else lines_before)(self.source, start)


class Outcome(NamedTuple):
    """The result of a part: the rows written now, or why nothing was written."""

    part: Part
    written: Written = Written()
    error: str | None = None


def names_many(source: str) -> bool:
    """Return whether a path or an address names a directory, or is a pattern and not a file."""
    if is_address(source):
        return addresses.is_pattern(source) or addresses.is_directory(source)
    return os.path.isdir(source) or (glob.has_magic(source) and not os.path.exists(source))


def input_files(patterns: Sequence[str]) -> list[str]:
    """Return the files that paths, addresses and patterns name, sorted, each once.

    A directory stands for those of its files that are tables (see `is_table`). A pattern that finds nothing raises
    SentimentError.
    """
    found: list[str] = []
    for pattern in patterns:
        with reading(pattern):
            files = addresses.find(pattern, is_table) if is_address(pattern) else _local_files(pattern)
        if not files:
            raise SentimentError(Errors.S110.format(pattern=pattern))
        found += files
    return sorted(set(found))


def _local_files(pattern: str) -> list[str]:
    found = [pattern] if os.path.exists(pattern) else glob.glob(pattern, recursive=True)
    files: list[str] = []
    for path in map(Path, found):
        inside = map(str, filter(Path.is_file, path.iterdir())) if path.is_dir() else ()
        files += filter(is_table, inside) if path.is_dir() else [str(path)]
    return files


def parts_of(
    source: str,
    job: Job,
    *,
    rows_per_part: int = ROWS_PER_PART,
    bytes_per_part: int = BYTES_PER_PART,
) -> list[Part]:
    """Divide a file into parts of at most so many rows or bytes.

    Parquet is divided by rows, JSON Lines and text by bytes. CSV stays whole, because a line feed may be inside a cell.
    So do JSON Lines that become a table, because its columns are those of the first row, and what is compressed or not
    in UTF-8.
    """
    format = input_format(source, job.source_format)
    own = {"txt": "jsonl", "json": "jsonl", "xlsx": "csv"}.get(format, format)
    target = output_format(job.output, job.format or own)
    is_as_stored = job.encoding is None and unpacked_path(source) == as_path(source)
    spans: list[range] = []
    if format == "parquet":
        pa = load_pyarrow(source)
        with reading(source, pa.ArrowException), open_binary(source) as file:
            n_rows = pa.parquet.read_metadata(file).num_rows
        starts = range(0, max(n_rows, 1), rows_per_part)
        spans = [range(start, min(start + rows_per_part, n_rows)) for start in starts]
    elif is_as_stored and (format == "txt" or (format == "jsonl" and target == "jsonl")):
        n_bytes = _state(source)[1][0]
        if n_bytes > bytes_per_part:
            # If the first row lacks the column, the whole file is refused. The later parts could not tell.
            with open_input(source, format, text_column=job.text_column, batch_size=1, strict=job.strict) as batches:
                first = next(batches)
                if job.target_column is not None:
                    row_targets(first, job.target_column)
            spans = line_spans(source, n_bytes, bytes_per_part)
    # Two directories may hold files of the same name.
    stem = f"{unpacked_path(source).stem}-{hashlib.sha256(_absolute(source).encode()).hexdigest()[:8]}"
    if not spans:
        return [Part(source, format, f"{stem}.{target}")]
    return [Part(source, format, f"{stem}-{i:05}.{target}", (span.start, span.stop)) for i, span in enumerate(spans)]


def score_part(job: Job, part: Part) -> Outcome:
    """Write a part's output, unless it is there, and return what became of it."""
    target = Path(job.output) / part.name
    if target.exists():
        return Outcome(part)
    # Imported here, so that a process that only hands out parts need not wait for spaCy.
    from ..bulk.text_scorer import scorer_for

    scorer = scorer_for(job.model, job.labels)
    rows = range(*part.extent) if part.extent else None
    options: Any = {"encoding": job.encoding, "delimiter": job.delimiter, "strict": job.strict, "part": rows}
    reader = open_input(part.source, part.format, text_column=job.text_column, batch_size=job.batch_size, **options)
    # If two processes do the same part, both write the same.
    writer = open_output(str(target), target.suffix[1:], overwrite=True, source=part.source, safe_csv=job.safe_csv)
    try:
        with reader as batches, writer as write:
            naming: Any = {"prefix": job.prefix, "strict": job.strict, "rows_before": part.rows_before}
            score = scorer.scored if job.target_column is None else scorer.scored_targets
            written = write_scored(batches, write, score, scorer.labels, target_column=job.target_column, **naming)
            return Outcome(part, written)
    except SentimentError as error:
        return Outcome(part, error=str(error))


def begin(job: Job, files: Sequence[str]) -> None:
    """Make the output directory, with a file that describes the run, or raise SentimentError if it is another run's."""
    output, path = Path(job.output), pretrained_path(job.model)
    output_format(job.output, job.format or "jsonl")  # so that one that cannot be written does not begin a run
    if known := pretrained_labels(path, "trax_sentiment"):
        columns_of(known, job.labels)  # so that labels that cannot be kept do not begin a run
    column_names(known, job.prefix)  # likewise
    manifests = [
        file for each in (path, *asked_models(path, "trax_sentiment")) for file in sorted(each.rglob(MANIFEST))
    ]
    model_sha256 = hashlib.sha256(b"".join(map(Path.read_bytes, manifests))).hexdigest()
    run: dict[str, Any] = {**asdict(job), "model_sha256": model_sha256, "inputs": dict(map(_state, files))}
    run["labels"] = None if job.labels is None else sorted(job.labels)  # their order changes nothing
    for name in ("output", "batch_size"):  # these change nothing in what is written
        del run[name]
    if is_address(job.output):
        raise SentimentError(Errors.S141.format(path=job.output))
    if output.resolve() in {path.resolve().parent for path in map(local_path, files) if path is not None}:
        raise SentimentError(Errors.S116.format(path=output))
    # A run that has written nothing is no other run.
    if output.exists() and not (output.is_dir() and os.listdir(output) in ([], [RUN_FILE])):
        run["inputs"] = _same_run(output, run) | run["inputs"]
    write_file(output / RUN_FILE, json.dumps(run, indent=1) + "\n", overwrite=True)


def _same_run(output: Path, run: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs of the run whose output is there, if it is the same run."""
    try:
        before = json.loads((output / RUN_FILE).read_text(encoding="utf-8"))
        inputs: dict[str, Any] = dict(before["inputs"])
    except (OSError, ValueError, KeyError, TypeError):
        raise SentimentError(Errors.S113.format(path=output)) from None
    for field, value in run.items():
        found = before.get(field, getattr(Job, field, None))  # a run of an earlier version lacks newer fields
        if field != "inputs" and found != value:
            raise SentimentError(Errors.S111.format(path=output, field=field, found=found, value=value))
    for path, state in run["inputs"].items():
        if inputs.get(path, state) != state:
            raise SentimentError(Errors.S112.format(path=path))
    return inputs


def _state(path: str) -> tuple[str, list[int]]:
    """Return what a run calls a file, and its size in bytes with the time of its last change."""
    if is_address(path):
        return path, list(addresses.state(path))
    with reading(path):
        status = os.stat(path)
    return _absolute(path), [status.st_size, status.st_mtime_ns]


def _absolute(path: str) -> str:
    return path if is_address(path) else os.path.abspath(path)


def to_do(job: Job, parts: Sequence[Part]) -> list[Part]:
    """Return the parts whose output is not there yet. Leftovers of killed processes are removed."""
    written = set(os.listdir(job.output))
    own = tuple(f".{name}." for name in (RUN_FILE, *(part.name for part in parts)))
    for name in written:
        if name.startswith(own):
            shutil.rmtree(Path(job.output) / name, ignore_errors=True)
    return [part for part in parts if part.name not in written]

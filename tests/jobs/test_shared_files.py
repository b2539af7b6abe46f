import json
from pathlib import Path

import pytest

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.jobs.parts import Job, Outcome, parts_of
from spacy_trax_sentiment.jobs.run import Finished, run


def _run(job: Job, path: Path, concurrency: int = 1, bytes_per_part: int = 100) -> list[Outcome]:
    return _finished(job, path, concurrency, bytes_per_part).outcomes


def _finished(job: Job, path: Path, concurrency: int = 1, bytes_per_part: int = 100) -> Finished:
    return run(job, [str(path)], concurrency=concurrency, bytes_per_part=bytes_per_part)


def _written(job: Job) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in sorted(Path(job.output).glob("[!_]*")))


@pytest.mark.slow
@pytest.mark.parametrize("format", ["jsonl", "txt"])
def test_two_processes_share_a_file(format: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{format}"
    texts = [f"{'good' if i % 3 else 'bad'} {i}" for i in range(100)]
    path.write_text("".join(f"{json.dumps({'text': text}) if format == 'jsonl' else text}\n" for text in texts))
    whole, shared = (Job("en", str(tmp_path / name)) for name in ("whole", "shared"))
    assert len(_run(whole, path, bytes_per_part=1 << 20)) == 1
    outcomes = _run(shared, path, 2, bytes_per_part=300)
    assert len(outcomes) > 2
    assert sum(outcome.written.n_rows for outcome in outcomes) == 100
    assert _written(shared) == _written(whole)
    assert [json.loads(line)["text"] for line in _written(shared).splitlines()] == texts
    assert _run(shared, path, bytes_per_part=300) == []


@pytest.mark.parametrize(
    ("name", "format", "n_parts"),
    [("a.csv", None, 1), ("a.jsonl", "csv", 1), ("a.jsonl", None, 3), ("a.txt", "csv", 3)],
)
def test_which_files_are_shared(name: str, format: str | None, n_parts: int, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text('{"text": "good"}\n' * 18)
    parts = parts_of(str(path), Job("en", str(tmp_path / "out"), format=format), bytes_per_part=100)
    assert len(parts) == n_parts
    assert sorted(part.name for part in parts) == [part.name for part in parts]


def test_a_file_in_another_encoding_is_not_shared(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("schön\n".encode("utf-16-le") * 50)
    job = Job("en", str(tmp_path / "out"), encoding="utf-16-le")
    assert len(_run(job, path)) == 1
    assert [json.loads(line)["text"] for line in _written(job).splitlines()] == ["schön"] * 50
    with pytest.raises(SentimentError, match="S111.*encoding was utf-16-le, and is now cp1252"):
        _run(Job("en", job.output, encoding="cp1252"), path)


@pytest.mark.parametrize("bad", [b"not JSON", b'{"text": "\xff"}', b"[]"])
def test_errors_name_the_line_in_the_file(bad: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [b'{"text": "good"}'] * 30
    lines[20] = bad
    path.write_bytes(b"\n".join(lines))
    job = Job("en", str(tmp_path / "out"))
    outcomes = _run(job, path)
    errors = [outcome.error for outcome in outcomes if outcome.error]
    assert len(outcomes) == 5
    assert len(errors) == 1
    assert "a.jsonl, line 21" in errors[0]
    assert len(_written(job).splitlines()) == sum(outcome.written.n_rows for outcome in outcomes)


def test_a_name_that_would_be_added_is_reported_with_the_line_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = ['{"text": "good"}'] * 30
    lines[20] = '{"text": "good", "sentiment": 1}'
    path.write_text("\n".join(lines))
    (error,) = (outcome.error for outcome in _run(Job("en", str(tmp_path / "out")), path) if outcome.error)
    assert "[S066]" in error
    assert "a.jsonl, line 21" in error


def test_rows_without_text_are_numbered_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = ['{"text": "good"}', ""] * 30
    lines[40] = '{"id": 1}'
    path.write_text("\n".join(lines))
    finished = _finished(Job("en", str(tmp_path / "out")), path)
    assert list(finished.without_text()) == [(str(path), 21, 1)]


def test_blank_lines_of_text_are_numbered_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("good\n" * 40 + " \n" + "good\n" * 20)
    finished = _finished(Job("en", str(tmp_path / "out")), path)
    assert list(finished.without_text()) == [(str(path), 41, 1)]


def test_a_file_whose_first_row_lacks_the_column_is_not_scored(tmp_path: Path) -> None:
    """Pretend that the file is not divided."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"body": "good"}\n' * 30)
    (outcome,) = _run(Job("en", str(tmp_path / "out")), path)
    assert str(outcome.error).startswith(f"[S064] {path}, line 1:")

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.jobs import parts as jobs
from spacy_trax_sentiment.jobs.local import run_locally
from spacy_trax_sentiment.jobs.parts import Job, Outcome, begin, parts_of, rows_before, to_do
from spacy_trax_sentiment.tables.readers import json_rows_before, line_spans, lines_before, open_input

BOM = b"\xef\xbb\xbf"
# A byte order mark within a file is a character like any other; only a line feed ends a line.
TEXTS = st.text(st.sampled_from("ab é😍\ufeff\r\u2028"), max_size=6)

in_a_directory = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def _rows(path: Path, format: str, span: range | None = None, first_line: int = 1) -> list[tuple[Any, ...]]:
    with open_input(str(path), format, span=span, first_line=first_line, batch_size=3, strict=False) as batches:
        return [
            row
            for batch in batches
            for row in zip(
                batch.texts, getattr(batch, "lines", batch.texts), getattr(batch, "raw", batch.texts), strict=True
            )
        ]


@in_a_directory
@given(
    format=st.sampled_from(["txt", "jsonl"]),
    texts=st.lists(TEXTS, max_size=12),
    ends=st.lists(st.sampled_from([b"\n", b"\r\n", b"\n\n"]), min_size=12, max_size=12),
    has_last_end=st.booleans(),
    has_mark=st.booleans(),
    most=st.integers(1, 80),
)
def test_the_parts_hold_the_rows_of_the_file(
    format: str,
    texts: list[str],
    ends: list[bytes],
    has_last_end: bool,
    has_mark: bool,
    most: int,
    tmp_path: Path,
) -> None:
    """In order, each once, with the numbers of their lines."""
    lines = [json.dumps({"text": text}) if format == "jsonl" else text for text in texts]
    content = b"".join(line.encode() + end for line, end in zip(lines, ends, strict=False))
    content = (BOM if has_mark else b"") + (content if has_last_end else content.rstrip(b"\r\n"))
    path = tmp_path / f"a.{format}"
    path.write_bytes(content)
    spans = line_spans(str(path), len(content), most)
    assert [span.start for span in spans] == [0, *[span.stop for span in spans[:-1]]]
    assert spans[-1].stop == len(content)
    assert all(len(span) >= most for span in spans[:-1])
    found = []
    for span in spans:
        n_lines = lines_before(str(path), span.start)
        assert n_lines == content[: span.start].count(b"\n")
        if format == "jsonl":
            assert json_rows_before(str(path), span.start) == len(found)
        found += _rows(path, format, span, 1 + n_lines)
    assert found == _rows(path, format)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BYTES_PER_PART", 100)


def _run(job: Job, path: Path, concurrency: int = 1) -> list[Outcome]:
    begin(job, [str(path)])
    return list(run_locally(job, to_do(job, parts_of(str(path), job)), concurrency))


def _written(job: Job) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in sorted(Path(job.output).glob("[!_]*")))


@pytest.mark.parametrize("format", ["jsonl", "txt"])
def test_two_processes_share_a_file(format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"a.{format}"
    texts = [f"{'good' if i % 3 else 'bad'} {i}" for i in range(100)]
    path.write_text("".join(f"{json.dumps({'text': text}) if format == 'jsonl' else text}\n" for text in texts))
    whole, shared = (Job("en", str(tmp_path / name)) for name in ("whole", "shared"))
    assert len(_run(whole, path)) == 1
    monkeypatch.setattr(jobs, "BYTES_PER_PART", 300)
    outcomes = _run(shared, path, 2)
    assert len(outcomes) > 2
    assert sum(outcome.n_rows for outcome in outcomes) == 100
    assert _written(shared) == _written(whole)
    assert [json.loads(line)["text"] for line in _written(shared).splitlines()] == texts
    assert _run(shared, path) == []


@pytest.mark.parametrize(
    ("name", "format", "n_parts"),
    [("a.csv", None, 1), ("a.jsonl", "csv", 1), ("a.jsonl", None, 3), ("a.txt", "csv", 3)],
)
def test_what_is_shared(name: str, format: str | None, n_parts: int, tmp_path: Path, small_parts: None) -> None:
    path = tmp_path / name
    path.write_text('{"text": "good"}\n' * 18)
    parts = parts_of(str(path), Job("en", str(tmp_path / "out"), format=format))
    assert len(parts) == n_parts
    assert sorted(part.name for part in parts) == [part.name for part in parts]


@pytest.mark.parametrize("bad", [b"not JSON", b'{"text": "\xff"}', b"[]"])
def test_errors_name_the_line_in_the_file(bad: bytes, tmp_path: Path, small_parts: None) -> None:
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
    assert len(_written(job).splitlines()) == sum(outcome.n_rows for outcome in outcomes)


def test_rows_without_text_are_numbered_in_the_file(tmp_path: Path, small_parts: None) -> None:
    path = tmp_path / "a.jsonl"
    lines = ['{"text": "good"}', ""] * 30
    lines[40] = '{"id": 1}'
    path.write_text("\n".join(lines))
    (outcome,) = (outcome for outcome in _run(Job("en", str(tmp_path / "out")), path) if outcome.n_without)
    assert outcome.first_without is not None
    assert rows_before(outcome.part) + outcome.first_without == 21


def test_a_column_that_the_first_row_lacks(tmp_path: Path, small_parts: None) -> None:
    """No part is then scored, as none would be of a file in one."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"body": "good"}\n' * 30)
    outcomes = _run(Job("en", str(tmp_path / "out")), path)
    assert len(outcomes) > 1
    assert {(outcome.error or "").partition(":")[0] for outcome in outcomes} == {f"[S064] {path}, line 1"}


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(SentimentError, match="S061.*none.jsonl"):
        line_spans(str(tmp_path / "none.jsonl"), 1000, 10)

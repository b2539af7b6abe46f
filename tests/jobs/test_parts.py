import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spacy_trax_sentiment import TextScorer
from spacy_trax_sentiment.errors import MissingExtraError, SentimentError
from spacy_trax_sentiment.jobs.local import run_locally
from spacy_trax_sentiment.jobs.parts import RUN_FILE, Job, Outcome, Part, begin, input_files, parts_of
from spacy_trax_sentiment.jobs.run import run
from spacy_trax_sentiment.pretrained import asked_models, pretrained_path

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

TEXTS = ["good", "so bad :(", "not good at all", "a table", "", "I love it 😍"]


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    """A file of 25 rows in groups of 10."""
    path = tmp_path / "in" / "a.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"id": range(25), "text": (TEXTS * 5)[:25]}), path, row_group_size=10)
    return path


def _job(tmp_path: Path, **settings: Any) -> Job:
    return Job("en", str(tmp_path / "out"), **settings)


def _run(job: Job, pattern: Path, concurrency: int = 1, rows_per_part: int = 7) -> list[Outcome]:
    return run(job, [str(pattern)], concurrency=concurrency, rows_per_part=rows_per_part).outcomes


def _parts(job: Job, path: Path) -> list[Part]:
    return parts_of(str(path), job, rows_per_part=7)


def _rows(directory: str) -> list[dict[str, Any]]:
    tables = [pq.read_table(path) for path in sorted(Path(directory).glob("*.parquet"))]
    return sorted((row for table in tables for row in table.to_pylist()), key=lambda row: row["id"])


@pytest.mark.parametrize("rows_per_part", [1, 7, 10, 24, 25, 100])
def test_every_row_is_written_once(rows_per_part: int, parquet: Path, tmp_path: Path) -> None:
    job = _job(tmp_path, batch_size=4)
    outcomes = _run(job, parquet, rows_per_part=rows_per_part)
    assert sum(outcome.written.n_rows for outcome in outcomes) == 25
    assert len(outcomes) == -(-25 // rows_per_part)
    rows, texts = _rows(job.output), (TEXTS * 5)[:25]
    assert [(row["id"], row["text"]) for row in rows] == list(enumerate(texts))
    expected = TextScorer.load()(texts)
    expected[[not text for text in texts]] = np.nan
    found = [[row["sentiment_negative"], row["sentiment_positive"]] for row in rows]
    np.testing.assert_allclose(np.array(found, float), expected, atol=1e-6)


@pytest.mark.slow
def test_one_process_and_two_write_the_same(parquet: Path, tmp_path: Path) -> None:
    _run(_job(tmp_path), parquet)
    expected = _rows(str(tmp_path / "out"))
    other = Job("en", str(tmp_path / "other"))
    assert sorted(o.part.name for o in _run(other, parquet, 2)) == sorted(p.name for p in _parts(other, parquet))
    assert _rows(other.output) == expected


def test_what_is_done_is_not_done_again(parquet: Path, tmp_path: Path) -> None:
    job = _job(tmp_path)
    _run(job, parquet)
    first, *_ = (path for path in Path(job.output).iterdir() if path.suffix == ".parquet")
    first.unlink()
    left, other = (Path(job.output) / name for name in (f".{first.name}.x", ".git"))
    left.mkdir()
    other.mkdir()
    assert [outcome.part.name for outcome in _run(job, parquet)] == [first.name]
    assert len(_rows(job.output)) == 25
    assert not left.exists()
    assert other.exists()
    before = first.stat().st_mtime_ns
    parts = [part for part in _parts(job, parquet) if part.name == first.name]
    assert [(outcome.written.n_rows, outcome.error) for outcome in run_locally(job, parts, 1)] == [(0, None)]
    assert first.stat().st_mtime_ns == before


def test_each_format_keeps_its_columns(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.jsonl").write_text('{"text": "good", "id": 1}\n{"text": null, "id": 2}\n{"id": 3}\n')
    (source / "b.csv").write_text("id,text\n1,good\n2\n")
    (source / "_note.csv").write_text("not to be read")
    outcomes = _run(_job(tmp_path), source)
    assert [(*o.written, o.error) for o in outcomes] == [(3, 2, 2, None), (2, 1, 2, None)]
    lines = [json.loads(line) for line in next((tmp_path / "out").glob("a*.jsonl")).read_text().splitlines()]
    assert [line["id"] for line in lines] == [1, 2, 3]
    assert [line["sentiment"] for line in lines] == ["positive", None, None]
    assert [line["sentiment_positive"] is None for line in lines] == [False, True, True]
    assert next((tmp_path / "out").glob("b*.csv")).read_text().splitlines()[2] == "2,,,,"


def test_a_file_of_unknown_format_in_a_directory_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    names = ["a.csv", "b.jsonl.gz", "c.TSV", "d.doc", "e", "f.gz", "_g.doc", ".h.doc", "sub/i.doc"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    known = [str(tmp_path / name) for name in names[:3]]
    for source in (str(tmp_path), tmp_path.as_uri()):
        caplog.clear()
        assert [path.rpartition("/")[2] for path in input_files([source])] == names[:3]
        assert sorted(message.partition(":")[0] for message in caplog.messages) == [
            str(tmp_path / name) for name in names[3:6]
        ]
        assert all("left out, because its format is unknown" in message for message in caplog.messages)
    assert input_files([str(tmp_path / "[ab]*"), str(tmp_path / "c.TSV")]) == known


def test_a_strict_job_refuses_a_row_without_a_text(tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text('{"text": "good"}\n{"text": 3}\n')
    (outcome,) = _run(_job(tmp_path, strict=True), source)
    assert "S065" in str(outcome.error)
    assert "line 2" in str(outcome.error)
    assert not list((tmp_path / "out").glob("a*"))


def test_a_strict_job_names_the_blank_row_of_a_part(tmp_path: Path) -> None:
    source = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["" if i == 9 else "good" for i in range(20)]}), source)
    (error,) = (each.error for each in _run(_job(tmp_path, strict=True), source) if each.error)
    assert error.startswith(f"[S150] {source}, row 10: holds no text")


def test_rows_without_a_text_are_counted(tmp_path: Path) -> None:
    source = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [None if i in (9, 11) else "good" for i in range(20)]}), source)
    finished = run(_job(tmp_path, batch_size=2), [str(source)], concurrency=1, rows_per_part=7)
    assert [o.written[1:] for o in finished.outcomes] == [(0, None), (2, 3), (0, None)]
    assert [o.part.rows_before() for o in finished.outcomes] == [0, 7, 14]
    assert list(finished.without_text()) == [(str(source), 10, 2)]


def test_bad_files_do_not_stop_the_good_ones(parquet: Path, tmp_path: Path) -> None:
    pq.write_table(pa.table({"body": ["a"]}), parquet.parent / "b.parquet")
    pq.write_table(pa.table({"text": [1]}), parquet.parent / "c.parquet")
    outcomes = _run(_job(tmp_path), parquet.parent, rows_per_part=25)
    assert [None if o.error is None else o.error[:6] for o in outcomes] == [None, "[S064]", "[S065]"]
    assert len(_rows(str(tmp_path / "out"))) == 25


def test_a_corrupt_file_is_named(parquet: Path, tmp_path: Path) -> None:
    parquet.write_bytes(parquet.read_bytes()[:-10])
    with pytest.raises(SentimentError, match=r"S061.*a\.parquet"):
        parts_of(str(parquet), _job(tmp_path))
    with pytest.raises(SentimentError, match="S110.*nothing"):
        input_files([str(tmp_path / "nothing*.parquet")])


def test_the_output_of_another_run_is_refused(parquet: Path, tmp_path: Path) -> None:
    job = _job(tmp_path)
    _run(job, parquet)
    for other, error in (
        (_job(tmp_path, strict=True), "S111.*strict was False, and is now True"),
        (Job("en_ternary", job.output), "S111.*model was en, and is now en_ternary"),
    ):
        with pytest.raises(SentimentError, match=error):
            begin(other, [str(parquet)])
    pq.write_table(pa.table({"text": ["changed"]}), parquet)
    with pytest.raises(SentimentError, match=r"S112.*a\.parquet"):
        begin(job, [str(parquet)])
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(SentimentError, match="S113.*full"):
        begin(Job("en", str(tmp_path / "full")), [str(parquet)])
    with pytest.raises(SentimentError, match="S116"):
        begin(Job("en", str(parquet.parent)), [str(parquet)])


def test_the_output_of_a_run_with_other_labels_is_refused(parquet: Path, tmp_path: Path) -> None:
    job = Job("en_ternary", str(tmp_path / "out"), labels=("positive", "negative"))
    _run(job, parquet)
    assert set(_rows(job.output)[0]) == {"id", "text", "sentiment", "sentiment_negative", "sentiment_positive"}
    begin(replace(job, labels=("negative", "positive")), [str(parquet)])
    for labels in (None, ("negative", "neutral")):
        with pytest.raises(SentimentError, match=r"S111.*labels was \['negative', 'positive'\], and is now"):
            begin(replace(job, labels=labels), [str(parquet)])
    with pytest.raises(SentimentError, match=r"S111.*prefix was sentiment, and is now mood"):
        begin(replace(job, labels=("negative", "positive"), prefix="mood"), [str(parquet)])


def test_a_run_that_was_begun_before_labels_and_columns_could_be_chosen_goes_on(parquet: Path, tmp_path: Path) -> None:
    job = _job(tmp_path)
    _run(job, parquet)
    path = Path(job.output) / RUN_FILE
    run_before = json.loads(path.read_text(encoding="utf-8"))
    assert run_before.pop("labels") is None
    assert run_before.pop("prefix") == "sentiment"
    path.write_text(json.dumps(run_before), encoding="utf-8")
    assert _run(job, parquet) == []


def test_files_of_the_same_name_in_two_directories_are_kept_apart(parquet: Path, tmp_path: Path) -> None:
    (tmp_path / "in2").mkdir()
    pq.write_table(pa.table({"id": range(25, 28), "text": TEXTS[:3]}), tmp_path / "in2" / "a.parquet")
    job = _job(tmp_path)
    _run(job, parquet)
    _run(job, tmp_path / "in2")  # more inputs for the same run
    assert [row["id"] for row in _rows(job.output)] == list(range(28))


@pytest.mark.slow
def test_a_process_that_is_killed_is_replaced(parquet: Path, tmp_path: Path) -> None:
    job = _job(tmp_path)
    begin(job, [str(parquet)])
    outcomes: list[Outcome] = []
    for outcome in run_locally(job, _parts(job, parquet), 2):
        if not outcomes:
            for child in _children():
                os.kill(child, signal.SIGKILL)
        outcomes.append(outcome)
    assert all(outcome.error is None for outcome in outcomes)
    assert [row["id"] for row in _rows(job.output)] == list(range(25))


@pytest.mark.slow
def test_a_part_that_kills_every_process_is_given_up(parquet: Path, tmp_path: Path) -> None:
    job = _job(tmp_path)
    begin(job, [str(parquet)])
    (outcome,) = run_locally(job, parts_of(str(parquet), job), 2, attempts=1, score=_kill_myself)
    assert "S114" in str(outcome.error)


def _kill_myself(job: Job, part: Part) -> Outcome:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def _children() -> list[int]:
    path = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    if not path.exists():
        pytest.skip("needs /proc, to find the worker processes")
    names = ((int(pid), Path(f"/proc/{pid}/cmdline").read_bytes()) for pid in path.read_text().split())
    return [pid for pid, command in names if b"spawn_main" in command]


@pytest.mark.slow
def test_a_job_goes_on_after_sigkill(parquet: Path, tmp_path: Path) -> None:
    """The job has many parts, and some are done at that moment."""
    rows = 60_000
    pq.write_table(pa.table({"id": range(rows), "text": [f"{TEXTS[i % 6]} {i}" for i in range(rows)]}), parquet)
    program = (
        "import sys; from spacy_trax_sentiment.jobs.parts import Job; from spacy_trax_sentiment.jobs.run import run;"
        "run(Job('en', sys.argv[2]), [sys.argv[1]], concurrency=1, rows_per_part=3000)"
    )
    out = tmp_path / "out"
    command = [sys.executable, "-c", program, str(parquet.parent), str(out)]
    with subprocess.Popen(command) as process:
        while len(list(out.glob("*.parquet"))) < 3 and process.poll() is None:
            time.sleep(0.01)
        process.kill()
    assert len(list(out.glob("*.parquet"))) < 20
    subprocess.run(command, check=True)
    assert [row["id"] for row in _rows(str(out))] == list(range(rows))
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


def test_ray_that_is_not_installed_is_reported(parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"S115.*pip install '\.\[ray\]'"):
        run(_job(tmp_path), [str(parquet)], engine="ray")


@pytest.mark.slow
def test_the_process_that_hands_out_parts_imports_no_spacy(parquet: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from spacy_trax_sentiment.cli import main\n"
        "if __name__ == '__main__':\n"
        "    try: main(sys.argv[1:])\n"
        "    except SystemExit as end: assert not end.code\n"
        "    assert 'spacy' not in sys.modules\n"
    )
    (tmp_path / "program.py").write_text(program)
    (parquet.parent / "b.csv").write_text("text\ngood\n")
    command = [sys.executable, str(tmp_path / "program.py"), "predict", "--input", str(parquet.parent)]
    subprocess.run([*command, "--output", str(tmp_path / "out"), "--concurrency", "2"], check=True)
    assert len(list((tmp_path / "out").glob("[ab]*"))) == 2


@pytest.mark.slow
def test_a_process_that_is_killed_while_the_driver_is_busy_costs_no_part(tmp_path: Path) -> None:
    parts = [Part(f"s{i}", "txt", f"p{i}") for i in range(5)]
    found = []
    for outcome in run_locally(_job(tmp_path), parts, 2, score=_kill_myself_once):
        if not found:
            time.sleep(2.5)
        found.append(outcome.part.name)
    assert sorted(found) == [part.name for part in parts]


def _kill_myself_once(job: Job, part: Part) -> Outcome:
    mark = Path(f"{job.output}.killed")
    if part.name == "p1" and not mark.exists():
        mark.touch()
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGKILL)
    return Outcome(part)


def test_another_input_format_is_another_run(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text('{"text": "good"}\n')
    run(_job(tmp_path), [str(folder)], concurrency=1)
    with pytest.raises(SentimentError, match="S111.*source_format was None, and is now jsonl"):
        run(_job(tmp_path, source_format="jsonl"), [str(folder)], concurrency=1)
    other = Job("en", str(tmp_path / "other"), source_format="jsonl")
    run(other, [str(folder)], concurrency=1)
    (row,) = [json.loads(line) for path in Path(other.output).glob("*.jsonl") for line in path.open()]
    assert (row["text"], row["sentiment"]) == ("good", "positive")


def test_a_run_that_has_written_nothing_may_be_another_one(parquet: Path, tmp_path: Path) -> None:
    outcome, *_ = _run(_job(tmp_path, text_column="txt"), parquet)
    assert "S064" in str(outcome.error)
    assert all(outcome.error is None for outcome in _run(_job(tmp_path), parquet))


def test_the_run_of_a_cascade_is_described_by_the_models_that_it_asks(
    parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = []
    for i, asked in enumerate(([], [pretrained_path("en_ternary")])):
        monkeypatch.setattr("spacy_trax_sentiment.jobs.parts.asked_models", lambda *_, asked=asked: asked)
        begin(Job("en_auto", str(tmp_path / f"{i}")), [str(parquet)])
        digests.append(json.loads((tmp_path / f"{i}" / RUN_FILE).read_text())["model_sha256"])
    assert digests[0] != digests[1]
    assert asked_models(pretrained_path("en_auto"), "x") == [pretrained_path("en_ternary"), pretrained_path("en_trf")]
    assert asked_models(pretrained_path("en"), "x") == []

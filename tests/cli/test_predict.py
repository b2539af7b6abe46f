import io
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import spacy
from spacy.language import Language

from spacy_trax_sentiment.jobs.parts import ROWS_PER_PART
from spacy_trax_sentiment.text.labels import Scored

Run = Callable[..., Any]


@pytest.fixture
def run(run: Run) -> Run:
    return partial(run, "predict")


class StandIn:
    """Scores a text by its length: an odd length is "up", an even one "down", and an empty text is no evidence."""

    labels = ("down", "up")
    loaded: list[object]
    n_texts: list[int]

    @classmethod
    def load(cls, path: object, *, labels: object = None) -> "StandIn":
        cls.loaded.append(path)
        return cls()

    def scored(self, texts: Sequence[str]) -> Scored:
        self.n_texts.append(len(texts))
        up = [0.5 if not text else 0.25 + len(text) % 2 / 2 for text in texts]
        probabilities = np.array([[1 - p, p] for p in up], dtype=np.float32).reshape(-1, 2)
        return Scored(probabilities, np.array(list(map(bool, texts)), dtype=bool))


@pytest.fixture
def scorer(monkeypatch: pytest.MonkeyPatch) -> type[StandIn]:
    monkeypatch.setattr("spacy_trax_sentiment.bulk.text_scorer.TextScorer", StandIn)
    StandIn.loaded, StandIn.n_texts = [], []
    return StandIn


def give_input(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="ascii"))


# With a trained model


def test_predict_gives_one_json_line_per_text(run: Run, model: Path) -> None:
    result = run("I love this wonderful day", "awful, a waste of time", "--model", model)
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert [row["sentiment"] for row in rows] == ["positive", "negative"]
    assert rows[0]["text"] == "I love this wonderful day"
    assert rows[0]["sentiment_positive"] + rows[0]["sentiment_negative"] == pytest.approx(1, abs=1e-5)


def test_predict_reads_standard_input_line_by_line(run: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give_input(monkeypatch, b"love it\r\n\nnever again\n")
    result = run("--model", model)
    assert [json.loads(line)["text"] for line in result.out.splitlines()] == ["love it", "", "never again"]


def test_a_table_gets_the_numbers_that_the_pipeline_gives(
    run: Run, model: Path, bundled: Language, tmp_path: Path
) -> None:
    texts = ["I love this", "awful \ud83d\ude00", "", "bad \ud800"]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    result = run("--input", tmp_path / "a.jsonl", "--output", tmp_path / "b.jsonl", "-m", model)
    assert (result.status, result.out) == (0, "")
    assert "a.jsonl: row 3 holds no text; it has no scores." in result.err
    rows = [json.loads(line) for line in (tmp_path / "b.jsonl").read_text().splitlines()]
    assert [row["text"] for row in rows] == ["I love this", "awful 😀", "", "bad \ud800"]
    for row in rows[:2]:
        cats = bundled(row["text"]).cats
        assert {f"sentiment_{label}": pytest.approx(p, abs=2e-6) for label, p in cats.items()}.items() <= row.items()
        assert row["sentiment"] == max(cats, key=lambda label: cats[label])
    assert [rows[2][name] for name in ("sentiment", "sentiment_negative", "sentiment_positive")] == [None] * 3


def test_a_table_without_rows_is_scored_too(run: Run, model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\n")
    assert run("--input", tmp_path / "a.csv", "--output-format", "csv", "-m", model) == (
        0,
        "id,text,sentiment,sentiment_negative,sentiment_positive\n",
        "",
    )


# With a stand-in


def test_a_table_is_written_with_its_sentiment(run: Run, tmp_path: Path, scorer: type[StandIn]) -> None:
    (tmp_path / "a.csv").write_text("id,tweet\n1,a\n2,ab\n3,\n")
    options = ["--input", tmp_path / "a.csv", "--output", tmp_path / "b.tsv", "--text-column", "tweet"]
    assert run(*options, "--batch-size", 2, "--model", "m").status == 0
    assert (tmp_path / "b.tsv").read_text().splitlines() == [
        "id\ttweet\tsentiment\tsentiment_down\tsentiment_up",
        "1\ta\tup\t0.25\t0.75",
        "2\tab\tdown\t0.75\t0.25",
        "3\t\t\t\t",
    ]
    assert scorer.n_texts == [2, 1]


def test_formats_can_be_named(run: Run, tmp_path: Path, scorer: type[StandIn], monkeypatch: pytest.MonkeyPatch) -> None:
    give_input(monkeypatch, b"id,text\n1,a\n")
    options = ["--input", "-", "--input-format", "csv", "--output", tmp_path / "b", "--output-format", "parquet"]
    assert run(*options, "--model", "m").status == 0
    rows = pq.read_table(tmp_path / "b").to_pylist()
    assert rows == [{"id": "1", "text": "a", "sentiment": "up", "sentiment_down": 0.25, "sentiment_up": 0.75}]


def test_texts_from_the_command_line_can_go_to_a_file(run: Run, tmp_path: Path, scorer: type[StandIn]) -> None:
    # A byte that is not UTF-8 arrives as a lone surrogate.
    assert run("a", "b\udcff", "--output", tmp_path / "b.csv", "--model", "m").status == 0
    assert (tmp_path / "b.csv").read_text().splitlines()[1:] == ["a,up,0.25,0.75", "b?,down,0.75,0.25"]


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["a", "--input", "a.txt"], 2, "not both"),
        (["--batch-size", 0], 2, "batch-size"),
        (["--input", "none.csv"], 1, "none.csv: cannot be read"),
        (["--input", "a.doc"], 1, "a.doc: '.doc' is not a format"),
        (["--input", "a.txt", "--output", "b.txt"], 1, "b.txt: 'txt' is not a format that can be written"),
        (["--input", "a.txt", "--output-format", "xml"], 1, "'xml' is not a format"),
        (["--input", "-", "--input-format", "parquet"], 1, "standard input: cannot be read"),
        (["--input", "a.txt", "--output", "old.csv"], 1, "old.csv: already exists"),
        (["--input", "a.txt", "--input-format", "csv", "--output", "a.txt", "--output-format", "csv"], 1, "the input"),
    ],
)
def test_wrong_usage_is_reported_before_the_model_is_loaded(
    run: Run,
    tmp_path: Path,
    scorer: type[StandIn],
    monkeypatch: pytest.MonkeyPatch,
    options: list[object],
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "a.doc", "old.csv"):
        Path(name).write_text("text\n")
    result = run(*options, "--model", "m")
    assert result.is_one_line(status)
    assert message in result.err
    assert not scorer.loaded
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.doc", "a.txt", "old.csv"]


def test_a_row_that_cannot_be_used_leaves_no_output(run: Run, tmp_path: Path, scorer: type[StandIn]) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n{"text": 1}\n')
    options = ["--input", tmp_path / "a.jsonl", "--output", tmp_path / "b.jsonl", "--batch-size", 1]
    result = run(*options, "--on-error", "fail", "--model", "m")
    assert result.is_one_line(1)
    assert "a.jsonl, line 2" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_row_without_a_text_has_no_scores(run: Run, tmp_path: Path, scorer: type[StandIn]) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n{"text": 1}\n{"id": 2}\n{"text": "ab"}\n')
    result = run("--input", tmp_path / "a.jsonl", "--batch-size", 1, "--model", "m")
    assert result.status == 0
    assert "a.jsonl: 2 rows hold no text, the first is row 2" in result.err
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert [row["sentiment"] for row in rows] == ["up", None, None, "down"]
    assert [row["sentiment_up"] for row in rows] == [0.75, None, None, 0.25]


def test_a_blank_row_can_be_refused(run: Run, tmp_path: Path, scorer: type[StandIn]) -> None:
    (tmp_path / "a.csv").write_text("id,text\n1,a\n2, \n")
    result = run("--input", tmp_path / "a.csv", "--output", tmp_path / "b.csv", "--on-error", "fail")
    assert result.is_one_line(1)
    assert f"{tmp_path / 'a.csv'}, row 2: holds no text" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_blank_lines_of_standard_input_are_reported(
    run: Run, scorer: type[StandIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    give_input(monkeypatch, b"a\n\n \n")
    result = run("--output-format", "csv")
    assert result.out.splitlines()[2:] == [",,,", " ,,,"]
    assert "standard input: 2 rows hold no text, the first is row 2; they have no scores." in result.err


def test_the_delimiter_and_the_encoding_can_be_named(run: Run, tmp_path: Path, scorer: type[StandIn]) -> None:
    (tmp_path / "a.csv").write_bytes("id:text\n1:schön\n".encode("cp1252"))
    source = ["--input", tmp_path / "a.csv", "--output", tmp_path / "b.csv", "--delimiter", ":"]
    refused = run(*source)
    assert refused.is_one_line(1)
    assert "a.csv, line 2: not UTF-8" in refused.err
    assert "--encoding cp1252" in refused.err
    assert run(*source, "--encoding", "cp1252") == (0, "", "")
    assert (tmp_path / "b.csv").read_text(encoding="utf-8").splitlines()[1] == "1:schön:up:0.25:0.75"


# Many tables


def test_each_of_many_tables_is_scored(run: Run, tmp_path: Path, model: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(f"id,text\n{name},good\n")
    result = run(
        "--input", tmp_path / "*.csv", "--output", tmp_path / "out", "--model", model, "--concurrency", 1, "-q"
    )
    assert (result.status, result.out, result.err) == (0, "", "")
    written = sorted(path.read_text().splitlines()[1][:7] for path in (tmp_path / "out").glob("*.csv"))
    assert written == ["a,good,", "b,good,"]


def test_a_file_of_unknown_format_is_reported(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.csv").write_text("text\ngood\n")
    (source / "b.doc").touch()
    result = run("--input", source, "--output", tmp_path / "out", "--concurrency", 1)
    assert result.status == 0
    assert f"{source / 'b.doc'}: left out, because its format is unknown." in result.err


def test_labels_can_be_chosen_for_one_table_and_for_many(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\ngood\nthe shop opens at nine\n")
    options = ["--model", "en_ternary", "--only-labels", "positive, negative"]
    one = run("--input", tmp_path / "a.csv", "--output", tmp_path / "b.csv", *options)
    assert (one.status, one.err) == (0, "")
    expected = (tmp_path / "b.csv").read_text()
    assert expected.startswith("text,sentiment,sentiment_negative,sentiment_positive\n")
    many = ["--input", tmp_path / "a.csv", "--output", tmp_path / "out", "--engine", "local", "--concurrency", 1]
    assert run(*many, *options).status == 0
    (written,) = (tmp_path / "out").glob("*.csv")
    assert written.read_text() == expected


def test_the_new_columns_can_be_named_for_one_table_and_for_many(run: Run, tmp_path: Path) -> None:
    path, out = tmp_path / "a.csv", tmp_path / "out"
    path.write_text("text,sentiment\ngood,old\n")
    for output in (tmp_path / "b.csv", out):
        many = ["--concurrency", 1, "--engine", "local"] if output == out else []
        failed = run("--input", path, "--output", output, *many, "--quiet")
        assert failed.status == 1
        assert "has a column 'sentiment' already" in failed.err
        assert "--prefix" in failed.err
        assert run("--input", path, "--output", output, *many, "--prefix", "").is_one_line(1)
    shutil.rmtree(out)
    assert run("--input", path, "--output", tmp_path / "b.csv", "--prefix", "mood").status == 0
    assert run("--input", tmp_path / "[a].csv", "--output", out, "--prefix", "mood").status == 0
    (part,) = out.glob("*.csv")
    header, row = part.read_text().splitlines()
    assert header == "text,sentiment,mood,mood_negative,mood_positive"
    assert row.startswith("good,old,positive,")
    assert (tmp_path / "b.csv").read_bytes() == part.read_bytes()


def test_labels_that_cannot_be_kept_leave_no_output(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\ngood\n")
    for target in ("b.csv", "out"):
        many = ["--engine", "local"] if target == "out" else []
        source = ["--input", tmp_path / "a.csv", "--output", tmp_path / target, *many]
        result = run(*source, "--only-labels", "negative,neutral")
        assert result.is_one_line(1)
        assert "S085" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_bad_table_among_many_is_reported(run: Run, tmp_path: Path, model: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\n1,good\n")
    (tmp_path / "b.csv").write_text("id,body\n1,good\n")
    (tmp_path / "c.parquet").write_text("nonsense")
    result = run("--input", tmp_path, "--output", tmp_path / "out", "--model", model, "--concurrency", 1)
    assert result.status == 1
    assert "S064" in result.err
    assert "S061" in result.err
    assert "2 of 3 files failed" in result.err
    assert len(list((tmp_path / "out").glob("*.csv"))) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--input", "*.csv"], "name a directory by --output"),
        (["a", "--engine", "local"], "--engine needs --input"),
    ],
)
def test_wrong_usage_of_many(run: Run, options: list[str], message: str) -> None:
    result = run(*options)
    assert result.is_one_line(2)
    assert message in result.err


def test_a_model_that_is_not_there_leaves_no_output(run: Run, tmp_path: Path) -> None:
    result = run("a", "--output", tmp_path / "b.csv", "--model", tmp_path / "m")
    assert result.is_one_line(1)
    assert "no such model" in result.err
    assert not list(tmp_path.iterdir())


def test_an_interrupt_leaves_no_output(
    run: Run, tmp_path: Path, scorer: type[StandIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(scorer, "scored", interrupt)
    assert run("a", "--output", tmp_path / "b.csv", "--model", "m").status == 130
    assert not list(tmp_path.iterdir())


def test_a_terminal_shows_a_bar_that_counts_the_texts(
    run: Run, tmp_path: Path, scorer: type[StandIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    (tmp_path / "a.txt").write_text("a\n" * 40)
    options: list[Any] = ["--input", tmp_path / "a.txt", "--output", tmp_path / "b.csv", "--overwrite", "--model", "m"]
    for more, shown in ([], True), (["--quiet"], False):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        assert run(*options, *more).status == 0
        assert ("40.0/40.0" in terminal.getvalue()) == shown


# At addresses: a path after file:// is one, too


def test_one_table_at_an_address(run: Run, scorer: type[StandIn], tmp_path: Path) -> None:
    (tmp_path / "a b.csv").write_text("text\nodd\n")
    result = run("--input", (tmp_path / "a b.csv").as_uri())
    assert [json.loads(line)["sentiment"] for line in result.out.splitlines()] == ["up"]
    assert "S141" in run("--input", (tmp_path / "a b.csv").as_uri(), "--output", "s3://bucket/b.csv").err


def test_many_tables_at_an_address(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.txt").write_text("love it\n")
    pq.write_table(pa.table({"text": ["awful", "love it"]}), source / "b.parquet")
    for i, where in enumerate((source.as_uri(), f"{source.as_uri()}/[ab].*")):
        output = tmp_path / f"out{i}"
        assert run("--input", where, "--output", output, "--concurrency", 1, "-q").status == 0
        assert [json.loads(line)["sentiment"] for line in next(output.glob("a*")).open()] == ["positive"]
        assert pq.read_table(next(output.glob("b*")))["sentiment"].to_pylist() == ["negative", "positive"]
    result = run("--input", "ftp://host/*.csv", "--output", tmp_path / "out")
    assert result.is_one_line(1)
    assert "S119" in result.err


def test_an_error_that_all_parts_of_a_file_share_is_reported_once(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    pq.write_table(pa.table({"text": range(2 * ROWS_PER_PART)}), source / "a.parquet")
    (source / "b.jsonl").write_text('{"text": "good"}\n' * 7 + '{"text": null}\n' * 2)
    result = run("--input", source, "--output", tmp_path / "out", "--concurrency", 1, "-q")
    assert result.status == 1
    wrong_type, without, n_failed = result.err.splitlines()
    assert "[S065]" in wrong_type
    assert f"{source / 'b.jsonl'}: 2 rows hold no text, the first is row 8;" in without
    assert "1 of 2 files failed" in n_failed


def test_a_file_given_as_a_text_is_refused(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.csv").write_text("text\ngood\n")
    result = run("r.csv")
    assert result.is_one_line(2)
    assert "r.csv names a file; to read it, use --input r.csv" in result.err
    assert "s.csv names a file" in run("s.csv").err  # a misspelt name, with which no text is scored
    assert run("I like r.csv", "--model", "en").status == 0


@pytest.mark.parametrize(("stream", "name"), [("stdin", "standard input"), ("stdout", "standard output")])
def test_a_closed_stream_is_reported_in_one_line(
    run: Run, stream: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Close standard input, like `trax-sentiment predict <&-`."""
    give_input(monkeypatch, b"good\n")
    with monkeypatch.context() as patch:
        patch.setattr(sys, stream, None)
        result = run()
    assert result.is_one_line(1)
    assert f"{name}: cannot be" in result.err
    assert "(it is closed" in result.err


def test_a_pipeline_that_was_not_trained_is_reported_in_one_line(run: Run, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={"pretrained": None})
    nlp.to_disk(tmp_path / "m")
    result = run("hi", "-m", tmp_path / "m")
    assert result.is_one_line(1)
    assert "E109" in result.err

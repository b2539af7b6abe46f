"""`predict` with targets: a column of them, those named with texts, and the entities of a pipeline."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language

from spacy_trax_sentiment import TextScorer

Run = Callable[..., Any]

TEXT = "good film, awful smile"
ROWS = [("film", "positive"), ("SMILE", "negative"), ("17:22", "negative"), ("table", None), ("", None)]


@pytest.fixture
def run(run: Run) -> Run:
    return partial(run, "predict")


@pytest.fixture(scope="module")
def reader(tiny_targets: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a pipeline that scores targets. Tests must not change it."""
    path = tmp_path_factory.mktemp("models") / "reader"
    tiny_targets.to_disk(path)
    return path


@pytest.fixture(scope="module", params=["before", "after"])
def finder(request: pytest.FixtureRequest, reader: Path) -> Path:
    """The directory of one that also finds entities."""
    import spacy

    nlp = spacy.load(reader)
    ruler: Any = nlp.add_pipe("entity_ruler", first=request.param == "before" or None)
    ruler.add_patterns([{"label": "WORK", "pattern": "film"}, {"label": "FACE", "pattern": "smile"}])
    path = reader.parent / request.param
    nlp.to_disk(path)
    return path


def table(path: Path) -> Path:
    path.write_text("text,of\n" + "".join(f'"{TEXT}",{of}\n' for of, _ in ROWS))
    return path


def read(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_a_column_names_the_target_of_each_row(run: Run, reader: Path, tiny_targets: Language, tmp_path: Path) -> None:
    result = run("-i", table(tmp_path / "a.csv"), "--target-column", "of", "-m", reader, "--prefix", "says")
    rows = read(result.out)
    assert result.status == 0
    assert [(row["of"], row["says"]) for row in rows] == ROWS
    expected = TextScorer(tiny_targets).predict_proba([TEXT], [[(5, 9)]]).values[0]
    names = ["negative", "neutral", "positive"]
    assert [rows[0][f"says_{name}"] for name in names] == pytest.approx(expected, abs=2e-6)
    assert [rows[3][f"says_{name}"] for name in names] == [None] * 3
    assert "row 4 holds no text, or not the target; it has no scores." in result.err


def test_a_target_that_is_not_there_can_end_the_run(run: Run, reader: Path, tmp_path: Path) -> None:
    options = ["--target-column", "of", "-m", reader, "--on-error", "fail"]
    result = run("-i", table(tmp_path / "a.csv"), "-o", tmp_path / "b.csv", *options)
    assert result.is_one_line(1)
    assert "[S213]" in result.err
    assert "a.csv, row 4: the target 'table' is not in the text." in result.err
    assert not (tmp_path / "b.csv").exists()


def test_targets_can_be_named_with_texts(run: Run, reader: Path) -> None:
    result = run(TEXT, "bad film", "--target", "film", "--target", "smile", "-m", reader)
    found = [(row["text"], row["target"], row["sentiment"]) for row in read(result.out)]
    assert found == [
        (TEXT, "film", "positive"),
        (TEXT, "smile", "negative"),
        ("bad film", "film", "negative"),
        ("bad film", "smile", None),
    ]
    assert "TEXT: row 4 holds no text, or not the target" in result.err


def test_many_tables_have_targets_too(run: Run, reader: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.csv", "b.csv"):
        table(tmp_path / "in" / name)
    options = ["--target-column", "of", "-m", reader, "--concurrency", 1, "--output-format", "jsonl"]
    result = run("-i", tmp_path / "in", "-o", tmp_path / "out", *options)
    assert result.status == 0
    written = sorted((tmp_path / "out").glob("*.jsonl"))
    assert len(written) == 2
    for path in written:
        assert [(row["of"], row["sentiment"]) for row in read(path.read_text())] == ROWS


def test_entities_are_targets(run: Run, finder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": TEXT}) + '\n{"text": " "}\n{"text": "bad"}\n')
    rows = read(run("-i", tmp_path / "a.jsonl", "--targets", "ents", "-m", finder).out)
    film, smile = rows[0]["targets"]
    assert [film[name] for name in ("text", "start", "end", "label")] == ["film", 5, 9, "WORK"]
    assert (film["sentiment"], smile["sentiment"]) == ("positive", "negative")
    assert film["probability"] == film["probabilities"]["positive"] == max(film["probabilities"].values())
    assert [row["targets"] for row in rows[1:]] == [None, []]
    texts = read(run("-i", tmp_path / "a.jsonl", "-m", finder).out)
    assert [{**row, "targets": 0} for row in rows] == [{**row, "targets": 0} for row in texts]


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["a", "--target-column", "of"], 2, "--target is for TEXTs"),
        (["--target", "film"], 2, "--target is for TEXTs"),
        (["-i", "a.csv", "--target-column", "of", "--targets", "ents"], 2, "not both"),
        (["-i", ".", "-o", "out", "--targets", "ents"], 2, "one table at a time"),
        (["-i", "a.csv", "--targets", "ents", "--prefix", "targets"], 2, "--prefix targets is the name"),
        (["-i", "a.csv", "--target-column", "of", "-m", "en"], 1, "[S200]"),
        (["-i", "a.csv", "--targets", "ents", "-m", "en"], 1, "[S200]"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], status: int, message: str
) -> None:
    table(tmp_path / "a.csv")
    monkeypatch.chdir(tmp_path)
    result = run(*options)
    assert (result.status, result.out) == (status, "")
    assert message in " ".join(result.err.split())


def test_a_pipeline_without_entities_is_refused(run: Run, reader: Path, tmp_path: Path) -> None:
    result = run("-i", table(tmp_path / "a.csv"), "--targets", "ents", "-m", reader)
    assert result.is_one_line(1)
    assert "[S214] the pipeline trax_sentiment finds no entities" in result.err


def test_entities_are_found_in_texts_of_any_length(run: Run, finder: Path, tmp_path: Path) -> None:
    nlp_limit = 1_000_000
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "good film " + "x " * (nlp_limit // 2)}) + "\n")
    (row,) = read(run("-i", tmp_path / "a.jsonl", "--targets", "ents", "-m", finder).out)
    assert [each["text"] for each in row["targets"]] == ["film"]

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language

Run = Callable[..., Any]

ROWS = [
    ("good film, awful smile", "Bern"),
    ("great film, bad smile", "Bern"),
    ("awful film", "=Basel"),
    ("nothing", "Bern"),
    ("", "Bern"),
    ("=good film", ""),
]


@pytest.fixture(scope="module")
def reader(tiny_targets: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a pipeline that scores targets."""
    path = tmp_path_factory.mktemp("models") / "m"
    tiny_targets.to_disk(path)
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("review", "city"), *ROWS])
    return path


@pytest.fixture
def of_table(run: Run, reader: Path, table: Path) -> Run:
    def run_aspects(*arguments: object) -> Any:
        return run("aspects", table, "--model", reader, "--text-column", "review", *arguments)

    return run_aspects


def test_targets_are_summarized_as_tables_or_json(of_table: Run) -> None:
    shown = of_table("--target", "film,smile")
    assert shown.status == 0
    assert shown.out.startswith("Of 5 texts, 4 mention film, 2 mention smile.\n")
    quotes = shown.out.partition("\nsmile, negative:\n")[2].split("\n\n")[0].splitlines()
    assert {"- good film, awful [smile] (row 1)", "- great film, bad [smile] (row 2)"} == set(quotes)
    content = json.loads(of_table("--target", "film,smile", "--json").out)
    film, smile = content["summaries"]
    assert content["n_texts"] == 5
    assert (film["target"], film["n_texts"], film["n_mentions"]) == ("film", 4, 4)
    assert (film["n_negative"], film["n_positive"]) == (1, 3)
    assert smile["n_negative"] == 2
    assert -1 <= smile["polarity_low"] <= smile["polarity"] <= smile["polarity_high"] <= 1
    assert smile["polarity"] < 0 < film["polarity"]
    assert {quote["row"] for quote in film["quotes"]["negative"]} == {3}


def test_targets_are_summarized_by_group(of_table: Run) -> None:
    result = of_table("--target", "film", "--group-by", "city", "--json")
    summaries = json.loads(result.out)["summaries"]
    assert [(each["group"], each["n_texts"]) for each in summaries] == [
        (None, 4),
        ("Bern", 2),
        ("(blank)", 1),
        ("=Basel", 1),
    ]
    missing = of_table("--target", "film", "--group-by", "town")
    assert missing.is_one_line(1)
    assert "S064" in missing.err
    assert "reviews.csv" in missing.err
    assert "--group-by" in missing.err


def test_a_file_is_written_whole_and_never_replaced_unasked(of_table: Run, table: Path) -> None:
    page = table.with_name("new") / "report.html"
    result = of_table("--target", "film", "--output", page)
    assert result.out.endswith(f"Written: {page}\n")
    html = page.read_text(encoding="utf-8")
    assert "<mark>film</mark>" in html
    page.write_text("kept")
    taken = of_table("--target", "film", "--output", page)
    assert taken.is_one_line(1)
    assert "S068" in taken.err
    assert of_table("--target", "zebra", "--output", page, "--overwrite").status == 1
    assert page.read_text() == "kept"
    assert of_table("--target", "film", "--output", page, "--overwrite").status == 0
    assert page.read_text(encoding="utf-8") == html


def test_the_figures_are_written_as_csv_or_json(of_table: Run, table: Path) -> None:
    options = ["--target", "film", "--target", "smile", "--group-by", "city", "--json"]
    written, figures = table.with_name("a.json"), table.with_name("a.csv")
    printed = json.loads(of_table(*options, "--output", written).out)
    assert json.loads(written.read_text(encoding="utf-8")) == printed
    of_table(*options, "--output", figures)
    with figures.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(printed["summaries"])
    for row, summary in zip(rows, printed["summaries"], strict=True):
        assert row["group"].lstrip("'") == (summary["group"] or "")
        assert float(row["polarity"]) == pytest.approx(summary["polarity"])
        assert {row[name] for name in row if name.startswith("n_")} == {
            str(summary[name]) for name in summary if name.startswith("n_")
        }
    assert any(row["group"] == "'=Basel" for row in rows)


@pytest.mark.parametrize("format", ["jsonl", "json", "txt", "tsv"])
def test_other_formats_are_read(run: Run, reader: Path, tmp_path: Path, format: str) -> None:
    source = tmp_path / f"reviews.{format}"
    lines = {
        "jsonl": '{"text": "good film", "stars": 5}\n{"text": null}\n{"text": "bad film", "stars": 1.0}\n',
        "json": '[{"text": "good film", "stars": 5}, {"text": null}, {"text": "bad film", "stars": 1.0}]',
        "txt": "good film\n\nbad film\n",
        "tsv": "text\tstars\ngood film\t5\n\t\nbad film\t1\n",
    }
    source.write_text(lines[format], encoding="utf-8")
    options = [] if format == "txt" else ["--group-by", "stars"]
    result = run("aspects", source, "--target", "film", "--model", reader, "--json", *options)
    whole, *groups = json.loads(result.out)["summaries"]
    assert (whole["n_texts"], whole["n_positive"], whole["n_negative"]) == (2, 1, 1)
    assert [quote["row"] for quote in whole["quotes"]["negative"]] == [3]
    assert [each["group"] for each in groups] == ([] if format == "txt" else ["1", "5"])


def test_a_target_that_is_not_mentioned_is_reported(of_table: Run) -> None:
    result = of_table("--target", "film", "--target", "zebra")
    assert result.status == 0
    assert result.err == "WARNING: No text mentions zebra.\n"
    assert of_table("--target", "film", "--target", "zebra", "--quiet").err == ""
    none = of_table("--target", "zebra")
    assert none.is_one_line(1)
    assert "S222" in none.err


def test_a_target_is_needed(run: Run) -> None:
    result = run("aspects", "reviews.csv")
    assert result.is_one_line(2)
    assert "--target" in result.err
    blank = run("aspects", "reviews.csv", "--target", " ")
    assert blank.is_one_line(1)
    assert "S223" in blank.err


def test_only_known_suffixes_are_written(run: Run, tmp_path: Path) -> None:
    result = run("aspects", "reviews.csv", "--target", "film", "--output", tmp_path / "a.pdf")
    assert result.is_one_line(1)
    assert "S221" in result.err
    source = tmp_path / "a.json"
    source.write_text('[{"text": "good film"}]')
    same = run("aspects", source, "--target", "film", "--output", source, "--overwrite")
    assert same.is_one_line(1)
    assert "it is the input" in same.err


def test_a_model_that_cannot_score_targets_is_refused_before_anything_is_read(
    run: Run, model: Path, tmp_path: Path
) -> None:
    unreadable = tmp_path / "a.jsonl"
    unreadable.write_text("no JSON")
    result = run("aspects", unreadable, "--target", "film", "--model", model)
    assert result.is_one_line(1)
    assert "S200" in result.err


def test_labels_without_poles_are_refused(of_table: Run) -> None:
    result = of_table("--target", "film", "--only-labels", "negative,neutral")
    assert result.is_one_line(1)
    assert "S224" in result.err
    kept = of_table("--target", "film", "--only-labels", "negative,positive", "--json")
    assert "n_neutral" not in json.loads(kept.out)["summaries"][0]

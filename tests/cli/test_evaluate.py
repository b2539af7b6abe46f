import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spacy_trax_sentiment.training.labelled import LabelledText

Run = Callable[..., Any]
ANOTHER = Path(__file__).parents[1] / "data" / "golden" / "pipeline-v1"


@pytest.fixture(scope="module")
def dev_file(
    short_texts: tuple[list[LabelledText], list[LabelledText]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("data") / "dev.jsonl"
    path.write_text("".join(json.dumps(text._asdict()) + "\n" for text in short_texts[1]), encoding="utf-8")
    return path


def test_evaluate_prints_tables_or_json(run: Run, model: Path, dev_file: Path) -> None:
    tables = run("evaluate", dev_file, "--model", model)
    assert tables.status == 0
    figures = json.loads(run("evaluate", dev_file, "--model", model, "--json").out)
    assert f"accuracy {figures['accuracy']:.2f}" in tables.out
    assert re.match(r"Right on \d+ of \d+ texts", tables.out)
    assert figures["n_texts"] == len(dev_file.read_text().splitlines())
    assert set(figures["labels"]) == set(figures["confusion"]) == {"negative", "positive"}


@pytest.mark.slow
def test_evaluate_writes_a_report(run: Run, model: Path, dev_file: Path, tmp_path: Path) -> None:
    page = tmp_path / "new" / "report.html"
    result = run("evaluate", dev_file, "--model", model, "--html", page)
    assert result.status == 0
    assert f"Report: {page}" in result.out
    html = page.read_text(encoding="utf-8")
    accuracy = json.loads(run("evaluate", dev_file, "--model", model, "--json").out)["accuracy"]
    assert f"{accuracy:.2f}" in html
    taken = run("evaluate", dev_file, "--model", model, "--html", page)
    assert taken.is_one_line(1)
    assert "S068" in taken.err
    assert run("evaluate", dev_file, "--model", model, "--html", page, "--overwrite").status == 0
    assert page.read_text(encoding="utf-8") == html


def test_evaluate_compares_two_models(run: Run, dev_file: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    result = run("evaluate", dev_file, "--model", ANOTHER, "--compare", "en", "--html", page)
    assert result.status == 0
    assert "McNemar's exact p" in result.out
    figures = json.loads(run("evaluate", dev_file, "--model", ANOTHER, "--compare", "en", "--json").out)
    compared = figures["compared"]
    assert compared["model"] == "en"
    assert compared["accuracy_difference"] == pytest.approx(compared["accuracy"] - figures["accuracy"])
    assert f"{compared['accuracy_difference']:+.2f}" in result.out
    assert "Where the models disagree" in page.read_text(encoding="utf-8")


def test_models_with_different_labels_are_not_compared(run: Run, model: Path, dev_file: Path, tmp_path: Path) -> None:
    result = run("evaluate", dev_file, "--model", model, "--compare", "en_ternary", "--html", tmp_path / "report.html")
    assert result.is_one_line(1)
    assert "S101" in result.err
    assert not list(tmp_path.iterdir())


def test_models_are_compared_on_the_labels_that_both_have(run: Run, model: Path, dev_file: Path) -> None:
    options = ["--compare", "en_ternary", "--only-labels", "negative,positive", "--json"]
    result = run("evaluate", dev_file, "--model", model, *options)
    assert result.status == 0
    figures = json.loads(result.out)
    assert list(figures["labels"]) == ["negative", "positive"]
    alone = run("evaluate", dev_file, "--model", "en_ternary", "--only-labels", "negative,positive", "--json")
    assert figures["compared"]["accuracy"] == json.loads(alone.out)["accuracy"]


def test_a_model_in_place_of_the_texts_is_wrong_usage(run: Run, model: Path) -> None:
    for name in ("en", model):
        result = run("evaluate", name)
        assert result.is_one_line(2)
        assert f"--model {name}" in result.err


def test_texts_whose_label_the_model_lacks_are_left_out_with_a_warning(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "three.csv"
    path.write_text("text,label\nso good,positive\na table,neutral\nawful,negative\na chair,neutral\n")
    two = run("evaluate", path)
    assert two.status == 0
    assert two.out.startswith("Right on 2 of 2 texts.")
    assert len(two.err.splitlines()) == 1
    assert f"{path}: left out the texts with a label that the model lacks ('neutral': 2)" in two.err
    assert "all labels of these texts: en_auto, en_ternary" in two.err
    assert run("evaluate", path, "--quiet").err == ""
    assert json.loads(run("evaluate", path, "--json").out)["left_out"] == {"neutral": 2}
    three = run("evaluate", path, "--model", "en_ternary")
    assert (three.status, three.err) == (0, "")
    assert "of 4 texts" in three.out


def test_texts_without_any_label_of_the_model_are_refused(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("text,label\nso good,postive\n")
    result = run("evaluate", path)
    assert result.is_one_line(1)
    assert "S019" in result.err
    assert "'postive'" in result.err


@pytest.mark.slow
def test_the_bundled_templates_can_be_evaluated(run: Run) -> None:
    figures = json.loads(run("evaluate", "bundled:templates", "--json").out)
    assert (figures["n_texts"], figures["left_out"]) == (80_000, {"neutral": 10_000})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.csv", None, "no such file"),
        ("empty.csv", "", "holds no texts"),
        ("header.csv", "text,label\n", "holds no texts"),
        ("broken.jsonl", "{", "not valid JSON"),
    ],
)
def test_an_unusable_source_is_reported_in_one_line(
    run: Run, tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    result = run("evaluate", tmp_path / name)
    assert result.is_one_line(1)
    assert message in result.err


def test_a_label_map_names_the_labels_of_the_texts(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "stars.csv"
    path.write_text("text,label\nso good,5\nawful,1\nbad,2\n")
    options = ["--label-map", "1,2=negative 5=positive", "--json"]
    assert json.loads(run("evaluate", path, *options).out)["n_texts"] == 3
    malformed = run("evaluate", path, "--label-map", "1,2")
    assert malformed.is_one_line(1)
    assert "S160" in malformed.err
    unnamed = run("evaluate", path, "--label-map", "1=negative 5=positive")
    assert unnamed.is_one_line(1)
    assert "stars.csv, line 4: the label '2' is not in the label map" in unnamed.err


def test_the_option_is_named_for_labels_that_it_leaves_out(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "three.csv"
    path.write_text("text,label\nso good,positive\na table,neutral\nawful,negative\n")
    result = run("evaluate", path, "--model", "en_ternary", "--only-labels", "negative,positive")
    assert result.status == 0
    assert "name neutral by --only-labels" in result.err
    assert "lacks" not in result.err


def test_a_cascade_is_measured_compared_and_reported(run: Run, dev_file: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    options = ["--model", "en_auto", "--compare", "en_trf", "--html", report]
    assert run("evaluate", dev_file, *options).status == 0
    assert "en_auto" in report.read_text(encoding="utf-8")

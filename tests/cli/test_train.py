import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from tqdm import tqdm

from spacy_trax_sentiment import errors

Run = Callable[..., Any]


@pytest.mark.usefixtures("require_trax")
def test_train_writes_a_pipeline_and_prints_its_figures(run: Run, tmp_path: Path) -> None:
    result = run("train", "bundled:short_texts", "--output", tmp_path / "m", "--steps", 30, "--embedding-dim", 16)
    assert result.status == 0, result.err
    assert "emoticons" not in result.out
    nlp = spacy.load(tmp_path / "m")
    assert set(nlp("what a day").cats) == {"negative", "positive"}
    assert f"{nlp.meta['performance']['accuracy']:.4f}" in result.out
    assert [entry.name for entry in tmp_path.iterdir()] == ["m"]


@pytest.mark.usefixtures("require_trax", "tweets")
def test_train_measures_the_seeds_tweets_without_emoticons_too(run: Run, tmp_path: Path) -> None:
    result = run(
        "train", "nltk:twitter_samples", "-o", tmp_path / "m", "--steps", 5, "--embedding-dim", 4, "--no-report"
    )
    assert result.status == 0, result.err
    assert "as they are" in result.out
    assert "emoticons stripped" in result.out


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--label-map", "1=negative 2=positive"),
        ("--label-map", ""),
        ("--labels", "up,down"),
        ("--dev", "dev.csv"),
        ("--encoding", "cp1252"),
        ("--text-column", "tweet"),
        ("--label-column", "mood"),
        ("--preset", "seed"),
        ("--lang", "de"),
    ],
)
def test_train_refuses_what_a_recipe_would_leave_unused(run: Run, tmp_path: Path, option: str, value: str) -> None:
    result = run("train", tmp_path, "--config", "en", option, value, "--output", tmp_path / "m")
    assert (result.status, result.out) == (2, "")
    assert f"give --config or {option}, not both" in result.err


@pytest.mark.parametrize("option", [("--lang", "de"), ("--lexicon", "words.tsv")])
def test_train_refuses_another_language_or_lexicon_for_a_model_that_has_one(
    run: Run, tmp_path: Path, option: tuple[str, str]
) -> None:
    result = run("train", tmp_path / "t.csv", "--init-from", "en", *option, "--output", tmp_path / "m")
    assert (result.status, result.out) == (2, "")
    assert "give --init-from without --lang and --lexicon" in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("require_trax")
def test_train_takes_dev_texts_columns_and_labels(run: Run, tmp_path: Path) -> None:
    rows = "".join(f"{word} {i},{mood}\n" for i in range(12) for word, mood in (("sun", "up"), ("rain", "down")))
    (tmp_path / "a.csv").write_text("tweet,mood\n" + rows)
    (tmp_path / "dev.csv").write_text("tweet,mood\nmuch sun,up\nmuch rain,down\n")
    options = ["--labels", "down, up", "--text-column", "tweet", "--label-column", "mood", "--embedding-dim", 8]
    run_options = ["--dev", tmp_path / "dev.csv", "--output", tmp_path / "m", "--steps", 40, "--quiet"]
    assert run("train", tmp_path / "a.csv", *options, *run_options) == (0, "", "")
    cats = spacy.load(tmp_path / "m")("sun").cats
    assert list(cats) == ["down", "up"]
    assert cats["up"] > 0.5


@pytest.mark.usefixtures("require_trax")
def test_train_writes_a_report_and_tensorboards_files(run: Run, tmp_path: Path) -> None:
    from tensorflow.compat.v1.train import summary_iterator

    options = ["--steps", 20, "--embedding-dim", 8, "--tensorboard", tmp_path / "tb"]
    result = run("train", "bundled:short_texts", "--output", tmp_path / "m", *options)
    report = tmp_path / "m" / "report.html"
    assert str(report) in result.out
    html = report.read_text(encoding="utf-8")
    assert "Held-out accuracy" in html
    assert "bundled:short_texts" in html
    report.unlink()  # the model is whole without it
    assert run("evaluate", "bundled:short_texts", "--model", tmp_path / "m").status == 0

    paths = {path.parent.name: path for path in (tmp_path / "tb").rglob("*") if path.is_file()}
    assert set(paths) == {"train", "eval"}  # and no pickle
    losses = {
        event.step: value.simple_value
        for event in summary_iterator(str(paths["train"]))
        for value in event.summary.value
        if value.tag == "metrics/loss"
    }
    assert list(losses) == [1, 10, 20]
    assert losses[20] < losses[1]


def test_without_matplotlib_a_report_is_refused_before_any_work(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for arguments in (
        ["evaluate", tmp_path / "none.jsonl", "--html", tmp_path / "report.html"],
        ["train", tmp_path / "none.jsonl", "--output", tmp_path / "m"],
    ):
        result = run(*arguments)
        assert result.is_one_line(1)
        assert "S100" in result.err
        assert "[train]" in result.err
    assert not list(tmp_path.iterdir())


def test_python_versions_without_trax_are_named(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "PYTHON_WITHOUT_TRAX", True)
    monkeypatch.setattr(sys.modules["spacy_trax_sentiment.cli.train"], "find_spec", lambda name: None)
    result = run("train", tmp_path / "none.jsonl", "--output", tmp_path / "m")
    assert result.is_one_line(1)
    assert "[S049]" in result.err
    assert "needs Python 3.11 to 3.13, and this is 3." in result.err


BAD_DATA = {
    "missing.jsonl": (None, "missing.jsonl: no such file"),
    "empty.jsonl": ("", "empty.jsonl: holds no texts"),
    "empty.csv": ("", "empty.csv: holds no texts"),
    "header.csv": ("text,label\n", "header.csv: holds no texts"),
    "broken.jsonl": ("{", "broken.jsonl, line 1: not valid JSON"),
    "text.jsonl": ('{"label": "positive"}', "text.jsonl, line 1: the column 'text' is missing"),
    "label.jsonl": ('{"text": "a"}', "label.jsonl, line 1: the column 'label' is missing"),
    "other.jsonl": ('{"text": "a", "label": "up"}', "other.jsonl, line 1: the label 'up' is not one of"),
    "one.jsonl": ('{"text": "a", "label": "positive"}', "one.jsonl: only these labels have texts: positive"),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data_is_reported_in_one_line_and_nothing_is_written(run: Run, tmp_path: Path, name: str) -> None:
    content, message = BAD_DATA[name]
    if content is not None:
        (tmp_path / name).write_text(content)
    before = sorted(tmp_path.iterdir())
    result = run("train", tmp_path / name, "--output", tmp_path / "m")
    assert result.is_one_line(1)
    assert message in result.err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--batch-size", 0], "batch_size is 0"),
        (["--labels", "positive"], "labels 'positive'"),
        (["--preset", "best"], "preset 'best'"),
    ],
)
def test_unusable_settings_are_reported_in_one_line(
    run: Run, tmp_path: Path, options: list[object], message: str
) -> None:
    result = run("train", "bundled:short_texts", "--output", tmp_path / "m", *options)
    assert result.is_one_line(1)
    assert message in result.err
    assert not (tmp_path / "m").exists()


@pytest.mark.usefixtures("require_trax")
def test_a_loss_that_is_not_finite_leaves_no_output(run: Run, tmp_path: Path) -> None:
    options = ["--learning-rate", "1e30", "--steps", 50, "--embedding-dim", 8, "--quiet"]
    result = run("train", "bundled:short_texts", "--output", tmp_path / "m", *options)
    assert result.is_one_line(1)
    assert "Lower the learning rate" in result.err
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("require_trax")
def test_an_interrupted_run_says_how_to_resume_it(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    update, steps = tqdm.update, iter(range(1, 9))

    def interrupt(bar: Any, n: float = 1) -> None:
        update(bar, n)
        if next(steps) == 4:
            os.kill(os.getpid(), signal.SIGINT)

    arguments = ["train", "bundled:short_texts", "-o", tmp_path / "m", "--steps", 8, "--embedding-dim", 4, "--quiet"]
    monkeypatch.setattr(tqdm, "update", interrupt)
    interrupted = run(*arguments)
    monkeypatch.undo()
    assert interrupted.is_one_line(130)
    assert "step 4" in interrupted.err
    assert "--resume" in interrupted.err
    assert "S124" in run(*arguments).err
    assert run(*arguments, "--resume") == (0, "", "")
    assert [entry.name for entry in tmp_path.iterdir()] == ["m"]


@pytest.mark.usefixtures("require_trax")
def test_a_run_that_is_killed_with_its_model_in_place_writes_the_same_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove, output = shutil.rmtree, tmp_path / "m"

    def remove_until_the_model_is_there(path: Any, **options: Any) -> None:
        if output.exists():
            raise KeyboardInterrupt
        remove(path, **options)

    arguments = ["train", "bundled:short_texts", "--quiet", "--steps", 6, "--embedding-dim", 4, "--no-report"]
    arguments += ["--checkpoint-every", 4, "--output", output]
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", remove_until_the_model_is_there)
        assert run(*arguments).status != 0
    assert len(list(tmp_path.glob("m.checkpoint/step-*"))) == 1
    files = contents(output)
    assert "S124" in run(*arguments).err
    assert "S123" in run(*arguments, "--resume", "--seed", 1).err
    assert contents(output) == files
    assert run(*arguments, "--resume") == (0, "", "")
    assert contents(output) == files
    assert list(tmp_path.iterdir()) == [output]
    assert "S030" in run(*arguments, "--resume").err


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("require_trax")
def test_an_unusable_output_directory_is_reported_in_one_line(run: Run, tmp_path: Path, model: Path) -> None:
    (tmp_path / "file").write_text("")
    taken = run("train", "bundled:short_texts", "--output", model)
    unwritable = run("train", "bundled:short_texts", "--output", tmp_path / "file" / "m")
    assert taken.is_one_line(1)
    assert "--overwrite" in taken.err
    assert unwritable.is_one_line(1)
    assert "cannot be written" in unwritable.err


def test_overwrite_replaces_a_pipeline(run: Run, tmp_path: Path, trained: Language) -> None:
    trained.to_disk(tmp_path / "m")
    options = ["--steps", 5, "--embedding-dim", 8, "--overwrite", "--quiet", "--no-report"]
    assert run("train", "bundled:short_texts", "--output", tmp_path / "m", *options) == (0, "", "")
    assert not (tmp_path / "m" / "report.html").exists()
    assert spacy.load(tmp_path / "m").get_pipe("trax_sentiment").model.attrs["embedding_dim"] == 8


@pytest.mark.usefixtures("require_trax")
def test_stars_are_learned_and_measured_as_numbers(run: Run, tmp_path: Path) -> None:
    words = {1: "awful", 3: "plain", 5: "lovely"}
    rows = "".join(f"{word} {i},{stars}\n" for i in range(10) for stars, word in words.items())
    (tmp_path / "a.csv").write_text(f"text,label\n{rows}lovely 9,1\n")
    options = ["--output", tmp_path / "m", "--steps", 40, "--embedding-dim", 8, "--no-report"]
    result = run("train", tmp_path / "a.csv", *options)
    assert result.status == 0, result.err
    assert "Labels: 1, 3, 5." in result.err
    measured = run("evaluate", tmp_path / "a.csv", "--model", tmp_path / "m", "--html", tmp_path / "report.html")
    for shown in (measured.out, (tmp_path / "report.html").read_text(encoding="utf-8")):
        assert "mean absolute error" in shown
    mapped = ["--label-map", "1=Negative 3=neutral 5=Positive", "--output", tmp_path / "words", *options[2:]]
    assert "Labels: negative, neutral, positive." in run("train", tmp_path / "a.csv", *mapped).err


def test_the_training_texts_are_refused_as_held_out_ones(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\ngood,positive\nbad,negative\n")
    result = run("train", path, "--dev", path, "--output", tmp_path / "m")
    assert result.is_one_line(1)
    assert "[S162]" in result.err
    assert "--dev" in result.err


@pytest.mark.usefixtures("require_trax")
def test_the_console_trains_a_language_and_info_says_what_it_has(run: Run, tmp_path: Path) -> None:
    words = {"prima": "positive", "furchtbar": "negative"}
    rows = "".join(f"{word} {i},{label}\n" for i in range(10) for word, label in words.items())
    (tmp_path / "a.csv").write_text(f"text,label\n{rows}", "utf-8")
    result = run("train", tmp_path / "a.csv", "--lang", "de", "--steps", 10, "--no-report", "--output", tmp_path / "m")
    assert result.status == 0, result.err
    assert spacy.load(tmp_path / "m").lang == "de"
    shown = run("info", tmp_path / "m").out
    assert "german" in shown
    assert run("train", tmp_path / "a.csv", "--lang", "qq", "--output", tmp_path / "n").err.count("S192") == 1

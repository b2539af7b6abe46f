"""Wrong usage, help, and the names of models."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.main

from spacy_trax_sentiment import cli
from spacy_trax_sentiment.about import __version__
from spacy_trax_sentiment.cli import app
from spacy_trax_sentiment.cli.options import complete_model

Run = Callable[..., Any]

PACKAGE = Path(cli.__file__).parents[1]

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help_is_printed(run: Run, command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.status == 0
    assert "Usage" in result.out


def test_without_a_command_the_help_is_printed_with_the_status_of_wrong_usage(run: Run) -> None:
    result = run()
    assert (result.status, result.err) == (2, "")
    assert result.out == run("--help").out


def test_the_version_is_printed(run: Run) -> None:
    assert run("--version") == (0, f"trax-sentiment {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["train"], " train"),
        (["train", "a.jsonl"], " train"),
        (["train", "a", "-o", "m", "--steps", "x"], " train"),
        (["evaluate"], " evaluate"),
        (["evaluate", "a", "b", "c"], " evaluate"),
        (["predict", "--nonsense"], " predict"),
        (["predict", "a", "--quiet", "--verbose"], " predict"),
        (["no-such-command"], ""),
        (["--nonsense"], ""),
    ],
)
def test_wrong_usage_names_the_help_of_the_command(run: Run, arguments: list[str], command: str) -> None:
    result = run(*arguments)
    assert result.is_one_line(2)
    assert result.err.endswith(f"See `trax-sentiment{command} --help`.\n")


WITH_MODEL = {
    "evaluate": ["evaluate", "bundled:short_texts", "--model"],
    "compare": ["evaluate", "bundled:short_texts", "--compare"],
    "predict": ["predict", "good", "--model"],
    "aspects": ["aspects", os.devnull, "--input-format", "txt", "--target", "film", "--model"],
    "explain": ["explain", "good", "--model"],
    "serve": ["serve", "--port", "0", "--model"],
    "info": ["info"],
    "compact": ["compact", "--output", "small"],
}


@pytest.mark.parametrize("command", WITH_MODEL)
def test_a_misspelt_model_is_reported_with_the_nearest_and_the_bundled_ones(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reviews").mkdir()
    for name, nearest in (("en_tenary", "en_ternary"), ("reveiws", "reviews")):
        result = run(*WITH_MODEL[command], name)
        assert result.is_one_line(1)
        assert f"S033] {name}: no such model. Did you mean {nearest}?" in result.err
        assert "The bundled models are en, en_auto, en_ternary and en_trf" in result.err
    assert "Did you mean" not in run(*WITH_MODEL[command], "something-else").err
    assert [each.name for each in tmp_path.iterdir()] == ["reviews"]


def test_a_misspelt_model_in_a_folder_is_reported_with_the_nearest_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    result = run("info", tmp_path / "modle")
    assert f"Did you mean {tmp_path / 'model'}?" in result.err


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("en_other", "reviews"):
        (tmp_path / name).mkdir()
    (tmp_path / "en.txt").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_models_are_completed_from_the_bundled_ones_and_the_folders(folders: Path) -> None:
    assert complete_model("en") == ["en", "en_auto", "en_ternary", "en_trf", "en_other"]
    assert complete_model("rev") == ["reviews"]
    assert complete_model(f"{folders}/re") == [f"{folders}/reviews"]
    assert complete_model("none/here") == []


def test_every_option_and_argument_for_a_model_is_completed_in_the_shell(folders: Path) -> None:
    for command in COMMANDS.values():
        for parameter in command.params:
            if parameter.name in ("model", "compare", "init_from"):
                assert parameter._custom_shell_complete is not None, (command.name, parameter.name)
    words = "trax-sentiment evaluate a.csv --compare en"
    environ = {**os.environ, "_TRAX_SENTIMENT_COMPLETE": "complete_bash", "COMP_CWORD": "4", "COMP_WORDS": words}
    command = [sys.executable, "-m", "spacy_trax_sentiment"]
    assert subprocess.check_output(command, env=environ, text=True).split() == [
        "en",
        "en_auto",
        "en_ternary",
        "en_trf",
        "en_other",
    ]


FOREIGN = {"--recursive", "--paths.train", "--paths.dev", "--no-deps"}
"""Options of aws, spaCy and pip that remedies name."""


def test_every_option_that_the_code_names_exists() -> None:
    options = {"--help", "--version"}
    options |= {name for command in COMMANDS.values() for option in command.params for name in option.opts}
    options |= {name for command in COMMANDS.values() for option in command.params for name in option.secondary_opts}
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name != "explanation":  # where CSS has variables of this form
            named = re.findall(r"(?<![\w-])--[a-z][\w.-]*\w", path.read_text(encoding="utf-8"))
            assert set(named) <= options | FOREIGN, path


def test_closed_error_output_is_no_error_and_stays_out_of_the_output() -> None:
    command = f"{sys.executable} -m spacy_trax_sentiment --nonsense 2>&-"
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (2, "")


@pytest.mark.parametrize("arguments", [["explain", "good"], ["evaluate", "bundled:short_texts"], ["info"]])
def test_a_closed_output_is_reported_in_one_line(
    run: Run, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", None)
        result = run(*arguments)
    assert result.is_one_line(1)
    assert "standard output: cannot be written (it is closed)" in result.err


@pytest.mark.slow
def test_a_reader_that_closes_the_pipe_is_no_traceback() -> None:
    command = f"{sys.executable} -m spacy_trax_sentiment info en | head -n 1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert result.stderr == ""


@pytest.mark.parametrize("arguments", [["info"], ["explain", "good", "--json"], ["--help"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_one_line(arguments: list[str], unbuffered: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    command = [sys.executable, "-m", "spacy_trax_sentiment", *arguments]
    with open("/dev/full", "w") as full:
        environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert re.fullmatch(r"trax-sentiment: \[S069\] standard output: .*No space left on device.*\n", done.stderr)


@pytest.mark.parametrize("command", ["evaluate", "explain"])
def test_a_page_does_not_take_the_place_of_its_input(run: Run, command: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "good", "label": "positive"}\n')
    given = [path] if command == "evaluate" else ["--input", path]
    result = run(command, *given, "--html", path, "--overwrite")
    assert result.is_one_line(1)
    assert "it is the input" in result.err
    assert path.read_text().startswith("{")


def test_a_long_text_that_ends_like_a_file_is_a_text(run: Run) -> None:
    assert "positive" in run("predict", "I love " * 60 + "notes.txt").out

"""Habits that all commands share: examples, completion, progress bars and logging."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.main

from spacy_trax_sentiment.cli import app

Run = Callable[..., Any]

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
ERRORS_PAGE = Path(__file__).parents[2] / "docs" / "errors.md"

SPECIFIC = {"--output", "--html", "--batch-size", "--target"}
"""Options whose help text differs by command."""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_examples_on_separate_lines(run: Run, command: str) -> None:
    out = run(command, "--help").out
    assert run(command, "-h").out == out
    examples = out.partition("Examples:\n")[2].partition("\n\n")[0].splitlines()
    assert examples
    assert all(re.match(r"    (trax-sentiment|python -m spacy|curl|open) ", line) for line in examples)
    assert any(f"trax-sentiment {command} " in f"{line} " for line in examples)


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_are_commands_that_parse(command: str) -> None:
    import shlex

    text = COMMANDS[command].help.partition("Examples:")[2]
    for line in re.findall(r"trax-sentiment (.*)", text):
        name, *arguments = shlex.split(re.split(r" [<>&|]", line)[0])
        COMMANDS[name].make_context(name, arguments, resilient_parsing=False)


def test_the_help_lists_commands_and_exit_statuses(run: Run) -> None:
    out = run("--help").out
    statuses = re.findall(r"^ +(\d+) {2,}\w", out, re.MULTILINE)
    assert statuses == ["0", "1", "2", "130"]
    assert all(re.search(rf"\| `?{status}`? \|", ERRORS_PAGE.read_text(encoding="utf-8")) for status in statuses)
    for command in COMMANDS:
        summary = re.search(rf"^  {command} +(\S.*)$", out, re.MULTILINE)
        assert summary
        assert not summary[1].endswith("...")


def test_an_option_means_the_same_in_every_command() -> None:
    meanings: dict[str, set[Any]] = {}
    for command in COMMANDS.values():
        for option in command.params:
            for name in (each for each in option.opts if each.startswith("--") and option.param_type_name == "option"):
                text = None if name in SPECIFIC else option.help
                meanings.setdefault(name, set()).add((tuple(sorted(option.opts)), text))
    assert {name: found for name, found in meanings.items() if len(found) > 1} == {}
    assert {opts for opts, _ in meanings["--output"]} == {("--output", "-o")}
    assert meanings["--model"]
    assert len(meanings["--text-column"]) == 1


def _complete(tmp_path: Path, shell: str, words: str) -> str:
    environ = {
        **os.environ,
        "HOME": str(tmp_path),
        "_TRAX_SENTIMENT_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": words,
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    return subprocess.check_output([sys.executable, "-m", "spacy_trax_sentiment"], env=environ, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_and_options(tmp_path: Path, shell: str) -> None:
    fish = {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in fish.items():
            patch.setenv(name, value)
        assert "predict" in _complete(tmp_path, shell, "trax-sentiment pre")
        assert "--text-column" in _complete(tmp_path, shell, "trax-sentiment predict --te")


@pytest.mark.slow
def test_completion_is_shown_and_installed(tmp_path: Path) -> None:
    environ = {**os.environ, "HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [sys.executable, "-m", "spacy_trax_sentiment"]
    shown = subprocess.check_output([*command, "--show-completion", "bash"], env=environ, text=True)
    assert "_TRAX_SENTIMENT_COMPLETE=complete_bash" in shown
    installed = subprocess.check_output([*command, "--install-completion", "bash"], env=environ, text=True)
    assert "bash completion installed" in installed
    (script,) = tmp_path.rglob("*.sh")
    assert "complete -o default -F" in script.read_text()


def test_help_and_completion_do_not_wait_for_spacy() -> None:
    code = "import sys; from spacy_trax_sentiment import cli; print('spacy' in sys.modules, 'numpy' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["False", "False"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


LONG = {
    "train": ["bundled:short_texts", "--output", "m", "--steps", 5, "--embedding-dim", 8],
    "evaluate": ["bundled:short_texts"],
    "compact": ["en", "--output", "m"],
    "predict": ["--input", "a.txt", "--output", "b.csv"],
    "explain": ["--input", "a.txt", "--html", "b.html"],
}


@pytest.mark.parametrize("command", [pytest.param("train", marks=pytest.mark.slow), *list(LONG)[1:]])
def test_long_jobs_show_rate_and_time_left_only_on_a_terminal(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("so good\n" * 40)
    more = [] if command == "evaluate" else ["--overwrite"]
    terminal = Terminal()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        assert run(command, *LONG[command], *more).status == 0
    assert re.search(r"\[\d\d:\d\d<\d\d:\d\d, +[\d.]+[a-zA-Z]*/s\]|\[\d\d:\d\d<.*?/s", terminal.getvalue())
    result = run(command, *LONG[command], *more, "--quiet")
    assert (result.status, result.err) == (0, "")


@pytest.mark.slow
def test_verbose_logs_to_standard_error(run: Run, tmp_path: Path) -> None:
    for options in (["predict", "a"], ["explain", "a"], ["evaluate", "bundled:short_texts"]):
        plain, verbose = run(*options), run(*options, "--verbose")
        assert plain.out == verbose.out
        assert "Loaded en" in verbose.err
        assert "Loaded" not in plain.err
        assert run(*options, "--quiet", "--verbose").is_one_line(2)

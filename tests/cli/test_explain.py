import io
import json
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spacy.language import Language

from spacy_trax_sentiment.explanation.style import N_STEPS, NEGATIVE, POSITIVE, line_width, shade
from spacy_trax_sentiment.explanation.terminal import colours_of, sentiment_lines
from spacy_trax_sentiment.pipelines import load

Run = Callable[..., Any]

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(run: Run) -> Run:
    return partial(run, "explain")


@pytest.fixture(scope="module")
def nlp() -> Language:
    return load("en")


def test_without_colours_contributions_follow_their_tokens(run: Run, nlp: Language) -> None:
    result = run("I am not happy", "great")
    assert (result.status, result.err) == (0, "")
    first, second = result.out.split("\n\n")
    found = nlp("I am not happy")._.sentiment
    happy = found.toward("positive")[3]
    assert f"[happy({happy:+.3f})]" in first
    assert first.startswith(f"negative {found.probability:.1%}  log-odds {found.log_odds:+.3f}")
    assert "great(+" in second
    assert "\x1b" not in result.out


def test_json_is_one_line_per_text(run: Run, nlp: Language) -> None:
    texts = ["not bad", "café 😀"]
    rows = [json.loads(line) for line in run(*texts, "--json").out.splitlines()]
    assert rows == [nlp(text)._.sentiment.to_dict() for text in texts]


def test_labels_can_be_chosen(run: Run) -> None:
    (line,) = run("not bad", "--json", "--model", "en_ternary", "--only-labels", "negative,positive").out.splitlines()
    assert json.loads(line) == load("en_ternary", labels=["negative", "positive"])("not bad")._.sentiment.to_dict()


def test_a_table_or_standard_input(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text("id,tweet\n1,so good\n2,so bad\n")
    out = run("--input", tmp_path / "a.csv", "--text-column", "tweet").out
    assert [line.split()[0] for line in out.splitlines()[::3]] == ["positive", "negative"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"so good\n\n"), encoding="ascii"))
    assert len(run("--json").out.splitlines()) == 2


def test_a_model_of_your_own(run: Run, model: Path, bundled: Language) -> None:
    (row,) = map(json.loads, run("a wonderful day", "--json", "--model", model).out.splitlines())
    assert row["probabilities"] == pytest.approx(bundled("a wonderful day").cats, abs=1e-5)


def test_a_lone_surrogate_does_no_harm(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "good \\ud800"}\n')
    assert "\ufffd" in run("--input", tmp_path / "a.jsonl").out
    assert run("good \udcff").status == 0


def test_a_page_is_written_whole_and_kept(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.html"
    result = run("<script>alert(1)</script> good", "not bad", "--html", path)
    assert result == (0, f"Saved to {path}.\n", "")
    page = path.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<script" not in page
    assert page.count('class="verdict"') == 2
    again = run("bad", "--html", path)
    assert again.is_one_line(1)
    assert "S068" in again.err
    assert path.read_text(encoding="utf-8") == page
    assert run("bad", "--html", path, "--overwrite", "--quiet") == (0, "", "")
    assert path.read_text(encoding="utf-8") != page
    assert list(path.parent.iterdir()) == [path]


def test_a_page_of_a_file_that_cannot_be_used_is_not_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n{"text": 1}\n')
    assert run("--input", tmp_path / "a.jsonl", "--html", tmp_path / "a.html").is_one_line(1)
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]
    unwritable = run("a", "--html", tmp_path / "a.jsonl" / "b.html")
    assert unwritable.is_one_line(1)
    assert "S069" in unwritable.err


@pytest.mark.parametrize(
    "options", [["a", "--input", "a.txt"], ["a", "--json", "--html", "a.html"], ["a", "--quiet", "--verbose"]]
)
def test_options_that_exclude_each_other(run: Run, options: list[str]) -> None:
    assert run(*options).is_one_line(2)


# In a terminal


@pytest.mark.parametrize(
    ("terminal", "environ", "n_colours"),
    [
        (Terminal(), {"TERM": "xterm-256color"}, 256),
        (Terminal(), {"COLORTERM": "truecolor"}, 1 << 24),
        (Terminal(), {"COLORTERM": "truecolor", "NO_COLOR": "1"}, 0),
        (Terminal(), {"TERM": "dumb"}, 0),
        (io.StringIO(), {"COLORTERM": "truecolor"}, 0),
    ],
)
def test_only_terminals_get_colours(terminal: Any, environ: dict[str, str], n_colours: int) -> None:
    assert colours_of(terminal, environ) == n_colours


@pytest.mark.parametrize("no_color", ["1", ""])
def test_the_command_obeys_no_color(run: Run, monkeypatch: pytest.MonkeyPatch, no_color: str) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    assert run("so good").status == 0
    assert ("\x1b[" in terminal.getvalue()) == (not no_color)


def test_tokens_are_shaded_by_sign_and_size(nlp: Language) -> None:
    found = nlp("I love it, but it is slow")._.sentiment
    lines = sentiment_lines(found, 1 << 24)
    values = found.toward("positive")
    steps = np.round(values * N_STEPS / np.abs(values).max()).astype(int).tolist()
    for token, step in zip(found.target, steps, strict=True):
        if step:
            colour = ";".join(map(str, shade(POSITIVE if step > 0 else NEGATIVE, abs(step) / N_STEPS)))
            line = ("4;" if step > 0 else "3;") if line_width(abs(step)) else ""
            assert re.search(rf"\x1b\[{line}38;2;[\d;]*;48;2;{colour}m{re.escape(token.text)}\x1b\[0m", lines)
    assert ESCAPES.sub("", lines).splitlines()[-1] == "I love it, but it is slow"


def test_the_nearest_of_256_colours_are_chosen(nlp: Language) -> None:
    codes = re.findall(r"48;5;(\d+)m", sentiment_lines(nlp("good bad")._.sentiment, 256))
    assert codes
    assert all(16 <= int(code) <= 231 for code in codes)


def test_the_bar_always_has_the_same_width(nlp: Language) -> None:
    for model, text in (("en", "so good"), ("en_ternary", "The train leaves at 8"), ("en", "")):
        bar = sentiment_lines(load(model)(text)._.sentiment, 256).splitlines()[1]
        spaces = re.findall(r"m( +)\x1b", bar)
        assert sum(map(len, spaces)) == 40


def test_a_text_cannot_command_the_terminal(nlp: Language) -> None:
    found = nlp("bad \x1b[2J\x9b2J \x07 good\ttab\nline \x1b]0;title\x07")._.sentiment
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", sentiment_lines(found))
    assert "\x1b" not in ESCAPES.sub("", sentiment_lines(found, 256))
    assert "\ttab" in sentiment_lines(found).replace("(", " ").replace(")", "")

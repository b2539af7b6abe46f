"""Every example in the README, CONTRIBUTING and docs/ runs, unless a comment before it gives a reason."""

import io
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from unittest import SkipTest
from urllib.request import urlopen

import pyarrow as pa
import pytest
import srsly
from pyarrow import parquet
from spacy.language import Language
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
REASONS = {
    "installs packages",
    "needs a cluster",
    "needs a network",
    "needs Streamlit",
    "needs a model that scores targets",
    "needs the repository",
    "checks the source",
    "needs NLTK's twitter_samples",
}
STARS = ("awful", "bad", "a table", "good", "lovely")
GERMAN = (("hervorragend", "positive"), ("nicht gut", "negative"), ("am Samstag", "neutral"))
TEXTS = (("I love this place", "positive"), ("never again, the food was awful", "negative"))
# Commands run in this process, through their entry points, because each new process would load spaCy again. Training
# is cut short.
FEW_STEPS: dict[tuple[str, ...], list[str]] = {
    ("trax-sentiment", "train"): ["--steps", "8"],
    ("python", "-m", "spacy", "train"): ["--training.max_steps", "8", "--training.eval_frequency", "4"],
}


def _examples(page: Path, run_shell: Callable[[Example], None]) -> Iterator[Example]:
    parsers = [PythonCodeBlockParser(), SkipParser(), *(CodeBlockParser(name, run_shell) for name in ("bash", "sh"))]
    return iter(Sybil(parsers=parsers, encoding="utf-8").parse(page).examples())


def _skipped(page: Path) -> list[str]:
    """Return the arguments of each comment that skips an example."""
    return re.findall(r"<!--+ *;? *skip: *(.*?) *--+>", page.read_text(encoding="utf-8"))


def _has_examples(page: Path) -> bool:
    return re.search("^ *```(python|bash|sh)$", page.read_text(encoding="utf-8"), re.MULTILINE) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_skipped_example_gives_a_reason(page: Path) -> None:
    for arguments in _skipped(page):
        action, _, reason = arguments.partition(" ")
        assert action == "next", "only one example may be skipped at a time"
        assert reason.strip('"') in REASONS


@pytest.mark.parametrize("page", [page for page in PAGES if _has_examples(page)], ids=lambda page: page.name)
def test_the_examples_of_a_page_run(
    page: Path, trained: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _write_files(tmp_path, trained)
    n_skipped = 0
    with _shell(tmp_path, monkeypatch) as run_shell:
        for example in _examples(page, run_shell):
            try:
                example.evaluate()
            except SkipTest:
                n_skipped += 1
    assert n_skipped == len(_skipped(page))


def _write_files(directory: Path, trained: Language) -> None:
    """Write the files that the examples read."""
    for start, name in ((40, "dev.jsonl"), (20, "test.jsonl"), (0, "reviews.jsonl")):
        numbers = range(start, start + 20)
        rows = [{"id": i, "text": f"{text} {i}", "label": label} for i in numbers for text, label in TEXTS]
        srsly.write_jsonl(directory / name, rows)
    (directory / "reviews.csv").write_text("id,text\n1,love the food\n2,never again\n", encoding="utf-8")
    stars = "".join(f"{text} {i},{stars}\n" for i in range(20) for stars, text in enumerate(STARS, 1))
    (directory / "stars.csv").write_text(f"text,label\n{stars}", encoding="utf-8")
    german = "".join(f"Das Essen war {word} {i},{label}\n" for i in range(20) for word, label in GERMAN)
    (directory / "kritiken.csv").write_text(f"text,label\n{german}", encoding="utf-8")
    (directory / "aspects.csv").write_text('text,aspect\n"Great food, awful service",food\n', encoding="utf-8")
    (directory / "lines.txt").write_text("love it\nnever again\n", encoding="utf-8")
    (directory / "reviews").mkdir()
    for name in ("a.parquet", "b.parquet"):
        parquet.write_table(pa.Table.from_pylist(rows), directory / "reviews" / name)
    trained.to_disk(directory / "model")


@contextmanager
def _shell(directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Example], None]]:
    """Yield a function that runs a block of shell commands in a directory. Servers that it starts end afterwards."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    servers: list[subprocess.Popen[bytes]] = []
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])

    def run(example: Example) -> None:
        for command in example.parsed.replace("\\\n", " ").replace("8080", port).strip().splitlines():
            words = shlex.split(command, comments=True)
            if "--output" in words and words[:2] == ["trax-sentiment", "train"] and "--resume" not in words:
                shutil.rmtree(directory / words[words.index("--output") + 1], ignore_errors=True)
            if words[:2] == ["trax-sentiment", "serve"]:
                servers.append(subprocess.Popen(words))
                _wait_for(f"http://127.0.0.1:{port}/health")
            elif words[0] in ("trax-sentiment", "python") and not {"<", ">", "|", "&&"} & set(words):
                few_steps = next((more for start, more in FEW_STEPS.items() if tuple(words[: len(start)]) == start), [])
                _run_entry_point([*words, *few_steps], monkeypatch)
            else:
                fail = "--fail-with-body " if words[0] == "curl" else ""
                shown = command.replace("curl ", f"curl {fail}", 1) if fail else command
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", shown], capture_output=True, text=True)
                assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"

    try:
        yield run
    finally:
        for server in servers:
            server.terminate()
            server.wait()


def _run_entry_point(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    name = "spacy" if words[0] == "python" else words[0]
    arguments = words[3:] if words[0] == "python" else words[1:]
    main: Any = next(iter(entry_points(group="console_scripts", name=name))).load()
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with redirect_stdout(out), redirect_stderr(out):
        try:
            main()
            status: Any = 0
        except SystemExit as ended:
            status = ended.code
    assert status in (0, None), f"{' '.join(words)}\n{out.buffer.getvalue().decode()}"


def _wait_for(url: str) -> None:
    for _ in range(600):
        try:
            with urlopen(url):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")

"""No regular expression of the package backtracks without end: each is tried on long texts made of its own characters.

The texts are `start + unit * n + end`, where start and unit are taken from what the pattern is written with. A pattern
that backtracks takes far more than linear time on some of them. Those that are slow on a short text are tried on a long
one, which must take little time too.
"""

import ast
import importlib
import itertools
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import spacy_trax_sentiment
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.text import process_tweet as preprocessing
from spacy_trax_sentiment.text.process_tweet import process_tweet

PACKAGE = Path(spacy_trax_sentiment.__file__).parent
SHORT, LONG = 500, 20_000
SUSPICIOUS, TOO_LONG = 0.0001, 0.1  # seconds of processor time
MOST_ATTACKS = 5_000
CATEGORIES = {"DIGIT": "1", "SPACE": " \n", "WORD": "a_"}
TRY_ALL = """
import test_regular_expressions as tests
for name, pattern, methods in tests.patterns():
    print(name, flush=True)
    attack = tests.slow_attack(pattern, methods)
    assert attack is None, (name, attack)
print("done")
"""


def patterns() -> Iterator[tuple[str, re.Pattern[str], set[str]]]:
    """Yield each pattern of the package: its name, the pattern, and the methods by which it is used."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        methods: dict[str, set[str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                methods.setdefault(ast.unparse(node.value).removesuffix("()"), set()).add(node.attr)
        for statement in tree.body:
            if used := calls_of_re(statement):
                name = name_of(statement)
                message = f"{path}:{statement.lineno}: give the pattern a name of the module"
                assert used == {"compile"}, message
                assert name, message
                module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
                pattern = getattr(importlib.import_module(module), name)
                yield f"{module}.{name}", pattern() if callable(pattern) else pattern, methods.get(name, set())


def calls_of_re(statement: ast.stmt) -> set[str]:
    calls = (node.func for node in ast.walk(statement) if isinstance(node, ast.Call))
    return {call.attr for call in calls if isinstance(call, ast.Attribute) and ast.unparse(call.value) == "re"}


def name_of(statement: ast.stmt) -> str | None:
    """Return the name that a statement gives a pattern: that of a variable, or of a function without parameters."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case ast.FunctionDef(name=name, args=ast.arguments(args=[], kwonlyargs=[])):
            return name
    return None


def units(pattern: re.Pattern[str]) -> list[str]:
    """Return the characters that a pattern is written with, some for each category such as \\d, and its words."""
    found = dict.fromkeys("ab")

    def visit(nodes: Any) -> None:
        word = ""
        for name, value in ((str(node[0]), node[1]) for node in nodes):
            if name == "LITERAL":
                word += chr(value)
            else:
                found[word], word = None, ""
            match name:
                case "LITERAL" | "NOT_LITERAL":
                    found[chr(value)] = None
                case "RANGE":
                    found[chr(value[1])] = None
                case "CATEGORY":
                    found.update(dict.fromkeys(CATEGORIES[str(value).rpartition("_")[2]]))
                case "IN":
                    for each in value:
                        visit([each])
                case "BRANCH":
                    for branch in value[1]:
                        visit(branch)
                case _ if isinstance(value, tuple):  # a group, a repetition or an assertion
                    visit(value[-1])
        found[word] = None

    visit(re._parser.parse(pattern.pattern, pattern.flags))  # type: ignore[attr-defined]
    return [unit for unit in found if unit]


def attacks(pattern: re.Pattern[str]) -> list[tuple[str, str, str]]:
    """Return starts, units and ends of texts that nearly match a pattern: all of them, or a sample if they are many."""
    pieces = units(pattern)
    repeated = [*pieces, *("".join(pair) for pair in itertools.permutations(pieces, 2))]
    every = list(itertools.product(["", *pieces], repeated, ["", "\0"]))
    return random.Random(0).sample(every, min(len(every), MOST_ATTACKS))


def seconds(pattern: re.Pattern[str], method: str, attack: tuple[str, str, str], size: int) -> float:
    start, unit, end = attack
    text = start + unit * (size // len(unit)) + end
    began = time.process_time()
    getattr(pattern, method)(text)
    return time.process_time() - began


def slow_attack(pattern: re.Pattern[str], used: set[str]) -> tuple[str, str, str] | None:
    """Return an attack that takes a pattern too long, or None. Its other methods take as long as `findall` at most."""
    anchored = used & {"match", "fullmatch"}
    for method in sorted(used if used and used == anchored else {"findall", *anchored}):
        for attack in attacks(pattern):
            is_suspicious = seconds(pattern, method, attack, SHORT) > SUSPICIOUS
            if is_suspicious and seconds(pattern, method, attack, LONG) > TOO_LONG:
                return attack
    return None


def test_no_pattern_of_the_package_is_slow_on_any_text() -> None:
    path = [str(Path(__file__).parent), *sys.path]
    command = [sys.executable, "-c", f"import sys\nsys.path[:0] = {path!r}\n{TRY_ALL}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired as error:
        pytest.fail(f"no end of {(error.stdout or b'').decode().splitlines()[-1:]}")
    assert done.stdout.splitlines()[-1:] == ["done"], done.stderr


@pytest.mark.parametrize(
    ("pattern", "method"),
    [(r"\s+$", "sub"), ("<[^>]*>", "findall"), (".*,.*,", "fullmatch"), (r"https?://\S+\s*!", "search")],
)
def test_a_slow_pattern_is_found(pattern: str, method: str) -> None:
    assert slow_attack(re.compile(pattern), {method})


def test_a_text_that_nltk_gives_up_on_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def tokenize(_: str) -> list[str]:
        raise TimeoutError("TweetTokenizer exceeded its 5.0s time limit.")

    monkeypatch.setattr(preprocessing, "_tokenizer_and_stemmer", lambda: (tokenize, str))
    with pytest.raises(SentimentError, match=r"S052.*a text of 3 characters.*5\.0s time limit\)\. Leave"):
        process_tweet("a.b", [])

"""Each regular expression of the package, on texts of a million characters made to have it try again and again."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any, TypeGuard

import pytest

import spacy_trax_sentiment
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.text import process_tweet as preprocessing
from spacy_trax_sentiment.text.process_tweet import process_tweet

SIZE = 1_000_000
# By module and name: how it is used, and the start, the part that is repeated, and the end of texts that nearly match.
TEXTS: dict[str, tuple[str, list[tuple[str, str, str]]]] = {
    "text.sentiment_terms._URL": ("match", [("", "http", ""), ("http://", " ", ""), ("", "www", "."), ("", "w", "")]),
    "text.sentiment_terms._MENTION": ("match", [("", "@", ""), ("@", " ", "")]),
    "text.sentiment_terms._ELONGATION": ("sub", [("", "a", ""), ("", "ab", ""), ("", "aab", ""), ("", "\n", "")]),
    "text.sentiment_terms._HTML": ("search", [("", "/", ""), ("", "br", ""), ("", "b", "<br")]),
    "text.process_tweet._TICKER": ("sub", [("", "$", ""), ("$", "a", " "), ("", "$a", "")]),
    "text.process_tweet._RETWEET": ("sub", [("RT", " ", ""), ("", "RT ", ""), ("RT", "\n", "x")]),
    "text.process_tweet._HYPERLINK": (
        "sub",
        [("http://", "a", ""), ("", "http", ""), ("", "https:/", ""), ("", "http://\n", ""), ("http://", "\r\n", "x")],
    ),
    "training.templates._ADJECTIVE": ("fullmatch", [("", "a", "!"), ("", "ful", "x"), ("", "able", "A")]),
    "explanation.terminal._CONTROLS": ("sub", [("", "\x1b[31m", ""), ("", "a", "\x00"), ("", "\x7f", "")]),
    "tables.writers._NUMBER": (
        "fullmatch",
        [("-", "1", "x"), ("+", "1,", "e"), ("", ".", "e+"), ("1e", "1", "x"), ("", "1e1", "")],
    ),
    "bulk.simple_tokens._WORD": (
        "fullmatch",
        [
            *(("a", ".", "x%"), ("a", "..!", "%"), ("", ".", "%"), ("", "a", "%"), ("", "1", "%"), ("@", "_", "%")),
            *(("", "a_", "%"), ("a", "_", "%"), ("", "1.", "%"), ("", "1:1", "%"), ("a", ").", "%"), ("", "1-", "%")),
            *(("", "a-", "%"), ("a", "..", "a%"), ("", "'s", "%"), ("A", "A.", "%"), ("a.", ")", "%"), ("#", "#", "")),
        ],
    ),
    "bulk.simple_tokens._MARKS": ("findall", [("", ".", ""), ("", ".!", ""), ("", "..!", "")]),
    "bulk.simple_tokens._LINK": (
        "fullmatch",
        [("https://t.co/", "a", "%"), ("", "https://t.co/", ""), ("http", "s", "")],
    ),
    "tables.addresses._ADDRESS": ("match", [("", "a", ""), ("a", "+", ":/"), ("", "a:/", "")]),
    "tables.addresses._OPTIONS": ("search", [("", "?a=", "/"), ("", "?a", ""), ("?", "a", ""), ("?a=", "b", "/")]),
    "tables.addresses._MAGIC": ("search", [("", "a", ""), ("", "]", "")]),
    "text.process_tweet._emoticon_pattern()": (
        "sub",
        [("", ":", ""), ("", ":-", ""), ("", ">:", "-"), ("", "<", ""), ("", "</", ""), ("", ":'", ""), ("", "(", ":")],
    ),
}

RUN = """
import sys
from test_regular_expressions import SIZE, TEXTS, pattern_of

for name, (method, texts) in TEXTS.items():
    pattern = pattern_of(name)
    for start, part, end in texts:
        print(name, (start, part, end), flush=True)
        text = start + part * (SIZE // len(part)) + end
        getattr(pattern, method)(*([" ", text] if method == "sub" else [text]))
print("done")
"""


def pattern_of(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(f"spacy_trax_sentiment.{module}"), attribute.removesuffix("()"))
    return found() if name.endswith("()") else found


def test_each_regular_expression_is_tested_here() -> None:
    package = Path(spacy_trax_sentiment.__file__).parent
    found = set()
    for path in package.rglob("*.py"):
        module = ".".join(path.relative_to(package).with_suffix("").parts)
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            for used in (call.func.attr for call in ast.walk(statement) if is_call_of_re(call)):
                assert used == "compile", f"{module}: name what is given to re.{used}, so that it is tested here"
                if isinstance(statement, ast.FunctionDef):
                    found.add(f"{module}.{statement.name}()")
                else:
                    assert isinstance(statement, ast.Assign)
                    found.add(f"{module}.{ast.unparse(statement.targets[0])}")
    assert found == TEXTS.keys()


def is_call_of_re(node: ast.AST) -> TypeGuard[Any]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "re"


def test_no_regular_expression_backtracks_without_end() -> None:
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}\n{RUN}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired as error:
        pytest.fail(f"no end of {(error.stdout or b'').decode().splitlines()[-1:]}")
    assert done.stdout.splitlines()[-1:] == ["done"], done.stderr


def test_a_text_that_nltk_gives_up_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def tokenize(_: str) -> list[str]:
        raise TimeoutError("TweetTokenizer exceeded its 5.0s time limit.")

    monkeypatch.setattr(preprocessing, "_tokenizer_and_stemmer", lambda: (tokenize, str))
    with pytest.raises(SentimentError, match=r"S052.*a text of 3 characters.*5\.0s time limit\)\. Leave"):
        process_tweet("a.b", [])

"""Any bytes from outside give a documented result: in readers, the model loader, the server, the console script, and
the way from a text to its scores.

The tests take no fixtures, so that atheris can run them with its own inputs (`guided.py`).
"""

import asyncio
import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from spacy.language import Language

from spacy_trax_sentiment import TextScorer, cli
from spacy_trax_sentiment.bulk.chunk_tokenizer import tokenized
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.pipelines import find_component
from spacy_trax_sentiment.storage.sealed import manifest
from spacy_trax_sentiment.storage.whole import MANIFEST
from spacy_trax_sentiment.tables.readers import open_input
from spacy_trax_sentiment.tables.rows import INPUT_FORMATS
from spacy_trax_sentiment.training.corpora import read_labelled_texts

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "v1"
GOLDEN_FILES = {path.name: path.read_bytes() for path in sorted(GOLDEN.iterdir()) if path.name != MANIFEST}
ROWS = [{"text": "love it", "label": "positive"}, {"text": 'so "bad", =1', "label": "negative"}]
JSON_LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
CSV = b'text,label\nlove it,positive\n"so ""bad"", =1",negative\n'


@st.composite
def edited(draw: st.DrawFn, data: bytes) -> bytes:
    """Draw valid data with a few bytes inserted, removed or replaced."""
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        stop = draw(st.integers(start, min(start + 8, len(data))))
        data = data[:start] + draw(st.binary(max_size=8)) + data[stop:]
    return data


def of_format(format: str) -> SearchStrategy[bytes]:
    valid = {"jsonl": JSON_LINES, "csv": CSV, "tsv": CSV.replace(b",", b"\t"), "parquet": parquet()}
    return st.binary() | edited(valid.get(format, b"love it\nso bad\n"))


@cache
def parquet() -> bytes:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), file)
    return file.getvalue()


@contextlib.contextmanager
def written(name: str, data: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "within" / name
        path.parent.mkdir()
        path.write_bytes(data)
        yield path


FORMATS = st.sampled_from(INPUT_FORMATS).flatmap(lambda format: st.tuples(st.just(format), of_format(format)))


@settings(max_examples=300)
@given(FORMATS, st.booleans())
def test_a_table_is_read_or_refused(table: tuple[str, bytes], strict: bool) -> None:
    format, data = table
    with (
        written(f"a.{format}", data) as path,
        contextlib.suppress(SentimentError),
        open_input(str(path), format, strict=strict) as batches,
    ):
        for batch in batches:
            assert all(isinstance(text, str) or (text is None and not strict) for text in batch.texts)


@settings(max_examples=300)
@given(FORMATS)
def test_a_corpus_is_read_or_refused(table: tuple[str, bytes]) -> None:
    format, data = table
    with written(f"a.{format}", data) as path, contextlib.suppress(SentimentError):
        texts = read_labelled_texts(path)
        assert texts
        assert {label for _, label in texts} <= {"positive", "negative"}


@cache
def blank() -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={"pretrained": None})
    return nlp


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(GOLDEN_FILES)).flatmap(lambda name: st.tuples(st.just(name), edited(GOLDEN_FILES[name]))),
    st.booleans(),
)
def test_a_model_is_loaded_or_refused(file: tuple[str, bytes], is_sealed: bool) -> None:
    files = GOLDEN_FILES | dict([file])
    seal = manifest(files if is_sealed else GOLDEN_FILES, {})
    with tempfile.TemporaryDirectory() as directory, contextlib.suppress(SentimentError):
        for name, data in [*files.items(), (MANIFEST, seal)]:
            (Path(directory) / name).write_bytes(data)
        find_component(blank()).from_disk(directory)
        assert list(blank()("not bad at all").cats) == list(find_component(blank()).labels)


@cache
def bundled() -> tuple[TextScorer, Language]:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment")
    return TextScorer.load(), nlp


# Targets of tokenizers and preprocessors: emoticons, links, combining marks, directions, NUL, and long runs.
PIECES = [*spacy.blank("en").tokenizer.rules, "https://t.co/x", "www.a", "@you", "#tag", "1,000", "-5", "not", "never"]
PIECES += ["but", "good", "baaaad", "\0", "\u202e", "\u2066", "e\u0301", "\ufeff", "\u3000", "\x85", "ﬁ", "İ"]
RUNS = ["a", "!", "ha", "@", "#", "://", "\u0301", "\u200d", "😀", " ", "\n", "'", "-", ".", "n't ", "<", "0"]
RUNS_OF = st.builds(str.__mul__, st.sampled_from(RUNS), st.sampled_from([2, 3, 4, 7, 30, 300]))
PARTS = st.lists(
    st.sampled_from(PIECES) | RUNS_OF | st.sampled_from(" \t\n ,.;:!?'\"()") | st.text(max_size=8), max_size=12
)
TEXTS = (
    st.text()
    | st.binary().map(lambda data: data.decode(errors="replace"))
    | st.builds(str.join, st.sampled_from(["", " "]), PARTS)
)


@settings(max_examples=1000)
@given(st.lists(TEXTS, max_size=4))
def test_texts_are_scored_alike_both_ways(texts: list[str]) -> None:
    scorer, nlp = bundled()
    scores = scorer(texts)
    assert np.isfinite(scores).all()
    assert scores.sum(axis=1) == pytest.approx(1, abs=1e-5)
    docs = nlp.pipe(tokenized(nlp.make_doc, text) for text in texts)  # long runs of marks in pieces, as the scorer does
    for row, doc in zip(scores, docs, strict=True):
        assert list(doc.cats.values()) == pytest.approx(row, abs=1e-6)


@cache
def app() -> Any:
    pytest.importorskip("fastapi")
    from spacy_trax_sentiment.web.app import make_app

    return make_app(bundled()[1])


@settings(max_examples=300)
@given(
    st.sampled_from(["/v1/sentiment", "/v1/table", "/v1/table?format=csv", "/v1/table?text_column=a&format=jsonl"]),
    st.sampled_from(["application/json", "application/jsonl", "text/csv", "text/tab-separated-values", "text/plain"]),
    st.binary() | edited(b'{"texts": ["love it", "so bad"], "contributions": true}') | edited(JSON_LINES) | edited(CSV),
)
def test_a_request_is_answered_or_refused(path: str, kind: str, body: bytes) -> None:
    httpx = pytest.importorskip("httpx")

    async def ask() -> Any:
        transport = httpx.ASGITransport(app())
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", trust_env=False) as client:
            return await client.post(path, content=body, headers={"Content-Type": kind})

    assert asyncio.run(ask()).status_code in (200, 400, 413, 415, 422)


VALUES = ["", "love it", "a,b", "../x", "*.jsonl", "s3://", "file:///dev/null", "-", "0", "-1", "1e999", "nan"]
VALUES += ["good.jsonl", "bad.jsonl", "none.csv", "folder", "out.csv", "out.jsonl", "jsonl", "parquet", "en", "text"]
GROUP: Any = typer.main.get_command(cli.app)
OPTIONS = sorted({option for command in GROUP.commands.values() for each in command.params for option in each.opts})
# `serve` would not end.
COMMANDS = ["nothing", *sorted(set(GROUP.commands) - {"serve"})]


# No system passes on an argument with a NUL in it.
ARGUMENTS = st.sampled_from(VALUES) | st.sampled_from(OPTIONS) | st.text(st.characters(exclude_characters="\0"))


@settings(max_examples=100)
@given(st.sampled_from(COMMANDS), st.lists(ARGUMENTS, max_size=6))
def test_arguments_are_followed_or_refused_in_one_line(command: str, arguments: list[str]) -> None:
    out, told = io.TextIOWrapper(io.BytesIO()), io.StringIO()
    with (
        written("good.jsonl", JSON_LINES) as path,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(told),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.chdir(path.parent)
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"love it\n")))
        Path("bad.jsonl").write_bytes(b'{"text": 1}\n{')
        Path("folder").mkdir()
        with pytest.raises(SystemExit) as ended:
            cli.main([command, *arguments])
    status = ended.value.code or 0
    assert status in (0, 1, 2)
    if status:
        assert told.getvalue().splitlines()[-1].startswith("trax-sentiment: ")

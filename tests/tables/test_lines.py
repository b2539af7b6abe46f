import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.tables.lines import DEPTH_LIMIT, LINE_LIMIT, parse_json_line
from spacy_trax_sentiment.tables.readers import labelled_rows, open_input

HEADS = {"jsonl": "", "txt": "", "csv": "text,label\n", "tsv": "text\tlabel\n"}
ROWS = {
    "jsonl": '{{"text": "{}", "label": "positive"}}\n',
    "txt": "{}\n",
    "csv": "{},positive\n",
    "tsv": "{}\tpositive\n",
}


def read(path: Path, **options: Any) -> list[str | None]:
    with open_input(str(path), path.suffix[1:], **options) as batches:
        return [text for batch in batches for text in batch.texts]


def read_labelled(path: Path, **options: Any) -> list[str]:
    return [text for _, text, _ in labelled_rows(path, **options)]


# Run in a process of its own, to measure its peak of RAM. The RAM of ten lines is allowed.
PEAK = """
import resource, sys
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.tables.readers import labelled_rows, open_input

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

before = peak()
for path in sys.argv[1:]:
    format = path.rpartition(".")[2]
    try:
        with open_input(path, format) as batches:
            list(batches)
    except SentimentError as error:
        print(error)
    if format != "txt":
        try:
            list(labelled_rows(path))
        except SentimentError as error:
            print(error)
print(peak() - before)
"""


@pytest.mark.slow
def test_a_line_of_a_gigabyte_is_refused_before_it_takes_memory(tmp_path: Path) -> None:
    for format, head in HEADS.items():
        with (tmp_path / f"a.{format}").open("wb") as file:
            file.write(head.encode())
            file.truncate(1 << 30)  # a hole: a line of as many NULs, which takes no room on the disk
    paths = [str(tmp_path / f"a.{format}") for format in HEADS]
    done = subprocess.run([sys.executable, "-c", PEAK, *paths], capture_output=True, text=True, check=True)
    *errors, growth = done.stdout.splitlines()
    assert len(errors) == 7
    for error in errors:
        assert error.startswith("[S018] "), error
        assert "16,777,216 bytes" in error
    assert [error.split(": ")[0].rpartition("a.")[2] for error in errors] == [
        *["jsonl, line 1"] * 2,
        "txt, line 1",
        *["csv, line 2"] * 2,
        *["tsv, line 2"] * 2,
    ]
    assert int(growth) < 10 * LINE_LIMIT


@pytest.mark.parametrize("format", HEADS)
def test_a_line_up_to_the_limit_is_read_and_a_longer_one_is_reported(tmp_path: Path, format: str) -> None:
    text = "a" * (101 - len(ROWS[format].format("")))
    path = tmp_path / f"a.{format}"
    path.write_text(HEADS[format] + ROWS[format].format("b") + ROWS[format].format(text[1:]))
    assert read(path, line_limit=100) == ["b", text[1:]]
    path.write_text(HEADS[format] + ROWS[format].format("b") + ROWS[format].format(text))
    line = 3 if HEADS[format] else 2
    with pytest.raises(SentimentError, match=rf"S018.*a\.{format}, line {line}: longer than 100 bytes\. Split"):
        read(path, line_limit=100)
    if format != "txt":
        with pytest.raises(SentimentError, match=rf"S018.*a\.{format}, line {line}"):
            read_labelled(path, line_limit=100)


@pytest.mark.parametrize("row", ['"' + "a\n" * 100, '"a\n",' * 50], ids=["one field", "many fields"])
@pytest.mark.parametrize("format", ["csv", "tsv"])
def test_a_row_of_many_lines_has_the_same_limit(tmp_path: Path, format: str, row: str) -> None:
    path = tmp_path / f"a.{format}"
    content = '"1\n2",positive\n' + row
    path.write_text(HEADS[format] + (content if format == "csv" else content.replace(",", "\t")))
    for reading in (read, read_labelled):
        with pytest.raises(SentimentError, match=rf"S018.*a\.{format}, line \d\d: longer"):
            reading(path, line_limit=100)


def test_a_batch_of_long_rows_ends_early(tmp_path: Path) -> None:
    texts = ["a" * 30] * 100
    for format, row in ROWS.items():
        path = tmp_path / f"a.{format}"
        path.write_text(HEADS[format] + "".join(row.format(text) for text in texts))
        with open_input(str(path), format, batch_size=100, batch_chars=500) as batches:
            sizes = [len(batch.texts) for batch in batches]
        assert sum(sizes) == 100
        assert max(sizes) < 30


def nested(depth: int, kind: str) -> str:
    """Return an object in which something is nested, so that the whole is `depth` deep."""
    inside = (
        "[" * (depth - 1) + "]" * (depth - 1) if kind == "array" else '{"a":' * (depth - 1) + "1" + "}" * (depth - 1)
    )
    return '{"text": "x", "label": "positive", "more": ' + inside + "}"


@pytest.mark.parametrize("kind", ["array", "object"])
@pytest.mark.parametrize("depth", [DEPTH_LIMIT + 1, 900, 100_000])
def test_json_that_is_nested_too_deep_is_reported_with_its_line(tmp_path: Path, depth: int, kind: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "x", "label": "positive"}\n' + nested(depth, kind))
    for reading in (read, read_labelled):
        with pytest.raises(SentimentError, match=r"S004.*a\.jsonl, line 2: .*nested more than 100 deep") as error:
            reading(path)
        assert len(str(error.value)) < 300 + len(str(path))


@pytest.mark.parametrize("kind", ["array", "object"])
def test_json_that_is_not_too_deep_is_read(kind: str) -> None:
    content = nested(DEPTH_LIMIT, kind)
    assert parse_json_line(content, 1) == json.loads(content)


def test_brackets_in_a_text_do_not_count_as_nesting() -> None:
    content = json.dumps({"text": "[{" * 1000, "more": [[]] * 1000})
    assert parse_json_line(content, 1) == json.loads(content)

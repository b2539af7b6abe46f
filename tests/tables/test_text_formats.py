"""Delimiters and encodings of tables of text."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.jobs.parts import Job
from spacy_trax_sentiment.jobs.run import run
from spacy_trax_sentiment.tables.readers import labelled_rows, open_input
from spacy_trax_sentiment.tables.rows import input_format, output_format
from spacy_trax_sentiment.tables.writers import open_output

DELIMITERS = ",;|\t"
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
NAMES = st.text('ab,;|\t "', max_size=4)


def put(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path, **options: Any) -> list[str | None]:
    with open_input(str(path), path.suffix[1:], **options) as batches:
        return [text for batch in batches for text in batch.texts]


def convert(source: Path, target: Path, **options: Any) -> None:
    with (
        open_input(str(source), source.suffix[1:], **options) as batches,
        open_output(str(target), output_format(str(target)), safe_csv=False) as write,
    ):
        for batch in batches:
            write(batch, {"label": ["up"] * len(batch.texts)})


@given(
    delimiter=st.sampled_from(DELIMITERS),
    names=st.lists(NAMES, max_size=2),
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=4),
    has_mark=st.booleans(),
    given_delimiter=st.booleans(),
)
def test_the_delimiter_is_recognized_in_the_header_and_kept(
    tmp_path_factory: pytest.TempPathFactory,
    delimiter: str,
    names: list[str],
    rows: list[list[str]],
    has_mark: bool,
    given_delimiter: bool,
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    table = [["text", *names], *(row[: len(names) + 1] for row in rows)]
    with (folder / "a.csv").open("w", encoding="utf-8-sig" if has_mark else "utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(table)
    options = {"delimiter": delimiter} if given_delimiter else {}
    assert read(folder / "a.csv", **options) == [row[0] for row in table[1:]]
    convert(folder / "a.csv", folder / "b.csv", **options)
    with (folder / "b.csv").open(encoding="utf-8", newline="") as file:
        kept = delimiter if names or given_delimiter else ","
        assert list(csv.reader(file, delimiter=kept)) == [[*row, "up" if i else "label"] for i, row in enumerate(table)]


def test_the_header_alone_decides(tmp_path: Path) -> None:
    assert read(put(tmp_path / "a.csv", "text\na;b|c\n")) == ["a;b|c"]
    assert read(put(tmp_path / "b.csv", 'id;"a;b";text\r\n1;"x;y,";a,b\r\n')) == ["a,b"]
    assert read(put(tmp_path / "c.csv", "id,text;text\n1;2\n")) == ["2"]
    for content in ("", "text;id\n", "id;text"):
        assert read(put(tmp_path / "d.csv", content)) == []


def test_a_tsv_and_other_formats_get_their_own_delimiter(tmp_path: Path) -> None:
    convert(put(tmp_path / "a.csv", "text;id\na;1\n"), tmp_path / "b.tsv")
    convert(put(tmp_path / "a.tsv", "text\tid\na\t1\n"), tmp_path / "b.csv")
    assert (tmp_path / "b.tsv").read_text() == "text\tid\tlabel\na\t1\tup\n"
    assert (tmp_path / "b.csv").read_text() == "text,id,label\na,1,up\n"


def test_ndjson_is_another_name_of_jsonl(tmp_path: Path) -> None:
    for call in (input_format, output_format):
        assert call("a.ndjson") == call("a.NDJSON") == call("-", "ndjson") == call("a.csv", "ndjson") == "jsonl"
    job = Job("en", str(tmp_path / "out"), format="ndjson")
    put(tmp_path / "a.ndjson", '{"text": "good"}\n')
    assert [outcome.error for outcome in run(job, [str(tmp_path / "a.ndjson")], concurrency=1).outcomes] == [None]
    (written,) = (tmp_path / "out").glob("a-*.jsonl")
    assert json.loads(written.read_text())["sentiment"] == "positive"


def test_any_character_can_be_named_as_the_delimiter(tmp_path: Path) -> None:
    assert read(put(tmp_path / "a.csv", "id:text\n1:a,b\n"), delimiter=":") == ["a,b"]
    assert read(put(tmp_path / "b.csv", "id\ttext\n1\ta\n"), delimiter="\\t") == ["a"]
    for delimiter in ("", "ab", '"', "\n", "\r"):
        with pytest.raises(SentimentError, match=r"S151.*a\.csv: .* cannot delimit CSV"):
            read(tmp_path / "a.csv", delimiter=delimiter)


def test_labelled_rows_are_read_by_any_delimiter_and_encoding(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "label;text\nup;schön\n".encode("cp1252"))
    assert list(labelled_rows(path, encoding="cp1252")) == [(2, "schön", "up")]


TEXTS = st.text(st.characters(codec="cp1252", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)


@given(texts=st.lists(TEXTS, max_size=5), encoding=st.sampled_from(["cp1252", "utf-16", "utf-16-le", "utf-32"]))
@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl", "txt"])
def test_a_file_is_read_in_the_encoding_that_is_named(
    tmp_path_factory: pytest.TempPathFactory, format: str, texts: list[str], encoding: str
) -> None:
    lines = {"txt": texts, "jsonl": [f'{{"text": "{text}"}}' for text in texts]}
    quoted = ['"' + text.replace('"', '""') + '"' for text in texts]
    if format == "jsonl":
        texts = [text.replace("\\", "").replace('"', "") for text in texts]
        lines["jsonl"] = [f'{{"text": "{text}"}}' for text in texts]
    content = "".join(f"{line}\r\n" for line in lines.get(format, ["text", *quoted]))
    path = put(tmp_path_factory.mktemp("tables") / f"a.{format}", content.encode(encoding))
    assert read(path, encoding=encoding) == texts


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        ("text\nschön\n".encode("cp1252"), "line 2: .*--encoding cp1252"),
        ("text\na\n".encode("utf-16"), "line 1: .*--encoding utf-16,"),
        ("text\na\n".encode("utf-16-le"), "line 1: .*--encoding utf-16-le"),
        ("text\na\n".encode("utf-16-be"), "line 1: .*--encoding utf-16-be"),
        (b"\x1f\x8b\x08\0\0\0\0\0", r"line 1: .*name it \.gz"),
        (b"\x28\xb5\x2f\xfd\x04\xff", r"line 1: .*name it \.zst"),
        (b"PK\x03\x04\xff\xff", r"line 1: .*name it \.xlsx"),
    ],
)
@pytest.mark.parametrize("format", ["csv", "tsv", "txt", "jsonl"])
def test_bytes_that_are_not_utf8_are_reported_with_what_they_look_like(
    tmp_path: Path, format: str, content: bytes, remedy: str
) -> None:
    if format == "jsonl":
        content = content.replace(b"text", b'{"text": "a"}') if b"\0" not in content else content
    with pytest.raises(SentimentError, match=rf"S009.*a\.{format}, {remedy}"):
        read(put(tmp_path / f"a.{format}", content))


def test_a_wrong_encoding_is_reported(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", b"text\n\x81\n")
    with pytest.raises(SentimentError, match=r"S153.*a\.csv, line 2: not cp1252"):
        read(path, encoding="cp1252")
    with pytest.raises(SentimentError, match=r"S153.*a\.csv, line 2: not utf-16"):
        read(put(tmp_path / "a.csv", "text\n".encode("utf-16") + b"a"), encoding="utf-16")
    for encoding in ("klingon", "hex", "", "a\0b"):
        with pytest.raises(SentimentError, match="S152.*is not an encoding"):
            read(path, encoding=encoding)


@pytest.mark.parametrize("empty", ["{}", "{ }", "{  }"])
def test_an_object_without_fields_stays_json(tmp_path: Path, empty: str) -> None:
    source, target = put(tmp_path / "a.jsonl", f'{{"text": "a"}}\n{empty}\n'), tmp_path / "b.jsonl"
    convert(source, target, strict=False)
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert rows == [{"text": "a", "label": "up"}, {"label": "up"}]


def test_a_damaged_archive_is_not_taken_for_a_wrong_encoding(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv.gz", gzip.compress(b"text\n" + b"a\n" * 10_000)[:-20])
    with (
        pytest.raises(SentimentError, match=r"S155.*a\.csv\.gz"),
        open_input(str(path), "csv", encoding="cp1252") as batches,
    ):
        list(batches)

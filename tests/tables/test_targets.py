"""The cells that name targets, and the scores of a table's targets, with a stand-in for the model."""

import gzip
import json
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.tables.readers import open_input
from spacy_trax_sentiment.tables.rows import format_of, text_batches
from spacy_trax_sentiment.tables.scored import Written, write_scored
from spacy_trax_sentiment.tables.targets import target_in
from spacy_trax_sentiment.tables.writers import open_output
from spacy_trax_sentiment.text.labels import Scored

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

LABELS = ["down", "up"]
WORDS = st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=4), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("text", "cell", "found"),
    [
        ("The Food was good food", "food", "food"),
        ("The FOOD was good", "food", "FOOD"),
        ("seafood, then food", "food", "food"),
        ("seafood, then FOOD", "food", "FOOD"),
        ("only seafood", "food", "food"),
        ("İstanbul is lovely", "LOVELY", "lovely"),
        ("a hot\ndog", "hot dog ", "hot\ndog"),
        ("ΟΔΟΣ", "οδος", "ΟΔΟΣ"),
        ("the Straße is long", "straße", "Straße"),
        ("xa b a b a", "a b a", "a b a"),
        ("(a) c++ b", "c++", "c++"),
        ("the 747 is loud", 747, "747"),
        ("the food", "4:8", "food"),
        ("the food", [4, 8], "food"),
        ("寿司は美味しい", "寿司", "寿司"),
    ],
)
def test_a_cell_names_a_part_of_the_text(text: str, cell: Any, found: str) -> None:
    span = target_in(text, cell).span
    assert span is not None
    assert text[slice(*span)] == found


def test_a_whole_word_is_found_before_a_part_of_one() -> None:
    assert target_in("seafood, then food, food", "food").span == (14, 18)
    assert target_in("xa b a b a", "a b a").span == (5, 10)


@given(WORDS, st.data())
def test_a_word_of_a_text_is_found_where_it_first_stands(words: list[str], data: st.DataObject) -> None:
    text, word = " ".join(words), data.draw(st.sampled_from(words))
    at = sum(len(each) + 1 for each in words[: words.index(word)])
    assert target_in(text, word).span == (at, at + len(word))


@given(st.text(max_size=20), st.integers(-3, 25), st.integers(-3, 25))
def test_offsets_are_taken_as_they_are_or_refused(text: str, start: int, end: int) -> None:
    fits = 0 <= start < end <= len(text) and bool(text[start:end].strip())
    for cell in ([start, end], f"{start}:{end}") if min(start, end) >= 0 else ([start, end],):
        assert target_in(text, cell) == (cell, (start, end) if fits else None, not fits)


@given(st.text(max_size=20), st.text(max_size=5))
def test_a_target_is_in_the_text_but_for_case_and_space_or_missing(text: str, cell: str) -> None:
    target = target_in(text, cell)
    if not cell.strip():
        assert (target.span, target.is_missing) == (None, False)
    elif target.span is None:
        assert target.is_missing
        assert cell.strip() not in text
    else:
        start, end = target.span
        assert text[start:end].strip()


@pytest.mark.parametrize("cell", [True, 1.5, float("inf"), {}, [1], [0, 1.0], [True, 2], ["0", "1"], [1, 0], "9:12"])
def test_another_cell_names_no_target(cell: Any) -> None:
    assert target_in("true 1.5 inf null 9:12"[:5], cell).is_missing


@pytest.mark.parametrize("cell", [None, "", " \t", float("nan"), []])
def test_an_empty_cell_names_none(cell: Any) -> None:
    assert target_in("a text", cell)[1:] == (None, False)


def score(texts: Sequence[str], spans: Sequence[tuple[int, int] | None]) -> Scored:
    """Score a target up if it is in capitals."""
    cut = [text[slice(*span)] if span else "" for text, span in zip(texts, spans, strict=True)]
    up = [0.75 if each.isupper() else 0.25 for each in cut]
    return Scored(np.array([[1 - p, p] for p in up], np.float32), np.ones(len(up), bool))


def write(source: Path, *, strict: bool = False, size: int = 2) -> tuple[Written, list[dict[str, Any]]]:
    target, format = source.parent / "scored.jsonl", format_of(str(source))
    with (
        open_input(str(source), format, batch_size=size, strict=strict) as batches,
        open_output(str(target), "jsonl", overwrite=True) as write,
    ):
        written = write_scored(batches, write, score, LABELS, strict=strict, target_column="of")
    return written, [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]


def save(folder: Path, name: str, rows: Sequence[tuple[str, str]]) -> Path:
    path = folder / name
    if name.endswith("parquet"):
        pq.write_table(pa.table({"text": [row[0] for row in rows], "of": [row[1] for row in rows]}), path)
        return path
    if "json" in name:
        lines = [json.dumps({"text": text, "of": of}) for text, of in rows]
    else:
        separator = "\t" if "tsv" in name else ","
        lines = [separator.join(row) for row in [("text", "of"), *rows]]
    content = ("[" + ",".join(lines) + "]" if name == "a.json" else "\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.json", "a.parquet", "a.csv.gz", "a.jsonl.gz"])
@given(
    rows=st.lists(st.tuples(st.sampled_from(["a B", "b A a", "c"]), st.sampled_from(["A", "B", "", "2:3"])), min_size=1)
)
def test_a_row_has_the_scores_of_its_target(
    tmp_path_factory: pytest.TempPathFactory, name: str, rows: list[tuple[str, str]]
) -> None:
    path = save(tmp_path_factory.mktemp("targets"), name, rows)
    written, found = write(path)
    expected = []
    for text, of in rows:
        at = text[2:3] if of == "2:3" else of if of in text else of.lower() if of.lower() in text else ""
        expected.append({True: "up", False: "down"}[at.isupper()] if at else None)
    assert [row["sentiment"] for row in found] == expected
    assert [(row["text"], row["of"]) for row in found] == rows
    for row in found:
        values = row["sentiment_down"], row["sentiment_up"]
        assert values == {"up": (0.25, 0.75), "down": (0.75, 0.25), None: (None, None)}[row["sentiment"]]
    missing = [i for i, ((_, of), label) in enumerate(zip(rows, expected, strict=True), 1) if of and label is None]
    assert written == (len(rows), len(missing), next(iter(missing), None))
    if missing:
        with pytest.raises(SentimentError, match=rf"S213.*{name}, row {missing[0]}: the target '.*' is not in"):
            write(path, strict=True)


def test_offsets_can_be_lists_in_json_and_parquet(tmp_path: Path) -> None:
    rows = {"text": ["a B", "a B"], "of": [[2, 3], None]}
    pq.write_table(pa.table(rows), tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_text('{"text": "a B", "of": [2, 3]}\n{"text": "a B"}\n')
    for name in ("a.parquet", "a.jsonl"):
        assert [row["sentiment"] for row in write(tmp_path / name)[1]] == ["up", None]


def test_a_table_without_the_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\na\n")
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n{"text": "a", "of": "a"}\n')
    (tmp_path / "a.txt").write_text("a\n")
    for name in ("a.csv", "a.jsonl", "a.txt"):
        with pytest.raises(SentimentError, match=f"S064.*{name}.*'of' is missing.*--target-column"):
            write(tmp_path / name)


def test_each_text_goes_with_each_target() -> None:
    (batch,) = text_batches(["a b", "c"], "text", 10, ["b", "c"])
    assert list(batch.values) == [["a b", "b"], ["a b", "c"], ["c", "b"], ["c", "c"]]
    assert list(batch.columns) == ["text", "target"]


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_nested_columns_are_json_where_a_table_cannot_nest(tmp_path: Path, format: str) -> None:
    nested = [[{"text": "ä", "start": 0}], None, []]
    (tmp_path / "a.txt").write_text("a\nb\nc\n")
    with (
        open_input(str(tmp_path / "a.txt"), "txt") as batches,
        open_output(str(tmp_path / f"b.{format}"), format) as write,
    ):
        for batch in batches:
            write(batch, {"found": nested})
    with open_input(str(tmp_path / f"b.{format}"), format) as batches:
        values = [list(row)[1] for batch in batches for row in batch.values]
    if format != "jsonl":
        values = [json.loads(value) if value else None for value in values]
    assert values == nested


def test_no_target_takes_long_to_find() -> None:
    words = " ".join(string.ascii_lowercase) * 2_000
    assert target_in(words, "a b c d f").is_missing
    assert target_in("a" * 50_000, "a" * 20_000).span == (0, 20_000)

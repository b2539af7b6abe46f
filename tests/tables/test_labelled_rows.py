import csv
import json
from pathlib import Path

import pytest

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.tables.readers import labelled_rows, open_input

ROWS = [("good", "up"), ('so\n"bad"', "down")]


def test_labelled_rows_are_read_from_every_format(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    table = [{"id": 1, "tweet": text, "mood": label} for text, label in ROWS]
    pq.write_table(pa.Table.from_pylist(table), tmp_path / "a.parquet")
    for format in ("jsonl", "ndjson"):
        (tmp_path / f"a.{format}").write_text("\n\n".join(map(json.dumps, table)))
    for format, dialect in (("csv", "excel"), ("tsv", "excel-tab")):
        with (tmp_path / f"a.{format}").open("w", newline="") as file:
            csv.writer(file, dialect).writerows([["mood", "tweet"], *((label, text) for text, label in ROWS)])
    lines = {"jsonl": [1, 3], "ndjson": [1, 3], "csv": [2, 4], "tsv": [2, 4], "parquet": [1, 2]}
    for format, numbers in lines.items():
        found = list(labelled_rows(tmp_path / f"a.{format}", text_column="tweet", label_column="mood"))
        assert found == [(number, *row) for number, row in zip(numbers, ROWS, strict=True)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "good", "S011.*a.txt: unknown format '.txt'"),
        ("a.jsonl", '\n{"text": "a"}', "S064.*a.jsonl, line 2: the column 'label' is missing.*--label-column"),
        ("a.jsonl", '{"label": "a"}', "S064.*a.jsonl, line 1: the column 'text' is missing.*--text-column"),
        ("a.jsonl", '{"text": "a", "label": {}}', "S065.*a.jsonl, line 1: the column 'label' is {}.*--label-column"),
        ("a.csv", 'label,text\n"a\nb",x\nup\n', "S064.*a.csv, line 4: the column 'text' is missing"),
        ("a.parquet", "nonsense", "S061.*a.parquet: cannot be read"),
        ("a.csv", "text,label,label\na,b,c\n", "S067.*a.csv.*two columns are named 'label'"),
        ("a.csv", "text,label\ngood, really,positive\n", "S067.*a.csv, line 2.*3 fields, and there are 2 columns"),
    ],
)
def test_errors_name_the_file_the_line_and_the_option(tmp_path: Path, name: str, content: str, message: str) -> None:
    pytest.importorskip("pyarrow.parquet")
    (tmp_path / name).write_text(content)
    with pytest.raises(SentimentError, match=message):
        list(labelled_rows(tmp_path / name))


def test_reading_csv_never_lowers_the_limit_of_other_readers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\na\n")
    before = csv.field_size_limit(1 << 30)
    try:
        with open_input(str(tmp_path / "a.csv"), "csv") as batches:
            assert [batch.texts for batch in batches] == [["a"]]
        assert csv.field_size_limit() == 1 << 30
    finally:
        csv.field_size_limit(before)


def test_labels_may_be_numbers_or_bools_in_every_format(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    for values, labels in (([1, 5], ["1", "5"]), ([True, False], ["true", "false"]), ([1.0, 2.5], ["1", "2.5"])):
        table = [{"text": "a", "label": value} for value in values]
        pq.write_table(pa.Table.from_pylist(table), tmp_path / "a.parquet")
        (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, table)))
        for name in ("a.parquet", "a.jsonl"):
            assert [label for _, _, label in labelled_rows(tmp_path / name)] == labels
    (tmp_path / "a.csv").write_text("text,label\na, 1 \nb,True\n")
    assert [label for _, _, label in labelled_rows(tmp_path / "a.csv")] == ["1", "True"]


def test_rejected_rows_have_no_label_unless_the_answer_is_the_label(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": "up", "answer": "accept"}, {"answer": "ignore"}, {"text": "b", "answer": "reject"}]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    assert list(labelled_rows(path)) == [(1, "a", "up"), (2, "", None), (3, "", None)]
    path.write_text("\n".join(map(json.dumps, rows[::2])))
    assert list(labelled_rows(path, label_column="answer")) == [(1, "a", "accept"), (2, "b", "reject")]

import builtins
import csv
import datetime
import errno
import io
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import MissingExtraError, SentimentError
from spacy_trax_sentiment.tables.parquet import parquet_writer
from spacy_trax_sentiment.tables.readers import open_input
from spacy_trax_sentiment.tables.rows import TableBatch, input_format, output_format, text_batches
from spacy_trax_sentiment.tables.writers import open_output


def added(batch: TableBatch) -> dict[str, Any]:
    n = len(batch.texts)
    return {"sentiment": ["up"] * n, "sentiment_up": np.full(n, 2 / 3, np.float32)}


def convert(source: Path | str, target: Path | str, *, batch_size: int = 2, **options: Any) -> list[str | None]:
    """Write a table with two more columns, and return the texts that were read from it."""
    texts: list[str | None] = []
    read_as = options.get("input_format") or input_format(str(source))
    write_as = options.get("output_format") or output_format(str(target))
    column = options.get("text_column", "text")
    with (
        open_input(str(source), read_as, text_column=column, batch_size=batch_size) as batches,
        open_output(
            str(target),
            write_as,
            overwrite=options.get("overwrite", False),
            source=str(source),
            safe_csv=options.get("safe_csv", False),
        ) as write,
    ):
        for batch in batches:
            assert len(batch.texts) <= batch_size
            write(batch, added(batch))
            texts += batch.texts
    return texts


def put(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def json_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().decode().split("\n")[:-1]]


def csv_rows(path: Path, dialect: str = "excel") -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, dialect, strict=True))


# JSON Lines


def test_json_lines_stay_as_they_are_to_the_byte(tmp_path: Path) -> None:
    lines = [
        r'{"text": "caf\u00e9 \ud83d\ude00 😀", "id": 123456789012345678901234567890, "x": 1.50e+2}',
        r'{"b":null,"text":"a","text":"b" }',
        r'	{ "z": {"text": [1, {"sentiment": 2}]}, "text" : "" }  ',
        r'{"text": "lone \ud800", "nan": NaN}',
    ]
    source = put(tmp_path / "a.jsonl", "\n\n".join(lines))
    assert convert(source, tmp_path / "b.jsonl") == ["café 😀 😀", "b", "", "lone \ud800"]
    tail = ', "sentiment": "up", "sentiment_up": 0.666667}'
    expected = [line.strip()[:-1] + tail for line in lines]
    assert (tmp_path / "b.jsonl").read_bytes().decode() == "".join(f"{line}\n" for line in expected)
    assert json_rows(tmp_path / "b.jsonl")[0]["id"] == 123456789012345678901234567890


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=5,
)
# Hypothesis knows the names of the added columns from the source code.
NAMES = st.text().filter(lambda name: name not in ("sentiment", "sentiment_up"))
JSON_ROWS = st.builds(
    lambda before, text, after: before | {"text": text} | after,
    *(
        st.dictionaries(NAMES, JSON_VALUES, max_size=3),
        st.text(st.characters()),
        st.dictionaries(NAMES.filter(lambda key: key != "text"), JSON_VALUES, max_size=3),
    ),
)


@given(rows=st.lists(JSON_ROWS), ascii=st.booleans(), batch_size=st.integers(1, 4))
def test_json_lines_keep_every_column_and_the_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], ascii: bool, batch_size: int
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    # A lone surrogate can be written as an escape alone.
    escaped = [ascii or any("\ud800" <= character <= "\udfff" for character in row["text"]) for row in rows]
    content = "".join(json.dumps(row, ensure_ascii=e) + "\n" for row, e in zip(rows, escaped, strict=True))
    source = put(folder / "a.jsonl", content.encode())
    assert convert(source, folder / "b.jsonl", batch_size=batch_size) == [row["text"] for row in rows]
    lines = (folder / "b.jsonl").read_bytes().decode().split("\n")[:-1]
    expected = [[*row.items(), ("sentiment", "up"), ("sentiment_up", 0.666667)] for row in rows]
    assert [list(json.loads(line).items()) for line in lines] == expected


def test_a_byte_order_mark_and_carriage_returns_are_dropped(tmp_path: Path) -> None:
    source = put(tmp_path / "a.jsonl", b'\xef\xbb\xbf{"text": "a"}\r\n{"text": "b"}\r\n')
    assert convert(source, tmp_path / "b.jsonl") == ["a", "b"]
    assert b"\r" not in (tmp_path / "b.jsonl").read_bytes()


def test_json_lines_become_a_table_with_the_columns_of_the_first_row(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "text": "a", "tags": ["x", {"y": None}], "ok": True, "none": None, "n": 1.5},
        {"text": "b\ud800", "id": 2},
    ]
    source = put(tmp_path / "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    convert(source, tmp_path / "b.csv")
    assert csv_rows(tmp_path / "b.csv") == [
        ["id", "text", "tags", "ok", "none", "n", "sentiment", "sentiment_up"],
        ["1", "a", '["x", {"y": null}]', "true", "", "1.5", "up", "0.666667"],
        ["2", "b?", "", "", "", "", "up", "0.666667"],
    ]
    convert(source, tmp_path / "b.parquet")
    first, second = pq.read_table(tmp_path / "b.parquet").to_pylist()
    assert first | {"sentiment_up": 0} == rows[0] | {
        "tags": '["x", {"y": null}]',
        "sentiment": "up",
        "sentiment_up": 0,
    }
    assert (second["text"], second["id"], second["ok"]) == ("b?", 2, None)


@pytest.mark.parametrize("target", ["b.csv", "b.parquet"])
def test_a_later_row_with_another_column_is_refused_with_its_line(tmp_path: Path, target: str) -> None:
    source = put(tmp_path / "a.jsonl", '{"text": "a"}\n\n{"text": "b"}\n{"text": "c", "new": 1}\n')
    with pytest.raises(SentimentError, match="S067.*a.jsonl, line 4: .*no column 'new'"):
        convert(source, tmp_path / target)
    assert not (tmp_path / target).exists()


# CSV, TSV and lines


def test_csv_keeps_quotes_line_breaks_and_all_columns(tmp_path: Path) -> None:
    source = put(tmp_path / "a.csv", b'\xef\xbb\xbfid,text,\r\n007,"a ""b"",\r\nc\rd",\r\n\r\n08,x\r\n')
    assert convert(source, tmp_path / "b.csv") == ['a "b",\r\nc\rd', "x"]
    assert csv_rows(tmp_path / "b.csv") == [
        ["id", "text", "", "sentiment", "sentiment_up"],
        ["007", 'a "b",\r\nc\rd', "", "up", "0.666667"],
        ["08", "x", "", "up", "0.666667"],
    ]


def test_csv_without_carriage_returns_ends_its_lines_with_line_feeds(tmp_path: Path) -> None:
    convert(put(tmp_path / "a.csv", "text\r\na\r\n"), tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_bytes() == b"text,sentiment,sentiment_up\na,up,0.666667\n"


FORMULAS = (
    "=1+1",
    "@SUM(A1)",
    "@SUM (A1)",
    "@A1+1",
    "@a & DDE(1)",
    "@cmd|' /C calc'!A0",
    "@a Sheet!$A1",
    "@",
    "+a",
    "-a",
    "\tx",
    "=cmd|' /C calc'!A0",
)


MENTIONS = "@name", "@name thanks!", "@_a1 is sad :(", "@united hi (again)", "@naïve: ok?", "@a\n@b (c)", "@a -5 = 3"


def test_mentions_are_left_alone(tmp_path: Path) -> None:
    source = put(tmp_path / "a.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in MENTIONS))
    convert(source, tmp_path / "b.csv", safe_csv=True)
    assert [row[0] for row in csv_rows(tmp_path / "b.csv")[1:]] == list(MENTIONS)


def test_formulas_are_made_harmless(tmp_path: Path) -> None:
    rows = [{"text": text, "=x": n} for n, text in enumerate(["good", "-5", "+1,000.5%", "-1e-3", *FORMULAS])]
    source = put(tmp_path / "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    for format, dialect in (("csv", "excel"), ("tsv", "excel-tab")):
        convert(source, tmp_path / f"b.{format}", safe_csv=True)
        header, *cells = csv_rows(tmp_path / f"b.{format}", dialect)
        assert header[:2] == ["text", "'=x"]
        assert [row[0] for row in cells] == ["good", "-5", "+1,000.5%", "-1e-3", *(f"'{text}" for text in FORMULAS)]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(
    rows=st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n))),
    dialect=st.sampled_from(["csv", "tsv"]),
    batch_size=st.integers(1, 4),
)
def test_csv_and_tsv_keep_every_column_and_the_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], dialect: str, batch_size: int
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    header = ["text", *(f"column {i}" for i in range(1, len(rows[0]) if rows else 1))]
    name = {"csv": "excel", "tsv": "excel-tab"}[dialect]
    with (folder / f"a.{dialect}").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, name, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    target = folder / f"b.{dialect}"
    assert convert(folder / f"a.{dialect}", target, batch_size=batch_size) == [row[0] for row in rows]
    written = csv_rows(target, name)
    assert written == [[*header, "sentiment", "sentiment_up"], *([*row, "up", "0.666667"] for row in rows)]


def test_a_field_may_be_long(tmp_path: Path) -> None:
    text = "a" * 200_000
    assert convert(put(tmp_path / "a.csv", f"text\n{text}\n"), tmp_path / "b.jsonl") == [text]


def test_each_line_is_a_text_even_if_blank(tmp_path: Path) -> None:
    source = put(tmp_path / "a.txt", b"\xef\xbb\xbfa\r\n\n b\x0c\xc2\x85 \n\nc")
    assert convert(source, tmp_path / "b.jsonl", text_column="line") == ["a", "", " b\x0c\x85 ", "", "c"]
    assert json_rows(tmp_path / "b.jsonl")[0] == {"line": "a", "sentiment": "up", "sentiment_up": 0.666667}


@pytest.mark.parametrize("target", ["b.jsonl", "b.csv", "b.tsv", "b.parquet"])
def test_strings_survive_conversion_between_all_formats(tmp_path: Path, target: str) -> None:
    rows = [{"text": 'a "b"\n\tc', "id": "007"}, {"text": "é😀", "id": ""}, {"text": "", "id": "x"}]
    sources = {
        "jsonl": "".join(json.dumps(row) + "\n" for row in rows),
        "csv": 'text,id\n"a ""b""\n\tc",007\né😀,\n"",x\n',
        "tsv": 'text\tid\n"a ""b""\n\tc"\t007\né😀\t\n""\tx\n',
    }
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    for format, content in sources.items():
        put(tmp_path / f"a.{format}", content)
    for format in [*sources, "parquet"]:
        convert(tmp_path / f"a.{format}", tmp_path / target, overwrite=True)
        with open_input(str(tmp_path / target), input_format(target)) as batches:
            assert [text for batch in batches for text in batch.texts] == [row["text"] for row in rows]
        with open_input(str(tmp_path / target), input_format(target), text_column="id") as batches:
            assert [text for batch in batches for text in batch.texts] == [row["id"] for row in rows]


# Parquet

SCHEMA = pa.schema(
    [
        pa.field("id", pa.int8(), nullable=False),
        pa.field("text", pa.large_string(), metadata={"about": "the text"}),
        pa.field("time", pa.timestamp("ns", tz="Europe/Berlin")),
        pa.field("kind", pa.dictionary(pa.int32(), pa.string())),
        pa.field("price", pa.decimal128(5, 2)),
        pa.field("tags", pa.list_(pa.struct({"n": pa.int16()}))),
        pa.field("raw", pa.binary()),
        pa.field("mean", pa.float32()),
    ],
    metadata={"made by": "a test"},
)
ARROW_ROWS = [
    {
        "id": i,
        "text": f"text {i}",
        "time": pa.scalar(1_700_000_000_000_000_000 + i, pa.timestamp("ns", tz="Europe/Berlin")) if i else None,
        "kind": f"kind {i % 3}",
        "price": Decimal("1.20"),
        "tags": [{"n": i}, None],
        "raw": b"\xff",
        "mean": float("nan"),
    }
    for i in range(5)
]


@pytest.fixture
def arrow_file(tmp_path: Path) -> Path:
    columns = [pa.array([row[field.name] for row in ARROW_ROWS], field.type) for field in SCHEMA]
    pq.write_table(pa.Table.from_arrays(columns, schema=SCHEMA), tmp_path / "a.parquet", row_group_size=3)
    return tmp_path / "a.parquet"


def test_parquet_keeps_types_and_metadata(tmp_path: Path, arrow_file: Path) -> None:
    assert convert(arrow_file, tmp_path / "b.parquet") == [f"text {i}" for i in range(5)]
    before, after = pq.read_table(arrow_file), pq.read_table(tmp_path / "b.parquet")
    assert after.schema.names == [*SCHEMA.names, "sentiment", "sentiment_up"]
    assert after.select(SCHEMA.names).schema.equals(before.schema, check_metadata=True)
    # Nothing is equal to NaN.
    compared = [name for name in SCHEMA.names if name != "mean"]
    assert after.select(compared).equals(before.select(compared))
    assert after.schema.field("sentiment").type == pa.string()
    assert after.column("sentiment_up").to_pylist() == [float(np.float32(2 / 3))] * 5


def test_small_batches_share_a_row_group(tmp_path: Path, arrow_file: Path) -> None:
    convert(arrow_file, tmp_path / "b.parquet", batch_size=1)
    assert pq.ParquetFile(tmp_path / "b.parquet").num_row_groups == 1


def test_a_row_group_is_written_before_it_takes_much_memory(tmp_path: Path, arrow_file: Path) -> None:
    with (
        open_input(str(arrow_file), "parquet", batch_size=1) as batches,
        (tmp_path / "b.parquet").open("wb") as file,
        parquet_writer(file, "b.parquet", group_rows=2) as write,
    ):
        for batch in batches:
            write(batch, added(batch))
    assert pq.ParquetFile(tmp_path / "b.parquet").num_row_groups == 3
    assert pq.read_table(tmp_path / "b.parquet").column("id").to_pylist() == [0, 1, 2, 3, 4]


def test_text_formats_can_show_all_types_of_parquet(tmp_path: Path, arrow_file: Path) -> None:
    convert(arrow_file, tmp_path / "b.jsonl")
    assert json_rows(tmp_path / "b.jsonl")[1] == {
        "id": 1,
        "text": "text 1",
        "time": "2023-11-14 22:13:20.000000001Z",
        "kind": "kind 1",
        "price": "1.20",
        "tags": [{"n": 1}, None],
        "raw": "\\xff",
        "mean": None,
        "sentiment": "up",
        "sentiment_up": 0.666667,
    }
    convert(arrow_file, tmp_path / "b.csv")
    rows = csv_rows(tmp_path / "b.csv")
    assert rows[1] == ["0", "text 0", "", "kind 0", "1.20", '[{"n": 0}, null]', "\\xff", "nan", "up", "0.666667"]


def test_text_formats_can_show_times_within_lists(tmp_path: Path) -> None:
    rows = [{"text": "a", "days": [datetime.date(2024, 1, 2)], "length": datetime.timedelta(seconds=1)}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    convert(tmp_path / "a.parquet", tmp_path / "b.jsonl")
    assert json_rows(tmp_path / "b.jsonl")[0]["days"] == ["2024-01-02"]


def test_a_column_without_values_at_first_holds_strings(tmp_path: Path) -> None:
    source = put(tmp_path / "a.jsonl", '{"text": "a", "x": null}\n{"text": "b", "x": "y"}\n')
    convert(source, tmp_path / "b.parquet", batch_size=1)
    assert pq.read_table(tmp_path / "b.parquet").column("x").to_pylist() == [None, "y"]


@pytest.mark.parametrize("batch_size", [1, 2, 10])
@pytest.mark.parametrize(
    ("values", "line"),
    [
        (["1", "null", '"a"'], 3),
        (["true", "1", "false"], 2),
        (['"a"', "2", '"b"'], 2),
        (["1", "2", "9223372036854775808"], 3),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_line_and_never_changed(
    tmp_path: Path, values: list[str], line: int, batch_size: int
) -> None:
    source = put(tmp_path / "a.jsonl", "".join(f'{{"text": "a", "x": {value}}}\n' for value in values))
    with pytest.raises(SentimentError, match=f"S067.*a.jsonl, line {line}: .*'x' is .* another type"):
        convert(source, tmp_path / "b.parquet", batch_size=batch_size)
    assert not (tmp_path / "b.parquet").exists()


def test_whole_numbers_fit_into_a_column_of_numbers(tmp_path: Path) -> None:
    source = put(tmp_path / "a.jsonl", '{"text": "a", "x": 1.5}\n{"text": "b", "x": 2}\n')
    convert(source, tmp_path / "b.parquet", batch_size=1)
    assert pq.read_table(tmp_path / "b.parquet").column("x").to_pylist() == [1.5, 2.0]


def test_a_fraction_is_not_cut_off_in_a_column_of_whole_numbers(tmp_path: Path) -> None:
    source = put(tmp_path / "a.jsonl", '{"text": "a", "x": 1}\n{"text": "b", "x": 2.5}\n')
    with pytest.raises(SentimentError, match="S067.*line 2: .*'x' is 2.5"):
        convert(source, tmp_path / "b.parquet", batch_size=1)


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = put(tmp_path / "a.txt", "a\n")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"S062.*b.parquet.*pip install '\.\[parquet\]'"):
        convert(source, tmp_path / "b.parquet")
    with pytest.raises(MissingExtraError, match="S062"), open_input(str(source), "parquet"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


# Tables that cannot be read

UNREADABLE: dict[str, tuple[str | bytes, str]] = {
    "utf8.jsonl": (b'{"text": "a"}\n{"text": "\xff"}\n', "S009.*utf8.jsonl, line 2: not UTF-8"),
    "utf8.csv": (b"text\na\n\xff\n", "S009.*utf8.csv, line 3: not UTF-8"),
    "utf8.txt": (b"a\n\xff\n", "S009.*utf8.txt, line 2: not UTF-8"),
    "utf16.txt": ("a\n".encode("utf-16"), "S009.*utf16.txt, line 1: not UTF-8"),
    "broken.jsonl": ('{"text": "a"}\n\n{"text": ', "S004.*broken.jsonl, line 3: not valid JSON"),
    "deep.jsonl": ("[" * 100_000, "S004.*deep.jsonl, line 1: not valid JSON"),
    "number.jsonl": ('{"text": "a"}\n7\n', "S063.*number.jsonl, line 2: 7 is not a JSON object"),
    "empty.jsonl": ('{"text": "a"}\n{}\n', "S064.*empty.jsonl, line 2: .*'text' is missing; there are: none"),
    "missing.jsonl": ('{"txt": "a", "id": 1}', "S064.*missing.jsonl, line 1: .*there are: 'txt', 'id'.*--text-column"),
    "null.jsonl": ('{"text": null}', "S065.*null.jsonl, line 1: .*'text' is None, not a string"),
    "value.jsonl": ('{"text": "a"}\n{"text": 3}', "S065.*value.jsonl, line 2: .*'text' is 3, not a string"),
    "missing.csv": ("txt,id\n", "S064.*missing.csv: .*'text' is missing; there are: 'txt', 'id'"),
    "twice.csv": ("text,text\na,b\n", "S067.*twice.csv: .*two columns are named 'text'"),
    "long.csv": ('text,id\n"a\nb",1\na,1,2\n', "S067.*long.csv, line 4: .*3 fields, and there are 2 columns"),
    "short.csv": ("id,text\n1\n", "S064.*short.csv, line 2: .*'text' is missing"),
    "quote.csv": ('text\n"a\n', "S010.*quote.csv, line 2: cannot be read as CSV"),
    "quote.tsv": ('text\n"a"b\n', "S010.*quote.tsv, line 2: cannot be read as TSV"),
    "not.parquet": ("text", "S061.*not.parquet: cannot be read"),
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("batch_size", [1, 10])
def test_errors_name_the_file_and_the_line(tmp_path: Path, name: str, batch_size: int) -> None:
    content, message = UNREADABLE[name]
    put(tmp_path / name, content)
    with pytest.raises(SentimentError, match=message):
        convert(tmp_path / name, tmp_path / "out.jsonl", batch_size=batch_size)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("format", ["jsonl", "csv", "txt", "parquet"])
def test_a_path_without_a_file_is_reported(tmp_path: Path, format: str) -> None:
    (tmp_path / f"folder.{format}").mkdir()
    with pytest.raises(SentimentError, match=f"S061.*none.{format}: cannot be read .*No such file"):
        convert(tmp_path / f"none.{format}", tmp_path / "out.jsonl")
    with pytest.raises(SentimentError, match=f"S061.*folder.{format}: cannot be read .*directory"):
        convert(tmp_path / f"folder.{format}", tmp_path / "out.jsonl")


def test_damaged_parquet_is_reported(tmp_path: Path, arrow_file: Path) -> None:
    content = bytearray(arrow_file.read_bytes())
    content[4:400] = bytes(396)
    put(tmp_path / "broken.parquet", bytes(content))
    with pytest.raises(SentimentError, match="S061.*broken.parquet: cannot be read"):
        convert(tmp_path / "broken.parquet", tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("column", ["text", "other"])
def test_a_parquet_column_that_is_not_utf8_is_reported(tmp_path: Path, column: str) -> None:
    pq.write_table(pa.table({"text": ["a"], "other": ["b"]} | {column: ["good"]}), tmp_path / "a.parquet")
    put(tmp_path / "a.parquet", (tmp_path / "a.parquet").read_bytes().replace(b"good", b"goo\xff"))
    with pytest.raises(SentimentError, match="S061.*a.parquet: cannot be read .*UTF8"):
        convert(tmp_path / "a.parquet", tmp_path / "b.jsonl")
    assert not (tmp_path / "b.jsonl").exists()


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array(["a", "b", None]), "S065.*a.parquet, row 3: .*'text' is null"),
        (pa.array([1, 2, 3]), "S065.*a.parquet: .*'text' is of the type int64"),
    ],
)
def test_a_parquet_column_that_holds_no_texts_is_refused(tmp_path: Path, column: Any, message: str) -> None:
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    with pytest.raises(SentimentError, match=message):
        convert(tmp_path / "a.parquet", tmp_path / "b.jsonl")


@pytest.mark.parametrize("type_", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_a_parquet_column_may_hold_any_type_of_strings(tmp_path: Path, type_: Any) -> None:
    pq.write_table(pa.table({"text": pa.array(["a", "b", "a"], type_)}), tmp_path / "a.parquet")
    assert convert(tmp_path / "a.parquet", tmp_path / "b.parquet") == ["a", "b", "a"]
    if pq.read_table(tmp_path / "a.parquet").schema.field("text").type != type_:
        pytest.skip("this version of pyarrow reads each dictionary of Parquet with int32")
    assert pq.read_schema(tmp_path / "b.parquet").field("text").type == type_


def test_a_name_that_would_be_added_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a"], "sentiment_up": [1.0]}), tmp_path / "a.parquet")
    put(tmp_path / "a.csv", "text,sentiment\na,b\n")
    put(tmp_path / "a.jsonl", '{"text": "a"}\n{"text": "b"}\n{"text": "c", "sentiment": null}\n')
    put(tmp_path / "a.txt", "")
    for source, place in [("a.parquet", "a.parquet"), ("a.csv", "a.csv"), ("a.jsonl", "a.jsonl, line 3")]:
        with pytest.raises(SentimentError, match=f"S066.*{place}: has a column 'sentiment"):
            convert(tmp_path / source, tmp_path / "out.jsonl")
    with pytest.raises(SentimentError, match="S066"):
        convert(tmp_path / "a.txt", tmp_path / "out.jsonl", text_column="sentiment")
    assert not (tmp_path / "out.jsonl").exists()


def test_columns_of_one_name_stay_in_csv_and_are_refused_elsewhere(tmp_path: Path) -> None:
    source = put(tmp_path / "a.csv", "text,,\na,1,2\n")
    convert(source, tmp_path / "b.csv")
    assert csv_rows(tmp_path / "b.csv")[1] == ["a", "1", "2", "up", "0.666667"]
    for target in ("b.jsonl", "b.parquet"):
        with pytest.raises(SentimentError, match="S067.*a.csv: .*two columns are named ''"):
            convert(source, tmp_path / target)


# Tables without rows


@pytest.mark.parametrize(
    ("source", "target", "content"),
    [
        ("a.jsonl", "b.jsonl", ""),
        ("a.jsonl", "b.csv", ""),
        ("a.csv", "b.csv", ""),
        ("a.txt", "b.csv", "text,sentiment,sentiment_up\n"),
        ("header.csv", "b.csv", "id,text,sentiment,sentiment_up\n"),
        ("header.csv", "b.tsv", "id\ttext\tsentiment\tsentiment_up\n"),
        ("header.csv", "b.jsonl", ""),
    ],
)
def test_a_table_without_rows_gives_one_without_rows(tmp_path: Path, source: str, target: str, content: str) -> None:
    put(tmp_path / source, "id,text\n" if source == "header.csv" else "")
    assert convert(tmp_path / source, tmp_path / target) == []
    assert (tmp_path / target).read_text() == content


def test_parquet_without_rows_keeps_its_schema(tmp_path: Path) -> None:
    pq.write_table(SCHEMA.empty_table(), tmp_path / "a.parquet")
    assert convert(tmp_path / "a.parquet", tmp_path / "b.parquet") == []
    table = pq.read_table(tmp_path / "b.parquet")
    assert table.num_rows == 0
    before = pq.read_schema(tmp_path / "a.parquet")
    assert table.select(SCHEMA.names).schema.equals(before, check_metadata=True)
    convert(put(tmp_path / "header.csv", "id,text\n"), tmp_path / "c.parquet")
    assert pq.read_schema(tmp_path / "c.parquet").names == ["id", "text", "sentiment", "sentiment_up"]


# Whole or not at all


def test_a_file_appears_whole_with_the_permissions_of_a_new_file(tmp_path: Path) -> None:
    source = put(tmp_path / "a.txt", "a\nb\n")
    target = tmp_path / "new" / "folder" / "b.jsonl"
    with open_input(str(source), "txt", batch_size=1) as batches, open_output(str(target), "jsonl") as write:
        for batch in batches:
            write(batch, added(batch))
            assert not target.exists()
    assert len(json_rows(target)) == 2
    assert [path.name for path in target.parent.iterdir()] == ["b.jsonl"]
    assert target.stat().st_mode == source.stat().st_mode


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SentimentError, BrokenPipeError])
def test_an_error_or_an_interrupt_leaves_what_was_there(
    tmp_path: Path, format: str, error: type[BaseException]
) -> None:
    target = put(tmp_path / f"b.{format}", "old")
    with (  # noqa: PT012
        pytest.raises(error),
        open_output(str(target), format, overwrite=True) as write,
    ):
        for batch in text_batches(["a", "b"], "text", 1):
            write(batch, added(batch))
        raise error
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_existing_file_is_replaced_only_on_request(tmp_path: Path) -> None:
    source, target = put(tmp_path / "a.txt", "a\n"), put(tmp_path / "b.jsonl", "old")
    with pytest.raises(SentimentError, match="S068.*b.jsonl: already exists.*--overwrite"):
        convert(source, target)
    assert target.read_text() == "old"
    convert(source, target, overwrite=True)
    assert json_rows(target)[0]["text"] == "a"


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(SentimentError, match="S068"), open_output(str(tmp_path / "b.jsonl"), "jsonl"):
        put(tmp_path / "b.jsonl", "another's")
    assert (tmp_path / "b.jsonl").read_text() == "another's"


def test_the_input_is_never_the_output(tmp_path: Path) -> None:
    source = put(tmp_path / "a.jsonl", '{"text": "a"}\n')
    (tmp_path / "same.jsonl").hardlink_to(source)
    for target in (source, tmp_path / "same.jsonl"):
        with pytest.raises(SentimentError, match="S069.*it is the input"):
            convert(source, target, overwrite=True)
    assert source.read_text() == '{"text": "a"}\n'


def test_only_a_regular_file_is_replaced(tmp_path: Path) -> None:
    source = put(tmp_path / "a.txt", "a\n")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "link.csv").symlink_to(source)
    for name in ("folder.csv", "link.csv"):
        with pytest.raises(SentimentError, match="S069.*not a regular file"):
            convert(source, tmp_path / name, overwrite=True)
    with pytest.raises(SentimentError, match="S069.*a.txt/b.csv: cannot be written"):
        convert(source, source / "b.csv")


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_a_full_disk_is_reported(tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class FullFile(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, _: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda *_, **__: io.BufferedWriter(FullFile()))
    source = tmp_path / "a.txt"
    with builtins.open(source, "wb") as file:
        file.write(b"a\n")
    with pytest.raises(SentimentError, match=f"S069.*b.{format}: cannot be written .*No space left"):
        convert(source, tmp_path / f"b.{format}")
    assert list(tmp_path.iterdir()) == [source]


# Standard streams


def give_input(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="ascii"))


def test_tables_stream_from_standard_input_to_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    give_input(monkeypatch, '{"text": "é"}\n'.encode())
    convert("-", "-", input_format="jsonl", output_format="csv")
    assert capsysbinary.readouterr().out.decode() == "text,sentiment,sentiment_up\né,up,0.666667\n"


@pytest.mark.parametrize("format", ["txt", "csv", "jsonl"])
def test_standard_input_that_is_not_utf8_is_refused_as_a_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    content = {"jsonl": b'{"text": "a"}\n{"text": "b"}\n{"text": "\xff"}\n'}.get(format, b"text\na\nbad \xff\n")
    give_input(monkeypatch, content)
    with pytest.raises(SentimentError, match="S009.*standard input, line 3: not UTF-8.*--encoding cp1252"):
        convert("-", tmp_path / "b.jsonl", input_format=format)
    assert not (tmp_path / "b.jsonl").exists()


def test_parquet_goes_to_standard_output_whole_and_is_not_read_from_standard_input(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    convert(put(tmp_path / "a.txt", "a\nb\n"), "-", output_format="parquet")
    table = pq.read_table(io.BytesIO(capsysbinary.readouterr().out))
    assert table.column("text").to_pylist() == ["a", "b"]
    with pytest.raises(SentimentError):
        convert(put(tmp_path / "a.jsonl", '{"text": "a"}\n\n{}'), "-", output_format="parquet")
    assert capsysbinary.readouterr().out == b""
    with pytest.raises(SentimentError, match="S061.*standard input: cannot be read .*--input"):
        convert("-", tmp_path / "b.jsonl", input_format="parquet")


def test_a_batch_knows_how_much_of_the_file_has_been_read(tmp_path: Path, arrow_file: Path) -> None:
    source = put(tmp_path / "a.txt", "a\nb\nc\nd\n")
    with open_input(str(source), "txt", batch_size=1) as batches:
        assert [batch.fraction for batch in batches] == [0.25, 0.5, 0.75, 1]
    with open_input(str(arrow_file), "parquet", batch_size=4) as batches:
        assert next(batches).fraction == pytest.approx(0.6)


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_nested_dates_that_python_cannot_show_are_reported(format: str, tmp_path: Path) -> None:
    dates = pa.array([[3_000_000]], pa.list_(pa.int32())).cast(pa.list_(pa.date32()))
    pq.write_table(pa.table({"text": ["good"], "of": dates}), tmp_path / "a.parquet")
    reader = open_input(str(tmp_path / "a.parquet"), "parquet", text_column="text", batch_size=10)
    path = tmp_path / f"b.{format}"
    with pytest.raises(SentimentError, match="S069"):
        _copy(reader, path, format)
    assert not path.exists()


def _copy(reader: Any, path: Path, format: str) -> None:
    with reader as batches, open_output(str(path), format) as write:
        for batch in batches:
            write(batch, added(batch))

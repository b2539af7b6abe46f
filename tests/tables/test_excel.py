"""Excel workbooks as tables to read."""

import json
import re
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import MissingExtraError, SentimentError
from spacy_trax_sentiment.jobs.parts import Job
from spacy_trax_sentiment.jobs.run import run
from spacy_trax_sentiment.tables import excel
from spacy_trax_sentiment.tables.readers import labelled_rows, open_input
from spacy_trax_sentiment.tables.rows import input_format, output_format
from spacy_trax_sentiment.tables.writers import open_output
from spacy_trax_sentiment.training.corpora import read_labelled_texts

openpyxl = pytest.importorskip("openpyxl")

# Texts that XML can hold. A carriage return is written as a line feed, and a cell that starts with "=" is a formula.
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff=#_"), max_size=20)
NUMBERS = st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9, allow_subnormal=False).map(lambda x: round(x, 4))


def put(path: Path, *sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def read(path: Path, **options: Any) -> list[str | None]:
    with open_input(str(path), input_format(str(path)), **options) as batches:
        return [text for batch in batches for text in batch.texts]


def convert(path: Path, target: Path) -> None:
    """Write a table with a column `label` added."""
    with (
        open_input(str(path), input_format(str(path)), batch_size=2) as batches,
        open_output(str(target), output_format(str(target))) as write,
    ):
        for batch in batches:
            write(batch, {"label": ["up"] * len(batch.texts)})


def repack(path: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """Write a workbook anew with changed parts; None leaves one out."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: change(name, archive.read(name)) for name in archive.namelist()}
    write_parts(path, parts)
    return path


def write_parts(path: Path, parts: dict[str, bytes | None]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            if content is not None:
                archive.writestr(name, content)


def share_strings(path: Path) -> Path:
    """Move the strings into a part of their own, as Excel does and openpyxl does not."""
    with zipfile.ZipFile(path) as archive:
        parts: dict[str, bytes | None] = {name: archive.read(name) for name in archive.namelist()}
    strings: list[bytes] = []

    def shared(cell: re.Match[bytes]) -> bytes:
        strings.append(cell[1])
        return b't="s"><v>%d</v>' % (len(strings) - 1)

    for name in sorted(parts):
        if name.startswith("xl/worksheets/"):
            parts[name] = re.sub(rb't="inlineStr"><is>(.*?)</is>', shared, parts[name] or b"", flags=re.DOTALL)
    items = b"".join(b"<si>%s</si>" % string for string in strings)
    main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    parts["xl/sharedStrings.xml"] = b'<sst xmlns="%s">%s</sst>' % (main, items)
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    override = b'<Override PartName="/xl/sharedStrings.xml" ContentType="%s" /></Types>' % kind
    parts["[Content_Types].xml"] = (parts["[Content_Types].xml"] or b"").replace(b"</Types>", override)
    write_parts(path, parts)
    return path


@given(
    rows=st.lists(st.tuples(TEXTS | st.none(), NUMBERS | st.booleans() | TEXTS | st.none()), max_size=5),
    is_shared=st.booleans(),
)
def test_all_cells_come_out_as_they_went_in(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str | None, Any]], is_shared: bool
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    path = put(folder / "a.xlsx", [["text", "other"], *map(list, rows)])
    convert(share_strings(path) if is_shared else path, folder / "b.jsonl")
    found = [json.loads(line) for line in (folder / "b.jsonl").read_text("utf8").splitlines()]
    kept = [(text or None, None if other == "" else other) for text, other in rows]
    expected = [{"text": text, "other": other, "label": "up"} for text, other in kept if (text, other) != (None, None)]
    assert found == expected


@pytest.mark.parametrize("format", ["jsonl", "csv", "tsv", "parquet"])
def test_numbers_and_dates_survive_in_every_output(tmp_path: Path, format: str) -> None:
    dates = [date(2024, 1, 5), datetime(2024, 1, 5, 10, 30), time(8, 15)]
    path = put(tmp_path / "a.xlsx", [["text", "day", "when", "at", "price"], ["good", *dates, 1.5]])
    target = tmp_path / f"b.{format}"
    convert(path, target)
    if format == "parquet":
        (row,) = pytest.importorskip("pyarrow.parquet").read_table(target).to_pylist()
    elif format == "jsonl":
        row = json.loads(target.read_text())
    else:
        names, cells = (line.split("\t" if format == "tsv" else ",") for line in target.read_text().splitlines())
        row = dict(zip(names, cells, strict=True)) | {"price": float(cells[4])}
    days = {"day": "2024-01-05", "when": "2024-01-05 10:30:00", "at": "08:15:00"}
    assert row == {"text": "good", **days, "price": 1.5, "label": "up"}


def test_a_workbook_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(SentimentError, match=r"S060.*b\.xlsx.*be written\. Give one of jsonl, csv, tsv, parquet"):
        output_format("b.xlsx")
    job = Job("en", str(tmp_path / "out"), format="xlsx")
    put(tmp_path / "a.xlsx", [["text"], ["good"]])
    with pytest.raises(SentimentError, match=r"S060.*'xlsx' is not a format that can be written"):
        run(job, [str(tmp_path / "a.xlsx")])
    assert not (tmp_path / "out").exists()


def test_blank_cells_and_errors_are_rows_without_a_text_and_numbers_are_texts(tmp_path: Path) -> None:
    with_return = "a_x000D_\nb"  # as Excel writes a carriage return
    rows = [[1, "good"], [2, None], [3, "#N/A"], [4, " "], [None, None], [5, 10], [6, with_return]]
    path = put(tmp_path / "a.xlsx", [[None, None], ["id", "text"], *rows])
    found = read(path, strict=False)
    assert [text for text in found if (text or "").strip()] == ["good", "10", "a\r\nb"]
    assert len(found) == 6


def test_only_the_first_sheet_that_is_shown_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = put(tmp_path / "a.xlsx", [["text"], ["hidden"]], [["text"], ["good"]], [["text"], ["bad"]])
    book = openpyxl.load_workbook(path)
    book.worksheets[0].sheet_state = "hidden"
    book.active = 1
    book.save(path)
    assert read(path) == ["good"]
    assert "a.xlsx: reading only the first of 2 sheets, 'Sheet1'" in caplog.text


def test_all_rows_are_read_whatever_size_the_sheet_claims(tmp_path: Path) -> None:
    path = put(tmp_path / "a.xlsx", [["id", "text"], [1, "good"], [2, "bad"]])
    repack(path, lambda name, content: content.replace(b'ref="A1:B3"', b'ref="A1:A1"'))
    assert read(path) == ["good", "bad"]
    assert read(put(tmp_path / "b.xlsx", [])) == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([["id"], [1]], r"S064.*a\.xlsx: the column 'text' is missing; there are: 'id'"),
        ([["text"], ["a"], [], ["b", "c"]], r"S067.*a\.xlsx, sheet row 4.*2 fields, and there are 1 columns"),
        ([["text", "text"]], r"S067.*a\.xlsx: .*two columns are named 'text'"),
    ],
)
def test_a_table_that_does_not_fit_is_reported_with_its_row(
    tmp_path: Path, rows: list[list[Any]], message: str
) -> None:
    with pytest.raises(SentimentError, match=message):
        read(put(tmp_path / "a.xlsx", rows))


def _row_number(name: str, content: bytes, number: bytes) -> bytes:
    return re.sub(rb'r="(A?)3"', rb'r="\g<1>' + number + b'"', content)


def _without(name: str, content: bytes, part: str) -> bytes | None:
    return None if name == part else content


def _string(name: str, content: bytes) -> bytes:
    return content.replace(b"<v>2</v>", b"<v>9</v>") if "sheet1" in name else content


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_string, r"a\.xlsx, sheet row 3: cannot be read as an Excel workbook"),
        (lambda name, content: content.replace(b"</sheetData>", b"<"), r"a\.xlsx, sheet row 4: cannot be read"),
        (partial(_row_number, number=b"99999999"), r"a\.xlsx, sheet row .*at most 1,048,576 rows"),
        (partial(_without, part="xl/worksheets/sheet1.xml"), r"a\.xlsx: .*it has no sheet"),
        (partial(_without, part="xl/workbook.xml"), r"a\.xlsx: cannot be read.*xl/workbook\.xml"),
        (partial(_without, part="[Content_Types].xml"), r"a\.xlsx: cannot be read.*Content_Types"),
    ],
)
def test_a_damaged_workbook_is_reported_with_its_row(tmp_path: Path, change: Any, message: str) -> None:
    path = repack(share_strings(put(tmp_path / "a.xlsx", [["text"], ["good"], ["bad"]])), change)
    for reader in (read, lambda path: list(labelled_rows(path, label_column="text"))):
        with pytest.raises(SentimentError, match=rf"S156.*{message}"):
            reader(path)


def test_what_is_no_workbook_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    for content in (b"", b"text\ngood\n", b"\xd0\xcf\x11\xe0" + bytes(512)):
        path.write_bytes(content)
        with pytest.raises(SentimentError, match=r"S156.*a\.xlsx: .*not a zip file.*Save it anew"):
            read(path)
    with pytest.raises(SentimentError, match="S061.*No such file"):
        read(tmp_path / "none.xlsx")
    wanted = "S061.*standard input.*a workbook is read from its end"
    with pytest.raises(SentimentError, match=wanted), open_input("-", input_format("-", "xlsx")):
        pass
    for call in (input_format, lambda name: list(labelled_rows(name))):
        with pytest.raises(SentimentError, match=r"S060.*'xlsx\.gz'|S011.*a\.xlsx\.gz"):
            call("a.xlsx.gz")


@given(position=st.floats(0, 0.99), data=st.data())
def test_any_damage_is_reported_or_does_no_harm(
    tmp_path_factory: pytest.TempPathFactory, position: float, data: st.DataObject
) -> None:
    path = share_strings(put(tmp_path_factory.mktemp("tables") / "a.xlsx", [["text"], *([str(i)] for i in range(20))]))
    content = bytearray(path.read_bytes())
    at = int(position * len(content))
    if data.draw(st.booleans(), "truncated"):
        del content[at:]
    else:
        content[at] ^= data.draw(st.integers(1, 255), "change")
    path.write_bytes(content)
    with suppress(SentimentError):
        assert read(path) == [str(i) for i in range(20)]


@pytest.mark.parametrize(("part", "limit"), [("worksheets/sheet1", "sheet_bytes"), ("sharedStrings", "other_bytes")])
def test_a_workbook_that_grows_when_unpacked_is_refused(tmp_path: Path, part: str, limit: str) -> None:
    path = share_strings(put(tmp_path / "a.xlsx", [["text"], ["good"]]))
    repack(path, lambda name, content: content + b" " * (1 << 22) if part in name else content)
    assert read(path) == ["good"]
    with path.open("rb") as file, pytest.raises(SentimentError, match=rf"S158.*{part}\.xml.*more than 2 MB"):
        list(excel.sheet_rows(file, "a.xlsx", **{limit: 1 << 21}))


def test_shared_strings_without_end_are_refused_by_the_file_s_name(tmp_path: Path) -> None:
    path = share_strings(put(tmp_path / "a.xlsx", [["text"], ["good"]]))
    repack(path, lambda name, content: bytes(1 << 28) if "sharedStrings" in name else content)
    assert path.stat().st_size < 1 << 20
    for reader in (read, lambda path: list(labelled_rows(path))):
        with pytest.raises(SentimentError, match=r"S158.*a\.xlsx: with xl/sharedStrings\.xml"):
            reader(path)


def test_openpyxl_that_is_not_installed_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "a.xlsx", [["text"], ["good"]])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingExtraError, match=r"S157.*a\.xlsx: .*pip install '\.\[excel\]'"):
        read(path)


def test_labelled_rows_are_those_of_the_same_csv(tmp_path: Path) -> None:
    rows = [["text", "label"], ["good", 1], ["bad", True], [None, "up"], [5, None], ["x", 2.5]]
    path = put(tmp_path / "a.xlsx", rows[:3], [["not", "read"]])
    assert list(labelled_rows(path)) == [(2, "good", "1"), (3, "bad", "true")]
    assert list(labelled_rows(path, encoding="cp1252")) == list(labelled_rows(path))
    path = put(tmp_path / "b.xlsx", rows)
    (tmp_path / "b.csv").write_text("text,label\ngood,1\nbad,true\n,up\n5,\nx,2.5\n")
    assert list(labelled_rows(path)) == list(labelled_rows(tmp_path / "b.csv"))
    with pytest.raises(SentimentError, match=r"S008.*b\.xlsx, sheet row 2: the label '1' is not one of up, down"):
        read_labelled_texts(path, labels=["up", "down"])


def test_workbooks_of_a_directory_become_csv(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    put(tmp_path / "in" / "a.xlsx", [["id", "text"], [7, "good"], [8, None]])
    (outcome,) = run(Job("en", str(tmp_path / "out")), [str(tmp_path / "in")], concurrency=1).outcomes
    assert (outcome.error, outcome.written.n_rows, outcome.written.n_without) == (None, 2, 1)
    (written,) = (tmp_path / "out").glob("*.csv")
    assert written.read_text().splitlines()[1].startswith("7,good,positive,")

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.tables.readers import labelled_rows, open_input
from spacy_trax_sentiment.tables.writers import open_output

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3),
    max_leaves=5,
)
ROWS = st.lists(
    st.builds(lambda text, more: {"text": text, "more": more}, st.text(st.characters(), max_size=20), VALUES),
    max_size=5,
)


def read(path: Path, **options: Any) -> list[str | None]:
    with open_input(str(path), "json", **options) as batches:
        return [text for batch in batches for text in batch.texts]


def put(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@given(rows=ROWS, indent=st.none() | st.integers(0, 3), ends=st.sampled_from(["\n", "\r\n"]), piece=st.integers(1, 9))
@pytest.mark.parametrize("is_array", [True, False])
def test_every_object_is_a_row_and_stays_as_it_is(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, Any]],
    indent: int | None,
    ends: str,
    piece: int,
    is_array: bool,
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    values = [rows] if is_array else rows
    content = "\n".join(json.dumps(value, indent=indent) for value in values).replace("\n", ends)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("spacy_trax_sentiment.tables.lines._PIECE", piece)
        with (
            open_input(str(put(folder / "a.json", content)), "json", batch_size=2) as batches,
            open_output(str(folder / "b.jsonl"), "jsonl") as write,
        ):
            for batch in batches:
                write(batch, {"label": ["up"] * len(batch.texts)})
    lines = (folder / "b.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    assert [json.loads(line) for line in lines] == [{**row, "label": "up"} for row in rows]


def test_numbers_keep_their_digits(tmp_path: Path) -> None:
    source = put(tmp_path / "a.json", '[\n {"text": "a",\n  "x": 1.50, "id": 123456789012345678901}\n]\n')
    with open_input(str(source), "json") as batches:
        assert [line.raw for batch in batches for line in batch.json] == [
            '{"text": "a", "x": 1.50, "id": 123456789012345678901}'
        ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"text": "a"},\n{"text": "b"', "S004.*a.json, line 2: not valid JSON"),
        ('[{"text": "a"},', "S004.*line 1"),
        ('[{"text": "a"}\n{"text": "b"}]', "S004.*line 2: .*a comma or ] is missing"),
        ('[{"text": "a"}]\n[]', "S004.*line 2: .*something follows the array"),
        ('[\n{"text": "a"},\n7]', "S063.*line 3: 7 is not a JSON object"),
        ('{"data": [{"text": "a"}]}', "S064.*line 1: .*'text' is missing; there are: 'data'"),
        ('{"text": "a"} ]', "S004.*line 1"),
        ("nonsense", "S004.*line 1"),
        ("[" * 100_000, "S004.*line 1"),
        (b'[\n{"text": "a"},\n{"text": "\xff"}]', "S009.*line 3: not UTF-8.*cp1252"),
        ('[{"text": "a"}]'.encode("utf-16"), "S009.*line 1: not UTF-8.*utf-16"),
    ],
)
def test_errors_name_the_line_on_which_the_object_begins(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(SentimentError, match=message):
        read(put(tmp_path / "a.json", content))


def test_an_empty_array_and_an_empty_file_have_no_rows(tmp_path: Path) -> None:
    for content in ("", " \n", "[]", "\ufeff[ ]\n"):
        assert read(put(tmp_path / "a.json", content)) == []


def test_an_object_up_to_the_limit_is_read_and_a_longer_one_is_reported(tmp_path: Path) -> None:
    row = '{"text": "' + "a" * 88 + '"}'
    assert len(read(put(tmp_path / "a.json", f"[{row}, {row}]"), line_limit=100)) == 2
    for rest in (row.replace("a", "aa"), '{"text": "' + "a" * 100_000):
        with pytest.raises(SentimentError, match=r"S018.*a\.json, line 2: longer than 100"):
            read(put(tmp_path / "a.json", f"[{row},\n{rest}"), line_limit=100)


def test_labelled_rows_and_archives_may_be_arrays(tmp_path: Path) -> None:
    path = put(tmp_path / "a.json.gz", gzip.compress(b'[{"text": "a", "label": "up"},\n{"text": "b", "label": "up"}]'))
    assert list(labelled_rows(path)) == [(1, "a", "up"), (2, "b", "up")]

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.tables.readers import open_input
from spacy_trax_sentiment.tables.sources import json_rows_before, line_spans, lines_before

BOM = b"\xef\xbb\xbf"
# A byte order mark within a file is a character like any other; only a line feed ends a line.
TEXTS = st.text(st.sampled_from("ab é😍\ufeff\r\u2028"), max_size=6)

in_a_directory = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def _rows(path: Path, format: str, span: range | None = None) -> list[tuple[Any, ...]]:
    """Return each row's text and, for JSON Lines, the line itself and its place."""
    with open_input(str(path), format, part=span, batch_size=3, strict=False) as batches:
        rows: list[tuple[Any, ...]] = []
        for batch in batches:
            rows += [(line.text, line.raw, batch.source.place(line.number)) for line in batch.json]
            rows += [] if batch.json else [(text,) for text in batch.texts]
        return rows


@in_a_directory
@given(
    format=st.sampled_from(["txt", "jsonl"]),
    texts=st.lists(TEXTS, max_size=12),
    ends=st.lists(st.sampled_from([b"\n", b"\r\n", b"\n\n"]), min_size=12, max_size=12),
    has_last_end=st.booleans(),
    has_mark=st.booleans(),
    most=st.integers(1, 80),
)
def test_spans_hold_the_rows_of_the_file(
    format: str,
    texts: list[str],
    ends: list[bytes],
    has_last_end: bool,
    has_mark: bool,
    most: int,
    tmp_path: Path,
) -> None:
    """In order, each once, with the numbers of their lines."""
    lines = [json.dumps({"text": text}) if format == "jsonl" else text for text in texts]
    content = b"".join(line.encode() + end for line, end in zip(lines, ends, strict=False))
    content = (BOM if has_mark else b"") + (content if has_last_end else content.rstrip(b"\r\n"))
    path = tmp_path / f"a.{format}"
    path.write_bytes(content)
    spans = line_spans(str(path), len(content), most)
    assert [span.start for span in spans] == [0, *[span.stop for span in spans[:-1]]]
    assert spans[-1].stop == len(content)
    assert all(len(span) >= most for span in spans[:-1])
    found: list[tuple[Any, ...]] = []
    for span in spans:
        n_lines = lines_before(str(path), span.start)
        assert n_lines == content[: span.start].count(b"\n")
        if format == "jsonl":
            assert json_rows_before(str(path), span.start) == len(found)
        found += _rows(path, format, span)
    assert found == _rows(path, format)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SentimentError, match="S061.*none.jsonl"):
        line_spans(str(tmp_path / "none.jsonl"), 1000, 10)

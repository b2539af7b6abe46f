from typing import Any

import pytest

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.tables.rows import input_format, output_format


@pytest.mark.parametrize(
    ("path", "given", "format"),
    [
        ("a.jsonl", None, "jsonl"),
        ("a.NDJSON", None, "jsonl"),
        ("a.csv", None, "csv"),
        ("a.tsv", None, "tsv"),
        ("a.txt", None, "txt"),
        ("a.parquet", None, "parquet"),
        ("a.json", None, "json"),
        ("a.json", "jsonl", "jsonl"),
        ("a.csv.gz", None, "csv"),
        ("a.jsonl.ZST", None, "jsonl"),
        ("a.csv", "tsv", "tsv"),
        ("-", None, "txt"),
        ("-", "csv", "csv"),
    ],
)
def test_the_format_is_the_one_given_or_that_of_the_suffix(path: str, given: str | None, format: str) -> None:
    assert input_format(path, given) == format


def test_standard_output_is_json_lines_by_default() -> None:
    assert output_format("-") == "jsonl"
    assert output_format("-", "tsv") == "tsv"


@pytest.mark.parametrize(
    ("call", "path", "given", "message"),
    [
        (input_format, "a.doc", None, "S060.*a.doc: '.doc' is not a format that can be read.*txt.*--input-format"),
        (input_format, "a", None, "S060.*a: '' is not"),
        (input_format, "a.csv", "excel", "S060.*'excel' is not"),
        (output_format, "a.txt", None, "S060.*a.txt: 'txt' is not a format that can be written.*--output-format"),
        (output_format, "a.gz", None, "S060.*'.gz' is not"),
    ],
)
def test_an_unknown_format_is_refused(call: Any, path: str, given: str | None, message: str) -> None:
    with pytest.raises(SentimentError, match=message):
        call(path, given)

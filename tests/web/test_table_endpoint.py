"""`POST /v1/table`: what it answers, and what it refuses."""

import csv
import io
import json

import pytest
from asking import CSV, JSON, QUESTIONS, VALUES, Ask, asking, refused
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from spacy_trax_sentiment.web.app import make_app
from spacy_trax_sentiment.web.limits import Limits


def test_a_table_to_show_holds_the_texts_and_their_results(ask: Ask) -> None:
    answer = ask("POST", "/v1/table", content=b"id,text\n1,love it\n2,awful\n", headers=CSV).json()
    results = ask("POST", "/v1/sentiment", json={"texts": ["love it", "awful"]}).json()["results"]
    assert [result.pop("text") for result in answer["results"]] == ["love it", "awful"]
    assert answer["results"] == results


def test_a_table_keeps_its_columns(ask: Ask) -> None:
    row = b'{"id":768213876278165504,"text":"love it","x":[1.10]}\n'
    response = ask("POST", "/v1/table?format=jsonl", content=row, headers={"Content-Type": "application/x-ndjson"})
    assert response.content.startswith(row[:-2] + b', "sentiment": "positive", "sentiment_negative": ')
    assert response.headers["content-disposition"] == 'attachment; filename="scored.jsonl"'
    response = ask("POST", "/v1/table?format=csv&text_column=t", content=b"t,u\nlove it,2\n", headers=CSV)
    header, row = response.text.splitlines()
    assert header == "t,u,sentiment,sentiment_negative,sentiment_positive"
    assert row.startswith("love it,2,positive,")
    negative, positive = map(float, row.split(",")[3:])
    response = ask("POST", "/v1/table?format=csv&prefix=mood", content=b"text,sentiment\nlove it,2\n", headers=CSV)
    assert response.text.startswith("text,sentiment,mood,mood_negative,mood_positive\nlove it,2,positive,")
    assert negative < 0.1
    assert negative + positive == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("blank", ["", " ", "\u00a0"])
def test_a_row_without_a_text_has_no_scores(ask: Ask, blank: str) -> None:
    body = f"id,text\n1,love it\n2,{blank}\n".encode()
    answer = ask("POST", "/v1/table", content=body, headers=CSV).json()
    labels = answer["labels"]
    assert answer["results"][0]["label"] == "positive"
    assert answer["results"][1] == {
        "text": blank,
        **dict.fromkeys(["label", "probability", "polarity", "log_odds"]),
        "probabilities": dict.fromkeys(labels),
    }
    table = ask("POST", "/v1/table?format=csv", content=body, headers=CSV).text
    assert table.splitlines()[2] == f"2,{blank}" + "," * (1 + len(labels))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
@pytest.mark.parametrize("type", ["text/csv", "application/jsonl"])
def test_a_csv_holds_no_formulas(ask: Ask, start: str, type: str) -> None:
    cell = f"{start}cmd|' /C calc'!A0, it is good"
    quoted = '"' + cell + '"'
    body = (
        f"text,{start}b(1)\n{quoted},-5\n" if type == "text/csv" else json.dumps({"text": cell, f"{start}b(1)": "-5"})
    )
    if type == "text/csv" and start in "\t\r":
        body = f'text,"{start}b(1)"\n{quoted},-5\n'
    response = ask("POST", "/v1/table?format=csv", content=body.encode(), headers={"Content-Type": type})
    assert response.status_code == 200
    head, row = csv.reader(io.StringIO(response.text, newline=""))
    assert head[:2] == ["text", f"'{start}b(1)"]
    assert row[:2] == ["'" + cell, "-5"]
    assert float(row[3]) + float(row[4]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (
            b"a,b\n1,2\n",
            422,
            "the column 'text' is missing; there are: 'a', 'b'. Add it, or name another column by text_column",
        ),
        (b"text\na\n\xff\n", 422, "the table, line 3: not UTF-8 (invalid start byte). Save the file as UTF-8."),
        (b"text;a;b;c;d\na\n", 413, "5 columns, more than 4"),
        (
            b"text,sentiment\na,b\n",
            422,
            "and one of that name is to be added. Rename or remove it, or name the new columns by prefix",
        ),
        (b"text\n" + b"a\n" * 7, 413, "more than 6 rows"),
        (b"text,a,b,c,d\na\n", 413, "5 columns, more than 4"),
        (b"text\n" + b"a" * 301, 413, "301 characters"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(ask_small: Ask, body: bytes, code: int, says: str) -> None:
    response = ask_small("POST", "/v1/table?format=csv", content=body, headers=CSV)
    assert says in refused(response, code, "invalid_table" if code == 422 else "too_large")


def test_a_table_does_not_grow_without_bound(nlp: Language) -> None:
    ask = asking(make_app(nlp, limits=Limits(body_bytes=2_000)))
    body = b"text" + b",a" * 600 + b"\n" + b"x\n" * 100
    message = refused(ask("POST", "/v1/table?format=csv", content=body, headers=CSV), 413, "too_large")
    assert "longer than 20,000 bytes" in message
    row = json.dumps({"text": "a", **dict.fromkeys(map(str, range(1_500)))})
    ask, lines = asking(make_app(nlp)), {"Content-Type": "application/jsonl"}
    message = refused(ask("POST", "/v1/table?format=csv", content=row, headers=lines), 413, "too_large")
    assert "1,501 columns, more than 1,000" in message


def test_other_tables_and_formats_are_refused(ask: Ask) -> None:
    refused(ask("POST", "/v1/table", content=b"", headers=JSON), 415, "unsupported_media_type")
    message = refused(ask("POST", "/v1/table?format=xlsx", content=b"", headers=CSV), 422, "invalid_request")
    assert message.startswith("The parameter 'format'")


TYPES = st.sampled_from(["text/csv", "text/tab-separated-values", "application/jsonl", "text/plain"])
TABLES = (
    st.binary()
    | st.text().map(str.encode)
    | st.lists(st.lists(st.sampled_from(["text", "a", "", '"', "=1", "\r", "\0"]), max_size=3).map(",".join)).map(
        lambda rows: "\n".join(["text,b", *rows]).encode()
    )
    | st.lists(QUESTIONS | VALUES, max_size=3).map(lambda rows: "\n".join(map(json.dumps, rows)).encode())
)


@settings(max_examples=200)
@given(
    TABLES,
    TYPES,
    st.sampled_from(["json", "csv", "jsonl"]),
    st.sampled_from(["text", "b", "\ud800".encode("utf-8", "replace")]),
)
def test_no_table_makes_the_server_fail(ask: Ask, body: bytes, type: str, format: str, column: str) -> None:
    query = {"format": format, "text_column": column}
    response = ask("POST", "/v1/table", params=query, content=body, headers={"Content-Type": type})
    assert response.status_code in (200, 422)


def test_the_text_that_is_too_long_is_named_by_its_place_in_the_table(nlp: Language) -> None:
    ask = asking(make_app(nlp, limits=Limits(text_chars=50)))
    content = "text\n" + "good\n" * 1_200 + "x" * 51 + "\n"
    message = refused(ask("POST", "/v1/table", content=content.encode(), headers=CSV), 413, "too_large")
    assert message.startswith("Text 1200 has 51 characters")

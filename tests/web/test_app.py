"""The HTTP endpoints, asked without a network."""

import asyncio
import csv
import io
import json
import math
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language

from spacy_trax_sentiment import TextScorer
from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.pipelines import load

pytest.importorskip("fastapi")
httpx = pytest.importorskip("httpx")

from spacy_trax_sentiment.web.app import Limits, make_app  # noqa: E402 (needs the extra)

SMALL = Limits(
    body_bytes=2_000,
    waiting_bytes=5_000,
    texts=5,
    text_chars=300,
    explained_texts=2,
    explained_chars=100,
    rows=6,
    columns=4,
)
JSON = {"Content-Type": "application/json"}
CSV = {"Content-Type": "text/csv"}

Ask = Callable[..., Any]


def asking(app: Any) -> Ask:
    def ask(method: str, path: str, **options: Any) -> Any:
        async def send() -> Any:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost", trust_env=False) as client:
                return await client.request(method, path, **options)

        return asyncio.run(send())

    return ask


@pytest.fixture(scope="module")
def nlp() -> Language:
    return load("en")


@pytest.fixture(scope="module")
def ask(nlp: Language) -> Ask:
    return asking(make_app(nlp, name="en"))


@pytest.fixture(scope="module")
def ask_small(nlp: Language) -> Ask:
    return asking(make_app(nlp, limits=SMALL))


def refused(response: Any, status: int, code: str) -> str:
    """RETURNS: The message."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    (error,) = response.json().values()
    assert error.keys() == {"code", "message"}
    assert error["code"] == code
    assert "\n" not in error["message"]
    return str(error["message"])


TEXTS = ["I love it", "not good at all", "", "a table", "so\nawful :( 😀", "never again, boring"]


# Texts


@pytest.mark.parametrize("model", ["en", "en_ternary"])
def test_the_answer_is_what_text_scorer_gives(model: str) -> None:
    answer = asking(make_app(load(model)))("POST", "/v1/sentiment", json={"texts": TEXTS}).json()
    scorer = TextScorer.load(model)
    probabilities = scorer(TEXTS)
    assert answer["labels"] == list(scorer.labels)
    for result, row in zip(answer["results"], probabilities.astype(float), strict=True):
        assert list(result["probabilities"]) == list(scorer.labels)
        assert list(result["probabilities"].values()) == pytest.approx(row, abs=5e-7)
        assert result["label"] == scorer.labels[row.argmax()]
        assert result["probability"] == max(result["probabilities"].values())
        odds = row[scorer.labels.index("positive")] / row[scorer.labels.index("negative")]
        assert result["score"] == pytest.approx(math.log(odds), abs=1e-6)


def test_one_text_is_answered_as_many_are(ask: Ask) -> None:
    one = ask("POST", "/v1/sentiment", json={"text": TEXTS[1]}).json()
    assert one == ask("POST", "/v1/sentiment", json={"texts": [TEXTS[1]]}).json()
    assert ask("POST", "/v1/sentiment", json={"texts": []}).json()["results"] == []


def test_many_texts_are_answered_in_order(ask: Ask) -> None:
    texts = [TEXTS[i % len(TEXTS)] for i in range(3_500)]
    results = ask("POST", "/v1/sentiment", json={"texts": texts}).json()["results"]
    few = ask("POST", "/v1/sentiment", json={"texts": TEXTS}).json()["results"]
    assert results == [few[i % len(TEXTS)] for i in range(3_500)]


@pytest.mark.parametrize("model", ["en", "en_ternary"])
def test_contributions_are_those_of_the_doc(model: str) -> None:
    nlp = load(model)
    asked = {"texts": TEXTS, "contributions": True}
    answer = asking(make_app(nlp))("POST", "/v1/sentiment", json=asked).json()
    fresh = load(model)
    for result, text in zip(answer["results"], TEXTS, strict=True):
        expected = fresh.get_pipe("trax_sentiment").explain(fresh(text)).to_dict()
        assert result == json.loads(json.dumps(expected))


def test_contributions_and_the_bias_sum_to_the_score(ask: Ask) -> None:
    (result,) = ask("POST", "/v1/sentiment", json={"text": TEXTS[1], "contributions": True}).json()["results"]
    total = result["bias"] + sum(token["contribution"] for token in result["tokens"])
    assert total == pytest.approx(result["score"], abs=1e-5)
    plain = ask("POST", "/v1/sentiment", json={"text": TEXTS[1]}).json()["results"][0]
    assert plain["score"] == pytest.approx(result["score"], abs=1e-4)


def test_words_of_explained_texts_are_forgotten(nlp: Language, ask: Ask) -> None:
    ask("POST", "/v1/sentiment", json={"text": "warm", "contributions": True})
    before = len(nlp.vocab.strings)
    ask("POST", "/v1/sentiment", json={"text": "xyzzyplugh is a newish word", "contributions": True})
    assert len(nlp.vocab.strings) == before
    assert "xyzzyplugh" not in nlp.vocab.strings


def test_lone_surrogates_count_as_replacement_characters(ask: Ask) -> None:
    for contributions in (False, True):
        bodies = [
            b'{"text": "\\ud800 good \\udfff", "contributions": %s}' % json.dumps(contributions).encode(),
            json.dumps({"text": "\ufffd good \ufffd", "contributions": contributions}).encode(),
        ]
        first, second = (ask("POST", "/v1/sentiment", content=body, headers=JSON) for body in bodies)
        assert first.status_code == 200
        assert first.json() == second.json()


def test_threads_may_ask_one_application_at_once(nlp: Language) -> None:
    ask = asking(make_app(nlp))
    texts = [[f"{text} {i}" for text in TEXTS * 50] for i in range(8)]
    expected = [TextScorer(nlp)(some) for some in texts]

    def score(some: list[str]) -> Any:
        explained = ask("POST", "/v1/sentiment", json={"texts": some[:3], "contributions": True})
        assert explained.status_code == 200
        return ask("POST", "/v1/sentiment", json={"texts": some}).json()["results"]

    with ThreadPoolExecutor(4) as pool:
        for results, probabilities in zip(pool.map(score, texts), expected, strict=True):
            found = [list(result["probabilities"].values()) for result in results]
            np.testing.assert_allclose(found, probabilities, atol=1e-6)


def test_a_model_that_needs_docs_is_served_too(nlp: Language) -> None:
    slow = spacy.blank("en")
    slow.add_pipe("merge_entities")  # changes tokens, so that chunks cannot be remembered
    slow.add_pipe("trax_sentiment")
    ask = asking(make_app(slow))
    answer = ask("POST", "/v1/sentiment", json={"texts": TEXTS}).json()
    np.testing.assert_allclose(
        [list(result["probabilities"].values()) for result in answer["results"]], TextScorer(nlp)(TEXTS), atol=1e-6
    )


# What is refused


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "Expecting value"),
        (b"{", "line 1, column 2"),
        (b'{"text": "a"} x', "Extra data"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"text": ' + b'{"a":' * 100_000, "nested too deep"),
        (b'{"text": NaN}', "NaN is no JSON number"),
        (b'{"text": -Infinity}', "-Infinity is no JSON number"),
        (b'{"text": "\xff"}', "not UTF-8 at byte 10"),
        (b'{"text": ' + b"9" * 5_000 + b"}", "limit"),
        ('{"text": "a"}'.encode("utf-16"), "not UTF-8"),
    ],
)
def test_what_is_not_json_is_told(ask: Ask, body: bytes, says: str) -> None:
    assert says in refused(ask("POST", "/v1/sentiment", content=body, headers=JSON), 400, "invalid_json")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([], "The body is an array."),
        ("text", "The body is a string."),
        (None, "The body is null."),
        (1.5, "The body is a number."),
        ({}, "Give one of the fields"),
        ({"text": "a", "texts": ["a"]}, "Give one of the fields"),
        ({"text": 1}, "'text' is a number. Give a string."),
        ({"text": None}, "'text' is null."),
        ({"text": ["a"]}, "'text' is an array."),
        ({"texts": "a"}, "'texts' is a string. Give an array"),
        ({"texts": {"a": 1}}, "'texts' is an object."),
        ({"texts": ["a", True]}, "'texts[1]' is true."),
        ({"text": "a", "contributions": "yes"}, "'contributions' is a string. Give true or false."),
        ({"text": "a", "contributions": 1}, "'contributions' is a number."),
        ({"text": "a", "colour": 1}, "The field 'colour' is unknown. There are: text, texts, contributions."),
        ({"text": "a", "\n" * 500: 1}, "is unknown"),
    ],
)
def test_what_is_no_question_is_told(ask: Ask, content: Any, says: str) -> None:
    response = ask("POST", "/v1/sentiment", content=json.dumps(content), headers=JSON)
    assert says in refused(response, 422, "invalid_request")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": ""},
        {"Content-Type": "application/json; charset=latin-1"},
        {**JSON, "Content-Encoding": "gzip"},
    ],
)
def test_other_types_are_refused(ask: Ask, headers: dict[str, str]) -> None:
    response = ask("POST", "/v1/sentiment", content=b'{"text": "a"}', headers=headers)
    refused(response, 415, "unsupported_media_type")


def test_a_type_may_name_its_charset(ask: Ask) -> None:
    headers = {"Content-Type": 'application/json; charset="UTF-8"'}
    assert ask("POST", "/v1/sentiment", content=b'{"text": "a"}', headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"texts": ["a"] * 6}, "6 texts, more than 5."),
        ({"text": "a" * 301}, "Text 0 has 301 characters, more than 300."),
        ({"texts": ["a"] * 3, "contributions": True}, "3 texts, more than 2 with contributions"),
        ({"texts": ["a" * 60] * 2, "contributions": True}, "120 characters, more than 100 with contributions"),
    ],
)
def test_too_much_is_refused(ask_small: Ask, content: Any, says: str) -> None:
    assert says in refused(ask_small("POST", "/v1/sentiment", json=content), 413, "too_large")


async def parts(n: int, taken: list[int]) -> AsyncIterator[bytes]:
    for _ in range(n):
        taken.append(1)
        yield b" " * 1_000


@pytest.mark.parametrize("path", ["/v1/sentiment", "/v1/table"])
def test_a_body_is_refused_while_it_streams_in(ask_small: Ask, path: str) -> None:
    headers = JSON if path == "/v1/sentiment" else CSV
    announced = ask_small("POST", path, content=b" " * 2_001, headers=headers)
    assert "2,000 bytes" in refused(announced, 413, "too_large")
    taken: list[int] = []
    refused(ask_small("POST", path, content=parts(1_000, taken), headers=headers), 413, "too_large")
    assert len(taken) <= 30  # ten times the limit is let by, and httpx may be ahead


def test_bodies_that_wait_are_counted_and_let_go(nlp: Language) -> None:
    app = make_app(nlp, limits=Limits(waiting_bytes=1_500))
    first = asking(app)("POST", "/v1/sentiment", content=b" " * 1_501, headers=JSON)
    refused(first, 503, "busy")
    for _ in range(3):
        assert asking(app)("POST", "/v1/sentiment", json={"text": "a" * 1_000}).status_code == 200


def test_unknown_routes_and_methods_are_told(ask: Ask) -> None:
    refused(ask("GET", "/nothing"), 404, "not_found")
    refused(ask("GET", "/docs"), 404, "not_found")
    refused(ask("GET", "/../setup.cfg"), 404, "not_found")
    response = ask("GET", "/v1/sentiment")
    assert "GET" in refused(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "POST"
    refused(ask("DELETE", "/health"), 405, "method_not_allowed")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
QUESTIONS = st.fixed_dictionaries(
    {},
    optional={
        "text": st.text(st.characters(codec=None)) | VALUES,
        "texts": st.lists(st.text(st.characters(codec=None)), max_size=5) | VALUES,
        "contributions": st.booleans() | VALUES,
        "more": VALUES,
    },
)
BODIES = st.binary() | (VALUES | QUESTIONS).map(json.dumps).map(str.encode)


@settings(max_examples=200)
@given(BODIES)
def test_no_body_makes_the_server_fail(ask: Ask, body: bytes) -> None:
    response = ask("POST", "/v1/sentiment", content=body, headers=JSON)
    assert response.status_code in (200, 400, 422)
    assert response.json().keys() in ({"labels", "results"}, {"error"})


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


# Tables


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
    assert negative < 0.1
    assert negative + positive == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
@pytest.mark.parametrize("type", ["text/csv", "application/jsonl"])
def test_a_csv_holds_no_formulas(ask: Ask, start: str, type: str) -> None:
    cell = f"{start}cmd|' /C calc'!A0, it is good"
    quoted = '"' + cell + '"'
    body = f"text,{start}b\n{quoted},-5\n" if type == "text/csv" else json.dumps({"text": cell, f"{start}b": "-5"})
    if type == "text/csv" and start in "\t\r":
        body = f'text,"{start}b"\n{quoted},-5\n'
    response = ask("POST", "/v1/table?format=csv", content=body.encode(), headers={"Content-Type": type})
    assert response.status_code == 200
    head, row = csv.reader(io.StringIO(response.text, newline=""))
    assert head[:2] == ["text", f"'{start}b"]
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
        (b"text\na\n\xff\n", 422, "the table, line 3: not UTF-8"),
        (b"text,sentiment\na,b\n", 422, "has a column 'sentiment' already"),
        (b"text\n" + b"a\n" * 7, 413, "more than 6 rows"),
        (b"text,a,b,c,d\na\n", 413, "5 columns, more than 4"),
        (b"text\n" + b"a" * 301, 413, "301 characters"),
    ],
)
def test_a_table_that_cannot_be_used_is_told(ask_small: Ask, body: bytes, code: int, says: str) -> None:
    response = ask_small("POST", "/v1/table?format=csv", content=body, headers=CSV)
    assert says in refused(response, code, "invalid_table" if code == 422 else "too_large")


def test_a_table_does_not_grow_without_bound(nlp: Language) -> None:
    ask = asking(make_app(nlp, limits=Limits(body_bytes=2_000)))
    body = b"text" + b",a" * 600 + b"\n" + b"x\n" * 100
    message = refused(ask("POST", "/v1/table?format=csv", content=body, headers=CSV), 413, "too_large")
    assert "longer than 20,000 bytes" in message


def test_other_tables_and_formats_are_refused(ask: Ask) -> None:
    refused(ask("POST", "/v1/table", content=b"", headers=JSON), 415, "unsupported_media_type")
    message = refused(ask("POST", "/v1/table?format=xlsx", content=b"", headers=CSV), 422, "invalid_request")
    assert message.startswith("The parameter 'format'")


# The rest


def test_health_and_the_model_are_told(ask: Ask) -> None:
    assert ask("GET", "/health").json() == {"status": "ok"}
    model = ask("GET", "/v1/model").json()
    assert (model["name"], model["labels"]) == ("en", ["negative", "positive"])
    assert model["limits"]["texts"] == Limits().texts


def test_openapi_describes_the_endpoints(ask: Ask) -> None:
    described = ask("GET", "/openapi.json").json()
    assert described["paths"].keys() == {"/health", "/v1/model", "/v1/sentiment", "/v1/table"}
    sentiment = described["paths"]["/v1/sentiment"]["post"]
    schema = sentiment["requestBody"]["content"]["application/json"]
    assert schema["schema"]["properties"].keys() == {"text", "texts", "contributions"}
    assert sentiment["responses"].keys() == {"200", "400", "413", "415", "422", "503"}
    for example in schema["examples"].values():
        assert ask("POST", "/v1/sentiment", json=example["value"]).status_code == 200
    for type, content in described["paths"]["/v1/table"]["post"]["requestBody"]["content"].items():
        response = ask("POST", "/v1/table", content=content["example"], headers={"Content-Type": type})
        assert len(response.json()["results"]) == 2


def test_answers_have_the_fields_that_openapi_describes(ask: Ask) -> None:
    schemas = ask("GET", "/openapi.json").json()["components"]["schemas"]
    (plain,) = ask("POST", "/v1/sentiment", json={"text": "good"}).json()["results"]
    (explained,) = ask("POST", "/v1/sentiment", json={"text": "good", "contributions": True}).json()["results"]
    assert set(schemas["Result"]["required"]) == plain.keys()
    assert set(schemas["Result"]["properties"]) == explained.keys()
    assert set(schemas["Token"]["properties"]) == explained["tokens"][0].keys()


@pytest.mark.parametrize(
    "path", ["/", "/page.js", "/api.js", "/table.js", "/page.css", "/icon.svg", "/health", "/nothing"]
)
def test_every_answer_has_headers_that_make_browsers_careful(ask: Ask, path: str) -> None:
    headers = ask("GET", path).headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == ("no-store" if path in ("/health", "/nothing") else "no-cache")
    assert "access-control-allow-origin" not in headers


def test_other_origins_may_not_ask(ask: Ask) -> None:
    headers = {"Origin": "https://example.com", "Access-Control-Request-Method": "POST"}
    assert ask("OPTIONS", "/v1/sentiment", headers=headers).status_code == 405


def test_a_fault_of_ours_is_told_as_json(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(nlp)
    monkeypatch.setattr("spacy_trax_sentiment.web.answers.Answering.scores", lambda *_: 1 / 0)
    response = asking(app)("POST", "/v1/sentiment", json={"text": "a"})
    assert "ZeroDivision" not in refused(response, 500, "internal")
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_pipeline_without_the_component_is_refused() -> None:
    with pytest.raises(SentimentError, match="S035"):
        make_app(spacy.blank("en"))

"""`POST /v1/sentiment`: what it answers, and what it refuses."""

import json
import math
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import spacy
from asking import CSV, JSON, QUESTIONS, TEXTS, VALUES, Ask, asking, refused
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language

from spacy_trax_sentiment import TextScorer
from spacy_trax_sentiment.pipelines import load

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from spacy_trax_sentiment.web.app import make_app
from spacy_trax_sentiment.web.limits import Limits


@pytest.mark.parametrize("model", ["en", "en_ternary"])
def test_the_answer_is_what_text_scorer_gives(model: str) -> None:
    answer = asking(make_app(load(model)))("POST", "/v1/sentiment", json={"texts": TEXTS}).json()
    scorer = TextScorer.load(model)
    probabilities = scorer(TEXTS)
    assert answer["labels"] == list(scorer.labels)
    assert [result["label"] for result in answer["results"]] == scorer.predict(TEXTS)
    for result, row in zip(answer["results"], probabilities.astype(float), strict=True):
        assert list(result["probabilities"]) == list(scorer.labels)
        assert list(result["probabilities"].values()) == pytest.approx(row, abs=5e-7)
        assert result["probability"] == result["probabilities"].get(result["label"])
        odds = row[scorer.labels.index("positive")] / row[scorer.labels.index("negative")]
        assert result["log_odds"] == pytest.approx(math.log(odds), abs=1e-6)
        polarity = row[scorer.labels.index("positive")] - row[scorer.labels.index("negative")]
        assert result["polarity"] == pytest.approx(polarity, abs=5e-7)


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


def test_contributions_and_the_bias_sum_to_half_the_log_odds(ask: Ask) -> None:
    (result,) = ask("POST", "/v1/sentiment", json={"text": TEXTS[1], "contributions": True}).json()["results"]
    total = result["bias"]["positive"] + sum(token["contributions"]["positive"] for token in result["tokens"])
    assert 2 * total == pytest.approx(result["log_odds"], abs=1e-5)
    plain = ask("POST", "/v1/sentiment", json={"text": TEXTS[1]}).json()["results"][0]
    assert plain["log_odds"] == pytest.approx(result["log_odds"], abs=1e-4)


def test_the_vocabulary_forgets_the_words_of_explained_texts(nlp: Language, ask: Ask) -> None:
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


def test_threads_may_share_an_application(nlp: Language) -> None:
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
    slow.add_pipe("merge_entities")  # changes tokens, so chunks cannot be cached
    slow.add_pipe("trax_sentiment")
    ask = asking(make_app(slow))
    answer = ask("POST", "/v1/sentiment", json={"texts": TEXTS}).json()
    np.testing.assert_allclose(
        [list(result["probabilities"].values()) for result in answer["results"]], TextScorer(nlp)(TEXTS), atol=1e-6
    )


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "EOF while parsing a value at line 1 column 0"),
        (b"{", "line 1 column 1"),
        (b'{"text": "a"} x', "trailing characters at line 1 column 15"),
        (b"[" * 100_000, "recursion limit exceeded"),
        (b'{"text": ' + b'{"a":' * 100_000, "recursion limit exceeded"),
        (b'{"text": NaN}', "column 10"),
        (b'{"text": -Infinity}', "invalid number"),
        (b'{"text": "\\ud800", "contributions": NaN}', "expected value"),
        (b'{"text": "\\ud800"', "Expecting ',' delimiter"),
        (b'["\\ud800", ' + b"[" * 100_000, "recursion"),
        (b'{"text": "\xff"}', "invalid unicode code point at line 1 column 11"),
        (b'{"text": ' + b"9" * 5_000 + b"}", "number out of range"),
        ('{"text": "a"}'.encode("utf-16"), "not JSON in UTF-8"),
    ],
)
def test_a_body_that_is_not_json_is_refused(ask: Ask, body: bytes, says: str) -> None:
    assert says in refused(ask("POST", "/v1/sentiment", content=body, headers=JSON), 400, "invalid_json")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([], "Send an object"),
        ("text", "Send an object"),
        (None, "Send an object"),
        (1.5, "Send an object"),
        ({}, "Give one of the fields"),
        ({"text": "a", "texts": ["a"]}, "Give one of the fields"),
        ({"text": 1}, "'text': Input should be a valid string."),
        ({"text": None}, "'text': Input should be a valid string."),
        ({"text": ["a"]}, "'text': Input should be a valid string."),
        ({"texts": "a"}, "'texts': Input should be a valid list."),
        ({"texts": {"a": 1}}, "'texts': Input should be a valid list."),
        ({"texts": ["a", True]}, "'texts[1]': Input should be a valid string."),
        ({"text": "a", "contributions": "yes"}, "'contributions': Input should be a valid boolean."),
        ({"text": "a", "contributions": 1}, "'contributions': Input should be a valid boolean."),
        (
            {"text": "a", "colour": 1},
            "'colour': There is no such field. The fields are text, texts, contributions, targets.",
        ),
        ({"text": "a", "\n" * 500: 1}, "There is no such field"),
    ],
)
def test_json_that_is_no_question_is_refused(ask: Ask, content: Any, says: str) -> None:
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


def test_a_content_type_may_name_its_charset(ask: Ask) -> None:
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
    assert len(taken) <= 30  # ten times the limit is drained, and httpx may be ahead


def test_waiting_bodies_are_counted_until_they_are_answered(nlp: Language) -> None:
    app = make_app(nlp, limits=Limits(waiting_bytes=1_500))
    first = asking(app)("POST", "/v1/sentiment", content=b" " * 1_501, headers=JSON)
    refused(first, 503, "busy")
    for _ in range(3):
        assert asking(app)("POST", "/v1/sentiment", json={"text": "a" * 1_000}).status_code == 200


BODIES = st.binary() | (VALUES | QUESTIONS).map(json.dumps).map(str.encode)


@settings(max_examples=200)
@given(BODIES)
def test_no_body_makes_the_server_fail(ask: Ask, body: bytes) -> None:
    response = ask("POST", "/v1/sentiment", content=body, headers=JSON)
    assert response.status_code in (200, 400, 422)
    assert response.json().keys() in ({"labels", "results"}, {"error"})


def test_a_question_of_a_million_faults_has_one_answer() -> None:
    from pydantic import ValidationError

    from spacy_trax_sentiment.web.answers import parse_question
    from spacy_trax_sentiment.web.limits import Limits, RefusedError
    from spacy_trax_sentiment.web.schema import Question

    with pytest.raises(ValidationError) as caught:
        Question.model_validate({"text": "a", "targets": [[0] * 10_000] * 2})
    assert caught.value.error_count() == 1
    fields = ", ".join(f'"{i}": 0' for i in range(10_000))
    with pytest.raises(RefusedError, match="There is no such field") as refused:
        parse_question(f'{{"text": "a", {fields}}}'.encode(), Limits())
    assert len(str(refused.value)) < 200

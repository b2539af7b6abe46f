"""The application beside its endpoints: routes, headers, the description and the page that shows it."""

import asyncio
import html
import re
import threading
from typing import Any

import pytest
import spacy
from asking import Ask, asking, refused
from spacy.language import Language

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.pipelines import load
from spacy_trax_sentiment.text.labels import Scored

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from spacy_trax_sentiment.web.answers import Answering
from spacy_trax_sentiment.web.app import make_app
from spacy_trax_sentiment.web.limits import Limits
from spacy_trax_sentiment.web.schema import Question


def test_unknown_routes_and_methods_are_refused(ask: Ask) -> None:
    refused(ask("GET", "/nothing"), 404, "not_found")
    refused(ask("GET", "/../setup.cfg"), 404, "not_found")
    response = ask("GET", "/v1/sentiment")
    assert "GET" in refused(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "POST"
    refused(ask("DELETE", "/health"), 405, "method_not_allowed")


def test_health_and_the_model(ask: Ask) -> None:
    assert ask("GET", "/health").json() == {"status": "ok"}
    model = ask("GET", "/v1/model").json()
    assert (model["name"], model["labels"]) == ("en", ["negative", "positive"])
    assert model["limits"]["texts"] == Limits().texts


def test_openapi_describes_the_endpoints(ask: Ask) -> None:
    described = ask("GET", "/openapi.json").json()
    assert described["paths"].keys() == {"/health", "/v1/model", "/v1/sentiment", "/v1/table"}
    sentiment = described["paths"]["/v1/sentiment"]["post"]
    schema = sentiment["requestBody"]["content"]["application/json"]
    assert schema["schema"]["properties"].keys() == {"text", "texts", "contributions", "targets"}
    assert sentiment["responses"].keys() == {"200", "400", "413", "415", "422", "503"}
    for example in schema["examples"].values():
        expected = 422 if "targets" in example["value"] else 200  # this model cannot score targets
        assert ask("POST", "/v1/sentiment", json=example["value"]).status_code == expected
    for type, content in described["paths"]["/v1/table"]["post"]["requestBody"]["content"].items():
        response = ask("POST", "/v1/table", content=content["example"], headers={"Content-Type": type})
        assert len(response.json()["results"]) == 2


def test_docs_show_all_that_openapi_describes_without_a_script(ask: Ask) -> None:
    described = ask("GET", "/openapi.json").json()
    page = ask("GET", "/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.search(r"<script|<img|(src|href)=.?(https?:)?//", page.text)
    for path in described["paths"]:
        assert f"{path}</code>" in page.text
    for name in ("Result", "Token", "ErrorDetail"):
        for field, schema in described["components"]["schemas"][name]["properties"].items():
            assert f"<code>{field}</code>" in page.text
            assert schema.get("description", "") in html.unescape(page.text)
    assert "number by label" in page.text
    assert "list of Token" in page.text


def test_answers_have_the_fields_that_openapi_describes(ask: Ask) -> None:
    schemas = ask("GET", "/openapi.json").json()["components"]["schemas"]
    (plain,) = ask("POST", "/v1/sentiment", json={"text": "good"}).json()["results"]
    (explained,) = ask("POST", "/v1/sentiment", json={"text": "good", "contributions": True}).json()["results"]
    assert set(schemas["Result"]["required"]) == plain.keys()
    assert set(schemas["Result"]["properties"]) == explained.keys() | {"targets"}
    assert set(schemas["Token"]["properties"]) == explained["tokens"][0].keys()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/docs",
        "/page.js",
        "/api.js",
        "/target.js",
        "/table.js",
        "/columns.js",
        "/page.css",
        "/icon.svg",
        "/health",
        "/nothing",
    ],
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


def test_an_internal_error_is_answered_as_json(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(nlp)
    monkeypatch.setattr("spacy_trax_sentiment.web.answers.Answering.scored", lambda *_: 1 / 0)
    response = asking(app)("POST", "/v1/sentiment", json={"text": "a"})
    assert "ZeroDivision" not in refused(response, 500, "internal")
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_pipeline_without_the_component_is_refused() -> None:
    with pytest.raises(SentimentError, match="S035"):
        make_app(spacy.blank("en"))


def test_health_can_be_asked_by_head(ask: Ask) -> None:
    response = ask("HEAD", "/health")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == str(len(ask("GET", "/health").content))


LONG = "A long text of many words. " * 100


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/v1/sentiment", {"json": {"text": LONG}}),
        ("/v1/sentiment", {"json": {"text": "(" * 200}}),
        ("/v1/sentiment", {"json": {"texts": ["short"] * 100}}),
        ("/v1/sentiment", {"json": {"texts": [LONG] * 100}}),
        ("/v1/table", {"content": "text\nshort\n", "headers": {"Content-Type": "text/csv"}}),
    ],
)
def test_the_server_answers_others_while_it_scores(
    nlp: Language, path: str, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, answered = make_app(nlp), threading.Event()
    score = Answering.scored

    def scored(self: Answering, texts: list[str]) -> Scored:
        assert answered.wait(30), "nothing else was answered meanwhile"
        return score(self, texts)

    monkeypatch.setattr(Answering, "scored", scored)

    import httpx

    async def ask_both() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            scoring = asyncio.create_task(client.post(path, **asked))
            await asyncio.sleep(0.1)
            health = await client.get("/health")
            answered.set()
            return [health.status_code, (await scoring).status_code]

    assert asyncio.run(ask_both()) == [200, 200]


def test_only_short_texts_are_scored_where_others_wait() -> None:
    additive, encoder = Answering(load("en")), Answering(load("en_trf"))
    for texts in ([], [""], ["I love it"], ["not good at all, sorry :("] * 10):
        assert additive.is_quick(Question(texts=texts))
        assert not encoder.is_quick(Question(texts=texts))
        assert not additive.is_quick(Question(texts=texts, contributions=True))
    for texts in ([LONG], ["a"] * 1000, ["(" * 100], ["a" * 100], ["( " * 300], ["é " * 300]):
        assert not additive.is_quick(Question(texts=texts))


@pytest.mark.parametrize("text", ["(" * 20_000, "😀" * 20_000, ":)" * 10_000, "good" + "!" * 20_000])
def test_long_chunks_of_punctuation_are_answered(ask: Ask, text: str) -> None:
    for contributions in (False, True):
        response = ask("POST", "/v1/sentiment", json={"text": text, "contributions": contributions})
        assert response.status_code == 200
    tokens = response.json()["results"][0]["tokens"]
    assert "".join(token["text"] for token in tokens) == text


def test_the_server_explains_fewer_texts_by_the_encoder() -> None:
    ask = asking(make_app(load("en_trf")))
    limits = ask("GET", "/v1/model").json()["limits"]
    assert (
        limits["explained_texts"] < asking(make_app(load("en")))("GET", "/v1/model").json()["limits"]["explained_texts"]
    )
    texts = ["good"] * (limits["explained_texts"] + 1)
    assert ask("POST", "/v1/sentiment", json={"texts": texts, "contributions": True}).status_code == 413
    assert ask("POST", "/v1/sentiment", json={"texts": texts}).status_code == 200


def test_the_server_answers_by_a_cascade_and_explains() -> None:
    nlp = load("en_auto")
    ask, texts = asking(make_app(load("en_auto"))), ["I love it so much!", "It is not bad.", ""]
    for contributions in (False, True):
        answer = ask("POST", "/v1/sentiment", json={"texts": texts, "contributions": contributions}).json()
        for text, result in zip(texts, answer["results"], strict=True):
            assert result["probabilities"] == pytest.approx(nlp(text).cats, abs=1e-5)
            assert contributions == ("tokens" in result)

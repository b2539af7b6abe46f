"""The application beside its endpoints: routes, headers, the description and the page that shows it."""

import html
import re

import pytest
import spacy
from asking import Ask, asking, refused
from spacy.language import Language

from spacy_trax_sentiment.errors import SentimentError
from spacy_trax_sentiment.pipelines import load

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from spacy_trax_sentiment.web.answers import Answering
from spacy_trax_sentiment.web.app import make_app
from spacy_trax_sentiment.web.limits import Limits


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
    assert schema["schema"]["properties"].keys() == {"text", "texts", "contributions"}
    assert sentiment["responses"].keys() == {"200", "400", "413", "415", "422", "503"}
    for example in schema["examples"].values():
        assert ask("POST", "/v1/sentiment", json=example["value"]).status_code == 200
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
    assert set(schemas["Result"]["properties"]) == explained.keys()
    assert set(schemas["Token"]["properties"]) == explained["tokens"][0].keys()


@pytest.mark.parametrize(
    "path",
    ["/", "/docs", "/page.js", "/api.js", "/table.js", "/columns.js", "/page.css", "/icon.svg", "/health", "/nothing"],
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


def test_the_server_does_not_run_the_encoder_where_it_would_keep_others_waiting() -> None:
    assert Answering(load("en")).is_quick
    assert not Answering(load("en_trf")).is_quick


def test_the_server_explains_fewer_texts_by_the_encoder() -> None:
    ask = asking(make_app(load("en_trf")))
    limits = ask("GET", "/v1/model").json()["limits"]
    assert (
        limits["explained_texts"] < asking(make_app(load("en")))("GET", "/v1/model").json()["limits"]["explained_texts"]
    )
    texts = ["good"] * (limits["explained_texts"] + 1)
    assert ask("POST", "/v1/sentiment", json={"texts": texts, "contributions": True}).status_code == 413
    assert ask("POST", "/v1/sentiment", json={"texts": texts}).status_code == 200

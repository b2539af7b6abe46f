"""`POST /v1/sentiment` with targets: what the texts express toward parts of them."""

from typing import Any

import pytest
from asking import JSON, Ask, asking, refused
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language

from spacy_trax_sentiment import TextScorer

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

TEXT = "good film, awful smile"


@pytest.fixture(scope="module")
def ask_targets(tiny_targets: Language) -> Ask:
    from spacy_trax_sentiment.web.app import make_app
    from spacy_trax_sentiment.web.limits import Limits

    return asking(make_app(tiny_targets, limits=Limits(texts=5)))


def test_each_target_has_a_result(ask_targets: Ask, tiny_targets: Language) -> None:
    texts, targets = [TEXT, "😀 good film", "good"], [[[5, 9], [17, 22]], [[7, 11]], []]
    answer = ask_targets("POST", "/v1/sentiment", json={"texts": texts, "targets": targets}).json()
    labels = [[each["label"] for each in result["targets"]] for result in answer["results"]]
    assert (labels[0], labels[2]) == (["positive", "negative"], [])
    expected = (
        TextScorer(tiny_targets).predict_proba(texts, [[tuple(each) for each in some] for some in targets]).values
    )
    found = [each for result in answer["results"] for each in result["targets"]]
    assert [[each["start"], each["end"]] for each in found] == [span for some in targets for span in some]
    for each, row in zip(found, expected, strict=True):
        assert list(each) == ["start", "end", "label", "probability", "probabilities", "polarity"]
        assert list(each["probabilities"].values()) == pytest.approx(row, abs=2e-6)
        assert each["probability"] == max(each["probabilities"].values())
        polarity = each["probabilities"]["positive"] - each["probabilities"]["negative"]
        assert each["polarity"] == pytest.approx(polarity, abs=2e-6)
    for result in answer["results"]:
        del result["targets"]
    assert answer == ask_targets("POST", "/v1/sentiment", json={"texts": texts}).json()


def test_the_example_of_the_description_is_answered_as_it_describes(ask_targets: Ask) -> None:
    described = ask_targets("GET", "/openapi.json").json()
    body = described["paths"]["/v1/sentiment"]["post"]["requestBody"]["content"]["application/json"]
    answer = ask_targets("POST", "/v1/sentiment", json=body["examples"]["targets"]["value"]).json()
    described = described["components"]["schemas"]["TargetResult"]["properties"]
    assert set(described) == answer["results"][0]["targets"][0].keys()


def test_one_text_has_targets_too_and_contributions_beside_them(ask_targets: Ask) -> None:
    question = {"text": TEXT, "targets": [[[5, 9]]], "contributions": True}
    (result,) = ask_targets("POST", "/v1/sentiment", json=question).json()["results"]
    assert result["targets"][0]["label"] == "positive"
    assert "".join(token["text"] for token in result["tokens"]) == TEXT.replace(" ", "")


@given(start=st.integers(-2, 9), end=st.integers(-2, 9))
@settings(max_examples=30, deadline=None)
def test_a_target_is_a_part_of_its_text(ask_targets: Ask, start: int, end: int) -> None:
    texts = ["film", "a  film"]
    answer = ask_targets("POST", "/v1/sentiment", json={"texts": texts, "targets": [[], [[0, 1], [start, end]]]})
    if 0 <= start < end <= 7 and texts[1][start:end].strip():
        assert len(answer.json()["results"][1]["targets"]) == 2
    else:
        message = refused(answer, 422, "invalid_request")
        assert message.startswith(f"'targets[1][1]': From {start} to {end} is empty, blank or not in text 1,")


@pytest.mark.parametrize(
    ("targets", "status", "message"),
    [
        ([], 422, "There are 1 texts and 0 lists of targets"),
        ([[], []], 422, "There are 1 texts and 2 lists of targets"),
        ([[[0, 1]] * 6], 413, "There are 6 targets, more than 5"),
        ([[[0]]], 422, "'targets[0][0]': "),
        ([[[0, 1, 2]]], 422, "'targets[0][0]': "),
        ([[[0, 1.5]]], 422, "'targets[0][0][1]': "),
        ([[["0", 1]]], 422, "'targets[0][0][0]': "),
        ([[[True, 1]]], 422, "'targets[0][0][0]': "),
        (None, 422, "'targets': "),
        (["film"], 422, "'targets[0]': "),
        ([[[0, 10**30]]], 422, "targets[0][0]"),
    ],
)
def test_other_targets_are_refused(ask_targets: Ask, targets: Any, status: int, message: str) -> None:
    answer = ask_targets("POST", "/v1/sentiment", json={"text": TEXT, "targets": targets})
    assert message in refused(answer, status, "too_large" if status == 413 else "invalid_request")


@given(
    st.lists(
        st.lists(st.lists(st.integers() | st.none() | st.text(max_size=2), max_size=3), max_size=3) | st.none(),
        max_size=3,
    )
)
@settings(max_examples=30, deadline=None)
def test_no_targets_make_the_server_fail(ask_targets: Ask, targets: list[Any]) -> None:
    answer = ask_targets("POST", "/v1/sentiment", json={"texts": [TEXT] * len(targets), "targets": targets})
    assert answer.status_code in (200, 413, 422)


def test_a_model_without_a_target_head_says_so(ask: Ask, ask_targets: Ask) -> None:
    assert ask("GET", "/v1/model").json()["targets"] is False
    assert ask_targets("GET", "/v1/model").json()["targets"] is True
    answer = ask("POST", "/v1/sentiment", json={"texts": [TEXT], "targets": [[[5, 9]]]})
    assert "cannot score targets" in refused(answer, 422, "no_targets")


def test_lone_surrogates_do_not_move_targets(ask_targets: Ask) -> None:
    content = b'{"text": "\\ud800 \\ud83d\\ude00 bad film", "targets": [[[8, 12]]]}'
    question = {"text": "\ufffd 😀 bad film", "targets": [[[8, 12]]]}
    found = ask_targets("POST", "/v1/sentiment", content=content, headers=JSON).json()
    assert found == ask_targets("POST", "/v1/sentiment", json=question).json()

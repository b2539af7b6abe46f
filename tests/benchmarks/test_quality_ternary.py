import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

NEGATIVE, NEUTRAL, POSITIVE = np.eye(3)


@pytest.fixture
def ternary(benchmark_module: Callable[..., ModuleType]) -> ModuleType:
    return benchmark_module("quality_ternary", "vaderSentiment", "textblob", "spacytextblob")


@pytest.fixture
def data(benchmark_module: Callable[..., ModuleType]) -> ModuleType:
    return benchmark_module("quality_data")


def saying(*probabilities: Any) -> Callable[..., Any]:
    """A stand-in for a contender: the same probabilities whatever the texts are."""
    return lambda texts: np.array(probabilities)


def test_dynasent_is_split_by_round(data: ModuleType, tmp_path: Path) -> None:
    rows = [{"text": text, "label": "neutral", "round": n} for text, n in (("a", 2), ("b", 1), ("c", 2))]
    (tmp_path / "dynasent").mkdir()
    (tmp_path / "dynasent" / "dev.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    rounds = data.dynasent_rounds(tmp_path)
    assert {name: [text.text for text in texts] for name, texts in rounds.items()} == {
        "DynaSent dev, round 2": ["a", "c"],
        "DynaSent dev, round 1": ["b"],
    }


def test_cases_are_counted_by_kind_and_bound_the_encoder(
    ternary: ModuleType, data: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = [
        data.Case("irony", "a", "negative"),
        data.Case("irony", "b", "positive"),
        data.Case("slang", "c", "neutral"),
    ]
    contenders = {
        ternary.OURS: saying(POSITIVE, POSITIVE, POSITIVE),
        ternary.TRF: saying(NEGATIVE, NEUTRAL, NEUTRAL),
        "another": saying(NEGATIVE, NEGATIVE, NEGATIVE),
    }
    (bound,) = ternary.measure_cases(contenders, cases)
    assert bound.measured == pytest.approx(2 / 3)
    assert not bound.met
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["irony", "(2)", "1", "1"] in lines
    assert ["slang", "(1)", "0", "1"] in lines
    assert ["all", "(3)", "0.333", "0.667"] in lines


def test_without_an_encoder_nothing_is_bound(ternary: ModuleType, data: ModuleType) -> None:
    contenders = {ternary.OURS: saying(POSITIVE)}
    assert ternary.measure_cases(contenders, [data.Case("slang", "a", "positive")]) == []
    assert ternary.measure_rounds(contenders, {"round 1": [data.LabelledText("a", "positive")]}, 0) == []


def test_each_round_bounds_the_encoder(ternary: ModuleType, data: ModuleType) -> None:
    texts = [data.LabelledText(label, label) for label in data.TERNARY_LABELS]
    contenders = {ternary.OURS: saying(*np.eye(3)), ternary.TRF: saying(NEGATIVE, NEUTRAL, NEUTRAL)}
    (bound,) = ternary.measure_rounds(contenders, {"round 1": texts}, 0)
    assert bound.measured == pytest.approx(2 / 3)
    assert bound.met

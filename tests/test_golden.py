"""Models saved by earlier releases load, and give the same scores as then."""

import json
from pathlib import Path

import pytest
import spacy

from spacy_trax_sentiment.pipelines import load
from spacy_trax_sentiment.storage.sealed import FORMAT_VERSION

GOLDEN = Path(__file__).parent / "data" / "golden"


@pytest.mark.parametrize("version", range(1, FORMAT_VERSION + 1))
def test_a_model_of_each_format_version_loads(version: int) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("trax_sentiment", config={"pretrained": str(GOLDEN / f"v{version}")})
    expected = json.loads((GOLDEN / f"v{version}.json").read_text(encoding="utf-8"))
    assert expected
    for text, cats in expected.items():
        assert nlp(text).cats == pytest.approx(cats, abs=1e-6)


@pytest.mark.parametrize("name", ["pipeline-v1", pytest.param("trax-layer-v1", marks=pytest.mark.slow)])
def test_a_saved_pipeline_loads_and_keeps_its_scores(name: str) -> None:
    if name.startswith("trax-layer"):
        pytest.importorskip("trax")
    nlp = load(GOLDEN / name)
    expected = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    assert expected
    for text, cats in expected.items():
        assert nlp(text).cats == pytest.approx(cats, abs=1e-6)
